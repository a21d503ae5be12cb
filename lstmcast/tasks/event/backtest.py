"""Rolling origins of an event: trained once before the first, asked at all, held against what came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.errors import DataError
from lstmcast.evaluation.splits import RollingOrigins, filter_long_enough, plan_backtest
from lstmcast.tasks.event.evaluate import EventEvaluation, evaluate, outcomes
from lstmcast.tasks.event.train import to_dict, train
from lstmcast.types import Floats, Ints

if TYPE_CHECKING:
    import pandas as pd

    from lstmcast.config import Config
    from lstmcast.forecasting.fitting import ProgressCallback


@dataclass(frozen=True)
class EventBacktestResult:
    """What a backtest of an event found: B origins that could be judged, H steps ahead.

    Attributes:
        panel: the series that were scored.
        folds: the origins of each.
        event: what was asked.
        series: [B]. origins: [B] counted from the series' first value.
        probabilities: [B, H] the probabilities. actual: [B, H] 1 or 0, NaN where not observed.
        evaluation: of them.
        left_out: series too short to be scored.
    """

    panel: Panel
    folds: RollingOrigins
    event: str
    series: Ints
    origins: Ints
    probabilities: Floats
    actual: Floats
    evaluation: EventEvaluation
    left_out: int

    def to_frame(self) -> pd.DataFrame:
        """The scores, one row each: `method, scope, key, metric, value`; steps ahead are keys of the scope `step`."""
        import pandas as pd

        rows = [
            (method, "all", "", metric, value)
            for method, row in self.evaluation.scores.items()
            for metric, value in row.items()
        ]
        rows += [
            (method, "step", str(step), "brier", value)
            for method, row in self.evaluation.by_step.items()
            for step, value in enumerate(row.tolist(), 1)
        ]
        return pd.DataFrame(rows, columns=["method", "scope", "key", "metric", "value"])

    def forecasts(self) -> pd.DataFrame:
        """Every probability: what names the series, the time, `origin`, `step`, `actual` and `probability`."""
        import pandas as pd

        calendar, (count, horizon) = self.panel.calendar, self.probabilities.shape
        last = self.panel.starts[self.series] + self.origins
        ahead = last[:, None] + np.arange(1, horizon + 1)
        columns: dict[str, object] = {
            name: np.repeat(np.array([self.panel.keys[s][k] for s in self.series.tolist()], dtype=object), horizon)
            for k, name in enumerate(self.panel.key_columns)
        }
        columns[self.panel.columns.time or "row"] = calendar.text(ahead.ravel())
        ours: dict[str, object] = {
            "origin": calendar.text(np.repeat(last, horizon)),
            "step": np.tile(np.arange(1, horizon + 1), count),
            "actual": self.actual.ravel(),
            "probability": self.probabilities.ravel(),
        }
        return pd.DataFrame(columns | {f"{name}_" if name in columns else name: ours[name] for name in ours})

    def to_dict(self) -> dict[str, Any]:
        """Everything but the single probabilities as plain values that JSON can carry."""
        return {
            "source": self.panel.source,
            "event": self.event,
            "series": self.panel.n_series,
            "left_out": self.left_out,
            "origins": self.folds.n_origins,
            "step": self.folds.step_size,
            "horizon": self.folds.horizon,
            "judging": self.evaluation.origins,
            **to_dict(self.evaluation),
        }


def backtest(
    panel: Panel,
    config: Config,
    *,
    origins: int | None = None,
    step: int | None = None,
    on_progress: ProgressCallback = lambda _: None,
) -> EventBacktestResult:
    """Train on what came before every series' first origin, and hold what is said at all of them against what came.

    Args:
        panel: the data.
        config: as for training; `forecast.horizon` is H.
        origins: of each series; None: up to 10, as long as a third of a typical series is enough for them.
        step: from one to the next; None: H.
        on_progress: called after every epoch.

    Raises:
        UsageError: a number below 1, or TensorFlow is not installed.
        DataError: the series are too short for so many origins, or nothing was observed at any.
        ModelError: training exploded.
    """
    requested = config.forecast.horizon
    folds = plan_backtest(panel, None if requested == "auto" else requested, origins, step)
    long_enough = filter_long_enough(panel, folds)
    forecast = config.forecast.model_copy(update={"horizon": folds.horizon})
    model = _trained(
        long_enough.drop_last(folds.held_out), config.model_copy(update={"forecast": forecast}), on_progress
    )
    series, rows = np.repeat(np.arange(long_enough.n_series), folds.n_origins), folds.at(long_enough.lengths).ravel()
    labels = model.pipeline.rule.labels(long_enough)
    actual = outcomes(long_enough, labels, series, rows, folds.horizon)
    known = (~np.isnan(actual)).any(axis=1)
    if not known.any():
        raise DataError(f"{panel.source}: no origin can judge: give another --step or --origins")
    series, rows, actual = series[known], rows[known], actual[known]
    probabilities = model.at(long_enough, series, rows)
    return EventBacktestResult(
        panel=long_enough,
        folds=folds,
        event=model.pipeline.rule.text,
        series=series,
        origins=rows,
        probabilities=probabilities,
        actual=actual,
        evaluation=evaluate(long_enough, labels, (series, rows), actual, probabilities),
        left_out=panel.n_series - long_enough.n_series,
    )


def _trained(past: Panel, config: Config, on_progress: ProgressCallback) -> Any:
    try:
        return train(past, config, on_progress=on_progress)
    except DataError as err:
        raise DataError(f"before the first origin: {err}; or give fewer --origins") from err
