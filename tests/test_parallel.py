"""Work in processes: in order, with their errors, and none left behind."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time

import pytest

from lstmcast.errors import DataError, UsageError
from lstmcast.parallel import THREADS, available_cores, process_map


def limits(_: int) -> tuple[int, list[str | None], bool]:
    """The process, what it was told of threads, and whether it leaves Ctrl-C to others."""
    told = [os.environ.get(name) for name in THREADS]
    return os.getpid(), told, signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def later_first(task: int) -> int:
    """The first tasks take longest."""
    time.sleep(0.2 / (task + 1))
    return task * task


def refuse(task: int) -> int:
    """Fails at the second task; the others would take long."""
    if task == 1:
        raise DataError(["the second", "has faults"])
    time.sleep(30)
    return task


def die(_: int) -> None:
    """As if the kernel had run out of memory."""
    os.kill(os.getpid(), signal.SIGKILL)


def test_results_stand_in_the_order_of_the_tasks() -> None:
    """However long each takes; progress is told one by one; no task, no process."""
    told: list[int] = []
    assert process_map(later_first, range(5), on_progress=told.append) == [0, 1, 4, 9, 16]
    assert told == [1, 2, 3, 4, 5]
    assert process_map(later_first, []) == []


def test_processes_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is told its part of the cores, leaves Ctrl-C to this process, and this one's environment stays."""
    monkeypatch.setenv(THREADS[0], "7")
    monkeypatch.delenv(THREADS[1], raising=False)
    before = dict(os.environ)
    ((pid, told, ignores),) = process_map(limits, [0])
    assert pid != os.getpid()
    assert told == [str(available_cores())] * len(THREADS)
    assert ignores
    assert dict(os.environ) == before


def test_an_error_arrives_as_it_is_and_ends_the_others() -> None:
    """The class and the text of a failure in a process; the others do not go on for half a minute."""
    began = time.monotonic()
    with pytest.raises(DataError, match="the second\nhas faults"):
        process_map(refuse, [1, 2, 3])
    assert time.monotonic() - began < 20
    assert multiprocessing.active_children() == []


def test_a_process_that_dies_is_explained() -> None:
    """No traceback of a broken pool, but what may have happened."""
    with pytest.raises(UsageError, match="ended from outside, perhaps for want of memory"):
        process_map(die, [0])


def test_an_interruption_ends_the_processes() -> None:
    """Whoever stops while results come in leaves nothing running."""

    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        process_map(later_first, range(4), on_progress=stop)
    assert multiprocessing.active_children() == []
