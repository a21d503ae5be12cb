"""Registry of the tasks, and loading of a saved model."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from lstmcast.errors import ModelError
from lstmcast.forecasting.saved_parts import task_of
from lstmcast.persistence import artifact
from lstmcast.tasks.base import Task, TrainedModel

AnyTask = Task[Any, Any, Any, Any]

TASKS: Mapping[str, str] = {
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
    if name not in TASKS:
        raise ModelError(f"model.task: {name!r:.40} is none of this lstmcast ({', '.join(TASKS)}); train again")
    task: AnyTask = getattr(import_module(f"lstmcast.tasks.{name}.task"), TASKS[name])()
    return task


def load_version(version: Path) -> tuple[AnyTask, TrainedModel]:
    """Read a version of any task after verifying it.

    Raises:
        ModelError: missing, damaged, tampered with, of another schema, or its parts do not fit together.
    """
    found = artifact.load(version)
    task = get_task(task_of(found.manifest))
    return task, task.from_artifact(found.manifest, found.tensors)
