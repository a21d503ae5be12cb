"""A scheduled forecast, as a whole process: `lstmcast predict` against a plain Keras script.

Both read a CSV of hourly rows, forecast the next steps with an LSTM(50) + Dense(1), and write a CSV. The plain script
does what tutorials do: it loads the saved model, scales, and calls `model.predict` once for each step. They run in
turn, lstmcast first, and are compared pair by pair.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

from common import COMMAND, Finished, arguments, hourly, must, progress, report, table, write_hourly

WALL_TARGET, MEMORY_TARGET = 8, 6

# Trained or not, a network of this size costs the same to run, so the plain one keeps its first weights.
MAKE = """
import keras
keras.utils.set_random_seed(0)
model = keras.Sequential([keras.Input((48, 1)), keras.layers.LSTM(50), keras.layers.Dense(1)])
model.compile("adam", "mse")
model.save("plain.keras")
"""

PLAIN = """
import sys
import keras
import numpy as np
import pandas as pd
steps = int(sys.argv[1])
frame = pd.read_csv("load.csv", parse_dates=["time"])
values = frame["load"].to_numpy()
low, high = values.min(), values.max()
window = list((values[-48:] - low) / (high - low))
model = keras.models.load_model("plain.keras")
values = []
for _ in range(steps):
    values.append(float(model.predict(np.array(window[-48:]).reshape(1, 48, 1), verbose=0)[0, 0]))
    window.append(values[-1])
times = pd.date_range(frame["time"].iloc[-1], periods=steps + 1, freq="h")[1:]
pd.DataFrame({"time": times, "load": np.array(values) * (high - low) + low}).to_csv("plain.csv", index=False)
"""


def prepare(folder: Path, rows: int, steps: int) -> None:
    """Puts the data, the plain script with its model, and a model of lstmcast into `folder`."""
    write_hourly(folder / "load.csv", hourly(rows))
    (folder / "make.py").write_text(MAKE, encoding="utf-8")
    (folder / "plain.py").write_text(PLAIN, encoding="utf-8")
    must([sys.executable, "make.py"], folder)
    must([COMMAND, "train", "load.csv", "--horizon", str(steps), "--set", "train.epochs=2", "--quiet"], folder)


def pairs(folder: Path, steps: int, repeats: int) -> list[tuple[Finished, Finished]]:
    """Runs both in turn; a first pair warms the disk cache and is not counted."""
    ours = [COMMAND, "predict", "load.csv", "--horizon", str(steps), "--output", "ours.csv", "--quiet"]
    plain = [sys.executable, "plain.py", str(steps)]
    found = []
    for k in range(repeats + 1):
        found.append((must(ours, folder), must(plain, folder)))
        progress(f"pair {k} of {repeats}: {found[-1][0].seconds:.2f} s and {found[-1][1].seconds:.2f} s")
    for name in ("ours.csv", "plain.csv"):
        rows = len((folder / name).read_text(encoding="utf-8").splitlines()) - 1
        if rows != steps:
            sys.exit(f"{name}: {rows} rows were forecast instead of {steps}")
    return found[1:]


def summary(found: list[tuple[Finished, Finished]]) -> list[str]:
    """Medians of both, and of the ratio pair by pair, as a Markdown table."""
    rows = []
    for label, unit, target, values in (
        ("wall time", "s", WALL_TARGET, [(a.seconds, b.seconds) for a, b in found]),
        ("peak memory", "MiB", MEMORY_TARGET, [(a.peak_mib, b.peak_mib) for a, b in found]),
    ):
        ours, plain = (statistics.median(column) for column in zip(*values, strict=True))
        ratios = [b / a for a, b in values]
        spread = f"{statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})"
        rows.append([f"{label}, {unit}", f"{ours:.2f}", f"{plain:.2f}", spread, f"≥ {target}"])
    return table(
        ["median of", "lstmcast predict", "plain Keras script", "plain / lstmcast, pair by pair", "wanted"], rows
    )


def main() -> None:
    """Measures, and writes the result."""
    parser = arguments(__doc__, __file__)
    parser.add_argument("--rows", type=int, default=5000, help="hourly rows in the CSV")
    parser.add_argument("--steps", type=int, default=24, help="steps to forecast")
    parser.add_argument("--repeats", type=int, default=7, help="pairs of runs")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        prepare(Path(name), args.rows, args.steps)
        found = pairs(Path(name), args.steps, args.repeats)
    setting = f"{args.rows:,} hourly rows, {args.steps} steps, {args.repeats} pairs of whole processes, in turn."
    report(args.output, "A scheduled forecast", [setting, "", *summary(found)])


if __name__ == "__main__":
    main()
