"""Shared parts of the benchmarks: measured processes, and results with their date and machine.

Standard library only, and small on purpose: Linux counts the memory of the process that starts another into the peak of
the one it starts.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import math
import os
import platform
import random
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

COMMAND = str(Path(sysconfig.get_path("scripts")) / "lstmcast")
DATA = Path(__file__).parents[1] / "data"
PACKAGES = ("lstmcast", "tensorflow", "keras", "numpy", "pandas")


@dataclass(frozen=True)
class Finished:
    """A process that has ended.

    Attributes:
        code: its exit code.
        seconds: by the clock on the wall.
        cpu_seconds: of all its threads together, which other work on the machine leaves nearly as they are.
        peak_mib: the most memory it held.
        stdout, stderr: its output.
    """

    code: int
    seconds: float
    cpu_seconds: float
    peak_mib: float
    stdout: str
    stderr: str


def run_measured(command: Sequence[str], folder: Path, *, limit: float = threading.TIMEOUT_MAX) -> Finished:
    """Runs a process in `folder` to its end, with no input and no terminal.

    Args:
        command: the program and its arguments.
        folder: where it runs; its output is kept there in two files.
        limit: seconds after which it is killed, and its code is -9.
    """
    out, err = folder / "benchmark.stdout", folder / "benchmark.stderr"
    quiet = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    with out.open("wb") as stdout, err.open("wb") as stderr:
        begun = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, env=quiet
        )
        watch = threading.Timer(limit, process.kill)
        watch.daemon = True
        watch.start()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begun
        watch.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    unit = 2**20 if sys.platform == "darwin" else 2**10
    cpu = usage.ru_utime + usage.ru_stime
    return Finished(process.returncode, seconds, cpu, usage.ru_maxrss / unit, _text(out), _text(err))


def must(command: Sequence[str], folder: Path) -> Finished:
    """`measure`, for a process that has to succeed: ends the benchmark with its message where it does not."""
    done = run_measured(command, folder)
    if done.code:
        sys.exit(f"{' '.join(map(str, command))}\nended with {done.code}:\n{done.stderr}")
    return done


def hourly(rows: int, seed: int = 0) -> list[float]:
    """Synthetic hourly load: a daily and a weekly season about 100, and autoregressive noise (AR(1), 0.8)."""
    rng = random.Random(seed)
    noise, values = 0.0, []
    for t in range(rows):
        noise = 0.8 * noise + rng.gauss(0.0, 2.0)
        day, week = math.sin(2 * math.pi * t / 24), math.sin(2 * math.pi * t / 168)
        values.append(100.0 + 20.0 * day + 10.0 * week + noise)
    return values


def write_hourly(path: Path, values: Iterable[float]) -> None:
    """Writes values as `time,load`, one row an hour from 2024-01-01."""
    begin = datetime.datetime(2024, 1, 1)
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["time", "load"])
        rows.writerows([begin + datetime.timedelta(hours=t), f"{value:.4f}"] for t, value in enumerate(values))


def machine() -> str:
    """Cores, processor and memory in words."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {_processor()}, {memory:.0f} GiB memory, {platform.system()}"


def versions() -> str:
    """Python and the libraries that matter, with their versions."""
    return ", ".join([f"Python {platform.python_version()}", *(f"{name} {_version(name)}" for name in PACKAGES)])


def report(path: Path, title: str, lines: Iterable[str]) -> None:
    """Write a result as Markdown, with date, machine and versions, and print its path."""
    made = f"Made by `benchmarks/{Path(sys.argv[0]).name}` on {datetime.date.today()}: {machine()}; {versions()}."
    path.write_text("\n".join([f"# {title}", "", made, "", *lines, ""]), encoding="utf-8")
    sys.stderr.write(f"written: {path}\n")


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """A Markdown table, line by line."""
    cells = [header, ["---"] * len(header), *rows]
    return ["| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in cells]


def arguments(description: str | None, script: str) -> argparse.ArgumentParser:
    """A parser with the option of every benchmark: the path of the result, by default in the folder of the script."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path(script).with_suffix(".md"), help="the result")
    return parser


def progress(text: str) -> None:
    """One line on stderr, for the person who waits."""
    sys.stderr.write(text + "\n")


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"
