"""Direct regression on the past, the calendar and covariates, as a member of an ensemble."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.forecasting.ensemble.direct_blocks import HOLIDAY_GROUPS, BlockLayout, BlockReader
from lstmcast.forecasting.ensemble.members import MemberForecast
from lstmcast.preprocessing.panel_scaling import NO_SPLIT, BoundPanel, Preprocessing, ScalingSpec
from lstmcast.preprocessing.scaling import valid_transforms
from lstmcast.results import MemberName
from lstmcast.statistical import direct_regression
from lstmcast.statistical.direct_features import MAX_ROWS, Label
from lstmcast.types import Floats, Ints

YEARS = 2  # of days, from which a year can be learned
QUICK_REFIT = 32  # steps, for blocks of one step; origins in other blocks rarely share a fit
DIRECT_WEIGHTS = (0.6, 0.1)  # of regressions with covariates and without
WEIGHT_ALONE = 0.5  # of the regression where there are no covariates

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
        return MAX_ROWS * preprocessing.window_spec.season_length

    def forecast(self, bound: BoundPanel, series: Ints, origins: Ints, horizon: int) -> MemberForecast:
        """Forecast [B, H] z."""
        z, reader = np.empty((len(series), horizon)), self._reader(bound, horizon)
        for k, fitted_until, group in self._groups(bound.panel, reader.layout, series, origins):
            read = reader.read(k, fitted_until, int(origins[group].max()))
            rows = (origins[group] + 1 - read.first) // reader.layout.size - 1
            z[group] = read.curve.inverse(direct_regression.forecast(read.blocks, rows, horizon))
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

    def gradient(self, bound: BoundPanel, horizon: int) -> Floats:
        """Jacobian [H, T] of the forecast from the end of the only series of a panel, its coefficients held fixed."""
        read = self._reader(bound, horizon).read_last()
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
        reader = self._reader(bound, horizon)
        read = reader.read_last()
        found = direct_regression.decompose(read.blocks, read.rows - 1, horizon, grids if self.drivers else {})
        by_part: dict[Part, Floats] = defaultdict(lambda: np.zeros(horizon))
        for label, part in found.parts.items():
            by_part[self._part(reader, label)] += part
        level = by_part.pop(LEVEL)
        total = np.sum([np.zeros(horizon), *by_part.values()], axis=0)

        def value(bent: Floats) -> Floats:
            return np.asarray(bound.inverse_transform(read.curve.inverse(bent)[None], np.zeros(1, dtype=np.int64))[0])

        change = np.where(np.abs(total) > NO_CHANGE, total, NO_CHANGE)
        slope, base = (value(level + change) - value(level)) / change, value(level)
        scaled = {part: slope * effect for part, effect in by_part.items()}
        return DirectParts({LEVEL: base} | scaled, {k: value(level + r) - base for k, r in found.responses.items()})

    def _part(self, reader: BlockReader, label: Label) -> Part:
        """Part of the forecast of a label."""
        covariates = reader.bound.panel.covariates
        if label.part == "covariate" and covariates is not None:
            return Part(PartKind.COVARIATE, covariates.columns[label.number])
        if label.part != "calendar":
            return LEVEL
        return HOLIDAYS if reader.calendar.groups[label.number] in HOLIDAY_GROUPS else SEASON

    def _reader(self, bound: BoundPanel, horizon: int) -> BlockReader:
        """The reader of a panel."""
        return BlockReader(bound, self.drivers, self.quick, horizon)
