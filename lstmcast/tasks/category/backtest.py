"""Backtests of the category task: one training, one-step predictions of the last third."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.plain import to_plain
from lstmcast.results import named_steps
from lstmcast.tasks.category.evaluate import SymbolEvaluation
from lstmcast.tasks.category.train import SymbolTraining
from lstmcast.tasks.pipeline import DEFAULT_OPTIONS, FitOptions, evaluate

if TYPE_CHECKING:
    import pandas as pd

    from lstmcast.config import CategoryConfig

TEST_DIVISOR = 3  # the test steps are the last third


@dataclass(frozen=True)
class SymbolBacktest:
    """One-step predictions of the test steps, and their scores.

    Attributes:
        panel: the data.
        evaluation: predictions and scores.
        warnings: series that were not scored.
    """

    panel: Panel
    evaluation: SymbolEvaluation
    warnings: tuple[str, ...] = ()

    @property
    def better(self) -> bool:
        """Whether the networks beat the best baseline."""
        return self.evaluation.summary.skill.better

    def to_frame(self) -> pd.DataFrame:
        """The scores, one row a method."""
        import pandas as pd

        return pd.DataFrame([{"method": name, **row} for name, row in self.evaluation.summary.scores.items()])

    def forecasts(self) -> pd.DataFrame:
        """One row a step: the actual symbol, its probability, and the most likely symbol."""
        import pandas as pd

        panel, steps = self.panel, self.evaluation.predictions
        symbols = np.array(panel.symbols, dtype=object)
        rows = named_steps(
            panel.calendar,
            (panel.starts[steps.series] + steps.origins + 1)[:, None],
            time=panel.columns.time or "step",
            names=panel.key_columns,
            keys=[panel.keys[k] for k in steps.series.tolist()],
        )
        probabilities = np.exp(steps.log_probs[np.arange(len(steps.actual)), steps.actual])
        rows |= {"actual": symbols[steps.actual], "probability": probabilities.round(6)}
        return pd.DataFrame({**rows, "likeliest": symbols[steps.log_probs.argmax(axis=1)]})

    def to_dict(self) -> dict[str, Any]:
        """The scores as JSON values."""
        return dict(to_plain(self.evaluation.summary))


def plan_backtest(panel: Panel, config: CategoryConfig) -> SymbolTraining:
    """Plan a training whose test steps are the last third of a typical series.

    Raises:
        DataError: too little data.
    """
    return SymbolTraining.of(panel, config, test_steps=int(np.median(panel.lengths)) // TEST_DIVISOR)


def backtest(training: SymbolTraining, options: FitOptions = DEFAULT_OPTIONS) -> SymbolBacktest:
    """Train once before the test steps and score each of them.

    Raises:
        UsageError: TensorFlow is not installed.
        ModelError: training diverged.
    """
    evaluation, steps = evaluate(training, options), training.plan.holdout.test_steps
    n_excluded = int((training.panel.lengths <= steps).sum())
    warnings = (f"left out: {n_excluded:,} series of no more than {steps:,} steps",) if n_excluded else ()
    return SymbolBacktest(training.panel, evaluation, warnings)
