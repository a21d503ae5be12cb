"""The category task: the symbol at each of the next H steps, in columns of symbols and in plain text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from lstmcast.calibration.temperature import temperature
from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.data.schema import InferredSetting, ReadOptions, SettingKey
from lstmcast.data.targets import read_characters, symbols_of
from lstmcast.errors import DataError
from lstmcast.evaluation.splits import MIN_TRAIN_STEPS, HoldoutSplit
from lstmcast.forecasting.evaluate import describe_holdout
from lstmcast.forecasting.model_comparison import Comparison
from lstmcast.forecasting.new_data import data_warnings, pinned_options
from lstmcast.forecasting.plans import NetworkPlan, architecture_of, horizon_of, horizon_setting, recipe_of
from lstmcast.forecasting.split_data import tail
from lstmcast.forecasts import FORMATS
from lstmcast.nn.heads import CategoricalHead
from lstmcast.preprocessing.sequences import SymbolDataset
from lstmcast.tasks.backtest import BacktestPlan, FitCall
from lstmcast.tasks.base import BacktestOptions, Note, PredictOptions, Task, reject_flags
from lstmcast.tasks.category.model import TEXT, CategoryReport, SymbolForecast, SymbolForecaster, SymbolPipeline
from lstmcast.tasks.category.scores import (
    SymbolBacktest,
    SymbolEvaluation,
    SymbolPredictions,
    compare_symbols,
    evaluate_symbols,
    one_step_predictions,
)
from lstmcast.tasks.model import NetworkModel
from lstmcast.tasks.pipeline import MAX_CHECKED_SERIES, HoldoutFit, NetworkTraining, evaluate
from lstmcast.text import pluralize
from lstmcast.types import Array

if TYPE_CHECKING:
    from lstmcast.config import CategoryConfig

MAX_VALIDATION_STEPS, MAX_TEST_STEPS = 10_000, 40_000
CONTEXT_WITHOUT_SEASON, MAX_CONTEXT = 64, 96  # steps of a window
BATCH_SIZE = 128
PASSES = 40  # uses of each symbol over all epochs
MIN_STEPS_PER_EPOCH, MAX_STEPS_PER_EPOCH = 20, 1_500
LEARNING_RATE = 0.01
PATIENCE = 10
TEST_DIVISOR = 3  # the test steps of a backtest are the last third


@dataclass(frozen=True, kw_only=True)
class SymbolPlan(NetworkPlan):
    """The decisions of one training run.

    Attributes:
        holdout: validation and test steps; its horizon is H.
    """

    holdout: HoldoutSplit


def make_symbol_plan(panel: Panel, config: CategoryConfig, *, test_steps: int | None = None) -> SymbolPlan:
    """Decide everything that the config leaves to `auto`.

    Args:
        panel: the training data.
        config: the settings.
        test_steps: None: a fifth of a typical series, at most 40,000.

    Raises:
        DataError: the series are too short.
    """
    holdout = plan_symbol_holdout(panel, horizon_of(panel, config), test_steps)
    context, n_symbols = _context(panel, config), len(panel.symbols)
    architecture = architecture_of(
        config.model,
        context=context,
        lags=n_symbols,
        head=CategoricalHead(n_symbols),
        skip=config.model.skip_connection,
    )
    n_learned = int(np.maximum(panel.lengths - holdout.total, 0).sum())

    def steps_per_epoch(batch_size: int) -> int:
        steps = round(PASSES * n_learned / (context * batch_size * config.train.epochs))
        return int(np.clip(steps, MIN_STEPS_PER_EPOCH, MAX_STEPS_PER_EPOCH))

    return SymbolPlan(
        holdout=holdout,
        architecture=architecture,
        recipe=recipe_of(
            config.train,
            loss=architecture.head.loss_name,
            batch_size=BATCH_SIZE,
            steps_per_epoch=steps_per_epoch,
            patience=PATIENCE,
            learning_rate=LEARNING_RATE,
            schedule="cosine",
        ),
        networks=config.train.ensemble_size,
        refit=config.train.refit_on_all_data,
        inferred=(
            horizon_setting(panel, config, holdout.horizon),
            InferredSetting(SettingKey.SYMBOLS, str(n_symbols), _examples(panel.symbols)),
            InferredSetting(SettingKey.WINDOW, f"{context} steps", f"{n_learned:,} training symbols"),
        ),
    )


def plan_symbol_holdout(panel: Panel, horizon: int, test_steps: int | None = None) -> HoldoutSplit:
    """Hold out an eighth of a typical series for validation and a fifth for the test, at least H steps each.

    Args:
        panel: the training data.
        horizon: H.
        test_steps: None: a fifth of a typical series, at most 40,000.

    Raises:
        DataError: a typical series is too short for the horizon.
    """
    typical = int(np.median(panel.lengths))
    test_steps = min(typical // 5, MAX_TEST_STEPS) if test_steps is None else test_steps
    split = HoldoutSplit(horizon, max(horizon, min(typical // 8, MAX_VALIDATION_STEPS)), max(horizon, test_steps))
    if typical < (needed := split.total + max(horizon, MIN_TRAIN_STEPS)):
        raise DataError(
            f"{panel.source}: a typical series has {typical} steps; a horizon of {horizon} needs at least {needed} "
            "(training, validation and test). Provide more history, or a shorter --horizon"
        )
    return split


def _examples(symbols: tuple[str, ...]) -> str:
    """The first symbols in one line; invisible ones are escaped."""
    shown = ", ".join(symbol if symbol.isprintable() and symbol.strip() else repr(symbol) for symbol in symbols[:8])
    return shown + (" …" if len(symbols) > 8 else "")


def _context(panel: Panel, config: CategoryConfig) -> int:
    """Three seasons, or 64 steps; at most a quarter of a typical series."""
    if config.model.context != "auto":
        return config.model.context
    season, typical = panel.calendar.season, int(np.median(panel.lengths))
    wanted = max(24, 3 * season) if season > 1 else CONTEXT_WITHOUT_SEASON
    return max(4, min(wanted, MAX_CONTEXT, typical // 4))


@dataclass(frozen=True)
class SymbolTraining(NetworkTraining[SymbolPipeline, SymbolEvaluation, SymbolForecaster]):
    """One training run of symbols."""

    plan: SymbolPlan
    panel: Panel
    config: CategoryConfig
    always_validates: ClassVar[bool] = True

    @classmethod
    def of(cls, panel: Panel, config: CategoryConfig, *, test_steps: int | None = None) -> SymbolTraining:
        """Plan the training of a panel; arguments and errors as in `make_symbol_plan`."""
        return cls(make_symbol_plan(panel, config, test_steps=test_steps), panel, config)

    def untrained(self, *, refit: bool) -> tuple[SymbolPipeline, SymbolDataset]:
        """Return the codes of the panel, or of its part before the hold-out."""
        pipeline = SymbolPipeline(self.plan.architecture.context)
        return pipeline, pipeline.bind(self.panel if refit else self.panel.drop_last(self.plan.holdout.total))

    def _validation(self, pipeline: SymbolPipeline) -> SymbolPredictions:
        split = self.plan.holdout
        return one_step_predictions(pipeline, self.panel.drop_last(split.test_steps), split.validation_steps)

    def validation_error(self, pipeline: SymbolPipeline) -> float:
        """Return the mean bits of the validation steps."""
        return float(self._validation(pipeline).bits.mean())

    def calibrate(self, pipeline: SymbolPipeline) -> SymbolPipeline:
        """Fit the temperature to the validation steps."""
        steps = self._validation(pipeline)
        return replace(pipeline, temperature=temperature(steps.log_probs, steps.actual))

    def evaluate(self, holdout: HoldoutFit[SymbolPipeline]) -> SymbolEvaluation:
        """Score the test steps."""
        return evaluate_symbols(holdout.pipeline, self.panel, self.plan.holdout)

    def calibrate_final(self, pipeline: SymbolPipeline, holdout: SymbolPipeline) -> SymbolPipeline:
        """Keep the temperature of the fit before the hold-out."""
        return replace(pipeline, temperature=holdout.temperature)

    def forward_inputs(self, pipeline: SymbolPipeline) -> Array:
        """Return the newest window of each of the first series."""
        series = np.arange(min(self.panel.n_series, MAX_CHECKED_SERIES))
        return pipeline.bind(self.panel).inputs(series, self.panel.lengths[series] - 1, pipeline.context)

    def model(
        self, pipeline: SymbolPipeline, holdout: HoldoutFit[SymbolPipeline], evaluation: SymbolEvaluation
    ) -> SymbolForecaster:
        """Assemble the forecaster."""
        split = self.plan.holdout
        return SymbolForecaster(
            pipeline=pipeline,
            holdout_pipeline=holdout.pipeline,
            context=tail(self.panel, pipeline.required_history),
            horizon=split.horizon,
            report=CategoryReport(
                **self.report_fields(self.panel, self.config, pipeline, holdout),
                evaluation=evaluation.summary,
                holdout=describe_holdout(split),
            ),
        )


@dataclass(frozen=True)
class SymbolBacktestPlan(BacktestPlan[SymbolEvaluation, SymbolBacktest]):
    """A backtest of symbols: one training, whose test steps are the last third of a typical series."""

    training: SymbolTraining

    @property
    def decisions(self) -> SymbolPlan:
        """The plan of the training."""
        return self.training.plan

    @property
    def fits(self) -> Sequence[FitCall[SymbolEvaluation]]:
        """One training, with the predictions of its test steps."""
        return [partial(evaluate, self.training)]

    def score(self, found: Sequence[SymbolEvaluation], note: Note) -> SymbolBacktest:  # noqa: ARG002
        """Return the scores of the test steps."""
        panel, steps = self.training.panel, self.decisions.holdout.test_steps
        n_excluded = int((panel.lengths <= steps).sum())
        warnings = (f"left out: {n_excluded:,} series of no more than {steps:,} steps",) if n_excluded else ()
        return SymbolBacktest(panel, found[0], warnings)


class CategoryTask(Task["CategoryConfig", Panel, SymbolForecaster, SymbolBacktest]):
    """The calls of commands and jobs for symbols; see `Task`."""

    name: ClassVar[str] = "category"
    model_type: ClassVar[type[NetworkModel]] = SymbolForecaster
    formats: ClassVar[tuple[str, ...]] = (*FORMATS, TEXT)

    def read(self, data: Any, config: CategoryConfig) -> Panel:
        """Read a panel of codes."""
        return _read(data, ReadOptions.of(config.data.model_dump()))

    def training(self, dataset: Panel, config: CategoryConfig) -> SymbolTraining:
        """Plan a training run."""
        return SymbolTraining.of(dataset, config)

    def read_new_data(
        self, model: SymbolForecaster, data: str, given: Mapping[str, Any] | None = None
    ) -> tuple[Panel, tuple[str, ...]]:
        """Read the columns, formats and symbols of training; a text may start anywhere."""
        return _read_as_trained(model, data, given)

    def read_for_job(
        self,
        model: SymbolForecaster,
        data: str,
        future: str | None = None,  # noqa: ARG002
    ) -> tuple[Panel, tuple[str, ...]]:
        """Read also the symbols that are new, which the next training learns."""
        return _read_as_trained(model, data, extend=True)

    def compare(self, challenger: SymbolForecaster, incumbent: SymbolForecaster, panel: Panel) -> Comparison:
        """Compare the bits of one-step predictions; see `compare_symbols`."""
        return compare_symbols(challenger, incumbent, panel)

    def predict(self, model: SymbolForecaster, dataset: Panel, options: PredictOptions) -> SymbolForecast:
        """Forecast the most likely path of H symbols, or a sampled one."""
        if options.temperature is None:
            reject_flags(options, f"{self.name} without --temperature", "horizon")
        seed = options.seed or 0
        return model.predict(dataset, options.horizon, temperature=options.temperature, seed=seed)

    def backtest_plan(self, dataset: Panel, config: CategoryConfig, options: BacktestOptions) -> SymbolBacktestPlan:  # noqa: ARG002
        """Plan one training with the last third as its test steps."""
        test_steps = int(np.median(dataset.lengths)) // TEST_DIVISOR
        return SymbolBacktestPlan(SymbolTraining.of(dataset, config, test_steps=test_steps))


def _read_as_trained(
    model: SymbolForecaster, data: str, given: Mapping[str, Any] | None = None, *, extend: bool = False
) -> tuple[Panel, tuple[str, ...]]:
    """Read new data with the columns, formats and symbols of training; return warnings too."""
    context = model.context
    options = pinned_options(context, model.report.config.read_options, given)
    panel = _read(data, options, context.symbols, extend=extend)
    warnings = () if model.is_text else tuple(data_warnings(context, panel))
    if unknown := int(np.count_nonzero(panel.observed & (panel.recode(context.symbols).values < 0))):
        steps = pluralize(unknown, "step")
        warnings += (f"{panel.source}: {steps} with a symbol that was not in the training data, read as missing",)
    return panel, warnings


def _read(data: Any, options: ReadOptions, symbols: tuple[str, ...] = (), *, extend: bool = False) -> Panel:
    """Read a plain text, or a file with a column of symbols; `symbols`: those of training, empty: all."""
    if options.format == "text":
        return read_characters(data, options, symbols, extend=extend)
    return read(data, options, symbols_of(symbols, extend=extend))
