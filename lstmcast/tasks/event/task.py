"""`model.head: event`: the probability that something comes true at each of the next H steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lstmcast.data.load import TargetParser, read
from lstmcast.data.panel import Panel
from lstmcast.data.schema import ReadOptions
from lstmcast.data.targets import EVENT_PARSER
from lstmcast.forecasting.forecaster import fingerprint
from lstmcast.forecasting.new_data import data_warnings, pinned_options
from lstmcast.report import console, task_tables
from lstmcast.results import FORMATS, Forecast
from lstmcast.tasks.base import BacktestOptions, Note, PlotOptions, PredictOptions, Tensors, reject_flags
from lstmcast.tasks.event import codec
from lstmcast.tasks.event.model import EventForecaster

if TYPE_CHECKING:
    from lstmcast.config import Config
    from lstmcast.forecasting.fitting import ProgressCallback
    from lstmcast.persistence.checkpoint import Checkpoint
    from lstmcast.tasks.event.backtest import EventBacktestResult

HEAD = "event"


@dataclass(frozen=True)
class EventBacktest:
    """A backtest of an event."""

    result: EventBacktestResult

    @property
    def better(self) -> bool:
        """Whether the LSTM was better than the best baseline."""
        return self.result.evaluation.skill.better

    @property
    def warnings(self) -> tuple[str, ...]:
        """Series that could not be scored."""
        left_out = self.result.left_out
        return (f"left out: {left_out:,} series too short for so many origins",) if left_out else ()

    def summary(self) -> str:
        """The table of scores."""
        return task_tables.format_event_backtest(self.result)

    def files(self, *, figures: bool) -> dict[str, bytes]:
        """Two tables, and the figure."""
        tables = {"scores.csv": self.result.to_frame(), "forecasts.csv": self.result.forecasts()}
        files = {name: table.to_csv(index=False, lineterminator="\n").encode() for name, table in tables.items()}
        if figures:
            from lstmcast.report.figures import classification
            from lstmcast.report.figures.panels import render

            files["reliability.png"] = render(classification.reliability(self.to_dict()), ".png")
        return files

    def to_dict(self) -> dict[str, Any]:
        """All scores."""
        return self.result.to_dict()


class EventTask:
    """The task; see `Task`."""

    formats = FORMATS

    def read(self, data: str, config: Config) -> Panel:
        """A panel; where no rule is given, of yes and no."""
        return read(data, ReadOptions.of(config.data.model_dump()), _content(config.model.event))

    def describe_data(self, past: Panel, now: datetime) -> str:
        """Columns, frequency, gaps."""
        return console.format_data(past, now)

    def fingerprint(self, past: Panel) -> str:
        """Of keys, times and values."""
        return fingerprint(past)

    def train(
        self, past: Panel, config: Config, *, checkpoint: Checkpoint | None, on_progress: ProgressCallback, note: Note
    ) -> EventForecaster:
        """A forecaster of the event."""
        from lstmcast.tasks.event.train import train

        def planned(plan: Any) -> None:
            note(console.format_plan(plan.plan))

        return train(past, config, checkpoint=checkpoint, on_progress=on_progress, planned=planned)

    def describe_scores(self, report: Mapping[str, Any]) -> str:
        """Brier score, log loss, accuracy and calibration error."""
        return task_tables.format_event_scores(report)

    def to_artifact(self, trained: EventForecaster) -> tuple[dict[str, Any], Tensors]:
        """Manifest and arrays."""
        return codec.to_artifact(trained)

    def from_artifact(self, manifest: Mapping[str, Any], tensors: Tensors) -> EventForecaster:
        """The forecaster."""
        return codec.from_artifact(manifest, tensors)

    def read_new_data(self, trained: EventForecaster, data: str) -> tuple[Panel, tuple[str, ...]]:
        """The same columns and format."""
        config = trained.report["config"]
        panel = read(data, pinned_options(trained.context, config["data"]), _content(config["model"]["event"]))
        return panel, tuple(data_warnings(trained.context, panel))

    def stored_context(self, trained: EventForecaster) -> Panel:
        """The last steps of every series."""
        return trained.context

    def predict(self, trained: EventForecaster, past: Panel, options: PredictOptions) -> Forecast:
        """Probabilities at H steps of every series."""
        reject_flags(options, HEAD, "horizon")
        return trained.predict(past, options.horizon)

    def describe_prediction(
        self, outcome: Forecast, trained: EventForecaster, past: Panel, *, version: Path, target: str
    ) -> str:
        """Steps, series, span."""
        return console.format_forecast(outcome, version, target, trained.report, past.notes)

    def plot(self, trained: EventForecaster, past: Panel, options: PlotOptions) -> tuple[bytes, str]:
        """History and probabilities; or, of what was held out, how often it came true."""
        from lstmcast.report.figures import classification
        from lstmcast.report.figures.panels import render

        if options.backtest:
            reject_flags(options, HEAD, "backtest")
            return render(classification.reliability(trained.report), options.suffix), "what was held out"
        reject_flags(options, HEAD, "horizon", "series", "history")
        figure, shown = classification.ahead(
            past, trained, trained.predict(past, options.horizon), options.series, options.history
        )
        return render(figure, options.suffix), f"{shown} of {past.n_series} series"

    def backtest(
        self,
        past: Panel,
        config: Config,
        options: BacktestOptions,
        *,
        on_progress: ProgressCallback,
        note: Note,  # noqa: ARG002
    ) -> EventBacktest:
        """Rolling origins, trained once."""
        from lstmcast.tasks.event.backtest import backtest

        reject_flags(options, HEAD, "origins", "step")
        return EventBacktest(
            backtest(past, config, origins=options.origins, step=options.step, on_progress=on_progress)
        )


def _content(rule: str | None) -> TargetParser | None:
    """What the target holds: yes and no, or numbers that a rule speaks of."""
    return EVENT_PARSER if rule is None else None
