"""Backtests of every task: fits that do not see what they are scored on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from lstmcast.errors import DataError
from lstmcast.evaluation.splits import RollingOrigins, filter_long_enough, plan_backtest
from lstmcast.forecasting.plans import NetworkPlan
from lstmcast.parallel import process_map
from lstmcast.tasks.base import Note, ignore
from lstmcast.tasks.pipeline import DEFAULT_OPTIONS, FitOptions, HasNetworks, Training, train
from lstmcast.types import Ints

if TYPE_CHECKING:
    from lstmcast.config import StepsConfig
    from lstmcast.data.panel import Panel

MAX_PARALLEL_FITS = 8  # trainings at once: each needs about a gigabyte

C = TypeVar("C", bound="StepsConfig")
P = TypeVar("P", bound=HasNetworks)
F = TypeVar("F")
E = TypeVar("E")
M = TypeVar("M")
B = TypeVar("B")
FitCall = Callable[[FitOptions], F]


@dataclass(frozen=True)
class BacktestPlan(ABC, Generic[F, B]):
    """The backtest of a task: fits that do not see what they are scored on, and the scores.

    F is the result of a fit: a model, or its forecasts. B is the result of the backtest.
    """

    @property
    def in_parallel(self) -> bool:
        """True if the fits run in processes of their own."""
        return False

    @property
    def decisions(self) -> NetworkPlan | None:
        """The plan of the training, where all fits share one."""
        return None

    @property
    @abstractmethod
    def fits(self) -> Sequence[FitCall[F]]:
        """The fits: one before the first origin, one before every origin, or one a fold."""

    @abstractmethod
    def score(self, found: Sequence[F], note: Note) -> B:
        """Score the forecasts of all fits and of the baselines; `note` receives lines of progress."""


def backtest(plan: BacktestPlan[F, B], options: FitOptions = DEFAULT_OPTIONS, note: Note = ignore) -> B:
    """Fit, forecast and score without a look at what is scored; nothing is saved.

    Args:
        plan: of the task.
        options: progress of the fits that run one after the other.
        note: receives the decisions of the training and lines of progress.

    Raises:
        UsageError: TensorFlow is not installed.
        DataError: too little data before the first origin.
        ModelError: training diverged, or a forecast is not a number.
    """
    if plan.decisions is not None:
        note(plan.decisions)
    fits = plan.fits
    if not plan.in_parallel:
        return plan.score([fit(options) for fit in fits], note)
    found = process_map(
        _fit, fits, max_workers=MAX_PARALLEL_FITS, on_progress=lambda k: note(f"trained {k} of {len(fits)}")
    )
    return plan.score(found, note)


def _fit(fit: FitCall[F]) -> F:
    """Run one fit, in a process of its own."""
    return fit(DEFAULT_OPTIONS)


@dataclass(frozen=True)
class RollingBacktest(BacktestPlan[F, B], Generic[C, F, B]):
    """A backtest from N origins of each series.

    Attributes:
        panel: the series that are long enough.
        config: the settings with the horizon.
        rolling: the origins.
        n_excluded: number of series that are too short.
    """

    panel: Panel
    config: C
    rolling: RollingOrigins
    n_excluded: int

    @staticmethod
    def origins_of(panel: Panel, config: C, n_origins: int | None, step_size: int | None) -> dict[str, Any]:
        """Place the origins; return the fields above.

        Args:
            panel: the data.
            config: the settings; `forecast.horizon` is H.
            n_origins: of each series; None: up to 10, if a third of a typical series is enough for them.
            step_size: steps between two origins; None: H, so that no two forecasts of a series share an outcome.

        Raises:
            UsageError: a number below 1.
            DataError: the series are too short.
        """
        requested = config.forecast.horizon
        rolling = plan_backtest(panel, None if requested == "auto" else requested, n_origins, step_size)
        forecast, scored = (
            config.forecast.model_copy(update={"horizon": rolling.horizon}),
            filter_long_enough(panel, rolling),
        )
        config = config.model_copy(update={"forecast": forecast})
        return {"panel": scored, "config": config, "rolling": rolling, "n_excluded": panel.n_series - scored.n_series}

    @property
    def past(self) -> Panel:
        """The steps up to the first origin of every series."""
        return self.panel.drop_last(self.rolling.held_out)

    @property
    def pasts(self) -> list[Panel]:
        """The steps up to each of the N origins."""
        return [self.panel.drop_last(back) for back in self.rolling.offsets_from_end.tolist()]

    @property
    def where(self) -> tuple[Ints, Ints]:
        """[S · N] series and origins, those of one series together."""
        series = np.repeat(np.arange(self.panel.n_series), self.rolling.n_origins)
        return series, self.rolling.at(self.panel.lengths).ravel()


def train_before_origins(plan: Callable[[], Training[F, P, E, M]], options: FitOptions = DEFAULT_OPTIONS) -> M:
    """Plan and train on the steps before an origin; a DataError names the origins as the reason."""
    try:
        return train(plan(), options)
    except DataError as err:
        raise DataError(f"before the first origin: {err}; or give fewer --n-origins") from err
