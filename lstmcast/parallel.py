"""Work spread over processes, one for each core: results in the order of the tasks, and no process left behind."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from lstmcast.errors import UsageError

Task = TypeVar("Task")
Result = TypeVar("Result")

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


def available_cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def process_map(
    work: Callable[[Task], Result],
    tasks: Sequence[Task],
    *,
    most: int = 64,
    at_once: int = 1,
    on_progress: Callable[[int], None] = lambda _: None,
) -> list[Result]:
    """Do every task in a process of a fresh interpreter; the processes share the cores, and are ended on any failure.

    Args:
        work: a function of a module.
        tasks: what it is called with, each.
        most: processes.
        at_once: tasks handed over together.
        on_progress: called with the number of tasks done.

    Returns:
        The results in the order of the tasks.

    Raises:
        UsageError: a process died: there was too little memory, or a script starts itself over and over.
        Exception: whatever `work` raised, as it was.
    """
    if not tasks:
        return []
    import multiprocessing
    from concurrent.futures.process import BrokenProcessPool, ProcessPoolExecutor

    count = min(len(tasks), available_cores(), most)
    children = multiprocessing.active_children()
    with _limits(threads=max(1, available_cores() // count)):
        pool = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), initializer=_leave_interrupts)
        results = []
        try:
            for result in pool.map(work, tasks, chunksize=at_once):
                results.append(result)
                on_progress(len(results))
        except BrokenProcessPool as err:
            raise UsageError(
                "a process that worked for this one was ended from outside, perhaps for want of memory; in a Python "
                "script, call it under `if __name__ == '__main__':`"
            ) from err
        except BaseException:
            for child in multiprocessing.active_children():
                if child not in children:
                    child.terminate()
            raise
        finally:
            pool.shutdown(cancel_futures=True)
    return results


def limit_blas_threads() -> None:
    """Tell linear algebra, before it is imported, to leave the cores to those who spread their work over them."""
    for name in THREADS[:2]:
        os.environ.setdefault(name, "1")


@contextmanager
def _limits(*, threads: int) -> Iterator[None]:
    """What processes started in the block are told of threads: libraries read it when they are first imported."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, str(threads)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _leave_interrupts() -> None:
    """Ctrl-C reaches every process of a terminal: the one that started the others ends them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
