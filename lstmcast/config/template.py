"""A config as commented YAML, for a person to change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import yaml
from pydantic import BaseModel

from lstmcast.config.job import Job
from lstmcast.config.loader import PlainLoader
from lstmcast.config.schema import Config, Section


class _Dumper(yaml.SafeDumper):
    """Quotes the text that the loader would take for something else."""

    yaml_implicit_resolvers = PlainLoader.yaml_implicit_resolvers


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    """Text, escaped where it holds what an editor would not show."""
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if text.isprintable() else '"')


_Dumper.add_representer(str, _text)


def to_yaml(value: object, *, inline: bool = False) -> str:
    """A value as the YAML that `load_config` reads back, on one line where `inline`."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, default_flow_style=inline, allow_unicode=True, width=10**6)


def commented(config: Config, found: Mapping[str, object], reasons: Mapping[str, str], data: str) -> str:
    """Every key with its meaning; what was inferred from the file is filled in, with the reason.

    Args:
        config: what the rest is taken from.
        found: dotted key to inferred value, stronger than the config.
        reasons: dotted key to why.
        data: the file it was made for.
    """
    lines = [f"# lstmcast train {data} --config THIS_FILE", "# Every key is optional; null and auto are inferred."]
    for section in Config.model_fields:
        lines += ["", f"{section}:", *_keys(getattr(config, section), found, reasons, f"{section}.")]
    return "\n".join(lines) + "\n"


def commented_job(job: Job, found: Mapping[str, object], reasons: Mapping[str, str], path: str) -> str:
    """The same for a job, with what is special to it first.

    Args:
        job: what the rest is taken from.
        found: dotted key to inferred value, stronger than the job.
        reasons: dotted key to why.
        path: the file that it is to be.
    """
    own = [name for name in Job.model_fields if name not in Config.model_fields]
    scalar_keys = [name for name in own if not isinstance(getattr(job, name), Section)]
    lines = [
        f"# lstmcast run {path}",
        "# Only input is needed. Relative paths are relative to the folder of this file.",
    ]
    lines += ["", *_keys(job, found, reasons, "", only=scalar_keys)]
    for section in (*(name for name in own if name not in scalar_keys), *Config.model_fields):
        lines += ["", f"{section}:", *_keys(getattr(job, section), found, reasons, f"{section}.")]
    return "\n".join(lines) + "\n"


def _keys(
    part: BaseModel, found: Mapping[str, object], reasons: Mapping[str, str], prefix: str, only: Sequence[str] = ()
) -> Iterator[str]:
    """The lines of a section's keys, each below its meaning."""
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
    """A value on one line of YAML."""
    return to_yaml(value, inline=True).removesuffix("...\n").rstrip("\n")
