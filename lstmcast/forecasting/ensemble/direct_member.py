"""Direct regression on the past, the calendar and covariates, as a member of an ensemble."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.data.time.calendar import Calendar
from lstmcast.data.time.zones import DAY
from lstmcast.forecasting.ensemble.members import MemberForecast
from lstmcast.preprocessing.calendar_features import CalendarFeatures, calendar_features
from lstmcast.preprocessing.day_features import FeatureGroup
from lstmcast.preprocessing.panel_scaling import NO_SPLIT, BoundPanel, Preprocessing, ScalingSpec
from lstmcast.preprocessing.scaling import valid_transforms
from lstmcast.results import MemberName
from lstmcast.statistical import direct_regression
from lstmcast.statistical.direct_regression import MAX_LAGS, Blocks, Drivers, Label
from lstmcast.types import Floats, Ints

WEEKS_OF_YEAR = 52
YEARS = 2  # of days, from which a year can be learned
QUICK_REFIT = 32  # steps, for blocks of one step; origins in other blocks rarely share a fit
QUICK_ROWS = 800  # days
QUICK_LIVES = (120.0,)  # days
DIRECT_WEIGHTS = (0.6, 0.1)  # of regressions with covariates and without
WEIGHT_ALONE = 0.5  # of the regression where there are no covariates
ROBUST = 1.4826  # standard deviation of a normal distribution, in median absolute deviations

HOLIDAY_GROUPS = {FeatureGroup.HOLIDAY, FeatureGroup.HOLIDAY_GROUP, FeatureGroup.HOLIDAY_HOUR}
NO_CHANGE = 1e-9  # z, below which the mean slope of a scale is its derivative


class PartKind(StrEnum):
    """Parts of a forecast."""

    LEVEL = "level and past"
    SEASON = "season and calendar"
    HOLIDAYS = "holidays"
    COVARIATE = "covariate"
    REST = "rest"


class Part(NamedTuple):
    """Part of a forecast; covariates have the name of their column."""

    kind: PartKind
    name: str


LEVEL, SEASON, HOLIDAYS, REST = (
    Part(kind, kind.value) for kind in (PartKind.LEVEL, PartKind.SEASON, PartKind.HOLIDAYS, PartKind.REST)
)


@dataclass(frozen=True)
class DirectParts:
    """Forecast of H steps by a direct regression as a sum, in the unit of the target.

    Attributes:
        parts: [H] each.
        responses: [n, H] by index of a covariate: effects of its values, relative to its mean.
    """

    parts: Mapping[Part, Floats]
    responses: Mapping[int, Floats]


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


def direct_names(panel: Panel) -> tuple[MemberName, ...]:
    """Direct regressions that suit a panel: with covariates if there are any, and for days of two years."""
    has_drivers = panel.covariates is not None or panel.holidays is not None
    layout = BlockLayout.of(panel.calendar)
    has_years = panel.reads_calendar and 0 < YEARS * layout.year <= int(panel.lengths.max())
    return (MemberName.DRIVERS, MemberName.DIRECT) if has_drivers else (MemberName.DIRECT,) if has_years else ()


def direct_weights(names: tuple[MemberName, ...]) -> Floats:
    """Prior weights [K] of direct regressions, in an ensemble of sum 1; past errors of few seasons decide little."""
    return np.array(DIRECT_WEIGHTS[: len(names)] if MemberName.DRIVERS in names else [WEIGHT_ALONE] * len(names))


def direct_preprocessing(preprocessing: Preprocessing, panel: Panel) -> Preprocessing:
    """The scale of direct regressions: logs where all values allow them, or roots; whole series."""
    return replace(
        preprocessing,
        scaling_spec=ScalingSpec(valid_transforms(panel.values)[0]),
        window_spec=replace(preprocessing.window_spec, season_length=panel.calendar.season),
        typical_step=None,
        polyphase=NO_SPLIT,
    )


@dataclass(frozen=True)
class DirectMember:
    """Direct regression in z, fitted to the past of each origin.

    Attributes:
        preprocessing: index of the preprocessing.
        name: with covariates and holidays, or without.
        quick: fit at some origins only, with one memory and fewer rows, to score past forecasts.
    """

    preprocessing: int
    name: MemberName = MemberName.DIRECT
    quick: bool = False

    @property
    def drivers(self) -> bool:
        """True if it reads covariates and holidays."""
        return self.name is MemberName.DRIVERS

    @property
    def scored(self) -> DirectMember:
        """The member that forecasts from past origins."""
        return replace(self, quick=True)

    def required_history(self, preprocessing: Preprocessing) -> int:
        """Past steps of a series that a forecast depends on."""
        return direct_regression.MAX_ROWS * preprocessing.window_spec.season_length

    def forecast(self, bound: BoundPanel, series: Ints, origins: Ints, horizon: int) -> MemberForecast:
        """Forecast [B, H] z."""
        z = np.empty((len(series), horizon))
        layout = BlockLayout.of(bound.panel.calendar)
        for k, fitted_until, rows in self._groups(bound.panel, layout, series, origins):
            z[rows] = self._forecast(bound, layout, k, fitted_until, origins[rows], horizon)
        return MemberForecast(z)

    def _groups(
        self, panel: Panel, layout: BlockLayout, series: Ints, origins: Ints
    ) -> Iterator[tuple[int, int, Ints]]:
        """Series, last fitted step, and the origins [N], as indices, that one fit serves."""
        starts, steps = panel.starts[series], QUICK_REFIT if self.quick and layout.size == 1 else 1
        grid = (starts + origins) // steps * steps - starts
        until = origins + -(-(origins - grid) // layout.size) * -layout.size
        keys = np.stack([series, until])
        distinct, inverse = np.unique(keys, axis=1, return_inverse=True)
        for n, (k, fitted_until) in enumerate(distinct.T.tolist()):
            yield k, fitted_until, np.flatnonzero(inverse.ravel() == n)

    def _forecast(
        self, bound: BoundPanel, layout: BlockLayout, k: int, fitted_until: int, origins: Ints, horizon: int
    ) -> Floats:
        """Forecast [N, H] z of series k from origins [N] by one fit."""
        read = self._read(bound, layout, k, fitted_until, int(origins.max()), horizon)
        rows = (origins + 1 - read.first) // layout.size - 1
        return read.curve.inverse(direct_regression.forecast(read.blocks, rows, horizon))

    def gradient(self, bound: BoundPanel, horizon: int) -> Floats:
        """Jacobian [H, T] of the forecast from the end of the only series of a panel, its coefficients held fixed."""
        read = self._read_last(bound, horizon)
        curve, row = read.curve, read.rows - 1
        bent = direct_regression.forecast(read.blocks, np.array([row]), horizon)[0]
        jacobian = direct_regression.gradient(read.blocks, row, horizon)
        slopes = curve.slope(bound.windows.z[read.first :]) / curve.slope(curve.inverse(bent))[:, None]
        return np.pad(jacobian * slopes, ((0, 0), (read.first, 0)))

    def parts(self, bound: BoundPanel, horizon: int, grids: Mapping[int, Floats]) -> DirectParts:
        """Divide the forecast from the end of the only series of a panel.

        The level is the forecast where all drivers are at their mean. The difference to the whole forecast is
        distributed in proportion to the parts of the drivers on the scale of the regression.

        Args:
            grids: values [n] of covariates whose responses are computed, by index.
        """
        read = self._read_last(bound, horizon)
        found = direct_regression.decompose(read.blocks, read.rows - 1, horizon, grids if self.drivers else {})
        by_part: dict[Part, Floats] = defaultdict(lambda: np.zeros(horizon))
        for label, part in found.parts.items():
            by_part[self._part(bound.panel, label)] += part
        level = by_part.pop(LEVEL)
        total = np.sum([np.zeros(horizon), *by_part.values()], axis=0)

        def value(bent: Floats) -> Floats:
            return np.asarray(bound.inverse_transform(read.curve.inverse(bent)[None], np.zeros(1, dtype=np.int64))[0])

        change = np.where(np.abs(total) > NO_CHANGE, total, NO_CHANGE)
        slope, base = (value(level + change) - value(level)) / change, value(level)
        scaled = {part: slope * effect for part, effect in by_part.items()}
        return DirectParts({LEVEL: base} | scaled, {k: value(level + r) - base for k, r in found.responses.items()})

    def _part(self, panel: Panel, label: Label) -> Part:
        """Part of the forecast of a label."""
        if label.part == "covariate" and panel.covariates is not None:
            return Part(PartKind.COVARIATE, panel.covariates.columns[label.number])
        if label.part != "calendar":
            return LEVEL
        group = self._calendar(panel, panel.starts[:1]).groups[label.number]
        return HOLIDAYS if group in HOLIDAY_GROUPS else SEASON

    def _read_last(self, bound: BoundPanel, horizon: int) -> _ReadSeries:
        """Blocks of the only series, fitted to its end."""
        last = int(bound.panel.lengths[0]) - 1
        return self._read(bound, BlockLayout.of(bound.panel.calendar), 0, last, last, horizon)

    def _read(
        self, bound: BoundPanel, layout: BlockLayout, k: int, fitted_until: int, last: int, horizon: int
    ) -> _ReadSeries:
        """Blocks of series k up to its step `last`, and those of the horizon."""
        panel, size = bound.panel, layout.size
        first = (last + 1) % size
        ahead = -(-horizon // size)
        known = (last + 1 - first) // size
        steps = first + np.arange((known + ahead) * size)
        z = np.full(len(steps), np.nan)
        z[: known * size] = bound.windows.z[bound.windows.offsets[k] + steps[: known * size]]
        fitted = max(0, (fitted_until + 1 - first) // size)
        curve = Bending.of(z[: fitted * size]) if bound.scaling.transform == "none" else Bending()
        observed = np.zeros(len(steps), dtype=np.bool_)
        observed[: known * size] = panel.observed[panel.offsets[k] + steps[: known * size]]
        blocks = Blocks(
            values=curve.forward(z).reshape(-1, size),
            observed=2 * observed.reshape(-1, size).sum(axis=1) > size,
            calendar=self._calendar(panel, panel.starts[k] + steps).values.reshape(len(steps) // size, size, -1),
            drivers=self._drivers(panel, k, panel.starts[k] + steps.reshape(-1, size)),
            season=layout.season,
            year=layout.year,
            fitted=fitted,
            half_lives=self._half_lives(size),
            max_rows=QUICK_ROWS if self.quick and size > 1 else direct_regression.MAX_ROWS,
        )
        return _ReadSeries(blocks, curve, first, known)

    def _half_lives(self, size: int) -> tuple[float, ...]:
        """Memory of the fits to blocks of a size."""
        if not self.quick:
            return direct_regression.HALF_LIVES
        return QUICK_LIVES if size > 1 else direct_regression.HALF_LIVES[:1]

    def _calendar(self, panel: Panel, positions: Ints) -> CalendarFeatures:
        """Calendar features of steps, with the holidays if drivers are read."""
        holidays = panel.holidays if self.drivers else None
        found = calendar_features(panel.calendar, positions, holidays, within_day=False)
        return found if panel.reads_calendar else found.of_groups(HOLIDAY_GROUPS)

    def _drivers(self, panel: Panel, k: int, positions: Ints) -> Drivers:
        """Covariates of blocks [R, b] as known some blocks before; after the horizon, the last ones repeat."""
        covariates = panel.covariates if self.drivers else None
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
class _ReadSeries:
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
