"""The table of kinds: complete, lazy, and clear about what it does not know."""

from __future__ import annotations

import subprocess
import sys
from typing import get_args

import pytest

from lstmcast.config.schema import ModelConfig
from lstmcast.errors import ModelError, UsageError
from lstmcast.tasks import HEADS, get_task
from lstmcast.tasks.base import BacktestOptions, PlotOptions, PredictOptions, reject_flags


def test_every_head_of_the_config_has_a_kind() -> None:
    """What may be configured can be trained, and nothing else."""
    assert set(HEADS) == set(get_args(ModelConfig.model_fields["head"].annotation))


def test_an_unknown_head_names_the_known_ones() -> None:
    """As a model of a later lstmcast would be."""
    with pytest.raises(ModelError, match=r"model.head: .oracle. is none of this lstmcast \(value, event, "):
        get_task("oracle")


def test_the_table_itself_loads_no_kind() -> None:
    """Only the kind that is asked for is imported: predict starts as fast as before."""
    code = "import sys, lstmcast.tasks; lstmcast.tasks.get_task('value'); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "lstmcast.tasks.value.task" in loaded
    assert not {"lstmcast.tasks.event.task", "lstmcast.tasks.label.task", "matplotlib", "pydantic", "tensorflow"} & set(
        loaded
    )


def test_flags_that_are_not_served_are_named() -> None:
    """All that were given, none that is served, none that was left out."""
    reject_flags(PlotOptions(".png", horizon=3, history=5), "event", "horizon", "history")
    with pytest.raises(UsageError, match=r"^--refit, --classical: not with model.head: event$"):
        reject_flags(BacktestOptions(5, 2, refit=True, classical=("ets",)), "event", "origins", "step")
    with pytest.raises(UsageError, match=r"^--horizon: not with model.head: label$"):
        reject_flags(PredictOptions(horizon=3), "label")
