"""A backtest of labels: every series is judged once, by a network that never saw it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lstmcast.data.labeled_panel import LabeledPanel
from lstmcast.evaluation.classification import StratifiedSplit, confusion, folds
from lstmcast.evaluation.skill import finite
from lstmcast.forecasting.fitting import ProgressCallback
from lstmcast.tasks.label.evaluate import OURS, LabelEvaluation
from lstmcast.tasks.label.model import chance_column
from lstmcast.tasks.label.plan import LabelPlan, make_plan
from lstmcast.tasks.label.train import fit_and_evaluate
from lstmcast.types import Ints

if TYPE_CHECKING:
    import pandas as pd

    from lstmcast.config import Config


FOLDS = 5


@dataclass(frozen=True)
class LabelBacktestResult:
    """What a backtest found.

    Attributes:
        data: the series whose labels are known.
        classes: C labels.
        fold: [S] in which fold each was judged.
        evaluation: of all S series, in their order.
    """

    data: LabeledPanel
    classes: tuple[str, ...]
    fold: Ints
    evaluation: LabelEvaluation

    def to_frame(self) -> pd.DataFrame:
        """The scores, one row each: `method, scope, key, metric, value`; by label the share that is right."""
        import pandas as pd

        evaluation = self.evaluation
        rows = [(name, "all", "", k, v) for name, scores in evaluation.scores().items() for k, v in scores.items()]
        for name, predicted in {OURS: evaluation.predicted, **evaluation.baselines}.items():
            matrix = confusion(evaluation.actual, predicted, len(self.classes))
            right = np.diag(matrix) / np.maximum(matrix.sum(axis=1), 1)
            rows += [(name, "label", c, "recall", float(v)) for c, v in zip(self.classes, right, strict=True)]
        return pd.DataFrame(rows, columns=["method", "scope", "key", "metric", "value"])

    def forecasts(self) -> pd.DataFrame:
        """One row a series: its key, its fold, its label, what each method said, the probability of each label."""
        import pandas as pd

        parts = zip(*self.data.keys, strict=True)
        table: dict[str, object] = dict(zip(self.data.key_columns, map(list, parts), strict=True))
        names = np.array(self.classes, dtype=object)
        by_method = {OURS: self.evaluation.predicted, **self.evaluation.baselines}
        ours: dict[str, object] = {"fold": self.fold + 1, "actual": list(self.data.labels)}
        ours |= {name: names[codes] for name, codes in by_method.items()}
        ours |= {chance_column(c): self.evaluation.probabilities[:, k] for k, c in enumerate(self.classes)}
        return pd.DataFrame(table | {f"{name}_" if name in table else name: column for name, column in ours.items()})

    def to_dict(self) -> dict[str, Any]:
        """Everything but the single series, as plain values."""
        evaluation = self.evaluation
        return {
            "source": self.data.source,
            "series": self.data.n_series,
            "folds": int(self.fold.max()) + 1,
            "classes": list(self.classes),
            "verdict": evaluation.verdict(),
            "skill": evaluation.skill().to_dict(),
            "scores": {name: {k: finite(v) for k, v in row.items()} for name, row in evaluation.scores().items()},
            "confusion": confusion(evaluation.actual, evaluation.predicted, len(self.classes)).tolist(),
        }


def backtest(
    data: LabeledPanel,
    config: Config,
    *,
    on_progress: ProgressCallback = lambda _: None,
    planned: Callable[[LabelPlan], None] = lambda _: None,
) -> LabelBacktestResult:
    """Deal the series of each label out into folds, and judge each fold by networks that learnt from the others.

    Args:
        data: series, most of them with a label.
        config: how; nothing is fitted again on all of them.
        on_progress: called after every epoch.
        planned: called once, with everything that was decided.

    Raises:
        UsageError: TensorFlow is not installed.
        DataError: too few series.
        ModelError: training exploded.
    """
    plan = make_plan(data, config)
    fold = folds(plan.codes, FOLDS, config.train.seed)
    planned(plan)
    evaluations = [fit_and_evaluate(_without(plan, fold == k), on_progress=on_progress) for k in range(FOLDS)]
    order = np.argsort(np.concatenate([np.flatnonzero(fold == k) for k in range(FOLDS)]))
    evaluation = LabelEvaluation(
        actual=np.concatenate([fold_evaluation.actual for fold_evaluation in evaluations])[order],
        probabilities=np.concatenate([fold_evaluation.probabilities for fold_evaluation in evaluations])[order],
        baselines={
            name: np.concatenate([fold_evaluation.baselines[name] for fold_evaluation in evaluations])[order]
            for name in evaluations[0].baselines
        },
        class_frequencies=np.mean([fold_evaluation.class_frequencies for fold_evaluation in evaluations], axis=0),
    )
    return LabelBacktestResult(plan.data, plan.classes, fold, evaluation)


def _without(plan: LabelPlan, test: npt.NDArray[np.bool_]) -> LabelPlan:
    """The plan with one fold to judge; of the others those that were to stop still do, and all the rest learn."""
    stop = np.zeros(len(test), dtype=np.bool_)
    stop[plan.split.validation] = True
    stop &= ~test
    if not stop.any():
        stop[np.flatnonzero(~test)[0]] = True
    return replace(plan, split=StratifiedSplit(*(np.flatnonzero(some) for some in (~test & ~stop, stop, test))))
