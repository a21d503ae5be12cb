"""Pages of the reference that are generated from the code when the site is built.

A line `<!-- generated: NAME -->` of a page is replaced by the Markdown of the function of that name in `GENERATED`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

_MARK = re.compile(r"^<!-- generated: (\w+) -->$", re.MULTILINE)


def on_page_markdown(markdown: str, **_: object) -> str:
    """Replace the marks of a page (called by mkdocs)."""
    return _MARK.sub(lambda mark: GENERATED[mark[1]](), markdown)


def config_reference() -> str:
    """Every key of a config: tasks, type, default and meaning."""
    from lstmcast.config import CONFIG_TYPES

    schemas = {task: config_type.model_json_schema() for task, config_type in CONFIG_TYPES.items()}
    lines = []
    for section in schemas["value"]["properties"]:
        parts = {
            task: _resolved(schema["properties"][section], schema)
            for task, schema in schemas.items()
            if section in schema["properties"]
        }
        lines += [f"\n## {section}\n\n{_escaped(parts['value'].get('description', ''))}\n"]
        lines += ["| key | tasks | type | default | meaning |", "| --- | --- | --- | --- | --- |"]
        for name in dict.fromkeys(key for part in parts.values() for key in part["properties"]):
            tasks = [task for task, part in parts.items() if name in part["properties"]]
            key, schema = parts[tasks[0]]["properties"][name], schemas[tasks[0]]
            kind = ", ".join(f"`{task}`" for task in tasks) if name == "task" else _type(key, schema)
            owners = "all" if len(tasks) == len(schemas) else ", ".join(tasks)
            row = (f"`{section}.{name}`", owners, kind, f"`{_default(name, key, {})}`", _escaped(key["description"]))
            lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines)


def job_reference() -> str:
    """The keys that a job adds to a config."""
    from lstmcast.config import Job, ValueConfig

    schema = Job.model_json_schema()
    own = {name: part for name, part in schema["properties"].items() if name not in ValueConfig.model_fields}
    return "\n".join(_sections({**schema, "properties": own}, Job(input="data.csv").model_dump(mode="json")))


def metrics_reference() -> str:
    """Names and meanings of the Prometheus metrics."""
    from lstmcast.jobs import prometheus

    rows = [f"| `lstmcast_{name}` | {meaning} |" for name, meaning in prometheus.HELP.items()]
    return "\n".join(["| metric | meaning |", "| --- | --- |", *rows])


def config_list() -> str:
    """The bundled configs with the comment at the top of each."""
    lines = []
    for path in sorted((Path(__file__).parents[1] / "configs").glob("*.yaml")):
        lines += [f"### {path.stem}", "", "```yaml", path.read_text("utf-8").rstrip(), "```", ""]
    return "\n".join(lines)


GENERATED: Mapping[str, Callable[[], str]] = {
    "config_reference": config_reference,
    "job_reference": job_reference,
    "metrics_reference": metrics_reference,
    "config_list": config_list,
}


def _sections(schema: Mapping[str, Any], defaults: Mapping[str, Any]) -> Iterator[str]:
    """A table for the plain keys, and one for each section."""
    parts = {name: _resolved(part, schema) for name, part in schema["properties"].items()}
    plain = {name: part for name, part in parts.items() if "properties" not in part}
    if plain:
        yield from _table("", plain, schema, defaults)
    for name, part in parts.items():
        if name not in plain:
            yield f"\n## {name}\n\n{_escaped(part.get('description', ''))}\n"
            yield from _table(f"{name}.", part["properties"], schema, defaults[name])


def _table(
    prefix: str, keys: Mapping[str, Any], schema: Mapping[str, Any], defaults: Mapping[str, Any]
) -> Iterator[str]:
    yield "| key | type | default | meaning |"
    yield "| --- | --- | --- | --- |"
    for name, key in keys.items():
        part = _resolved(key, schema)
        meaning = _escaped(key.get("description", part.get("description", "")))
        yield f"| `{prefix}{name}` | {_type(part, schema)} | `{_default(name, key, defaults)}` | {meaning} |"


def _escaped(text: str) -> str:
    """Text as a cell of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _default(name: str, key: Mapping[str, Any], defaults: Mapping[str, Any]) -> str:
    """The default as YAML writes it."""
    if "default" not in key:
        return "required"
    return json.dumps(defaults.get(name, key["default"]), ensure_ascii=False).strip('"')


def _resolved(part: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """A part with its reference followed."""
    name = part.get("$ref", "").rpartition("/")[2]
    return {**schema["$defs"][name], **{key: part[key] for key in part if key != "$ref"}} if name else part


def _type(part: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """The type of a key in words: the choices, the range, the items of a list."""
    if "anyOf" in part:
        return " or ".join(dict.fromkeys(_type(_resolved(each, schema), schema) for each in part["anyOf"]))
    if "enum" in part:
        return ", ".join(f"`{value}`" for value in part["enum"])
    if "const" in part:
        return f"`{part['const']}`"
    if part.get("type") == "array":
        return f"list of {_type(_resolved(part.get('items', {}), schema), schema)}"
    if "properties" in part:
        return "`{" + ", ".join(part["properties"]) + "}`"
    words = {"string": "text", "integer": "integer", "number": "number", "boolean": "`true`, `false`", "null": "`null`"}
    text = words.get(part.get("type", ""), "any")
    if examples := part.get("examples"):
        return "span such as " + ", ".join(f"`{example}`" for example in examples)
    limits = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    bounds = [f"{sign} {part[key]:.10g}" for key, sign in limits.items() if key in part]
    return f"{text} {' and '.join(bounds)}".strip()
