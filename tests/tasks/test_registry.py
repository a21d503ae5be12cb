"""The registry of tasks: complete, lazy, and clear about unknown names."""

from __future__ import annotations

import subprocess
import sys

import pytest

from lstmcast.config import CONFIG_TYPES
from lstmcast.errors import ModelError
from lstmcast.tasks import TASKS, get_task


def test_every_task_of_the_config_is_registered() -> None:
    """And no other."""
    assert set(TASKS) == set(CONFIG_TYPES)


def test_an_unknown_name_lists_the_known_ones() -> None:
    """For example that of a model of a later lstmcast."""
    with pytest.raises(ModelError, match=r"model.task: .oracle. is none of this lstmcast \(value, event, "):
        get_task("oracle")


def test_only_the_requested_task_is_imported() -> None:
    """Neither other tasks nor heavy libraries."""
    code = "import sys, lstmcast.tasks; lstmcast.tasks.get_task('value'); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "lstmcast.tasks.value.task" in loaded
    heavy = {"lstmcast.tasks.event.task", "lstmcast.tasks.label.task", "matplotlib", "pydantic", "tensorflow"}
    assert not heavy & set(loaded)
