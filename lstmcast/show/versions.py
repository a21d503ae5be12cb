"""The versions of a model as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lstmcast.errors import ModelError
from lstmcast.show.console import count
from lstmcast.store.artifact import read_manifest
from lstmcast.store.choosing import current_version, versions


@dataclass(frozen=True)
class VersionSummary:
    """A version, and what it says of itself.

    Attributes:
        name: of its folder. current: whether it is in use.
        manifest: None where it is damaged. fault: in what way.
    """

    name: str
    current: bool
    manifest: Mapping[str, Any] | None
    fault: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a program."""
        if self.manifest is None:
            return {"version": self.name, "current": self.current, "fault": self.fault}
        kept = ("created", "scores", "skill", "verdict", "coverage")
        facts = {key: self.manifest[key] for key in kept if key in self.manifest} | {
            "refit": self.manifest.get("refit")
        }
        return {"version": self.name, "current": self.current, "rows": self.manifest["data"]["rows"], **facts}


def list_versions(folder: Path) -> list[VersionSummary]:
    """All versions of a model's folder, the newest last."""
    current = current_version(folder)
    return [_version(path, current=path == current) for path in versions(folder)]


def _version(path: Path, *, current: bool) -> VersionSummary:
    try:
        return VersionSummary(path.name, current, read_manifest(path))
    except ModelError as err:
        return VersionSummary(path.name, current, None, str(err))


def table(folder: Path, found: Sequence[VersionSummary]) -> str:
    """What a person reads: a line each, the current one with a star."""
    lines = [f"{folder}: {count(len(found), 'version')}"]
    lines.append(f"    {'version':27}{'trained (UTC)':18}{'rows':>9}{'MAE':>11}{'MASE':>10}  skill  why")
    lines += [f"  {'*' if version.current else ' '} {version.name:27}{_row(version)}" for version in found]
    if not any(version.current for version in found):
        lines.append("  none is current: lstmcast models rollback makes the newest one so")
    return "\n".join(lines)


def _row(version: VersionSummary) -> str:
    if version.manifest is None:
        return f"damaged: {version.fault}"
    known, ours = version.manifest, version.manifest["scores"]["lstm"]
    trained = known["created"][:16].replace("T", " ")
    why = (known.get("refit") or {}).get("reason", "lstmcast train")
    skill = known["skill"]["value"]
    if "mae" in ours:
        scores = f"{_number(ours['mae']):>11}{_number(ours['mase']):>10}"
    else:  # no values: symbols, labels, yes or no
        scores = f"{'accuracy ' + _number(ours.get('accuracy')):>21}"
    cells = f"{known['data']['rows']:>9,}{scores}"
    return f"{trained:18}{cells}{'–' if skill is None else f'{skill:.0%}':>7}  {why}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"
