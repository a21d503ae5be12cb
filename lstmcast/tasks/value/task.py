"""`model.head: value`: numbers with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.data.schema import ReadOptions
from lstmcast.forecasting import codec
from lstmcast.forecasting.forecaster import Forecaster, fingerprint
from lstmcast.forecasting.new_data import data_warnings, training_read_options
from lstmcast.report import console
from lstmcast.results import FORMATS, Forecast
from lstmcast.tasks.base import BacktestOptions, Note, PlotOptions, PredictOptions, Tensors, reject_flags

if TYPE_CHECKING:
    from lstmcast.config import Config
    from lstmcast.evaluation.backtest_result import BacktestResult
    from lstmcast.forecasting.fitting import ProgressCallback
    from lstmcast.persistence.checkpoint import Checkpoint


@dataclass(frozen=True)
class ValueBacktest:
    """A backtest of values."""

    result: BacktestResult

    @property
    def better(self) -> bool:
        """Whether the LSTM was better than the best baseline."""
        return self.result.skill.better

    @property
    def warnings(self) -> tuple[str, ...]:
        """Series that could not be scored."""
        left_out = self.result.left_out
        return (f"left out: {left_out:,} series too short for so many origins",) if left_out else ()

    def summary(self) -> str:
        """The table of scores."""
        from lstmcast.report.tables import backtested

        return backtested(self.result)

    def files(self, *, figures: bool) -> dict[str, bytes]:
        """Two tables, and the figures."""
        tables = {"scores.csv": self.result.to_frame(), "forecasts.csv": self.result.forecasts()}
        files = {name: table.to_csv(index=False, lineterminator="\n").encode() for name, table in tables.items()}
        if figures:
            from lstmcast.report.figures.backtest import pictures

            files |= pictures(self.result)
        return files

    def to_dict(self) -> dict[str, Any]:
        """All scores."""
        return self.result.to_dict()


class ValueTask:
    """The task; see `Task`."""

    formats = FORMATS

    def read(self, data: str, config: Config) -> Panel:
        """A panel."""
        return read(data, ReadOptions.of(config.data.model_dump()))

    def describe_data(self, past: Panel, now: datetime) -> str:
        """Columns, frequency, gaps."""
        return console.format_data(past, now)

    def fingerprint(self, past: Panel) -> str:
        """Of keys, times and values."""
        return fingerprint(past)

    def train(
        self, past: Panel, config: Config, *, checkpoint: Checkpoint | None, on_progress: ProgressCallback, note: Note
    ) -> Forecaster:
        """A forecaster."""
        from lstmcast.forecasting.train import train

        return train(
            past,
            config,
            checkpoint=checkpoint,
            on_progress=on_progress,
            planned=lambda plan: note(console.format_plan(plan)),
        )

    def describe_scores(self, report: Mapping[str, Any]) -> str:
        """MAE, RMSE, sMAPE, MASE and coverage."""
        return console.format_scores(report)

    def to_artifact(self, trained: Forecaster) -> tuple[dict[str, Any], Tensors]:
        """Manifest and arrays."""
        return codec.to_artifact(trained)

    def from_artifact(self, manifest: Mapping[str, Any], tensors: Tensors) -> Forecaster:
        """The forecaster."""
        return codec.from_artifact(manifest, tensors)

    def read_new_data(self, trained: Forecaster, data: str) -> tuple[Panel, tuple[str, ...]]:
        """The same columns and format."""
        panel = read(data, training_read_options(trained))
        return panel, tuple(data_warnings(trained.context, panel))

    def stored_context(self, trained: Forecaster) -> Panel:
        """The last steps of every series."""
        return trained.context

    def predict(self, trained: Forecaster, past: Panel, options: PredictOptions) -> Forecast:
        """H steps of every series."""
        reject_flags(options, "value", "horizon")
        return trained.predict(past, options.horizon)

    def describe_prediction(
        self, outcome: Forecast, trained: Forecaster, past: Panel, *, version: Path, target: str
    ) -> str:
        """Steps, series, span."""
        return console.format_forecast(outcome, version, target, trained.report, past.notes)

    def plot(self, trained: Forecaster, past: Panel, options: PlotOptions) -> tuple[bytes, str]:
        """History, forecast and intervals; or what was held out; or a file of before."""
        from lstmcast.report.figures import forecast

        if options.backtest:
            series_panels = forecast.backtest_panels(past, trained, options.series)
        elif options.forecast:
            series_panels = forecast.file_panels(past, options.forecast, options.series)
        else:
            series_panels = forecast.forecast_panels(past, trained.predict(past, options.horizon), options.series)
        content = forecast.forecast_figure(
            series_panels, trained, options.suffix, backtest=options.backtest, history=options.history
        )
        return content, f"{len(series_panels)} of {past.n_series} series"

    def backtest(
        self, past: Panel, config: Config, options: BacktestOptions, *, on_progress: ProgressCallback, note: Note
    ) -> ValueBacktest:
        """Rolling origins."""
        from lstmcast.tasks.value.backtest import backtest

        return ValueBacktest(
            backtest(
                past,
                config,
                origins=options.origins,
                step=options.step,
                refit=options.refit,
                classical=options.classical,
                on_progress=on_progress,
                note=note,
            )
        )
