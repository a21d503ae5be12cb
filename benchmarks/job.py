"""A run of a job with nothing to train, as a whole process: with new data, with a figure, and with nothing to do.

The job has run many times before, an hour apart, so that its ledger is that of a month. The commands run in turn with
`lstmcast predict`, and are compared pair by pair. Each run must leave TensorFlow alone.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from common import COMMAND, arguments, hourly, must, progress, report, run_measured, table, write_hourly

WANTED = 0.9  # seconds
JOB = "input: load.csv\ntrain: {epochs: 2}\nforecast: {horizon: 24}\nretrain: {every: null, on_drift: true}\n"

BEFORE = """
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from lstmcast.config import load_job
from lstmcast.jobs.run import run
lines = Path("all.csv").read_text().splitlines(keepends=True)
first, count = int(sys.argv[1]), int(sys.argv[2])
for rows in range(first, first + count):
    Path("load.csv").write_text("".join(lines[: rows + 1]))
    now = datetime.fromisoformat(lines[rows].split(",")[0]).replace(tzinfo=UTC) + timedelta(hours=1)
    run(load_job("job.yaml"), now, note=lambda _: None)
"""


def prepare(folder: Path, rows: int, runs: int) -> None:
    """Puts a job into `folder` that has run so many times before, the last time on so many rows."""
    write_hourly(folder / "all.csv", hourly(rows + 1000))
    (folder / "before.py").write_text(BEFORE, encoding="utf-8")
    for name, more in (("job.yaml", ""), ("drawn.yaml", "plot: figure.png\n")):
        (folder / name).write_text(JOB + more, encoding="utf-8")
    must([sys.executable, "before.py", str(rows - runs), str(runs)], folder)


def run(folder: Path, job: str, rows: int) -> list[str]:
    """The command of a run on the first so many rows, an hour after the last of them began."""
    lines = (folder / "all.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "load.csv").write_text("".join(lines[: rows + 1]), encoding="utf-8")
    now = datetime.fromisoformat(lines[rows].split(",")[0]) + timedelta(hours=1)
    return [COMMAND, "run", job, "--quiet", "--now", f"{now.isoformat()}Z"]


def loads_tensorflow(folder: Path, command: list[str]) -> bool:
    """Return True if Python imports TensorFlow for this command."""
    done = run_measured([sys.executable, "-X", "importtime", *command], folder)
    return any(line.rpartition("|")[2].strip() == "tensorflow" for line in done.stderr.splitlines())


def pairs(folder: Path, rows: int, repeats: int) -> dict[str, list[tuple[float, float]]]:
    """Seconds of each kind of run, and of a `predict` right before it; a first round is not counted."""
    commands: dict[str, Callable[[int], list[str]]] = {
        "new data": lambda k: run(folder, "job.yaml", rows + 2 * k + 1),
        "nothing new": lambda k: run(folder, "job.yaml", rows + 2 * k + 1),
        "new data and a figure": lambda k: run(folder, "drawn.yaml", rows + 2 * k + 2),
    }
    found: dict[str, list[tuple[float, float]]] = {kind: [] for kind in commands}
    for k in range(repeats + 1):
        for kind, command in commands.items():
            predict = must([COMMAND, "predict", "load.csv", "--quiet", "--output", "other.csv"], folder)
            found[kind].append((must(command(k), folder).seconds, predict.seconds))
        progress(f"round {k} of {repeats}: " + ", ".join(f"{each[-1][0]:.2f} s" for each in found.values()))
    if loads_tensorflow(folder, run(folder, "job.yaml", rows + 2 * repeats + 3)):
        sys.exit("a run with nothing to train loads TensorFlow")
    return {kind: each[1:] for kind, each in found.items()}


def summary(found: dict[str, list[tuple[float, float]]]) -> list[str]:
    """Medians, and the ratio to `predict` pair by pair, as a Markdown table."""
    rows = []
    for kind, each in found.items():
        ours, predict = np.array(each).T
        ratio = statistics.median((ours / predict).tolist())
        seconds = f"{np.median(ours):.2f} ({ours.min():.2f} to {ours.max():.2f})"
        rows.append([kind, seconds, f"{np.median(predict):.2f}", f"{ratio:.2f}", f"≤ {WANTED}"])
    return table(["lstmcast run with", "seconds", "lstmcast predict", "run / predict, pair by pair", "wanted, s"], rows)


def main() -> None:
    """Measures, and writes the result."""
    parser = arguments(__doc__, __file__)
    parser.add_argument("--rows", type=int, default=5000, help="hourly rows in the CSV")
    parser.add_argument("--runs", type=int, default=720, help="runs before, an hour apart")
    parser.add_argument("--repeats", type=int, default=7, help="rounds")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        prepare(Path(name), args.rows, args.runs)
        found = pairs(Path(name), args.rows, args.repeats)
    setting = f"{args.rows:,} hourly rows, 24 steps, {args.runs} runs before; {args.repeats} rounds of whole processes."
    report(args.output, "A run with nothing to train", [setting, "", *summary(found)])


if __name__ == "__main__":
    main()
