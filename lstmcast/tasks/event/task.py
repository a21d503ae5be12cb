"""The event task: the probability of an event at each of the next H steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from lstmcast.data.load import TargetParser, read
from lstmcast.data.panel import Panel
from lstmcast.data.schema import ReadOptions
from lstmcast.data.targets import EVENT_PARSER
from lstmcast.forecasting.new_data import data_warnings, pinned_options
from lstmcast.report import task_tables
from lstmcast.tasks.base import BacktestOptions, Codec, Note, PlotOptions, Task, reject_flags
from lstmcast.tasks.event import model
from lstmcast.tasks.event.model import EventForecaster

if TYPE_CHECKING:
    from lstmcast.config import EventConfig
    from lstmcast.forecasting.fitting import ProgressCallback
    from lstmcast.tasks.event.backtest import EventBacktest
    from lstmcast.tasks.event.model import EventReport
    from lstmcast.tasks.event.train import EventTraining


class EventTask(Task["EventConfig", Panel, EventForecaster, "EventBacktest"]):
    """The calls of commands and jobs for an event; see `Task`."""

    name: ClassVar[str] = "event"
    codec: ClassVar[Codec] = model

    def read(self, data: str, config: EventConfig) -> Panel:
        """Read a panel; without `model.event`, of yes and no."""
        return read(data, ReadOptions.of(config.data.model_dump()), _parser(config.model.event))

    def training(self, dataset: Panel, config: EventConfig) -> EventTraining:
        """Plan a training run."""
        from lstmcast.tasks.event.train import EventTraining

        return EventTraining.of(dataset, config)

    def describe_scores(self, report: EventReport) -> str:
        """Format Brier score, log loss, accuracy and calibration error."""
        return task_tables.format_event_scores(report)

    def read_new_data(
        self, model: EventForecaster, data: str, given: Mapping[str, Any] | None = None
    ) -> tuple[Panel, tuple[str, ...]]:
        """Read the columns and formats of training."""
        config = model.report.config
        options = pinned_options(model.context, config["data"], given)
        panel = read(data, options, _parser(config["model"]["event"]))
        return panel, tuple(data_warnings(model.context, panel))

    def plot(self, model: EventForecaster, dataset: Panel, options: PlotOptions) -> tuple[bytes, str]:
        """Draw history and probabilities, or the reliability on the hold-out."""
        from lstmcast.report.figures import classification
        from lstmcast.report.figures.panels import render

        if options.backtest:
            reject_flags(options, self.name, "backtest")
            return render(
                classification.reliability(model.report.evaluation, model.report.event), options.suffix
            ), "hold-out"
        reject_flags(options, self.name, "horizon", "series", "history_steps")
        forecast = model.predict(dataset, options.horizon)
        figure, shown = classification.ahead(dataset, model, forecast, options.series, options.history_steps)
        return render(figure, options.suffix), f"{shown} of {dataset.n_series} series"

    def backtest(
        self,
        dataset: Panel,
        config: EventConfig,
        options: BacktestOptions,
        *,
        on_progress: ProgressCallback,
        note: Note,  # noqa: ARG002
    ) -> EventBacktest:
        """Forecast from rolling origins after one training."""
        from lstmcast.tasks.event.backtest import backtest
        from lstmcast.tasks.pipeline import FitOptions

        reject_flags(options, self.name, "n_origins", "step_size")
        return backtest(
            dataset, config, n_origins=options.n_origins, step_size=options.step_size, options=FitOptions(on_progress)
        )

    def describe_backtest(self, result: EventBacktest) -> str:
        """Format the table of scores."""
        return task_tables.format_event_backtest(result)

    def backtest_figures(self, result: EventBacktest) -> dict[str, bytes]:
        """Draw the reliability diagram."""
        from lstmcast.report.figures import classification
        from lstmcast.report.figures.panels import render

        figure = classification.reliability(result.evaluation.summary, result.event)
        return {"reliability.png": render(figure, ".png")}


def _parser(event: str | None) -> TargetParser | None:
    """The parser of the target column: yes and no, or numbers that an expression compares."""
    return EVENT_PARSER if event is None else None
