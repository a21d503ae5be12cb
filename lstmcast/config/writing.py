"""A config as commented YAML, for a person to change."""

from __future__ import annotations

from collections.abc import Mapping

import yaml

from lstmcast.config.loading import PlainLoader
from lstmcast.config.models import Config


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
        part = getattr(config, section)
        lines += ["", f"{section}:"]
        for name, field in type(part).model_fields.items():
            key = f"{section}.{name}"
            value = found.get(key, getattr(part, name))
            lines.append(f"  # {field.description}")
            if key in found and key in reasons and value not in (None, []):
                lines.append(f"  # Here: {reasons[key]}.")
            lines.append(f"  {name}: {_inline(value)}")
    return "\n".join(lines) + "\n"


def _inline(value: object) -> str:
    """A value on one line of YAML."""
    return to_yaml(value, inline=True).removesuffix("...\n").rstrip("\n")
