"""Rolling-origin backtests of the event task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.evaluation.backtest_result import excluded_warnings
from lstmcast.evaluation.splits import RollingOrigins
from lstmcast.forecasting.split_data import OriginSet
from lstmcast.plain import to_plain
from lstmcast.results import named_steps, with_own_names
from lstmcast.tasks.event.evaluate import EventEvaluation, EventOrigins, evaluate_probabilities
from lstmcast.tasks.event.train import EventTraining
from lstmcast.tasks.pipeline import DEFAULT_OPTIONS, FitOptions, plan_rolling_origins, train_before_origins

if TYPE_CHECKING:
    import pandas as pd

    from lstmcast.config import EventConfig


@dataclass(frozen=True)
class EventBacktest:
    """Forecasts of an event from rolling origins, and their scores.

    Attributes:
        panel: the series that were scored.
        rolling: N origins of each series.
        event: the definition of the event.
        where: the B origins with outcomes.
        evaluation: probabilities and scores at these.
        n_excluded: series too short for N origins.
    """

    panel: Panel
    rolling: RollingOrigins
    event: str
    where: EventOrigins
    evaluation: EventEvaluation
    n_excluded: int

    @property
    def better(self) -> bool:
        """Whether the networks beat the best baseline."""
        return self.evaluation.summary.skill.better

    @property
    def warnings(self) -> tuple[str, ...]:
        """Series that were not scored."""
        return excluded_warnings(self.n_excluded)

    def to_frame(self) -> pd.DataFrame:
        """The scores, one row each: `method, scope, key, metric, value`; the keys of scope `step` are steps ahead."""
        import pandas as pd

        scores, by_step = self.evaluation.summary.scores, self.evaluation.summary.brier_by_step
        rows = [(name, "all", "", metric, value) for name, row in scores.items() for metric, value in row.items()]
        rows += [
            (name, "step", str(step), "brier", value)
            for name, row in by_step.items()
            for step, value in enumerate(row, 1)
        ]
        return pd.DataFrame(rows, columns=["method", "scope", "key", "metric", "value"])

    def forecasts(self) -> pd.DataFrame:
        """One row a forecast step: series key, time, `origin`, `step`, `actual` and `probability`."""
        import pandas as pd

        panel, where, (count, horizon) = self.panel, self.where, self.where.actuals.shape
        steps = np.arange(1, horizon + 1)
        named = named_steps(
            panel.calendar,
            where.positions[:, None] + steps,
            time=panel.columns.time or "row",
            names=panel.key_columns,
            keys=[panel.keys[k] for k in where.series.tolist()],
        )
        columns: dict[str, object] = {
            "origin": panel.calendar.text(np.repeat(where.positions, horizon)),
            "step": np.tile(steps, count),
            "actual": where.actuals.ravel(),
            "probability": self.evaluation.probabilities.ravel(),
        }
        return pd.DataFrame(with_own_names(named, columns))

    def to_dict(self) -> dict[str, Any]:
        """The scores as JSON values."""
        return {
            "source": self.panel.source,
            "event": self.event,
            "series": self.panel.n_series,
            "left_out": self.n_excluded,
            "origins": self.rolling.n_origins,
            "step": self.rolling.step_size,
            "horizon": self.rolling.horizon,
            **to_plain(self.evaluation.summary),
        }


def backtest(
    panel: Panel,
    config: EventConfig,
    *,
    n_origins: int | None = None,
    step_size: int | None = None,
    options: FitOptions = DEFAULT_OPTIONS,
) -> EventBacktest:
    """Train on the steps before the first origin of every series, and score the forecasts from all origins.

    Args:
        panel: the data.
        config: as for training; `forecast.horizon` is H.
        n_origins: origins of each series; None: up to 10, if a third of a typical series is enough for them.
        step_size: steps between two origins; None: H.
        options: progress of the training.

    Raises:
        UsageError: a number below 1, or TensorFlow is not installed.
        DataError: the series are too short for so many origins, or no outcome was observed.
        ModelError: training diverged.
    """
    scored, config, rolling = plan_rolling_origins(panel, config, n_origins, step_size)
    past = scored.drop_last(rolling.held_out)
    model = train_before_origins(lambda: EventTraining.of(past, config), options)
    series, origins = np.repeat(np.arange(scored.n_series), rolling.n_origins), rolling.at(scored.lengths).ravel()
    where = EventOrigins.of(OriginSet(scored, series, origins, rolling.horizon), model.pipeline)
    return EventBacktest(
        panel=scored,
        rolling=rolling,
        event=model.pipeline.rule.text,
        where=where,
        evaluation=evaluate_probabilities(where, where.probabilities(model.pipeline)),
        n_excluded=panel.n_series - scored.n_series,
    )
