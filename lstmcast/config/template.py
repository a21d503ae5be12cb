"""Commented YAML of a config or a job, as a template."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import yaml
from pydantic import BaseModel

from lstmcast.config.job import AnyJob
from lstmcast.config.loader import PlainLoader
from lstmcast.config.schema import Config, Section


class _Dumper(yaml.SafeDumper):
    """Dumper that quotes text which the loader would not read as text."""

    yaml_implicit_resolvers = PlainLoader.yaml_implicit_resolvers


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    """Represent text, escaped if it contains unprintable characters."""
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if text.isprintable() else '"')


_Dumper.add_representer(str, _text)


def to_yaml(value: object, *, inline: bool = False) -> str:
    """Format a value as YAML that `load_config` can read, on one line if `inline`."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, default_flow_style=inline, allow_unicode=True, width=10**6)


def commented(config: Config, found: Mapping[str, object], reasons: Mapping[str, str], data: str) -> str:
    """Format every key with its description; inferred values are filled in with their reasons.

    Args:
        config: values of the other keys.
        found: dotted key to inferred value, which wins over the config.
        reasons: dotted key to the reason of an inferred value.
        data: the file.
    """
    lines = [f"# lstmcast train {data} --config THIS_FILE", "# Every key is optional; null and auto are inferred."]
    for section in type(config).model_fields:
        lines += ["", f"{section}:", *_keys(getattr(config, section), found, reasons, f"{section}.")]
    return "\n".join(lines) + "\n"


def commented_job(job: AnyJob, found: Mapping[str, object], reasons: Mapping[str, str], path: str) -> str:
    """Format a job like `commented`, with the keys that only jobs have first.

    Args:
        job: values of the other keys.
        found: dotted key to inferred value, which wins over the job.
        reasons: dotted key to the reason of an inferred value.
        path: the file to be written.
    """
    of_config = [name for name in type(job).model_fields if name in {*Config.model_fields, "covariates"}]
    own = [name for name in type(job).model_fields if name not in of_config]
    scalar_keys = [name for name in own if not isinstance(getattr(job, name), Section)]
    lines = [
        f"# lstmcast run {path}",
        "# Only input is required. Relative paths are relative to the folder of this file.",
    ]
    lines += ["", *_keys(job, found, reasons, "", only=scalar_keys)]
    for section in (*(name for name in own if name not in scalar_keys), *of_config):
        lines += ["", f"{section}:", *_keys(getattr(job, section), found, reasons, f"{section}.")]
    return "\n".join(lines) + "\n"


def _keys(
    part: BaseModel, found: Mapping[str, object], reasons: Mapping[str, str], prefix: str, only: Sequence[str] = ()
) -> Iterator[str]:
    """Yield the lines of the keys of a section, each below its description."""
    indent, values = "  " if prefix else "", part.model_dump(mode="json")
    for name, field in type(part).model_fields.items():
        if only and name not in only:
            continue
        key = f"{prefix}{name}"
        value = found.get(key, values[name])
        yield f"{indent}# {field.description}"
        if key in found and key in reasons and value not in (None, []):
            yield f"{indent}# Here: {reasons[key]}."
        yield f"{indent}{name}: {_inline(value)}"


def _inline(value: object) -> str:
    """Format a value on one line of YAML."""
    return to_yaml(value, inline=True).removesuffix("...\n").rstrip("\n")
