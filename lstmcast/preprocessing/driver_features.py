"""Inputs of a network from covariates, holidays and the calendar.

The inputs at step t are the known covariates and the holidays of steps t+1 … t+H, with their differences to one season
and one week before, the past covariates at t, the static ones, and the calendar of step t+1. Covariates are
standardized by the training data; an unknown value or difference is 0. Nothing at step t depends on past covariates
after t, on known ones after t+H, or on revisions after t.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from lstmcast.data.drivers.covariates import Covariates
from lstmcast.data.panel import Panel
from lstmcast.data.time.zones import DAY
from lstmcast.preprocessing.calendar_features import CalendarFeatures, calendar_features
from lstmcast.preprocessing.day_features import FeatureGroup, fourier
from lstmcast.types import Array, Floats, Ints

PAIRS = 2  # of Fourier terms of the day and of the year
HOLIDAYS = ("holiday", "event")  # calendar features that are inputs for all steps ahead
CYCLES = {FeatureGroup.WEEKDAY, FeatureGroup.YEAR}
END_OF_DATA = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Standard:
    """A covariate, with its mean and deviation in the training data."""

    name: str
    mean: float
    deviation: float


@dataclass(frozen=True)
class DriverSpec:
    """Inputs of a network other than past values.

    Attributes:
        horizon: H, steps ahead whose known covariates are inputs.
        back: steps before each of them, to which differences are inputs.
        known, past, static: covariates.
        holidays: features of holidays and events.
        calendar: other calendar features.
    """

    horizon: int
    back: tuple[int, ...]
    known: tuple[Standard, ...]
    past: tuple[Standard, ...]
    static: tuple[Standard, ...]
    holidays: tuple[str, ...]
    calendar: tuple[str, ...]

    @property
    def width(self) -> int:
        """Number of inputs of a step."""
        ahead = (len(self.known) + len(self.holidays)) * (1 + len(self.back)) * self.horizon
        return ahead + len(self.past) + len(self.static) + len(self.calendar)

    @property
    def layout(self) -> tuple[object, ...]:
        """Meaning of the inputs, without their scales."""
        roles = (tuple(each.name for each in role) for role in (self.known, self.past, self.static))
        return (self.horizon, self.back, *roles, self.holidays, self.calendar)

    @classmethod
    def fit(cls, panel: Panel, horizon: int) -> Self | None:
        """Measure the covariates of a panel at its steps; None if it has neither covariates nor holidays."""
        if panel.covariates is None and panel.holidays is None:
            return None
        roles = {} if panel.covariates is None else _standards(panel, panel.covariates)
        names = _calendar_features(panel, panel.starts[:1]).names
        return cls(
            horizon=horizon,
            back=tuple(steps for steps in (panel.calendar.season, panel.calendar.week) if steps and steps > 1),
            known=roles.get("known", ()),
            past=roles.get("past", ()),
            static=roles.get("static", ()),
            holidays=tuple(name for name in names if name in HOLIDAYS),
            calendar=tuple(name for name in names if name not in HOLIDAYS),
        )

    def bind(self, panel: Panel) -> DriverInputs:
        """The inputs of the series of a panel."""
        every = np.arange(panel.n_series)
        first, last = int(panel.starts.min()), int(panel.ends.max()) + 1 + self.horizon
        calendar = _CalendarTable(panel, (*self.calendar, *self.holidays), first, last)
        return DriverInputs(self, panel.covariates, calendar, every, panel.starts, np.full(len(every), END_OF_DATA))

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        known, past, static = (tuple(Standard(**each) for each in facts[role]) for role in ("known", "past", "static"))
        back, holidays, calendar = (tuple(facts[key]) for key in ("back", "holidays", "calendar"))
        return cls(int(facts["horizon"]), back, known, past, static, holidays, calendar)


def _standards(panel: Panel, covariates: Covariates) -> dict[str, tuple[Standard, ...]]:
    """The covariates of a panel by role."""
    owner = np.repeat(np.arange(panel.n_series), panel.lengths)
    steps = panel.starts[owner] + np.arange(len(owner)) - panel.offsets[owner]
    values = covariates.at(owner, steps[:, None], steps)[:, 0]
    found = [_standard(name, column) for name, column in zip(covariates.names, values.T, strict=True)]
    roles = {"known": covariates.known & ~covariates.static, "past": ~covariates.known, "static": covariates.static}
    return {role: tuple(found[k] for k in np.flatnonzero(mask)) for role, mask in roles.items()}


def _standard(name: str, values: Floats) -> Standard:
    """Mean and deviation of the known values; 0 and 1 if there are none, and 1 for a constant."""
    known = values[~np.isnan(values)]
    mean, deviation = (float(known.mean()), float(known.std())) if len(known) else (0.0, 1.0)
    return Standard(name, mean, deviation or 1.0)


@dataclass(frozen=True)
class DriverInputs:
    """Inputs of the S series of windows.

    Attributes:
        spec: their meaning.
        covariates: the values; None if the data have none.
        calendar: the calendar features.
        series: [S] index of the series among the covariates.
        starts: [S] calendar position of step 0.
        cutoffs: [S] calendar position after which past covariates and revisions are unknown.
    """

    spec: DriverSpec
    covariates: Covariates | None
    calendar: _CalendarTable
    series: Ints
    starts: Ints
    cutoffs: Ints

    def take(self, series: Ints, starts: Ints, cutoffs: Ints) -> DriverInputs:
        """Select [B] series, with new first steps and cutoffs, counted from the first steps of these."""
        first = self.starts[series]
        cutoffs = np.minimum(first + cutoffs, self.cutoffs[series])
        return replace(self, series=self.series[series], starts=first + starts, cutoffs=cutoffs)

    def at(self, series: Ints, starts: Ints, steps: int) -> Array:
        """Gather the inputs [B, steps, F'] of `steps` steps from `starts` on."""
        now = (self.starts[series] + starts)[:, None] + np.arange(steps)
        origins, owner = np.minimum(now, self.cutoffs[series][:, None]), self.series[series]
        calendar = self.calendar.at(now + 1)[..., : len(self.spec.calendar)]
        parts = [self._ahead(owner, now, origins), self._now(owner, origins), calendar]
        return np.concatenate(parts, axis=2, dtype=np.float32)

    def _now(self, series: Ints, origins: Ints) -> Floats:
        """[B, L, P] past and static covariates at origins [B, L]."""
        flat = origins.ravel()
        columns = (*self.spec.past, *self.spec.static)
        values = self._standardized(np.repeat(series, origins.shape[1]), flat[:, None], flat, columns)
        return values.reshape(*origins.shape, -1)

    def _ahead(self, series: Ints, now: Ints, origins: Ints) -> Floats:
        """[B, L, k · H] known covariates and holidays of the steps after `now`, as known at origins [B, L]."""
        batch, steps, horizon = *now.shape, self.spec.horizon
        if self.covariates is None or self.covariates.versions is None:  # steps share the values ahead of them
            positions = now[:, :1] + np.arange(1, steps + horizon)
            ahead = _views(self._levels(series, positions, origins[:, -1]), horizon)  # [B, L, k, H]
        else:
            positions = now.reshape(-1, 1) + np.arange(1, horizon + 1)
            ahead = self._levels(np.repeat(series, steps), positions, origins.ravel()).swapaxes(1, 2)
        return ahead.reshape(batch, steps, -1)

    def _levels(self, series: Ints, positions: Ints, origins: Ints) -> Floats:
        """[B, P, k] known covariates and holidays at positions [B, P], and their differences; see `_standardized`."""
        each = [self._level(series, positions - back, origins) for back in (0, *self.spec.back)]
        level = each[0]
        return np.asarray(np.nan_to_num(np.concatenate([level, *(level - before for before in each[1:])], axis=2)))

    def _level(self, series: Ints, positions: Ints, origins: Ints) -> Floats:
        """[B, P, k] known covariates, NaN if unknown, and holidays."""
        known = self._standardized(series, positions, origins, self.spec.known, unknown=np.nan)
        if not self.spec.holidays:
            return known
        return np.concatenate([known, self.calendar.at(positions)[..., len(self.spec.calendar) :]], axis=2)

    def _standardized(
        self, series: Ints, positions: Ints, origins: Ints, columns: Sequence[Standard], *, unknown: float = 0.0
    ) -> Floats:
        """[B, P, k] covariates at positions [B, P] as known at origins [B]."""
        if self.covariates is None or not columns:
            return np.full((*positions.shape, len(columns)), unknown)
        values = self.covariates.at(series, positions, origins)
        names = self.covariates.names
        index = [names.index(each.name) if each.name in names else -1 for each in columns]
        values = np.where(np.array(index) < 0, np.nan, values[..., index])
        means, deviations = (np.array([getattr(each, key) for each in columns]) for key in ("mean", "deviation"))
        return np.asarray(np.nan_to_num((values - means) / deviations, nan=unknown))


@dataclass(frozen=True)
class _CalendarTable:
    """Calendar features of the steps of a panel; steps outside of it are computed when needed.

    Attributes:
        panel: with calendar and holidays.
        names: [C] the features.
        first, last: calendar positions of the table.
    """

    panel: Panel = field(repr=False)
    names: tuple[str, ...]
    first: int
    last: int

    def at(self, positions: Ints) -> Floats:
        """[…, C] features at positions […]; those before the first are like the first."""
        positions = np.maximum(positions, self.first)
        if positions.max(initial=self.first) <= self.last:
            return np.asarray(self._rows[positions - self.first])
        return self._features(positions.ravel()).reshape(*positions.shape, -1)

    @cached_property
    def _rows(self) -> Floats:
        """[last − first + 1, C]."""
        return self._features(np.arange(self.first, self.last + 1))

    def _features(self, positions: Ints) -> Floats:
        return _calendar_features(self.panel, positions).aligned(self.names)


def _calendar_features(panel: Panel, positions: Ints) -> CalendarFeatures:
    """Weekday, holiday, and waves of the day and of the year at positions [P]."""
    calendar = panel.calendar
    found = calendar_features(calendar, positions, panel.holidays, within_day=False, pairs=PAIRS)
    cycles = CYCLES if panel.reads_calendar else set()
    kept = [k for k, name in enumerate(found.names) if found.groups[k] in cycles or name in HOLIDAYS]
    waves: list[Floats] = []
    if panel.reads_calendar and calendar.kind == "fixed" and calendar.step < DAY:
        waves = fourier(calendar.wall(positions).astype(np.int64) % DAY / DAY, PAIRS)
    names = [f"day {wave} {k + 1}" for k in range(PAIRS) for wave in ("sin", "cos")][: len(waves)]
    groups = (*(found.groups[k] for k in kept), *(FeatureGroup.HOUR for _ in names))
    values = np.column_stack([found.values[:, kept], *waves])
    return CalendarFeatures(values, (*(found.names[k] for k in kept), *names), groups)


def _views(values: npt.NDArray[Any], width: int) -> npt.NDArray[Any]:
    """[B, P, k] to [B, P − width + 1, k, width], without a copy."""
    return np.lib.stride_tricks.sliding_window_view(values, width, axis=1)
