"""A backtest of symbols: trained on the first two thirds, every step of the last third foretold and scored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.evaluation.skill import finite
from lstmcast.forecasting.fitting import ProgressCallback
from lstmcast.results import named_steps
from lstmcast.tasks.category.evaluate import SymbolEvaluation, evaluate
from lstmcast.tasks.category.plan import SymbolPlan, make_plan
from lstmcast.tasks.category.train import fitted

if TYPE_CHECKING:
    import pandas as pd

    from lstmcast.config import Config

THIRD = 3


@dataclass(frozen=True)
class SymbolBacktestResult:
    """What a backtest found.

    Attributes:
        panel: the data.
        evaluation: of the last third.
        warnings: what could not be scored.
    """

    panel: Panel
    evaluation: SymbolEvaluation
    warnings: tuple[str, ...] = ()

    @property
    def better(self) -> bool:
        """Whether the LSTM was better than the best baseline."""
        return self.evaluation.skill.better

    def scores(self) -> pd.DataFrame:
        """One row a method."""
        import pandas as pd

        return pd.DataFrame([{"method": name, **row} for name, row in self.evaluation.scores.items()])

    def steps(self) -> pd.DataFrame:
        """One row a step that was foretold: what came, its probability, and what was likeliest."""
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
        most_likely = symbols[steps.log_probs.argmax(axis=1)]
        columns = {"actual": symbols[steps.actual], "probability": probabilities.round(6), "likeliest": most_likely}
        return pd.DataFrame({**rows, **columns})

    def to_dict(self) -> dict[str, Any]:
        """The scores for a program."""
        evaluation = self.evaluation
        return {
            "verdict": evaluation.verdict,
            "skill": evaluation.skill.to_dict(),
            "scores": {name: {k: finite(v) for k, v in row.items()} for name, row in evaluation.scores.items()},
            "steps": len(evaluation.predictions.actual),
        }


def backtest(
    panel: Panel, config: Config, *, on_progress: ProgressCallback, planned: Callable[[SymbolPlan], None]
) -> SymbolBacktestResult:
    """Train once on what came before the last third of a typical series, and foretell every step of that.

    Raises:
        UsageError: TensorFlow is not installed.
        DataError: too little data.
    """
    plan = make_plan(panel, config, test_steps=int(np.median(panel.lengths)) // THIRD)
    planned(plan)
    reader, _ = fitted(panel, plan, on_progress=on_progress)
    left_out = int((panel.lengths <= plan.holdout.test_steps).sum())
    short = (f"left out: {left_out:,} series of no more than {plan.holdout.test_steps:,} steps",) if left_out else ()
    return SymbolBacktestResult(panel, evaluate(reader, panel, plan.holdout), short)
