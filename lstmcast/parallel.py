"""Parallel execution: the only module that starts worker processes and threads.

Processes go through joblib: another backend (Dask, Ray, Spark) replaces local processes by a change of this module.
"""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from lstmcast.errors import UsageError

Item = TypeVar("Item")
Result = TypeVar("Result")

BLAS_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
TENSORFLOW_THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
ENGINE = "loky"  # joblib's backend: processes on this machine


def available_cores() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def process_map(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    max_workers: int = 64,
    batch_size: int = 1,
    on_progress: Callable[[int], None] = lambda _: None,
) -> list[Result]:
    """Apply a function to every item in worker processes that share the cores.

    Args:
        function: a function of an importable module.
        items: its arguments, one a call.
        max_workers: upper limit on the number of processes.
        batch_size: items sent to a process at a time.
        on_progress: called with the number of items done, after each.

    Returns:
        The results in the order of the items.

    Raises:
        UsageError: a worker process was killed, for example by the kernel for lack of memory.
        Exception: any error of `function`, unchanged.
    """
    if not items:
        return []
    from concurrent.futures.process import BrokenProcessPool

    import joblib

    workers = min(len(items), available_cores(), max_workers)
    threads = max(1, available_cores() // workers)
    results: list[Result] = []
    try:
        with joblib.parallel_config(ENGINE, n_jobs=workers, inner_max_num_threads=threads):
            calls = (joblib.delayed(_call)(function, item, os.getpid(), threads) for item in items)
            parallel = joblib.Parallel(batch_size=batch_size, max_nbytes=None, return_as="generator")
            with _closing(parallel(calls)) as outputs:
                for result in outputs:
                    results.append(result)
                    on_progress(len(results))
    except BrokenProcessPool as err:
        raise UsageError(
            "a worker process was killed, perhaps for lack of memory: free memory, or use fewer cores (taskset -c 0)"
        ) from err
    finally:
        _stop_workers()
    return results


def thread_map(
    function: Callable[[Item], Result], items: Sequence[Item], *, on_error: Callable[[], None] = lambda: None
) -> list[Result]:
    """Apply a function to every item in threads, one for each core.

    The calling thread only waits, so that a signal reaches it between two of its steps and never inside a library.

    Args:
        function: a function that is safe to call in several threads.
        items: its arguments, one a call.
        on_error: called where a call fails or the wait is interrupted, before the running calls are waited for.

    Returns:
        The results in the order of the items.

    Raises:
        Exception: the first error of `function`, unchanged.
    """
    with ThreadPoolExecutor(available_cores()) as pool:
        try:
            return list(pool.map(function, items))
        except BaseException:
            on_error()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def prefetch(function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    """Yield the result for every item; a thread computes the next one while the caller uses the last."""
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(function, items[0])
        for item in items[1:]:
            result = pending.result()
            pending = pool.submit(function, item)
            yield result
        yield pending.result()


def limit_blas_threads() -> None:
    """Restrict linear algebra to one thread; call it before NumPy is imported."""
    for name in BLAS_THREADS:
        os.environ.setdefault(name, "1")


def _call(function: Callable[[Item], Result], item: Item, parent: int, threads: int) -> Result:
    """Call the function; in a worker, leave Ctrl-C to the parent and limit the threads of TensorFlow."""
    if os.getpid() != parent:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        os.environ.update(dict.fromkeys(TENSORFLOW_THREADS, str(threads)))
    return function(item)


@contextmanager
def _closing(outputs: Generator[Result, None, None]) -> Iterator[Generator[Result, None, None]]:
    """Close the outputs at the end; joblib's warning about calls that an error cut short is of no use then."""
    try:
        yield outputs
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            outputs.close()


def _stop_workers() -> None:
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor().shutdown(wait=True, kill_workers=True)
