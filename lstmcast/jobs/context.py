"""Context of a run: job, clock, model folder, ledger, and the log events of the run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from lstmcast.config import JOB_TYPES, NO_JOBS, AnyJob
from lstmcast.data.panel import Panel
from lstmcast.errors import ConfigError, Fault, FaultCode, ModelError
from lstmcast.evaluation.splits import default_horizon
from lstmcast.forecasting.seasonal_naive import fill_with_seasonal_naive
from lstmcast.forecasts import Forecast
from lstmcast.persistence.ledger.ledger import Ledger
from lstmcast.persistence.registry import CURRENT, NAME, NAMING, model_name, resolve, versions
from lstmcast.tasks.base import PredictOptions
from lstmcast.tasks.category.model import SymbolForecast
from lstmcast.tasks.registry import AnyTask, load_version

if TYPE_CHECKING:
    from lstmcast.forecasting.fitting import ProgressCallback

Level = Literal["info", "warning", "error"]
AnyForecast = Forecast | SymbolForecast
"""A forecast of values, of probabilities of an event, or of symbols."""


@dataclass(frozen=True)
class LogEvent:
    """One event of a run.

    Attributes:
        name: for programs, such as `read`, `violation`, `trained`, `forecast` or `finished`.
        text: for a person; may have several lines.
        level: `error` for the reason of an exit code other than 0.
        fields: JSON values.
    """

    name: str
    text: str
    level: Level = "info"
    fields: Mapping[str, Any] = field(default_factory=dict)


Note = Callable[[LogEvent], None]


@dataclass(frozen=True)
class CurrentModel:
    """A version of a model, read and verified.

    Attributes:
        task: the task of the model.
        forecaster: the model: a `Forecaster`, an `EventForecaster` or a `SymbolForecaster`.
        version: its folder.
    """

    task: AnyTask
    forecaster: Any
    version: Path

    @classmethod
    def load(cls, version: Path) -> CurrentModel:
        """Read and verify a version.

        Raises:
            ModelError: it is missing, damaged, or its task has no jobs.
        """
        task, model = load_version(version)
        if task.name not in JOB_TYPES:
            text = f"{version}: model.task: {task.name}: {NO_JOBS[task.name]}"
            raise ModelError(Fault(text, FaultCode.NO_JOBS, column="model.task"))
        return cls(task, model, version)

    @property
    def of_values(self) -> bool:
        """True if the model forecasts values, which have intervals, live scores, drift and alerts."""
        return self.task.name == "value"

    @property
    def trained(self) -> datetime:
        """The time of training."""
        return datetime.fromisoformat(self.forecaster.report.created or "")

    def predict(self, panel: Panel, horizon: int) -> AnyForecast:
        """Forecast every series."""
        return cast("AnyForecast", self.task.predict(self.forecaster, panel, PredictOptions(horizon)))


def name_models(panel: Panel, forecast: AnyForecast, model_names: tuple[str, ...]) -> AnyForecast:
    """Return a forecast with the model of each series; those of seasonal naive are replaced by its forecast.

    Raises:
        DataError: the series are too short for the horizon.
    """
    if isinstance(forecast, Forecast):
        return fill_with_seasonal_naive(panel, forecast, model_names)
    return replace(forecast, model_names=model_names)


def folder_of(job: AnyJob) -> Path:
    """Return the folder of a job's model, which need not exist: named by `store.name`, else by the input file.

    Raises:
        ConfigError: the name is not allowed.
    """
    name = job.store.name or model_name(job.input)
    if not NAME.fullmatch(name):
        raise ConfigError(f"store.name: {NAMING} (got {name[:120]!r})")
    return Path(job.store.models) / name


def horizon_of(job: AnyJob, panel: Panel, model: CurrentModel | None) -> int:
    """Return the horizon of the job's config, else of its model, else the default for the data."""
    if job.forecast.horizon != "auto":
        return job.forecast.horizon
    return int(model.forecaster.horizon) if model else default_horizon(panel.lengths, panel.default_horizon)


def current_model(folder: Path) -> CurrentModel | None:
    """Load the current version of a model; None where no version exists.

    Raises:
        ModelError: the version is damaged, or versions exist and none is current.
    """
    if not versions(folder) and not (folder / CURRENT).exists():
        return None
    try:
        version = resolve(folder.parent, folder.name)
    except ModelError as err:
        hint = f"lstmcast models rollback --model-dir {folder.parent} --model {folder.name}"
        raise ModelError([*err.faults, f"or make a version current: {hint}"]) from err
    return CurrentModel.load(version)


@dataclass(frozen=True)
class RunContext:
    """A run in progress.

    Attributes:
        job: the configuration.
        now: the time, constant during the run.
        folder: the folder of the model.
        ledger: the open ledger.
        note: receives the log events.
        on_progress: receives the progress of training after every epoch.
        force: whether to repeat a run that is already recorded.
    """

    job: AnyJob
    now: datetime
    folder: Path
    ledger: Ledger
    note: Note
    on_progress: ProgressCallback
    force: bool
