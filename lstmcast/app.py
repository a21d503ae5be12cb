"""Use cases: train and publish, load a model, backtest, explain, check.

Commands, jobs and the Python API call these functions. None of them prints: results go to the caller's `note`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lstmcast.clock import system_clock
from lstmcast.data.schema import NoteCode, ReadOptions
from lstmcast.errors import Fault, FaultCode, Fix, LstmcastError, ModelError, UsageError
from lstmcast.forecasting import saved_parts
from lstmcast.forecasts import output_suffix
from lstmcast.persistence.registry import CURRENT, current_version, model_folders, model_name, resolve, versions
from lstmcast.tasks.base import BacktestOptions, PredictOptions, WrittenForecast
from lstmcast.tasks.registry import AnyTask, get_task, load_version

if TYPE_CHECKING:
    from lstmcast.config import Config
    from lstmcast.explain.driver_effects import DriverEffects
    from lstmcast.explain.explanation import Explanation
    from lstmcast.forecasting.fitting import ProgressCallback
    from lstmcast.tasks.base import Backtest, Dataset, Note, Prediction

PRETRAINED = "pretrained"  # the name under which a user requests the bundled models


# --- train ---


@dataclass(frozen=True)
class TrainingResult:
    """A trained and published model.

    Attributes:
        task: its task.
        dataset: the training data.
        model: the trained model.
        version: the folder of the new version.
        seconds: duration of training and publishing.
    """

    task: AnyTask
    dataset: Dataset
    model: Any
    version: Path
    seconds: float


def train_and_publish(data: str, config: Config, *, note: Note, on_progress: ProgressCallback) -> TrainingResult:
    """Read a file, train, and save the result as the current version of a model.

    Args:
        data: the path of the file; `-` for stdin.
        config: the task, the settings, and the model's folder and name.
        note: receives the data, the plan and the report.
        on_progress: receives the progress after every epoch.

    Raises:
        LstmcastError: the data cannot be read, the training fails, or the version cannot be written.
    """
    from lstmcast.forecasting.fitting import identity_of
    from lstmcast.persistence.artifact import model_lock, prepare
    from lstmcast.persistence.checkpoint import checkpoint

    task = get_task(config.model.task)
    output_suffix(config.forecast.output, task.formats)
    dataset = task.read(data, config)
    note(dataset)
    folder = prepare(Path(config.store.models), config.store.name or model_name(data))
    identity, began = identity_of(dataset.fingerprint(), config), time.monotonic()
    with model_lock(folder), checkpoint(folder, identity) as kept:
        if kept.resumed:
            note("resuming the same training where it was interrupted")
        model = task.train(dataset, config, checkpoint=kept, on_progress=on_progress, note=note)
        version = publish(task, model, folder, data=data, now=system_clock(), keep=config.store.keep_versions)
    seconds = time.monotonic() - began
    note(model.report)
    return TrainingResult(task, dataset, model, version, seconds)


def publish(task: AnyTask, model: Any, folder: Path, *, data: str | None, now: datetime, keep: int) -> Path:
    """Save a trained model as the current version; the caller holds the model's lock.

    Args:
        task: the model's task.
        model: the trained model.
        folder: of the model.
        data: the file that predict reads by default, if any.
        now: the time, with a zone.
        keep: number of versions to keep.

    Returns:
        The folder of the version.
    """
    return saved_parts.publish(task.to_artifact(model), folder.parent, folder.name, data=data, now=now, keep=keep)


# --- load and forecast ---


@dataclass(frozen=True)
class LoadedModel:
    """A model and the newest data.

    Attributes:
        task: its task.
        model: the trained model.
        version: its folder.
        dataset: the newest data.
        warnings: defects of the data that do not prevent a forecast.
        zero_shot: whether it is a bundled pretrained model.
    """

    task: AnyTask
    model: Any
    version: Path
    dataset: Any
    warnings: tuple[str, ...] = ()
    zero_shot: bool = False

    def predict(self, options: PredictOptions) -> Prediction:
        """Forecast from the newest data."""
        return self.task.predict(self.model, self.dataset, options)

    def written(self, prediction: Prediction, target: str) -> tuple[object, ...]:
        """Return the results to show for a written forecast; zero-shot, also the data, which no training has shown."""
        dataset = replace(self.dataset, notes=()) if self.zero_shot else self.dataset
        found = WrittenForecast(prediction, dataset, self.model.report, self.version, target)
        return (self.dataset, found) if self.zero_shot else (found,)


def load_model(
    models: str | None, model: str | None, data: str | None, given: Mapping[str, Any] | None = None
) -> LoadedModel:
    """Load and verify a model, and read the newest data as those of training were read.

    The data are `data`, else the file of training, else the context that the model stores. Where no model was trained,
    or "pretrained" is requested and no model has that name, a bundled pretrained model is used.

    Args:
        models: the folder of all models; None: `models`.
        model: name or path; None: the only model.
        data: the newest file.
        given: keys of the section `data` for reading it; a trained model takes the others from training.

    Raises:
        UsageError: a key differs from the training of the model, or a pretrained model without data.
        ModelError: the model is missing or damaged.
        DataError: the data cannot be read.
    """
    folder = Path(models or "models")
    if _requests_pretrained(folder, model, data):
        return _load_pretrained(data, ReadOptions().updated(given or {}))
    version, task, trained = _load(folder, model)
    path = data or trained.report.data.path
    if data is None and (path is None or not Path(path).exists()):
        missing = f"{path} does not exist" if path else "the file of training is not recorded"
        warning = f"{missing}: forecasting from the context stored in the model"
        return LoadedModel(task, trained, version, task.stored_context(trained), (warning,))
    dataset, warnings = task.read_new_data(trained, path, given)
    return LoadedModel(task, trained, version, dataset, warnings)


def leave_out_ended(loaded: LoadedModel, given: Mapping[str, Any]) -> LoadedModel:
    """Leave out series that ended long ago, with a warning, unless `data.ended` of training or `given` keeps them."""
    from lstmcast.data.panel import Panel

    panel = loaded.dataset
    if not isinstance(panel, Panel) or not len(panel.ended):
        return loaded
    if loaded.model.report.config.read_options.updated(given).ended == "keep":
        return loaded
    fix = Fix("data.ended=keep", "forecast them from their own end")
    fault = Fault(f"left out: {panel.describe_ended()}", FaultCode.SERIES_ENDED, fixes=(fix,))
    kept = panel.select(np.setdiff1d(np.arange(panel.n_series), panel.ended))
    notes = tuple(note for note in panel.notes if note.code != NoteCode.SERIES_ENDED)
    return replace(loaded, dataset=replace(kept, notes=notes), warnings=(*loaded.warnings, str(fault)))


def _requests_pretrained(folder: Path, model: str | None, data: str | None) -> bool:
    """True if a bundled pretrained model is requested, by name or because there is no other."""
    if model == PRETRAINED:
        return not (folder / PRETRAINED).is_dir()
    return model is None and data is not None and not model_folders(folder)


def _load_pretrained(data: str | None, reading: ReadOptions) -> LoadedModel:
    """The bundled model for a file's frequency, and the file."""
    if data is None:
        raise UsageError(f"--model {PRETRAINED}: needs a data file (lstmcast predict data.csv --model {PRETRAINED})")
    from lstmcast.data.load import read
    from lstmcast.forecasting.pretrained import load_pretrained_forecaster, select_pretrained

    panel = read(data, reading)
    version = Path(PRETRAINED) / select_pretrained(panel).name
    warnings = tuple(f"left out: {reason}" for reason in panel.dropped)
    model = load_pretrained_forecaster(panel)
    return LoadedModel(get_task("value"), model, version, panel, warnings, zero_shot=True)


