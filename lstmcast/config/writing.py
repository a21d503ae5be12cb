"""A config as commented YAML, for a person to change."""

from __future__ import annotations

from collections.abc import Mapping

import yaml

from lstmcast.config.models import Config


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
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10**6)
    return text.removesuffix("...\n").strip()
