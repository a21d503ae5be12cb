"""Flags of commands, and the files of a backtest."""

from __future__ import annotations

import pytest

from lstmcast.errors import UsageError
from lstmcast.tasks import TASKS, get_task
from lstmcast.tasks.base import BacktestOptions, PlotOptions, PredictOptions, Task, reject_flags

CALLS = [name for name in vars(Task) if not name.startswith("_")]


@pytest.mark.parametrize("name", TASKS)
def test_every_task_implements_every_call(name: str) -> None:
    """No abstract method is left, and each has a docstring."""
    task = get_task(name)
    assert task.name == name
    assert {"read", "train", "predict", "backtest", "formats"} <= set(CALLS)
    assert [call for call in CALLS if not hasattr(task, call)] == []
    assert all(getattr(task, call).__doc__ for call in CALLS if callable(getattr(Task, call)))


def test_unsupported_flags_are_named() -> None:
    """The message lists the flags that were given, not those that are supported or were left out."""
    reject_flags(PlotOptions(".png", horizon=3, history_steps=5), "event", "horizon", "history_steps")
    with pytest.raises(UsageError, match=r"^--refit, --classical: not with model.task: event$"):
        reject_flags(BacktestOptions(5, 2, refit=True, classical=("ets",)), "event", "n_origins", "step_size")
    with pytest.raises(UsageError, match=r"^--horizon: not with model.task: label$"):
        reject_flags(PredictOptions(horizon=3), "label")


def test_zero_is_a_value_of_a_flag() -> None:
    """A seed of 0 is given; an empty tuple is not."""
    reject_flags(BacktestOptions(), "event")
    with pytest.raises(UsageError, match="--seed"):
        reject_flags(PredictOptions(seed=0), "event")


def test_calls_of_jobs_of_values_are_refused_for_other_tasks() -> None:
    """A warm start and a comparison of two models have no meaning for labels."""
    task, nothing = get_task("label"), object()
    with pytest.raises(UsageError, match=r"a warm start: not with model\.task: label"):
        task.train(nothing, nothing, start=nothing)
    with pytest.raises(UsageError, match=r"a comparison of models: not with model\.task: label"):
        task.compare(nothing, nothing, nothing)
