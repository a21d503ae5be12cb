"""A backtest of symbols: trained on the first two thirds, every step of the last third foretold and scored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lstmcast.classifier.category.judging import SymbolEvaluation, judge
from lstmcast.classifier.category.plan import SymbolPlan, make_plan
from lstmcast.classifier.category.training import fitted
from lstmcast.data.panel import Panel
from lstmcast.evaluation.skill import finite
from lstmcast.forecast import named_steps
from lstmcast.forecaster.fits import Tell

if TYPE_CHECKING:
    import pandas as pd

    from lstmcast.config import Config

THIRD = 3


@dataclass(frozen=True)
class SymbolBacktestResult:
    """What a backtest found.

    Attributes:
        panel: the data.
        judgement: of the last third.
        short: what could not be scored.
    """

    panel: Panel
    judgement: SymbolEvaluation
    short: tuple[str, ...] = ()

    @property
    def better(self) -> bool:
        """Whether the LSTM was better than the best baseline."""
        return self.judgement.skill.better

    def scores(self) -> pd.DataFrame:
        """One row a method."""
        import pandas as pd

        return pd.DataFrame([{"method": name, **row} for name, row in self.judgement.scores.items()])

    def steps(self) -> pd.DataFrame:
        """One row a step that was foretold: what came, its probability, and what was likeliest."""
        import pandas as pd

        panel, steps = self.panel, self.judgement.steps
        symbols = np.array(panel.symbols, dtype=object)
        rows = named_steps(
            panel.calendar,
            (panel.starts[steps.series] + steps.origins + 1)[:, None],
            time=panel.columns.time or "step",
            names=panel.key_columns,
            keys=[panel.keys[k] for k in steps.series.tolist()],
        )
        chances = np.exp(steps.logs[np.arange(len(steps.came)), steps.came])
        likeliest = symbols[steps.logs.argmax(axis=1)]
        said = {"actual": symbols[steps.came], "probability": chances.round(6), "likeliest": likeliest}
        return pd.DataFrame({**rows, **said})

    def to_dict(self) -> dict[str, Any]:
        """The scores for a program."""
        judged = self.judgement
        return {
            "verdict": judged.verdict,
            "skill": judged.skill.to_dict(),
            "scores": {name: {k: finite(v) for k, v in row.items()} for name, row in judged.scores.items()},
            "steps": len(judged.steps.came),
        }


def roll(panel: Panel, config: Config, *, tell: Tell, planned: Callable[[SymbolPlan], None]) -> SymbolBacktestResult:
    """Train once on what came before the last third of a typical series, and foretell every step of that.

    Raises:
        UsageError: TensorFlow is not installed.
        DataError: too little data.
    """
    plan = make_plan(panel, config, judge=int(np.median(panel.lengths)) // THIRD)
    planned(plan)
    reader, _ = fitted(panel, plan, tell=tell)
    left_out = int((panel.lengths <= plan.hold_out.judge).sum())
    short = (f"left out: {left_out:,} series of no more than {plan.hold_out.judge:,} steps",) if left_out else ()
    return SymbolBacktestResult(panel, judge(reader, panel, plan.hold_out), short)
