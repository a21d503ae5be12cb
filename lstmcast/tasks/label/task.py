"""The label task: one label for a whole series; its training and backtest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from lstmcast.calibration.temperature import temperature
from lstmcast.data.labeled_panel import LabeledPanel, read_labels
from lstmcast.data.schema import ReadOptions
from lstmcast.errors import ModelError
from lstmcast.evaluation.classification import StratifiedSplit, chance_scores, folds
from lstmcast.forecasting.new_data import merge_given
from lstmcast.nn.specs import Recipe
from lstmcast.preprocessing.sequences import SeriesDataset, StandardScaler
from lstmcast.tasks.backtest import BacktestPlan, FitCall
from lstmcast.tasks.base import BacktestOptions, Note, PredictOptions, Task, reject_flags
from lstmcast.tasks.label.model import (
    ClassifierPipeline,
    LabelPredictions,
    LabelReport,
    SeriesClassifier,
    check_column_names,
)
from lstmcast.tasks.label.plan import LabelPlan, make_label_plan, n_batches
from lstmcast.tasks.label.scores import LabelBacktest, LabelEvaluation, evaluate_labels
from lstmcast.tasks.model import NetworkModel
from lstmcast.tasks.pipeline import MAX_CHECKED_SERIES, HoldoutFit, NetworkTraining, evaluate
from lstmcast.types import Array, Bools, Ints

if TYPE_CHECKING:
    from lstmcast.config import LabelConfig

N_FOLDS = 5  # of a backtest


@dataclass(frozen=True)
class LabelTraining(NetworkTraining[ClassifierPipeline, LabelEvaluation, SeriesClassifier]):
    """One training run of labels."""

    plan: LabelPlan
    data: LabeledPanel
    config: LabelConfig

    @classmethod
    def of(cls, data: LabeledPanel, config: LabelConfig) -> LabelTraining:
        """Plan the training of labeled series.

        Raises:
            DataError: too few series, or a key column has the name of a column that `predict` writes.
        """
        check_column_names(data)
        return cls(make_label_plan(data, config), data, config)

    def untrained(self, *, refit: bool) -> tuple[ClassifierPipeline, SeriesDataset]:
        """Return the scaled training series, or all series."""
        plan = self.plan
        series = np.arange(plan.data.n_series) if refit else plan.split.train
        data = plan.data.select(series)
        pipeline = ClassifierPipeline(StandardScaler.of(data.values, data.observed), plan.architecture.context)
        return pipeline, pipeline.bind(data, plan.codes[series])

    def recipe(self, *, refit: bool) -> Recipe:
        """Scale the batches of an epoch with the number of series."""
        recipe, plan = self.plan.recipe, self.plan
        if not refit:
            return recipe
        before, now = (n_batches(n, recipe.batch_size) for n in (len(plan.split.train), plan.data.n_series))
        return replace(recipe, batches=max(1, round(recipe.batches * now / before)))

    def validation_error(self, pipeline: ClassifierPipeline) -> float:
        """Return the cross-entropy of the validation series."""
        series = self.plan.split.validation
        return _cross_entropy(pipeline, self.plan.data.select(series), self.plan.codes[series])

    def calibrate(self, pipeline: ClassifierPipeline) -> ClassifierPipeline:
        """Fit the temperature to the validation series."""
        series = self.plan.split.validation
        logits = pipeline.logits(self.plan.data.select(series))
        return replace(pipeline, temperature=temperature(logits, self.plan.codes[series]))

    def evaluate(self, holdout: HoldoutFit[ClassifierPipeline]) -> LabelEvaluation:
        """Score the test series; the baselines use all other series.

        Raises:
            ModelError: a probability is not a number.
        """
        plan, split = self.plan, self.plan.split
        known = np.union1d(split.train, split.validation)
        evaluation = evaluate_labels(holdout.pipeline, plan.data, plan.codes, known=known, test=split.test)
        if not np.isfinite(evaluation.probabilities).all():
            raise ModelError("a probability of a test series is not a number: nothing was saved; train again")
        return evaluation

    def calibrate_final(self, pipeline: ClassifierPipeline, holdout: ClassifierPipeline) -> ClassifierPipeline:
        """Keep the temperature; reject a refit that is worse on all series than the fit before the hold-out."""
        if pipeline is holdout:
            return holdout
        refit = replace(pipeline, temperature=holdout.temperature)
        errors = [_cross_entropy(p, self.plan.data, self.plan.codes) for p in (refit, holdout)]
        return refit if errors[0] <= errors[1] else holdout

    def forward_inputs(self, pipeline: ClassifierPipeline) -> Array:
        """Return the first series."""
        series = np.arange(min(self.plan.data.n_series, MAX_CHECKED_SERIES))
        return pipeline.bind(self.plan.data.select(series)).inputs(series)

    def model(
        self, pipeline: ClassifierPipeline, holdout: HoldoutFit[ClassifierPipeline], evaluation: LabelEvaluation
    ) -> SeriesClassifier:
        """Assemble the classifier."""
        data, split = self.data, self.plan.split
        return SeriesClassifier(
            pipeline=pipeline,
            context=data.select(np.empty(0, np.int64)),
            classes=self.plan.data.classes,
            report=LabelReport(
                **self.report_fields(data, self.config, pipeline, holdout),
                evaluation=evaluation.summary,
                classes=self.plan.data.classes,
                validation_series=len(split.validation),
                test_series=len(split.test),
            ),
        )


def _cross_entropy(pipeline: ClassifierPipeline, data: LabeledPanel, codes: Ints) -> float:
    return chance_scores(codes, pipeline.probabilities(data))["cross_entropy"]


@dataclass(frozen=True)
class LabelBacktestPlan(BacktestPlan[LabelEvaluation, LabelBacktest]):
    """A backtest of labels: each series is scored once, by networks fitted without its fold."""

    training: LabelTraining

    @property
    def decisions(self) -> LabelPlan:
        """The plan of the trainings."""
        return self.training.plan

    @cached_property
    def fold(self) -> Ints:
        """[S] the fold of each series."""
        return folds(self.decisions.codes, N_FOLDS, self.training.config.train.seed)

    @property
    def fits(self) -> Sequence[FitCall[LabelEvaluation]]:
        """One training without each fold, with its predictions."""
        return [partial(evaluate, _without(self.training, self.fold == k)) for k in range(N_FOLDS)]

    def score(self, found: Sequence[LabelEvaluation], note: Note) -> LabelBacktest:  # noqa: ARG002
        """Merge the predictions of all folds."""
        order = np.argsort(np.concatenate([np.flatnonzero(self.fold == k) for k in range(N_FOLDS)]))
        return LabelBacktest(self.decisions.data, self.fold, LabelEvaluation.merge(found, order))


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


class LabelTask(Task["LabelConfig", LabeledPanel, SeriesClassifier, LabelBacktest]):
    """The calls of commands and jobs for labels; see `Task`."""

    name: ClassVar[str] = "label"
    model_type: ClassVar[type[NetworkModel]] = SeriesClassifier

    def read(self, data: Any, config: LabelConfig) -> LabeledPanel:
        """Read series and their labels."""
        return read_labels(data, ReadOptions.of(config.data.model_dump()))

    def training(self, dataset: LabeledPanel, config: LabelConfig) -> LabelTraining:
        """Plan a training run."""
        return LabelTraining.of(dataset, config)

    def read_new_data(
        self, model: SeriesClassifier, data: str, given: Mapping[str, Any] | None = None
    ) -> tuple[LabeledPanel, tuple[str, ...]]:
        """Read the columns and formats of training; labels may be missing."""
        context = model.context
        configured = model.report.config.read_options
        found = replace(
            configured,
            time=context.time,
            target=(context.label,),
            id_columns=context.key_columns,
            features=context.features,
        )
        options = merge_given(configured, found, context.calendar, given)
        dataset = read_labels(data, options, known=False)
        return dataset, tuple(model.warnings(dataset))

    def stored_context(self, model: SeriesClassifier) -> LabeledPanel:
        """Return the columns of training without any series."""
        return replace(model.context, source=f"{model.context.source} is gone")

    def predict(self, model: SeriesClassifier, dataset: LabeledPanel, options: PredictOptions) -> LabelPredictions:
        """Label every series."""
        reject_flags(options, self.name)
        return model.predict(dataset)

    def backtest_plan(self, dataset: LabeledPanel, config: LabelConfig, options: BacktestOptions) -> LabelBacktestPlan:  # noqa: ARG002
        """Plan five folds."""
        return LabelBacktestPlan(self.training(dataset, config))
