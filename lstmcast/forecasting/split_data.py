"""Split of a panel into training, validation and test data, with the actual values after each origin."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.errors import DataError
from lstmcast.evaluation import metrics
from lstmcast.evaluation.splits import HoldoutSplit
from lstmcast.types import Bools, Floats, Ints


def actuals_after(panel: Panel, series: Ints, origins: Ints, horizon: int) -> Floats:
    """[B, H] actual values after each of [B] origins; NaN where not observed."""
    ahead = panel.offsets[series][:, None] + origins[:, None] + np.arange(1, horizon + 1)
    inside = ahead < panel.offsets[series + 1][:, None]
    at = np.minimum(ahead, len(panel.values) - 1)
    return np.where(inside & panel.observed[at], panel.values[at], np.nan)


def valid_origins(panel: Panel, series: Ints, origins: Ints, horizon: int) -> Bools:
    """[B] origins that can be scored: observed (a filled value depends on the future), and so is a step ahead."""
    followed = (~np.isnan(actuals_after(panel, series, origins, horizon))).any(axis=1)
    return np.asarray(followed & panel.observed[panel.offsets[series] + origins], dtype=np.bool_)


def naive_scales(panel: Panel) -> Floats:
    """[S] mean |y_t − y_{t-1}| of each series, the unit of errors across series; 1 for a constant series."""
    with np.errstate(over="ignore"):  # the scaling refuses numbers that large
        moves = np.abs(np.diff(panel.values, append=panel.values[-1]))
    moves[panel.offsets[1:] - 1] = 0.0  # from one series to the next
    mean = np.add.reduceat(moves, panel.offsets[:-1]) / np.maximum(panel.lengths - 1, 1)
    return np.where(mean > 0, mean, 1.0)


def mase_scales(past: Panel) -> Floats:
    """[S] denominator of MASE: mean seasonal change before the hold-out; NaN where undefined."""
    season = past.calendar.mase_season
    return np.array([metrics.mase_scale(past.series(k), season) for k in range(past.n_series)])


def tail(panel: Panel, steps: int) -> Panel:
    """Select the last `steps` steps of every series."""
    lengths = np.minimum(panel.lengths, steps)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    rows = np.arange(offsets[-1]) + np.repeat(panel.offsets[1:] - offsets[1:], lengths)
    return replace(
        panel,
        values=panel.values[rows],
        observed=panel.observed[rows],
        offsets=offsets,
        starts=panel.starts + panel.lengths - lengths,
    )


MIN_TRAIN_STEPS = 3  # steps of a series before the hold-out


@dataclass(frozen=True)
class OriginSet:
    """Forecast origins of a panel, and the actual values after them.

    Attributes:
        panel: the data; values after an origin serve as actuals only.
        series: [B] index of each origin's series.
        steps: [B] last known step, counted from the first value of the series.
        horizon: H.
    """

    panel: Panel
    series: Ints
    steps: Ints
    horizon: int

    def __len__(self) -> int:
        """B."""
        return len(self.series)

    @cached_property
    def actuals(self) -> Floats:
        """[B, H] values after each origin; NaN where not observed."""
        return actuals_after(self.panel, self.series, self.steps, self.horizon)

    @cached_property
    def naive_scales(self) -> Floats:
        """[B] mean one-step change of each origin's series."""
        return naive_scales(self.panel)[self.series]

    @property
    def positions(self) -> Ints:
        """[B] calendar positions of the origins."""
        return np.asarray(self.panel.starts[self.series] + self.steps, dtype=np.int64)

    def take(self, index: Ints) -> OriginSet:
        """The origins at these indices."""
        return replace(self, series=self.series[index], steps=self.steps[index])

    def observed(self) -> OriginSet:
        """The origins that were observed themselves and have an observed value ahead."""
        return self.take(np.flatnonzero(valid_origins(self.panel, self.series, self.steps, self.horizon)))

    def compact(self) -> OriginSet:
        """The origins in a panel without the series that have none."""
        kept, series = np.unique(self.series, return_inverse=True)
        return replace(self, panel=self.panel.select(kept), series=series)


@dataclass(frozen=True)
class SplitData:
    """Training, validation and test data of one panel; each part is cut when it is first used, and kept.

    Attributes:
        panel: all the data.
        holdout: the numbers of validation and test steps, and the horizon H.
    """

    panel: Panel
    holdout: HoldoutSplit

    @cached_property
    def train_part(self) -> Panel:
        """All series without their hold-out steps; short series are empty."""
        return self.panel.drop_last(self.holdout.total)

    @cached_property
    def past(self) -> Panel:
        """The training data: the series that have at least three steps before the hold-out.

        Raises:
            DataError: there is none.
        """
        kept = np.flatnonzero(self.train_part.lengths >= MIN_TRAIN_STEPS)
        if not len(kept):
            raise DataError(
                f"{self.panel.source}: no series has {MIN_TRAIN_STEPS} steps before the {self.holdout.total} hold-out "
                "steps (validation and test); give more history, or a shorter --horizon"
            )
        return self.train_part if len(kept) == self.panel.n_series else self.train_part.select(kept)

    @cached_property
    def mase_scales(self) -> Floats:
        """[S] MASE denominators: mean seasonal change before the hold-out; NaN where undefined."""
        return mase_scales(self.train_part)

    @cached_property
    def validation_origins(self) -> OriginSet:
        """All validation origins, in the panel without its test steps; series without an origin may be empty."""
        return self._origins(
            self.panel.drop_last(self.holdout.test_steps), self.holdout.validation_origins(self.panel.lengths)
        )

    @cached_property
    def test_origins(self) -> OriginSet:
        """All test origins."""
        return self._origins(self.panel, self.holdout.test_origins(self.panel.lengths))

    @cached_property
    def validation(self) -> OriginSet:
        """The validation origins with observed outcomes.

        Raises:
            DataError: there is none.
        """
        if not len(valid := self.validation_origins.observed()):
            raise DataError(
                f"{self.panel.source}: nothing was observed in the {self.holdout.validation_steps} validation steps "
                f"(before the last {self.holdout.test_steps}); cut the file, or give another --horizon"
            )
        return valid.compact()

    @cached_property
    def test(self) -> OriginSet:
        """The test origins with observed outcomes.

        Raises:
            DataError: there is none.
        """
        if not len(valid := self.test_origins.observed()):
            raise DataError(
                f"{self.panel.source}: nothing was observed in the last {self.holdout.test_steps} steps (the test data)"
            )
        return valid

    def _origins(self, panel: Panel, where: tuple[Ints, Ints]) -> OriginSet:
        return OriginSet(panel, *where, self.holdout.horizon)
