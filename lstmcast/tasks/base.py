"""The interface of a task: what commands and jobs call, for every kind of target."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar, cast

from lstmcast.data.schema import DataNote, DroppedSeries
from lstmcast.errors import UsageError
from lstmcast.forecasts import FORMATS
from lstmcast.types import TensorFiles

if TYPE_CHECKING:
    import pandas as pd

    from lstmcast.config import Config
    from lstmcast.forecasting.fitting import ProgressCallback
    from lstmcast.forecasting.model_comparison import Comparison
    from lstmcast.persistence.checkpoint import Checkpoint
    from lstmcast.results import TrainingReport
    from lstmcast.tasks.backtest import BacktestPlan
    from lstmcast.tasks.model import NetworkModel
    from lstmcast.tasks.pipeline import Training

Note = Callable[[object], None]
"""Receives results to be shown, and lines of progress."""
Refit = bool | int | str
"""True: train before every origin; steps, or a duration such as `7d`: continue from the weights that often."""


def ignore(_: object) -> None:
    """Drop a note or a progress."""


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


class Prediction(Protocol):
    """The result of predict."""

    def render(self, suffix: str) -> bytes:
        """Return the contents of a file of one of the task's formats."""


class Backtest(Protocol):
    """The result of a backtest."""

    @property
    def better(self) -> bool:
        """True if the model beat the best baseline, by a reportable margin."""

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
        components: draw the parts of one forecast.
    """

    suffix: str
    horizon: int | None = None
    forecast: str | None = None
    backtest: bool = False
    series: tuple[str, ...] = ()
    history_steps: int | None = None
    components: bool = False


@dataclass(frozen=True)
class BacktestOptions:
    """The flags of backtest; None, empty or False: not given.

    Attributes:
        n_origins: of each series.
        step_size: between two origins.
        refit: train before every origin, or continue every so many steps or days, instead of once.
        classical: names of classical methods to fit too.
    """

    n_origins: int | None = None
    step_size: int | None = None
    refit: Refit = False
    classical: tuple[str, ...] = ()


@dataclass(frozen=True)
class WrittenForecast:
    """A forecast that was written to a file, with all that its summary needs.

    Attributes:
        prediction: the forecast.
        dataset: the data it continues.
        report: of the training of its model.
        version: the folder of the model's version.
        target: the file; `-` for stdout.
    """

    prediction: Prediction
    dataset: Dataset
    report: TrainingReport
    version: Path
    target: str


C = TypeVar("C", bound="Config")
P = TypeVar("P", bound=Dataset)
T = TypeVar("T", bound=TrainedModel)
R = TypeVar("R", bound=Backtest)


class Task(ABC, Generic[C, P, T, R]):
    """A kind of target: the calls of commands and jobs, in the order in which a user meets them.

    C is the configuration, P the dataset, T the trained model, R the result of a backtest. No call renders a text or a
    figure: `lstmcast.report.views` does, by the types of plans, reports, forecasts and backtests.
    """

    name: ClassVar[str]
    model_type: ClassVar[type[NetworkModel]]
    formats: ClassVar[tuple[str, ...]] = FORMATS  # suffixes of the files that predict writes
    backtest_flags: ClassVar[tuple[str, ...]] = ()  # fields of `BacktestOptions` that have a meaning

    @abstractmethod
    def read(self, data: Any, config: C) -> P:
        """Read the training data from a file."""

    @abstractmethod
    def training(self, dataset: P, config: C) -> Training[Any, Any, Any, T]:
        """Plan a training run."""

    def warm_training(self, dataset: P, config: C, start: T) -> Training[Any, Any, Any, T]:  # noqa: ARG002
        """Plan a training run that starts from the weights of a model."""
        raise UsageError(f"a warm start: not with model.task: {self.name}")

    def train(
        self,
        dataset: P,
        config: C,
        *,
        checkpoint: Checkpoint | None = None,
        on_progress: ProgressCallback = ignore,
        note: Note = ignore,
        start: T | None = None,
    ) -> T:
        """Plan and train, from the weights of `start` if given; `note` receives the plan first."""
        from lstmcast.tasks.pipeline import FitOptions, train

        training = self.training(dataset, config) if start is None else self.warm_training(dataset, config, start)
        note(training.plan)
        return train(training, FitOptions(on_progress, checkpoint))

    def compare(self, challenger: T, incumbent: T, panel: P) -> Comparison:  # noqa: ARG002
        """Compare a new model with the current one on steps that neither was fitted to, for jobs."""
        raise UsageError(f"a comparison of models: not with model.task: {self.name}")

    def to_artifact(self, model: Any) -> tuple[dict[str, Any], TensorFiles]:
        """Return the manifest and the tensor files of a version."""
        parts: tuple[dict[str, Any], TensorFiles] = model.to_artifact()
        return parts

    def from_artifact(self, manifest: Mapping[str, Any], tensors: TensorFiles) -> T:
        """Build a model from its manifest and tensors; raise a ModelError where they do not fit together."""
        return cast("T", self.model_type.from_artifact(manifest, tensors))

    @abstractmethod
    def read_new_data(self, model: T, data: str, given: Mapping[str, Any] | None = None) -> tuple[P, tuple[str, ...]]:
        """Read the newest data with the options of training, and those `given` for the file; return warnings too."""

    def read_for_job(self, model: T, data: str, future: str | None = None) -> tuple[P, tuple[str, ...]]:  # noqa: ARG002
        """Read the newest data, and values ahead, for a forecast and the next training; return warnings too."""
        return self.read_new_data(model, data)

    def stored_context(self, model: T) -> P:
        """Return the data kept from training."""
        context: P = model.context
        return context

    def predict(self, model: T, dataset: P, options: PredictOptions) -> Prediction:
        """Forecast the next H steps of every series, without TensorFlow."""
        reject_flags(options, self.name, "horizon")
        return model.predict(dataset, options.horizon)

    @abstractmethod
    def backtest_plan(self, dataset: P, config: C, options: BacktestOptions) -> BacktestPlan[Any, R]:
        """Plan a backtest, with flags that have a meaning for the task."""

    def backtest(
        self,
        dataset: P,
        config: C,
        options: BacktestOptions,
        *,
        on_progress: ProgressCallback = ignore,
        note: Note = ignore,
    ) -> R:
        """Fit on a first part and score on the rest; `note` receives the plan and lines of progress."""
        from lstmcast.tasks.backtest import backtest
        from lstmcast.tasks.pipeline import FitOptions

        reject_flags(options, self.name, *self.backtest_flags)
        return backtest(self.backtest_plan(dataset, config, options), FitOptions(on_progress), note)


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
    """Return True if a flag was given; 0 is a value, an empty tuple and False are not."""
    value = getattr(flags, name)
    return value is not None and value is not False and value != ()
