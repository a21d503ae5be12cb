"""The category task: the symbol at each of the next H steps, in columns of symbols and in plain text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.data.schema import ReadOptions
from lstmcast.data.targets import read_characters, symbols_of
from lstmcast.forecasting.new_data import data_warnings, pinned_options
from lstmcast.report import task_tables
from lstmcast.results import FORMATS
from lstmcast.tasks.base import BacktestOptions, Codec, Note, PlotOptions, PredictOptions, Task, reject_flags
from lstmcast.tasks.category import model
from lstmcast.tasks.category.model import TEXT, SymbolForecast, SymbolForecaster
from lstmcast.text import pluralize

if TYPE_CHECKING:
    from lstmcast.config import CategoryConfig
    from lstmcast.forecasting.fitting import ProgressCallback
    from lstmcast.tasks.category.backtest import SymbolBacktest
    from lstmcast.tasks.category.model import CategoryReport
    from lstmcast.tasks.category.train import SymbolTraining


class CategoryTask(Task["CategoryConfig", Panel, SymbolForecaster, "SymbolBacktest"]):
    """The calls of commands and jobs for symbols; see `Task`."""

    name: ClassVar[str] = "category"
    codec: ClassVar[Codec] = model
    formats: ClassVar[tuple[str, ...]] = (*FORMATS, TEXT)

    def read(self, data: str, config: CategoryConfig) -> Panel:
        """Read a panel of codes."""
        return _read(data, ReadOptions.of(config.data.model_dump()))

    def training(self, dataset: Panel, config: CategoryConfig) -> SymbolTraining:
        """Plan a training run."""
        from lstmcast.tasks.category.train import SymbolTraining

        return SymbolTraining.of(dataset, config)

    def describe_scores(self, report: CategoryReport) -> str:
        """Format bits, accuracy and top-3 accuracy."""
        return task_tables.format_category_scores(report)

    def read_new_data(
        self, model: SymbolForecaster, data: str, given: Mapping[str, Any] | None = None
    ) -> tuple[Panel, tuple[str, ...]]:
        """Read the columns, formats and symbols of training; a text may start anywhere."""
        context = model.context
        options = pinned_options(context, model.report.config["data"], given)
        panel = _read(data, options, context.symbols)
        warnings = () if model.is_text else tuple(data_warnings(context, panel))
        if unknown := int(np.count_nonzero(panel.observed & (panel.values < 0))):
            steps = pluralize(unknown, "step")
            warnings += (f"{panel.source}: {steps} with a symbol that was not in the training data, read as missing",)
        return panel, warnings

    def predict(self, model: SymbolForecaster, dataset: Panel, options: PredictOptions) -> SymbolForecast:
        """Forecast the most likely path of H symbols, or a sampled one."""
        if options.temperature is None:
            reject_flags(options, f"{self.name} without --temperature", "horizon")
        seed = options.seed or 0
        return model.predict(dataset, options.horizon, temperature=options.temperature, seed=seed)

    def plot(self, model: SymbolForecaster, dataset: Panel, options: PlotOptions) -> tuple[bytes, str]:
        """Draw the last and the next symbols with probabilities, or the scores on the hold-out."""
        from lstmcast.report.figures import categories
        from lstmcast.report.figures.panels import render

        if options.backtest:
            reject_flags(options, self.name, "backtest")
            return render(categories.scores(model.report.evaluation), options.suffix), "hold-out"
        reject_flags(options, self.name, "horizon", "series", "history_steps")
        horizon, history = options.horizon, options.history_steps
        figure, shown = categories.ahead(model, dataset, options.series, horizon=horizon, history=history)
        return render(figure, options.suffix), f"{shown} of {dataset.n_series} series"

    def backtest(
        self,
        dataset: Panel,
        config: CategoryConfig,
        options: BacktestOptions,
        *,
        on_progress: ProgressCallback,
        note: Note,
    ) -> SymbolBacktest:
        """Train on all but the last third, and score every step of that."""
        from lstmcast.tasks.category.backtest import backtest, plan_backtest
        from lstmcast.tasks.pipeline import FitOptions

        reject_flags(options, self.name)
        training = plan_backtest(dataset, config)
        note(self.describe_plan(training.plan))
        return backtest(training, FitOptions(on_progress))

    def describe_backtest(self, result: SymbolBacktest) -> str:
        """Format the table of scores."""
        return task_tables.format_category_backtest(result)

    def backtest_figures(self, result: SymbolBacktest) -> dict[str, bytes]:
        """Draw the scores."""
        from lstmcast.report.figures import categories
        from lstmcast.report.figures.panels import render

        return {"scores.png": render(categories.scores(result.evaluation.summary), ".png")}


def _read(data: str, options: ReadOptions, symbols: tuple[str, ...] = ()) -> Panel:
    """Read a plain text, or a file with a column of symbols; `symbols`: those of training, empty: all."""
    return (
        read_characters(data, options, symbols)
        if options.format == "text"
        else read(data, options, symbols_of(symbols))
    )
