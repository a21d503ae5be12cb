"""Cross-validation of the label task: each series is scored once, by networks that were fitted without it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lstmcast.data.labeled_panel import LabeledPanel
from lstmcast.evaluation.classification import StratifiedSplit, folds
from lstmcast.plain import to_plain
from lstmcast.results import with_own_names
from lstmcast.tasks.label.evaluate import LabelEvaluation
from lstmcast.tasks.label.model import probability_columns
from lstmcast.tasks.label.train import LabelTraining
from lstmcast.tasks.pipeline import DEFAULT_OPTIONS, FitOptions, evaluate
from lstmcast.types import Bools, Ints

if TYPE_CHECKING:
    import pandas as pd


N_FOLDS = 5


@dataclass(frozen=True)
class LabelBacktest:
    """Predictions for all series, and their scores.

    Attributes:
        data: the S series with a known label.
        fold: [S] the fold that each was scored in.
        evaluation: of all S series, in their order.
    """

    data: LabeledPanel
    fold: Ints
    evaluation: LabelEvaluation
    warnings: tuple[str, ...] = ()

    @property
    def better(self) -> bool:
        """Whether the networks beat the most accurate baseline."""
        return self.evaluation.skill.better

    def to_frame(self) -> pd.DataFrame:
        """The scores, one row each: `method, scope, key, metric, value`; the scope `label` has the recall by label."""
        import pandas as pd

        result, classes = self.evaluation, self.data.classes
        rows = [(name, "all", "", metric, v) for name, row in result.scores.items() for metric, v in row.items()]
        for name in result.by_method:
            recall = result.recall(name)
            rows += [(name, "label", label, "recall", float(v)) for label, v in zip(classes, recall, strict=True)]
        return pd.DataFrame(rows, columns=["method", "scope", "key", "metric", "value"])

    def forecasts(self) -> pd.DataFrame:
        """One row a series: key, fold, label, prediction of each method, probability of each label."""
        import pandas as pd

        data, result = self.data, self.evaluation
        parts = zip(*data.keys, strict=True)
        named: dict[str, object] = dict(zip(data.key_columns, map(list, parts), strict=True))
        labels = np.array(data.classes, dtype=object)
        columns: dict[str, object] = {"fold": self.fold + 1, "actual": list(data.labels)}
        columns |= {name: labels[codes] for name, codes in result.by_method.items()}
        columns |= probability_columns(data.classes, result.probabilities)
        return pd.DataFrame(with_own_names(named, columns))

    def to_dict(self) -> dict[str, Any]:
        """The scores as JSON values."""
        return {
            "source": self.data.source,
            "series": self.data.n_series,
            "folds": int(self.fold.max()) + 1,
            "classes": list(self.data.classes),
            **to_plain(self.evaluation.summary),
        }


def backtest(training: LabelTraining, options: FitOptions = DEFAULT_OPTIONS) -> LabelBacktest:
    """Fit networks without each of five folds and score that fold.

    Raises:
        UsageError: TensorFlow is not installed.
        ModelError: training diverged.
    """
    plan = training.plan
    fold = folds(plan.codes, N_FOLDS, training.config.train.seed)
    parts = [evaluate(_without(training, fold == k), options) for k in range(N_FOLDS)]
    order = np.argsort(np.concatenate([np.flatnonzero(fold == k) for k in range(N_FOLDS)]))
    return LabelBacktest(plan.data, fold, LabelEvaluation.merge(parts, order))


def _without(training: LabelTraining, test: Bools) -> LabelTraining:
    """The training with one fold as the test series; validation series of the plan keep their part elsewhere."""
    validation = np.zeros(len(test), dtype=np.bool_)
    validation[training.plan.split.validation] = True
    validation &= ~test
    if not validation.any():
        validation[np.flatnonzero(~test)[0]] = True
    parts = (~test & ~validation, validation, test)
    split = StratifiedSplit(*(np.flatnonzero(part) for part in parts))
    return replace(training, plan=replace(training.plan, split=split))
