"""The label task: one label for a whole series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from lstmcast.data.labeled_panel import LabeledPanel, read_labels
from lstmcast.data.schema import ReadOptions
from lstmcast.forecasting.new_data import merge_given
from lstmcast.report import task_tables
from lstmcast.tasks.base import BacktestOptions, Codec, Note, PlotOptions, PredictOptions, Task, reject_flags
from lstmcast.tasks.label import model
from lstmcast.tasks.label.model import LabelPredictions, SeriesClassifier

if TYPE_CHECKING:
    from lstmcast.config import LabelConfig
    from lstmcast.forecasting.fitting import ProgressCallback
    from lstmcast.tasks.label.backtest import LabelBacktest
    from lstmcast.tasks.label.model import LabelReport, LabelScores
    from lstmcast.tasks.label.train import LabelPlan, LabelTraining


class LabelTask(Task["LabelConfig", LabeledPanel, SeriesClassifier, "LabelBacktest"]):
    """The calls of commands and jobs for labels; see `Task`."""

    name: ClassVar[str] = "label"
    codec: ClassVar[Codec] = model

    def read(self, data: str, config: LabelConfig) -> LabeledPanel:
        """Read series and their labels."""
        return read_labels(data, ReadOptions.of(config.data.model_dump()))

    def describe_data(self, dataset: LabeledPanel, now: datetime) -> str:  # noqa: ARG002  # labels have no age
        """Format series, features and labels."""
        return task_tables.format_labeled_data(dataset)

    def training(self, dataset: LabeledPanel, config: LabelConfig) -> LabelTraining:
        """Plan a training run."""
        from lstmcast.tasks.label.train import LabelTraining

        return LabelTraining.of(dataset, config)

    def describe_plan(self, plan: LabelPlan) -> str:
        """Format the decisions of a training run."""
        return task_tables.format_label_plan(plan)

    def describe_scores(self, report: LabelReport) -> str:
        """Format accuracy, cross-entropy, and the most frequent confusions."""
        return task_tables.format_label_scores(report)

    def read_new_data(
        self, model: SeriesClassifier, data: str, given: Mapping[str, Any] | None = None
    ) -> tuple[LabeledPanel, tuple[str, ...]]:
        """Read the columns and formats of training; labels may be missing."""
        context = model.context
        columns: dict[str, Any] = {"time": context.time, "target": context.label}
        columns |= {"id_columns": list(context.key_columns), "features": list(context.features)}
        options = merge_given(model.report.config["data"], columns, context.calendar, given)
        dataset = read_labels(data, options, known=False)
        return dataset, tuple(model.warnings(dataset))

    def stored_context(self, model: SeriesClassifier) -> LabeledPanel:
        """Return the columns of training without any series."""
        return replace(model.context, source=f"{model.context.source} is gone")

    def predict(self, model: SeriesClassifier, dataset: LabeledPanel, options: PredictOptions) -> LabelPredictions:
        """Label every series."""
        reject_flags(options, self.name)
        return model.predict(dataset)

    def describe_prediction(
        self,
        prediction: LabelPredictions,
        model: SeriesClassifier,
        dataset: LabeledPanel,
        *,
        version: Path,
        target: str,
    ) -> str:
        """Format the number of series, and how many known labels were predicted."""
        return task_tables.format_label_forecast(prediction, dataset, model.report, version=version, target=target)

    def plot(self, model: SeriesClassifier, dataset: LabeledPanel, options: PlotOptions) -> tuple[bytes, str]:  # noqa: ARG002
        """Draw the confusion matrix of the test series."""
        reject_flags(options, self.name, "backtest")
        report, label = model.report, model.context.label
        title = f"Hold-out: confusion of {label} ({PurePath(report.data.source).name})"
        content = _confusion(report.evaluation, report.classes, label, title, options.suffix)
        return content, f"{report.test_series} test series"

    def backtest(
        self,
        dataset: LabeledPanel,
        config: LabelConfig,
        options: BacktestOptions,
        *,
        on_progress: ProgressCallback,
        note: Note,
    ) -> LabelBacktest:
        """Score every series once, in five folds."""
        from lstmcast.tasks.label.backtest import backtest
        from lstmcast.tasks.pipeline import FitOptions

        reject_flags(options, self.name)
        training = self.training(dataset, config)
        note(self.describe_plan(training.plan))
        return backtest(training, FitOptions(on_progress))

    def describe_backtest(self, result: LabelBacktest) -> str:
        """Format the table of scores."""
        return task_tables.format_label_backtest(result)

    def backtest_figures(self, result: LabelBacktest) -> dict[str, bytes]:
        """Draw the confusion matrix."""
        data = result.data
        title = f"Backtest: confusion of {data.label} ({PurePath(data.source).name})"
        return {"confusion.png": _confusion(result.evaluation.summary, data.classes, data.label, title, ".png")}


def _confusion(scores: LabelScores, classes: Sequence[str], label: str, title: str, suffix: str) -> bytes:
    """The confusion matrix as a figure."""
    from lstmcast.report.figures.classification import draw
    from lstmcast.report.figures.panels import render

    caption = task_tables.label_verdict(scores)
    figure = draw(np.array(scores.confusion), classes, label=label, title=title, caption=caption)
    return render(figure, suffix)