def _load(models: Path, model: str | None) -> tuple[Path, AnyTask, Any]:
    """The requested version, read and verified; retried where a training replaced it meanwhile."""
    version = resolve(models, model)
    try:
        return version, *load_version(version)
    except ModelError:
        newer = resolve(models, model)
        if newer == version:
            raise
        return newer, *load_version(newer)


# --- backtest, explain, check ---


def backtest_file(
    data: str, config: Config, options: BacktestOptions, *, note: Note, on_progress: ProgressCallback
) -> tuple[Dataset, Backtest]:
    """Read a file, and score forecasts from several past origins; nothing is saved.

    Returns:
        The data, and the scored forecasts.
    """
    task = get_task(config.model.task)
    dataset = task.read(data, config)
    note(dataset)
    return dataset, task.backtest(dataset, config, options, on_progress=on_progress, note=note)


def explain(
    loaded: LoadedModel, key: str | None = None, origin: str | None = None, *, drivers: bool = False
) -> tuple[int, Explanation | DriverEffects]:
    """Attribute a forecast to past values, and divide it into level, season, holidays and covariates.

    Args:
        loaded: a model of numeric values, and the newest data.
        key: of the series, parts joined by `/`; None: the first.
        origin: time of the last known step, as the file writes it; None: the last step.
        drivers: divide it alone.

    Returns:
        The index of the series, and the explanation.

    Raises:
        UsageError: the model has another task, or there is no such series or step.
    """
    from lstmcast.explain.driver_effects import driver_effects
    from lstmcast.explain.explanation import explain as attribute
    from lstmcast.forecasting.new_data import find_series, find_step

    if loaded.task.name != "value":
        raise UsageError(f"{loaded.version}: explain needs a model of values (got model.task: {loaded.task.name})")
    series = find_series(loaded.dataset, key)
    step = find_step(loaded.dataset, series, origin)
    return series, (driver_effects if drivers else attribute)(loaded.model, loaded.dataset, series, step)


def check(data: str, config: Config) -> Any:
    """Read a file as training would; the result, a `Panel` or a `LabeledPanel`, has the inferred settings."""
    return get_task(config.model.task).read(data, config)


# --- verify ---


def verify(folder: Path, on_valid: Callable[[Path], None]) -> list[str]:
    """Check every version, the name of the current one, and the ledger of a model.

    Args:
        folder: of the model.
        on_valid: called with every path that is intact.

    Returns:
        The faults.
    """
    from lstmcast.persistence.ledger.ledger import FILE, Ledger

    checks: list[tuple[Path, Callable[[Path], object]]] = [(version, load_version) for version in versions(folder)]
    checks.append((folder / CURRENT, _require_current))
    if (folder / FILE).exists():
        checks.append((folder / FILE, lambda path: Ledger.open(path, create=False).close()))
    faults: list[str] = []
    for path, check_path in checks:
        try:
            check_path(path)
        except LstmcastError as err:
            faults += map(str, err.faults)
        else:
            on_valid(path)
    return faults


def _require_current(path: Path) -> None:
    if current_version(path.parent) is None:
        raise ModelError(f"{path}: names no version that exists; run lstmcast models rollback to repair it")
