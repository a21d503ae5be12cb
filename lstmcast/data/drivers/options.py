"""Settings of covariates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import pandas as pd

    from lstmcast.data.drivers.holidays import Holidays

NONE = ("none",)  # known columns of a file without covariates


@dataclass(frozen=True)
class CovariateOptions:
    """Settings with the keys of the config section `covariates`.

    Attributes:
        known: columns known ahead; None: those with values after the last target value.
        past: columns known until the origin.
        static: columns with one value for each series.
        calendar: calendar features: `auto` or `none`.
        holidays: codes of countries with subdivisions (DE-BY), or files of events.
        known_as_of: the column of the time at which a row was known.
        future: a file or a DataFrame with values ahead.
        levels: categories of each text column of training; empty: those of the file.
        dates: holidays of a model, which are not loaded again; None: of the codes.
        reason: why the known columns are known.
    """

    known: tuple[str, ...] | None = None
    past: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    calendar: str = "auto"
    holidays: tuple[str, ...] = ()
    known_as_of: str | None = None
    future: str | Path | pd.DataFrame | None = None
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    dates: Holidays | None = None
    reason: str = "given"

    @classmethod
    def of(cls, section: Mapping[str, Any] | None) -> Self:
        """Build from the section `covariates` of a config; None: no covariates."""
        if section is None:
            return cls(known=NONE, calendar="none")
        known = section.get("known", "auto")
        lists = {name: tuple(section.get(name, ())) for name in ("past", "static", "holidays")}
        return cls(**{**section, **lists, "known": None if known == "auto" else tuple(known)})

    @property
    def pins(self) -> list[tuple[str, str]]:
        """Keys and names of the pinned columns of the file."""
        as_of = () if self.known_as_of is None else (self.known_as_of,)
        pinned = {"known": self.pinned_known, "past": self.past, "static": self.static, "known_as_of": as_of}
        return [(f"covariates.{key}", name) for key, names in pinned.items() for name in names]

    @property
    def columns(self) -> tuple[str, ...]:
        """Pinned columns of the file."""
        return tuple(name for _, name in self.pins)

    @property
    def drivers(self) -> tuple[str, ...]:
        """Pinned columns with values of covariates."""
        return (*self.pinned_known, *self.past, *self.static)

    @property
    def pinned_known(self) -> tuple[str, ...]:
        """Pinned columns that are known ahead."""
        return () if self.known is None or self.known == NONE else self.known


INFERRED = CovariateOptions()
NO_COVARIATES = CovariateOptions.of(None)
