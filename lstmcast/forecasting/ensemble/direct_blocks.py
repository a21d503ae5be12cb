"""Series of a panel as rows of blocks, as a direct regression reads them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lstmcast.data.time.calendar import Calendar
from lstmcast.data.time.zones import DAY
from lstmcast.preprocessing.calendar_features import CalendarFeatures, calendar_features
from lstmcast.preprocessing.day_features import FeatureGroup
from lstmcast.preprocessing.panel_scaling import BoundPanel
from lstmcast.statistical.direct_features import HALF_LIVES, MAX_LAGS, MAX_ROWS, Blocks, Drivers
from lstmcast.types import Floats, Ints

WEEKS_OF_YEAR = 52
QUICK_ROWS = 800  # days
QUICK_LIVES = (120.0,)  # days
ROBUST = 1.4826  # standard deviation of a normal distribution, in median absolute deviations

HOLIDAY_GROUPS = {FeatureGroup.HOLIDAY, FeatureGroup.HOLIDAY_GROUP, FeatureGroup.HOLIDAY_HOUR}


@dataclass(frozen=True)
class BlockLayout:
    """Blocks of a calendar: a day of steps shorter than a day, else one step.

    Attributes:
        size: steps of a block.
        season: blocks of a season.
        year: blocks of a year if the season is shorter, else 0.
    """

    size: int
    season: int
    year: int = 0

    @classmethod
    def of(cls, calendar: Calendar) -> BlockLayout:
        """The blocks of a calendar."""
        season = calendar.season
        if calendar.week is not None:
            return cls(season, max(1, calendar.week // season))
        if calendar.kind == "counter" and season > MAX_LAGS:
            return cls(season, 1)
        is_daily = calendar.kind == "fixed" and calendar.step == DAY and 1 < season <= 7
        return cls(1, season, WEEKS_OF_YEAR * season if is_daily else 0)


@dataclass(frozen=True)
class Bending:
    """Area sine of values that may be negative, around their median; a typical deviation is the unit.

    Attributes:
        center: median.
        unit: typical deviation; infinite leaves values as they are.
    """

    center: float = 0.0
    unit: float = np.inf

    @classmethod
    def of(cls, z: Floats) -> Bending:
        """Fit to known values."""
        if not len(z):
            return cls()
        center = float(np.median(z))
        deviation = ROBUST * float(np.median(np.abs(z - center)))
        return cls(center, deviation) if deviation > 0 else cls()

    def forward(self, z: Floats) -> Floats:
        """Bend values."""
        return z if np.isinf(self.unit) else np.asarray(np.arcsinh((z - self.center) / self.unit))

    def inverse(self, bent: Floats) -> Floats:
        """The inverse of `forward`."""
        return bent if np.isinf(self.unit) else np.asarray(np.sinh(bent) * self.unit + self.center)

    def slope(self, z: Floats) -> Floats:
        """Derivative of `forward`."""
        return np.asarray(np.ones_like(z) if np.isinf(self.unit) else 1 / np.hypot(self.unit, z - self.center))


@dataclass(frozen=True)
class ReadSeries:
    """One series as a direct regression reads it.

    Attributes:
        blocks: bent z.
        curve: of the bent z.
        first: step of the series at which the blocks begin.
        rows: number of known blocks.
    """

    blocks: Blocks
    curve: Bending
    first: int
    rows: int


@dataclass(frozen=True)
class BlockReader:
    """Reader of the series of a panel.

    Attributes:
        bound: the panel.
        drivers: whether covariates and holidays are read.
        quick: fits with one memory and fewer rows.
        horizon: steps ahead.
    """

    bound: BoundPanel
    drivers: bool
    quick: bool
    horizon: int

    @cached_property
    def layout(self) -> BlockLayout:
        """The blocks of the calendar."""
        return BlockLayout.of(self.bound.panel.calendar)

    def read(self, k: int, fitted_until: int, last: int) -> ReadSeries:
        """Blocks of series k up to its step `last`, fitted up to another step, and those of the horizon."""
        panel, size = self.bound.panel, self.layout.size
        first = (last + 1) % size
        known = (last + 1 - first) // size
        steps = first + np.arange((known + self._ahead) * size)
        z = np.full(len(steps), np.nan)
        z[: known * size] = self.bound.windows.z[self.bound.windows.offsets[k] + steps[: known * size]]
        fitted = max(0, (fitted_until + 1 - first) // size)
        curve = Bending.of(z[: fitted * size]) if self.bound.scaling.transform == "none" else Bending()
        observed = np.zeros(len(steps), dtype=np.bool_)
        observed[: known * size] = panel.observed[panel.offsets[k] + steps[: known * size]]
        rows = panel.starts[k] + steps - self._positions[0]
        blocks = Blocks(
            values=curve.forward(z).reshape(-1, size),
            observed=2 * observed.reshape(-1, size).sum(axis=1) > size,
            calendar=self.calendar.values[rows].reshape(len(steps) // size, size, -1),
            drivers=self._drivers(k, panel.starts[k] + steps.reshape(-1, size)),
            season=self.layout.season,
            year=self.layout.year,
            fitted=fitted,
            half_lives=self._half_lives,
            max_rows=QUICK_ROWS if self.quick and size > 1 else MAX_ROWS,
        )
        return ReadSeries(blocks, curve, first, known)

    def read_last(self) -> ReadSeries:
        """Blocks of the only series, fitted to its end."""
        last = int(self.bound.panel.lengths[0]) - 1
        return self.read(0, last, last)

    @cached_property
    def calendar(self) -> CalendarFeatures:
        """Calendar features of all steps of the panel and those ahead, with the holidays if drivers are read."""
        panel = self.bound.panel
        holidays = panel.holidays if self.drivers else None
        found = calendar_features(panel.calendar, self._positions, holidays, within_day=False)
        return found if panel.reads_calendar else found.of_groups(HOLIDAY_GROUPS)

    @cached_property
    def _positions(self) -> Ints:
        """Calendar positions from the first step of the panel to the last one ahead."""
        panel = self.bound.panel
        return np.arange(panel.starts.min(), panel.ends.max() + 1 + self._ahead * self.layout.size)

    @property
    def _ahead(self) -> int:
        """Blocks of the horizon."""
        return -(-self.horizon // self.layout.size)

    @property
    def _half_lives(self) -> tuple[float, ...]:
        """Memory of the fits."""
        if not self.quick:
            return HALF_LIVES
        return QUICK_LIVES if self.layout.size > 1 else HALF_LIVES[:1]

    def _drivers(self, k: int, positions: Ints) -> Drivers:
        """Covariates of blocks [R, b] as known some blocks before; after the horizon, the last ones repeat."""
        covariates = self.bound.panel.covariates if self.drivers else None
        if covariates is None:
            return lambda _: np.zeros((*positions.shape, 0))
        series, size, horizon = np.full(len(positions), k), positions.shape[1], covariates.horizon

        def known_before(lead: int) -> Floats:
            values = covariates.at(series, positions, positions[:, -1] - lead * size)
            known = size if horizon is None or not lead else horizon - (lead - 1) * size
            if 0 < known < size:
                values[:, known:] = values[:, [known - 1]]
            return values

        return known_before
