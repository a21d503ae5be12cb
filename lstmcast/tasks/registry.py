"""Registry of the tasks, and loading of a saved model of any task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from lstmcast.clock import system_clock
from lstmcast.data.panel import Panel
from lstmcast.data.schema import ReadOptions
from lstmcast.errors import ModelError, UsageError
from lstmcast.forecasting.codec import head_of
from lstmcast.forecasting.forecaster import Forecaster
from lstmcast.persistence import artifact
from lstmcast.persistence.registry import model_folders, resolve
from lstmcast.report import console
from lstmcast.results import Forecast
from lstmcast.tasks.base import Task, TrainedModel
from lstmcast.tasks.value.task import ValueTask

AnyTask = Task[Any, Any, Any]

HEADS: Mapping[str, str] = {
    "value": "ValueTask",
    "event": "EventTask",
    "category": "CategoryTask",
    "label": "LabelTask",
}
"""The name of a task to its class in `tasks/NAME/task.py`, which is imported on demand."""


def get_task(name: str) -> AnyTask:
    """Return the task of a name.

    Raises:
        ModelError: there is none.
    """
    if name not in HEADS:
        raise ModelError(f"model.head: {name!r:.40} is none of this lstmcast ({', '.join(HEADS)}); train again")
    task: AnyTask = getattr(import_module(f"lstmcast.tasks.{name}.task"), HEADS[name])()
    return task


PRETRAINED = "pretrained"  # as a user asks for what came with lstmcast


@dataclass(frozen=True)
class LoadedModel:
    """A model with data.

    Attributes:
        task: what can be done with it.
        trained: the model. version: its folder.
        past: the newest data.
        warnings: what is not as it should be, though something can be said: told even where all else is quiet.
    """

    task: AnyTask
    trained: Any
    version: Path
    past: Any
    warnings: tuple[str, ...] = ()

    @property
    def report(self) -> Any:
        """What is known of the model."""
        return self.trained.report


def load_version(version: Path) -> tuple[AnyTask, TrainedModel]:
    """Read a version of any kind after verifying it.

    Raises:
        ModelError: missing, damaged, tampered with, of another schema, or its parts do not fit together.
    """
    found = artifact.load(version)
    task = get_task(head_of(found.manifest))
    return task, task.from_artifact(found.manifest, found.tensors)


def load_model(
    models: str | None, model: str | None, data: str | None, reading: ReadOptions | None = None
) -> LoadedModel:
    """Load and verify a model, and read the newest data: `data`, else the file of training, else what was kept of it.

    It is read as the data of training were. Where no model was ever trained, or "pretrained" is asked for and no model
    has that name, the networks that came with lstmcast forecast the data.

    Args:
        models: the folder of all models; None: `models`.
        model: which; None: the only one.
        data: the newest file.
        reading: how it is read, where flags say so; only data that nothing was trained on can need them.

    Raises:
        UsageError: such flags beside a trained model, or pretrained networks without data.
    """
    folder = Path(models or "models")
    if _asks_for_pretrained(folder, model, data):
        return _pretrained(data, reading or ReadOptions())
    if reading is not None:
        raise UsageError(
            "--target, --season and other flags that say how a file is read: a trained model reads it as in training: "
            f"leave them out, or forecast by networks that know no data with --model {PRETRAINED}"
        )
    version, task, trained = _load(folder, model)
    path = data or trained.report["data"]["path"]
    if data is None and (path is None or not Path(path).exists()):
        gone = f"{path} is gone" if path else "no file is known"
        return LoadedModel(
            task, trained, version, task.stored_context(trained), (f"{gone}: forecasting from what the model kept",)
        )
    past, warnings = task.read_new_data(trained, path)
    return LoadedModel(task, trained, version, past, warnings)


def load_values(models: str | None, model: str | None, data: str | None) -> LoadedModel:
    """The same of a model that must forecast values.

    Raises:
        UsageError: it is another one.
    """
    loaded = load_model(models, model, data)
    if (head := head_of(loaded.report)) != "value":
        raise UsageError(f"{loaded.version}: is a model of model.head: {head}; explain speaks of forecasts of values")
    return loaded


def _asks_for_pretrained(folder: Path, model: str | None, data: str | None) -> bool:
    """Whether the networks are meant that came with lstmcast."""
    if model == PRETRAINED:
        return not (folder / PRETRAINED).is_dir()
    return model is None and data is not None and not model_folders(folder)


def _pretrained(data: str | None, reading: ReadOptions) -> LoadedModel:
    """The networks that came with lstmcast, and data read as if they were to be learnt from."""
    if data is None:
        raise UsageError(
            f"--model {PRETRAINED}: knows no data: name the file (lstmcast predict data.csv --model {PRETRAINED})"
        )
    from lstmcast.data.load import read
    from lstmcast.forecasting.pretrained import load_pretrained_forecaster, select_pretrained

    panel = read(data, reading)
    left_out = tuple(f"left out: {reason}" for reason in panel.dropped)
    return LoadedModel(
        ZeroShotTask(),
        load_pretrained_forecaster(panel),
        Path(PRETRAINED) / select_pretrained(panel).name,
        panel,
        left_out,
    )


def _load(models: Path, model: str | None) -> tuple[Path, AnyTask, TrainedModel]:
    """The version meant, read and verified; once more where a training replaced it in between."""
    version = resolve(models, model)
    try:
        return version, *load_version(version)
    except ModelError:
        newer = resolve(models, model)
        if newer == version:
            raise
        return newer, *load_version(newer)


class ZeroShotTask(ValueTask):
    """The task; see `Task`."""

    def describe_prediction(
        self, prediction: Forecast, model: Forecaster, dataset: Panel, *, version: Path, target: str
    ) -> str:
        """Format the dataset too, which no training has described."""
        without_notes = replace(dataset, notes=())
        text = super().describe_prediction(prediction, model, without_notes, version=version, target=target)
        return f"{console.format_data(dataset, system_clock())}\n{text}"
