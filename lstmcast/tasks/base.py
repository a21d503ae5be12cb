"""The interface of a task: what commands and jobs call, for every kind of target."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar, cast

from lstmcast.data.schema import DataNote, DroppedSeries
from lstmcast.errors import UsageError
from lstmcast.results import FORMATS, rendered

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from lstmcast.config import Config
    from lstmcast.data.panel import Panel
    from lstmcast.forecasting.fitting import ProgressCallback
    from lstmcast.persistence.checkpoint import Checkpoint
    from lstmcast.tasks.pipeline import Training

Tensors = Mapping[str, Mapping[str, "np.ndarray"]]
Note = Callable[[str], None]


class Dataset(Protocol):
    """Data read from a file: a `Panel` or a `LabeledPanel`."""

    @property
    def source(self) -> str:
        """The file's name in messages."""

    @property
    def notes(self) -> tuple[DataNote, ...]:
        """Corrections made while reading, with counts."""

    @property
    def dropped(self) -> tuple[DroppedSeries, ...]:
        """Series left out, each with its reason."""

    def fingerprint(self) -> str:
        """sha256 of everything that a model depends on."""


class TrainedModel(Protocol):
    """A trained model with its stored context and report."""

    @property
    def context(self) -> Any:
        """The data kept from training, for predictions where the file is gone."""

    @property
    def report(self) -> Any:
        """The `TrainingReport` of the task."""

    @property
    def predict(self) -> Callable[..., Prediction]:
        """Forecast a dataset, and for the tasks with steps a horizon."""


class Codec(Protocol):
    """A module that converts the models of a task."""

    def to_artifact(self, model: Any, /) -> tuple[dict[str, Any], Tensors]:
        """Return the manifest and the tensor files."""

    def from_artifact(self, manifest: Mapping[str, Any], tensors: Tensors, /) -> Any:
        """Build the model."""


class Prediction(Protocol):
    """The result of predict."""

    def render(self, suffix: str) -> bytes:
        """Return the contents of a file of one of the task's formats."""


