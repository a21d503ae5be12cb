"""Work in processes and threads: results in order, errors unchanged, nothing left running."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from lstmcast.errors import DataError, UsageError
from lstmcast.parallel import BLAS_THREADS, TENSORFLOW_THREADS, available_cores, prefetch, process_map, thread_map


def limits(_: int) -> tuple[int, list[str | None], bool]:
    """The process, its limits on threads, and whether it ignores Ctrl-C."""
    threads = [os.environ.get(name) for name in (*BLAS_THREADS, *TENSORFLOW_THREADS)]
    return os.getpid(), threads, signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def slowest_first(item: int) -> int:
    """The square of the item; the first items take longest."""
    time.sleep(0.2 / (item + 1))
    return item * item


def fail_at_one(item: int) -> int:
    """Fail at item 1; the others take long."""
    if item == 1:
        raise DataError(["the second", "has faults"])
    time.sleep(30)
    return item


def die(_: int) -> None:
    """End as if the kernel had run out of memory."""
    os.kill(os.getpid(), signal.SIGKILL)


def workers() -> list[str]:
    """The command lines of the child processes, without those of resource trackers, which hold no work."""
    children = Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split()
    commands = [Path(f"/proc/{child}/cmdline").read_bytes().replace(b"\0", b" ").decode() for child in children]
    return [command for command in commands if command and "resource_tracker" not in command]


def test_results_are_in_the_order_of_the_items() -> None:
    """The duration of a call does not matter; progress counts one by one; without items nothing starts."""
    progress: list[int] = []
    assert process_map(slowest_first, range(5), on_progress=progress.append) == [0, 1, 4, 9, 16]
    assert progress == [1, 2, 3, 4, 5]
    assert process_map(slowest_first, []) == []
    assert workers() == []


def test_processes_divide_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each process gets its part of the cores and ignores Ctrl-C; the environment of the caller is unchanged."""
    monkeypatch.setenv(BLAS_THREADS[0], "7")
    monkeypatch.delenv(BLAS_THREADS[1], raising=False)
    before = dict(os.environ)
    results = process_map(limits, [0, 1])
    threads = str(max(1, available_cores() // min(2, available_cores())))
    for pid, limit, ignores_interrupt in results:
        assert limit == [threads] * len(limit)
        assert ignores_interrupt == (pid != os.getpid())
    assert dict(os.environ) == before


def test_an_error_is_unchanged_and_ends_the_other_calls() -> None:
    """The class and the faults of an error in a process; the calls that would take half a minute are ended."""
    began = time.monotonic()
    with pytest.raises(DataError) as caught:
        process_map(fail_at_one, [1, 2, 3])
    assert tuple(map(str, caught.value.faults)) == ("the second", "has faults")
    assert time.monotonic() - began < 20
    assert workers() == []


@pytest.mark.skipif(available_cores() == 1, reason="one core: calls run in this process")
def test_a_killed_process_is_a_usage_error() -> None:
    """No traceback of a broken pool."""
    with pytest.raises(UsageError):
        process_map(die, [0, 1])
    assert workers() == []


def test_an_interruption_ends_the_processes() -> None:
    """Ctrl-C while results arrive leaves nothing running."""

    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        process_map(slowest_first, range(4), on_progress=stop)
    assert workers() == []


def test_threads_return_in_order_and_report_an_error() -> None:
    """The results of threads are in the order of the items; the first error calls `on_error` and is raised."""
    assert thread_map(slowest_first, range(5)) == [0, 1, 4, 9, 16]
    stop = threading.Event()

    def wait(item: int) -> None:
        if item == 0:
            raise DataError(["no"])
        assert stop.wait(30)

    with pytest.raises(DataError):
        thread_map(wait, range(2), on_error=stop.set)
    assert stop.is_set()


def test_prefetch_yields_in_order() -> None:
    """Every item once, in order, computed in one other thread."""
    results = list(prefetch(lambda item: (item, threading.get_ident()), range(4)))
    assert [item for item, _ in results] == [0, 1, 2, 3]
    assert {thread for _, thread in results} != {threading.get_ident()}
