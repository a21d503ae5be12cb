"""The label task: one label for a whole series; its plan, training and backtest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from lstmcast.calibration.temperature import temperature
from lstmcast.data.labeled_panel import UNKNOWN, LabeledPanel, read_labels
from lstmcast.data.schema import InferredSetting, ReadOptions, SettingKey
from lstmcast.errors import DataError, ModelError
from lstmcast.evaluation.classification import (
    MIN_SERIES_TO_VALIDATE,
    StratifiedSplit,
    chance_scores,
    folds,
    stratified_split,
)
from lstmcast.forecasting.new_data import merge_given
from lstmcast.forecasting.plans import NetworkPlan, architecture_of, recipe_of
from lstmcast.nn.heads import CategoricalHead
from lstmcast.nn.specs import Recipe
from lstmcast.preprocessing.sequences import SeriesDataset, StandardScaler
from lstmcast.tasks.base import BacktestOptions, Note, PredictOptions, Task, reject_flags
from lstmcast.tasks.label.model import (
    ClassifierPipeline,
    LabelPredictions,
    LabelReport,
    SeriesClassifier,
    check_column_names,
)
from lstmcast.tasks.label.scores import LabelBacktest, LabelEvaluation, evaluate_labels
from lstmcast.tasks.model import NetworkModel
from lstmcast.tasks.pipeline import MAX_CHECKED_SERIES, BacktestPlan, FitCall, HoldoutFit, NetworkTraining, evaluate
from lstmcast.text import pluralize, truncate_list
from lstmcast.types import Array, Bools, Ints

if TYPE_CHECKING:
    from lstmcast.config import LabelConfig

MAX_CONTEXT = 512  # steps read of a series, unless the config sets model.context
PATIENCE, LEARNING_RATE, BATCH_SIZE = 10, 0.001, 32  # the meaning of `auto`
N_FOLDS = 5  # of a backtest


@dataclass(frozen=True, kw_only=True)
class LabelPlan(NetworkPlan):
    """The decisions of one training run.

    Attributes:
        data: the series with a known label.
        codes: [S] the label of each, as an index of `data.classes`.
        split: training, validation and test series.
    """

    data: LabeledPanel
    codes: Ints
    split: StratifiedSplit


def make_label_plan(data: LabeledPanel, config: LabelConfig) -> LabelPlan:
    """Decide everything that the config leaves to `auto`.

    Raises:
        DataError: there are not two labels, or no label has a series for training, validation and test.
    """
    known = data.select(np.flatnonzero([label != UNKNOWN for label in data.labels]))
    codes = encode_labels(known.labels, known.classes)
    _check_labels(known, codes)
    split = stratified_split(codes, config.train.seed)
    longest, requested = int(known.lengths[split.train].max()), config.model.context
    context = min(longest, MAX_CONTEXT) if requested == "auto" else requested
    architecture = architecture_of(
        config.model,
        context=context,
        lags=len(known.features),
        head=CategoricalHead(len(known.classes)),
        hidden=tuple(config.model.dense_units),
        skip=False,
        every_step=False,
    )
    recipe = recipe_of(
        config.train,
        loss=architecture.head.loss_name,
        batch_size=BATCH_SIZE,
        steps_per_epoch=lambda size: n_batches(len(split.train), size),
        patience=PATIENCE,
        learning_rate=LEARNING_RATE,
    )
    return LabelPlan(
        data=known,
        codes=codes,
        split=split,
        architecture=architecture,
        recipe=recipe,
        networks=config.train.ensemble_size,
        refit=config.train.refit_on_all_data,
        inferred=(
            _labels_setting(known, codes, data.n_series - known.n_series),
            _window_setting(known, context, longest),
            _holdout_setting(split, early_stopping=recipe.patience is not None),
        ),
    )


def encode_labels(labels: Sequence[str], classes: Sequence[str]) -> Ints:
    """[S] the index of each label among the classes; −1 where it is none of them."""
    index = {label: k for k, label in enumerate(classes)}
    return np.array([index.get(label, -1) for label in labels], dtype=np.int64)


def n_batches(series: int, batch_size: int) -> int:
    """Batches in which each series occurs once."""
    return max(1, -(-series // batch_size))


def _check_labels(known: LabeledPanel, codes: Ints) -> None:
    where = f"{known.source}: column '{known.label}'"
    if len(known.classes) < 2:
        received = f"'{known.classes[0]}' alone" if known.classes else "none"
        raise DataError(f"{where}: series must have at least two different labels (got {received})")
    if np.bincount(codes).max() < MIN_SERIES_TO_VALIDATE:
        raise DataError(
            f"{where}: at least {MIN_SERIES_TO_VALIDATE} series must share a label, for training, validation and test "
            f"(got "
            f"{len(known.classes)} labels for {known.n_series} series); is it a column that identifies the series?"
        )


def _labels_setting(known: LabeledPanel, codes: Ints, n_unlabeled: int) -> InferredSetting:
    sizes = np.bincount(codes)
    each = f"{sizes.min()} to {sizes.max()}" if sizes.min() < sizes.max() else str(sizes.min())
    unlabeled = f"; {n_unlabeled:,} more without a label" if n_unlabeled else ""
    reason = f"{truncate_list(known.classes)}; {each} series each{unlabeled}"
    return InferredSetting(SettingKey.LABELS, str(len(known.classes)), reason)


def _window_setting(known: LabeledPanel, context: int, longest: int) -> InferredSetting:
    steps = "all steps of the longest series" if context >= longest else f"the last of up to {longest:,} steps"
    return InferredSetting(
        SettingKey.WINDOW, f"{context} steps", f"{steps}, {pluralize(len(known.features), 'feature')} at each"
    )


def _holdout_setting(split: StratifiedSplit, *, early_stopping: bool) -> InferredSetting:
    n_validation, n_test = len(split.validation), len(split.test)
    purpose = "early stopping, temperature" if early_stopping else "temperature"
    reason = f"{n_validation:,} validation ({purpose}), {n_test:,} test; stratified by label"
    return InferredSetting(SettingKey.HOLDOUT, f"{n_validation + n_test:,} series", reason)


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
