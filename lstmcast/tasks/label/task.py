"""`model.head: label`: one label for a whole series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from lstmcast.data.labeled_panel import LabeledPanel, read_labels
from lstmcast.data.schema import ReadOptions
from lstmcast.results import FORMATS
from lstmcast.tasks.base import BacktestOptions, Note, PlotOptions, PredictOptions, Tensors, reject_flags
from lstmcast.tasks.label.codec import from_artifact, to_artifact
from lstmcast.tasks.label.model import LabelPredictions, SeriesClassifier, data_warnings, empty_panel, pinned
from lstmcast.tasks.label.train import fingerprint

if TYPE_CHECKING:
    from lstmcast.config import Config
    from lstmcast.forecasting.fitting import ProgressCallback
    from lstmcast.persistence.checkpoint import Checkpoint
    from lstmcast.tasks.label.backtest import LabelBacktestResult

HEAD = "label"


@dataclass(frozen=True)
class LabelBacktest:
    """A backtest of labels."""

    result: LabelBacktestResult

    @property
    def better(self) -> bool:
        """Whether the LSTM was right more often than the best rule."""
        return self.result.evaluation.skill().better

    @property
    def warnings(self) -> tuple[str, ...]:
        """Nothing: every series whose label is known is scored."""
        return ()

    def summary(self) -> str:
        """The table of scores."""
        from lstmcast.report.task_tables import format_label_backtest

        return format_label_backtest(self.result)

    def files(self, *, figures: bool) -> dict[str, bytes]:
        """Two tables, and the confusion matrix."""
        tables = {"scores.csv": self.result.to_frame(), "forecasts.csv": self.result.forecasts()}
        files = {name: table.to_csv(index=False, lineterminator="\n").encode() for name, table in tables.items()}
        if figures:
            found = self.result.to_dict()
            label, source = self.result.data.label, self.result.data.source
            files["confusion.png"] = _confusion(found, label, source, what="Backtest", suffix=".png")
        return files

    def to_dict(self) -> dict[str, Any]:
        """All scores."""
        return self.result.to_dict()


class LabelTask:
    """The task; see `Task`."""

    formats = FORMATS

    def read(self, data: str, config: Config) -> LabeledPanel:
        """Series with their labels."""
        return read_labels(data, ReadOptions.of(config.data.model_dump()))

    def describe_data(self, past: LabeledPanel, now: datetime) -> str:  # noqa: ARG002  # labels do not age
        """Series, features, labels."""
        from lstmcast.report.task_tables import found

        return found(past)

    def fingerprint(self, past: LabeledPanel) -> str:
        """Of keys, steps, features and labels."""
        return fingerprint(past)

    def train(
        self,
        past: LabeledPanel,
        config: Config,
        *,
        checkpoint: Checkpoint | None,
        on_progress: ProgressCallback,
        note: Note,
    ) -> SeriesClassifier:
        """A labeller."""
        from lstmcast.report.task_tables import planned
        from lstmcast.tasks.label.train import train

        return train(
            past, config, checkpoint=checkpoint, on_progress=on_progress, planned=lambda plan: note(planned(plan))
        )

    def describe_scores(self, report: Mapping[str, Any]) -> str:
        """Accuracy, cross-entropy, and what is mixed up."""
        from lstmcast.report.task_tables import format_label_scores

        return format_label_scores(report)

    def to_artifact(self, trained: SeriesClassifier) -> tuple[dict[str, Any], Tensors]:
        """Manifest and arrays."""
        return to_artifact(trained)

    def from_artifact(self, manifest: Mapping[str, Any], tensors: Tensors) -> SeriesClassifier:
        """The labeller."""
        return from_artifact(manifest, tensors)

    def read_new_data(self, trained: SeriesClassifier, data: str) -> tuple[LabeledPanel, tuple[str, ...]]:
        """The same columns and format; labels may be missing."""
        found = read_labels(data, pinned(trained), known=False)
        return found, tuple(data_warnings(trained, found))

    def stored_context(self, trained: SeriesClassifier) -> LabeledPanel:
        """No series: a labeller keeps none."""
        return empty_panel(trained)

    def predict(self, trained: SeriesClassifier, past: LabeledPanel, options: PredictOptions) -> LabelPredictions:
        """The label of every series."""
        reject_flags(options, HEAD)
        return trained.predict(past)

    def describe_prediction(
        self, outcome: LabelPredictions, trained: SeriesClassifier, past: LabeledPanel, *, version: Path, target: str
    ) -> str:
        """How many series, and how many labels the file had."""
        from lstmcast.report.task_tables import format_label_forecast

        return format_label_forecast(outcome, past, trained.report, version=version, target=target)

    def plot(self, trained: SeriesClassifier, past: LabeledPanel, options: PlotOptions) -> tuple[bytes, str]:  # noqa: ARG002
        """The confusion matrix of the held-out series."""
        reject_flags(options, HEAD, "backtest")
        content = _confusion(
            trained.report,
            trained.columns.label,
            trained.report["data"]["source"],
            what="Held out",
            suffix=options.suffix,
        )
        return content, f"{trained.report['held_out']['judge_series']} held-out series"

    def backtest(
        self, past: LabeledPanel, config: Config, options: BacktestOptions, *, on_progress: ProgressCallback, note: Note
    ) -> LabelBacktest:
        """Every series judged once."""
        from lstmcast.report.task_tables import planned
        from lstmcast.tasks.label.backtest import backtest

        reject_flags(options, HEAD)
        return LabelBacktest(backtest(past, config, on_progress=on_progress, planned=lambda plan: note(planned(plan))))


def _confusion(found: Mapping[str, Any], label: str, source: str, *, what: str, suffix: str) -> bytes:
    """The figure of what was found."""
    from lstmcast.report.figures.classification import draw
    from lstmcast.report.figures.panels import render

    title = f"{what}: which {label} is taken for which ({PurePath(source).name})"
    figure = draw(np.array(found["confusion"]), found["classes"], label=label, title=title, caption=found["verdict"])
    return render(figure, suffix)
