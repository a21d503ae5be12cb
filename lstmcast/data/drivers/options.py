"""Settings of covariates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from lstmcast.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

    from lstmcast.data.drivers.holidays import Holidays
    from lstmcast.data.schema import Table

_KEYS = ("known", "past", "static", "calendar", "holidays", "known_as_of", "future")
GIVEN = "given"
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
        future_table: its content.
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
    future_table: Table | None = None
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    dates: Holidays | None = None
    reason: str = GIVEN

    @classmethod
    def of(cls, section: Mapping[str, Any] | None) -> Self:
        """Build from the section `covariates` of a config; None: no covariates."""
        return cls(known=NONE, calendar="none") if section is None else cls().updated(section)

    def updated(self, section: Mapping[str, Any]) -> Self:
        """Return the options with the values of some keys of a section `covariates`.

        Raises:
            ConfigError: an unknown key.
        """
        if unknown := sorted(section.keys() - _KEYS):
            raise ConfigError(f"covariates.{unknown[0]}: unknown key; valid: {', '.join(_KEYS)}")
        return replace(self, **{key: _option(key, value) for key, value in section.items()})

    def without_proposed(self) -> Self:
        """Return the options without known columns that were proposed, and without further proposals."""
        return replace(self, known=NONE, reason=GIVEN)

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


def _option(key: str, value: Any) -> Any:
    """Convert the value of a key: lists to tuples, `auto` to None."""
    if key == "known" and value == "auto":
        return None
    if key in {"known", "past", "static", "holidays"}:
        return (value,) if isinstance(value, str) else tuple(value)
    return value


INFERRED = CovariateOptions()
NO_COVARIATES = CovariateOptions.of(None)
