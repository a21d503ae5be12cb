"""Which origins a backtest forecasts from: counted back from the end of each series, the same number of each.

|<------------ learnt from ------------>|<- H ->|
                                        |<- step ->|<- H ->|
                                                   |<- step ->|<- H ->|
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lstmcast.data.panel import Panel
from lstmcast.errors import DataError, UsageError
from lstmcast.evaluation.origins import MIN_TRAIN_STEPS, default_horizon

Ints = npt.NDArray[np.int64]

DEFAULT_ORIGINS = 10  # origins, where the user does not say, and the series are long enough
HOLDOUT_DIVISOR = 3  # of a typical series, at most one part in so many is held out, where the user does not say


@dataclass(frozen=True)
class RollingOrigins:
    """N origins of every series.

    Attributes:
        horizon: H.
        n_origins: N.
        step_size: from one origin to the next.
    """

    horizon: int
    n_origins: int
    step_size: int

    @property
    def offsets_from_end(self) -> Ints:
        """[N] steps of each series that come after each origin, earliest origin first."""
        return self.horizon + self.step_size * np.arange(self.n_origins)[::-1]

    @property
    def held_out(self) -> int:
        """Steps after the first origin: what a network trained once never learns from."""
        return int(self.offsets_from_end[0])

    def at(self, lengths: Ints) -> Ints:
        """[S, N] the origins of series of these lengths, counted from the first value."""
        return np.asarray(lengths[:, None] - 1 - self.offsets_from_end, dtype=np.int64)


def plan_backtest(panel: Panel, horizon: int | None, origins: int | None, step: int | None) -> RollingOrigins:
    """Decide how many origins, and how far apart.

    Args:
        panel: the data.
        horizon: H; None: as training would choose.
        origins: N; None: up to 10, as long as a third of a typical series is enough for them.
        step: None: H, so that no two forecasts of a series share an outcome.

    Raises:
        UsageError: fewer than one origin, or a step below 1.
    """
    ahead = horizon or default_horizon(panel.lengths, panel.calendar.default_horizon)
    for name, number in (("origins", origins), ("step", step)):
        if number is not None and number < 1:
            raise UsageError(f"--{name}: must be an integer ≥ 1 (got {number})")
    step_size = step or ahead
    room = int(np.median(panel.lengths)) // HOLDOUT_DIVISOR - ahead
    return RollingOrigins(ahead, origins or int(np.clip(room // step_size + 1, 1, DEFAULT_ORIGINS)), step_size)


def filter_long_enough(panel: Panel, folds: RollingOrigins) -> Panel:
    """The series that have something to learn from before their first origin.

    Raises:
        DataError: none has.
    """
    kept = np.flatnonzero(panel.lengths >= folds.held_out + MIN_TRAIN_STEPS)
    if not len(kept):
        raise DataError(
            f"{panel.source}: {folds.n_origins} origins, {folds.step_size} steps apart, with {folds.horizon} steps "
            f"ahead of each, need {folds.held_out + MIN_TRAIN_STEPS} rows and more to learn from; the longest "
            "series has "
            f"{panel.lengths.max()}. Give fewer --origins, a smaller --step or a shorter --horizon"
        )
    return panel.select(kept)
