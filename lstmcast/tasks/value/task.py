"""The value task: numbers with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.data.schema import ReadOptions
from lstmcast.forecasting import codec
from lstmcast.forecasting.forecaster import Forecaster
from lstmcast.forecasting.new_data import data_warnings, training_read_options
from lstmcast.report import console
from lstmcast.results import ValueReport
from lstmcast.tasks.base import BacktestOptions, Codec, Note, PlotOptions, Task

if TYPE_CHECKING:
    from lstmcast.config import ValueConfig
    from lstmcast.evaluation.backtest_result import BacktestResult
    from lstmcast.forecasting.fitting import ProgressCallback
    from lstmcast.tasks.value.train import ValueTraining


class ValueTask(Task["ValueConfig", Panel, Forecaster, "BacktestResult"]):
    """The calls of commands and jobs for values; see `Task`."""

    name: ClassVar[str] = "value"
    codec: ClassVar[Codec] = codec

    def read(self, data: str, config: ValueConfig) -> Panel:
        """Read a panel."""
        return read(data, ReadOptions.of(config.data.model_dump()))

    def training(self, dataset: Panel, config: ValueConfig) -> ValueTraining:
        """Plan a training run."""
        from lstmcast.tasks.value.train import ValueTraining

        return ValueTraining.of(dataset, config)

    def warm_training(self, dataset: Panel, config: ValueConfig, start: Forecaster) -> ValueTraining:
        """Plan a training run that starts from the weights of a forecaster."""
        from lstmcast.tasks.value.train import ValueTraining

        return ValueTraining.of(dataset, config, start)

    def describe_scores(self, report: ValueReport) -> str:
        """Format MAE, RMSE, sMAPE, MASE and coverage."""
        return console.format_scores(report)

    def read_new_data(
        self, model: Forecaster, data: str, given: Mapping[str, Any] | None = None
    ) -> tuple[Panel, tuple[str, ...]]:
        """Read the columns and formats of training."""
        panel = read(data, training_read_options(model, given))
        return panel, tuple(data_warnings(model.context, panel))

    def plot(self, model: Forecaster, dataset: Panel, options: PlotOptions) -> tuple[bytes, str]:
        """Draw history, forecast and intervals; or the hold-out; or a forecast file."""
        from lstmcast.report.figures import forecast

        if options.backtest:
            panels = forecast.backtest_panels(dataset, model, options.series)
        elif options.forecast:
            panels = forecast.file_panels(dataset, options.forecast, options.series)
        else:
            panels = forecast.forecast_panels(dataset, model.predict(dataset, options.horizon), options.series)
        content = forecast.forecast_figure(
            panels, model, options.suffix, backtest=options.backtest, history=options.history_steps
        )
        return content, f"{len(panels)} of {dataset.n_series} series"

    def backtest(
        self,
        dataset: Panel,
        config: ValueConfig,
        options: BacktestOptions,
        *,
        on_progress: ProgressCallback,
        note: Note,
    ) -> BacktestResult:
        """Forecast from rolling origins, after one training or after one for each."""
        from lstmcast.tasks.value.backtest import backtest

        return backtest(
            dataset,
            config,
            origins=options.n_origins,
            step=options.step_size,
            refit=options.refit,
            classical=options.classical,
            on_progress=on_progress,
            note=note,
        )

    def describe_backtest(self, result: BacktestResult) -> str:
        """Format the table of scores."""
        from lstmcast.report.tables import format_backtest

        return format_backtest(result)

    def backtest_figures(self, result: BacktestResult) -> dict[str, bytes]:
        """Draw scores by step, and intervals."""
        from lstmcast.report.figures.backtest import pictures

        return pictures(result)