class Backtest(Protocol):
    """The result of a backtest."""

    @property
    def better(self) -> bool:
        """Whether the model beat the best baseline, by a reportable margin."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """Series that could not be scored."""

    def to_frame(self) -> pd.DataFrame:
        """The scores as a table."""

    def forecasts(self) -> pd.DataFrame:
        """The scored forecasts as a table."""

    def to_dict(self) -> dict[str, Any]:
        """The scores as JSON values."""


@dataclass(frozen=True)
class PredictOptions:
    """The flags of predict; None: not given.

    Attributes:
        horizon: steps ahead.
        temperature: sample symbols from the softmax at this temperature.
        seed: of the samples.
    """

    horizon: int | None = None
    temperature: float | None = None
    seed: int | None = None


@dataclass(frozen=True)
class PlotOptions:
    """The flags of plot; None, empty or False: not given.

    Attributes:
        suffix: of the figure: `.png`, `.svg` or `.pdf`.
        horizon: steps ahead.
        forecast: a file written by predict, drawn instead of a new forecast.
        backtest: draw the hold-out.
        series: keys of the series to draw, parts joined by '/'.
        history_steps: past steps to show.
    """

    suffix: str
    horizon: int | None = None
    forecast: str | None = None
    backtest: bool = False
    series: tuple[str, ...] = ()
    history_steps: int | None = None


@dataclass(frozen=True)
class BacktestOptions:
    """The flags of backtest; None, empty or False: not given.

    Attributes:
        n_origins: of each series.
        step_size: between two origins.
        refit: train before every origin instead of once.
        classical: names of classical methods to fit too.
    """

    n_origins: int | None = None
    step_size: int | None = None
    refit: bool = False
    classical: tuple[str, ...] = ()


C = TypeVar("C", bound="Config")
P = TypeVar("P", bound=Dataset)
T = TypeVar("T", bound=TrainedModel)
R = TypeVar("R", bound=Backtest)


class Task(ABC, Generic[C, P, T, R]):
    """A kind of target: the calls of commands and jobs, in the order in which a user meets them.

    C is the configuration, P the dataset, T the trained model, R the result of a backtest.
    """

    name: ClassVar[str]
    codec: ClassVar[Codec]
    formats: ClassVar[tuple[str, ...]] = FORMATS  # suffixes of the files that predict writes

    @abstractmethod
    def read(self, data: str, config: C) -> P:
        """Read the training data."""

    def describe_data(self, dataset: P, now: datetime) -> str:
        """Format the dataset: columns, frequency, inferred settings and corrections."""
        from lstmcast.report import console

        return console.format_data(cast("Panel", dataset), now)

    @abstractmethod
    def training(self, dataset: P, config: C) -> Training[Any, Any, Any, T]:
        """Plan a training run."""

    def describe_plan(self, plan: Any) -> str:
        """Format the decisions of a training run."""
        from lstmcast.report import console

        return console.format_plan(plan)

    def warm_training(self, dataset: P, config: C, start: T) -> Training[Any, Any, Any, T]:  # noqa: ARG002
        """Plan a training run that starts from the weights of a model."""
        raise UsageError(f"a warm start: not with model.task: {self.name}")

    def train(
        self,
        dataset: P,
        config: C,
        *,
        checkpoint: Checkpoint | None,
        on_progress: ProgressCallback,
        note: Note,
        start: T | None = None,
    ) -> T:
        """Plan and train, from the weights of `start` if given; `note` receives the formatted plan first."""
        from lstmcast.tasks.pipeline import FitOptions, train

        training = self.training(dataset, config) if start is None else self.warm_training(dataset, config, start)
        note(self.describe_plan(training.plan))
        return train(training, FitOptions(on_progress, checkpoint))

    @abstractmethod
    def describe_scores(self, report: Any) -> str:
        """Format the scores beside those of the baselines, and the verdict."""

    def to_artifact(self, model: T) -> tuple[dict[str, Any], Tensors]:
        """Return the manifest and the tensor files of a version."""
        return self.codec.to_artifact(model)

    def from_artifact(self, manifest: Mapping[str, Any], tensors: Tensors) -> T:
        """Build a model from its manifest and tensors; raise a ModelError where they do not fit together."""
        model: T = self.codec.from_artifact(manifest, tensors)
        return model

    @abstractmethod
    def read_new_data(self, model: T, data: str, given: Mapping[str, Any] | None = None) -> tuple[P, tuple[str, ...]]:
        """Read the newest data with the options of training, and those `given` for the file; return warnings too."""

    def stored_context(self, model: T) -> P:
        """Return the data kept from training."""
        context: P = model.context
        return context

    def predict(self, model: T, dataset: P, options: PredictOptions) -> Prediction:
        """Forecast the next H steps of every series, without TensorFlow."""
        reject_flags(options, self.name, "horizon")
        return model.predict(dataset, options.horizon)

    def describe_prediction(self, prediction: Any, model: T, dataset: P, *, version: Path, target: str) -> str:
        """Format the summary of a written forecast: steps, series and time span."""
        from lstmcast.report import console

        return console.format_forecast(prediction, version, target, model.report, dataset.notes)

    @abstractmethod
    def plot(self, model: T, dataset: P, options: PlotOptions) -> tuple[bytes, str]:
        """Return the contents of a figure, and a short description: `1 of 1 series`."""

    @abstractmethod
    def backtest(
        self, dataset: P, config: C, options: BacktestOptions, *, on_progress: ProgressCallback, note: Note
    ) -> R:
        """Train on a first part and score on the rest."""

    @abstractmethod
    def describe_backtest(self, result: R) -> str:
        """Format the scores of a backtest."""

    @abstractmethod
    def backtest_figures(self, result: R) -> dict[str, bytes]:
        """Draw a backtest: file name to contents."""

    def backtest_files(self, result: R, *, figures: bool) -> dict[str, bytes]:
        """Return the files of a backtest: two tables and, where asked for, the figures."""
        tables = {"scores.csv": result.to_frame(), "forecasts.csv": result.forecasts()}
        files = {name: rendered(table, ".csv") for name, table in tables.items()}
        return files | (self.backtest_figures(result) if figures else {})


def reject_flags(flags: PredictOptions | PlotOptions | BacktestOptions, task: str, *supported: str) -> None:
    """Refuse flags that were given and that a task does not support.

    Args:
        flags: the values; None, False and an empty tuple are not given, 0 is.
        task: the name of the task.
        supported: names of fields of `flags`.

    Raises:
        UsageError: another flag was given.
    """
    given = [field.name for field in fields(flags) if field.name not in supported and _is_given(flags, field.name)]
    if names := [f"--{name.replace('_', '-')}" for name in given if name != "suffix"]:
        raise UsageError(f"{', '.join(names)}: not with model.task: {task}")


def _is_given(flags: PredictOptions | PlotOptions | BacktestOptions, name: str) -> bool:
    """Whether a flag was given; 0 is a value, an empty tuple and False are not."""
    value = getattr(flags, name)
    return value is not None and value is not False and value != ()
