"""Whole series that get one label: handwritten digits read row by row, and cylinder, bell and funnel (Saito 1994).

The 1,797 digits of scikit-learn, which this script needs (pip install scikit-learn), are read as 8 steps of 8 pixels: a
fifth of each is held out by scikit-learn, never shown to `lstmcast train`, and labeled by `lstmcast predict`. The
three shapes are made here: a plateau, a rise that breaks off or a jump that fades, somewhere in 64 noisy steps.
"""

from __future__ import annotations

import csv
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from common import COMMAND, arguments, must, progress, report, table
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier

STEPS, EACH = 64, 100  # of a shape, and series of each kind
SHAPES = ("cylinder", "bell", "funnel")
SMALLER = (
    *("model.units=[32]", "model.dense_units=[32]", "model.dropout=0"),
    *("train.epochs=100", "train.batch_size=16", "train.learning_rate=0.005"),
)
FLAGS = {
    "digits": ("--config", "digits"),
    "shapes": ("--config", "digits", *(word for setting in SMALLER for word in ("--set", setting))),
}


@dataclass(frozen=True)
class LabeledSeries:
    """S series [S, L, F], each with a label."""

    values: np.ndarray
    labels: Sequence[str]


def digits() -> LabeledSeries:
    """Rows of pixels from the top, 0 to 16."""
    found = load_digits()
    return LabeledSeries(found.images, [str(digit) for digit in found.target])


def shapes(seed: int = 0) -> LabeledSeries:
    """Each begins and ends somewhere, 16 to 48 steps long, about 6 high, with noise of standard deviation 1."""
    rng = np.random.default_rng(seed)
    t, values, labels = np.arange(STEPS), [], []
    for name in SHAPES * EACH:
        begin, length = rng.integers(STEPS // 8, STEPS // 4), rng.integers(STEPS // 4, 3 * STEPS // 4)
        end = begin + length
        rise = {"cylinder": np.ones(STEPS), "bell": (t - begin) / length, "funnel": (end - t) / length}[name]
        inside = (t >= begin) & (t <= end)
        values.append((6 + rng.normal()) * rise * inside + rng.normal(size=STEPS))
        labels.append(name)
    return LabeledSeries(np.array(values)[..., None], labels)


def write(path: Path, series: LabeledSeries, selected: Sequence[int], *, labels: bool) -> None:
    """Writes some series one below the other: `id,v0,v1,…`, with their label or without."""
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["id", *(f"v{k}" for k in range(series.values.shape[2])), *(["label"] if labels else [])])
        for k in selected:
            rows.writerows([k, *step.round(4), *([series.labels[k]] if labels else [])] for step in series.values[k])


def right(folder: Path, series: LabeledSeries, seed: int, flags: Sequence[str]) -> tuple[float, float, float, float]:
    """Trains on four fifths and labels the rest.

    Returns:
        The share that is right, that of the nearest neighbor, and the seconds that training took, by the clock and of
        the processor.
    """
    learn, test = train_test_split(range(len(series.labels)), test_size=0.2, stratify=series.labels, random_state=seed)
    write(folder / "learn.csv", series, learn, labels=True)
    write(folder / "test.csv", series, test, labels=False)
    models = ("--model-dir", f"models-{seed}", "--quiet")
    done = must([COMMAND, "train", "learn.csv", *flags, "--seed", str(seed), *models], folder)
    must([COMMAND, "predict", "test.csv", "--output", "labels.csv", *models], folder)
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        predicted = {int(row["id"]): row["label"] for row in csv.DictReader(file)}
    flat, labels = series.values.reshape(len(series.values), -1), np.array(series.labels)
    baseline = KNeighborsClassifier(1).fit(flat[learn], labels[learn]).score(flat[test], labels[test])
    return statistics.mean(predicted[k] == labels[k] for k in test), baseline, done.seconds, done.cpu_seconds


def main() -> None:
    """Measures, and writes the result."""
    parser = arguments(__doc__, __file__)
    parser.add_argument(
        "--seeds", type=int, default=3, help="how many splits and trainings of each, with seeds 0, 1, …"
    )
    args = parser.parse_args()
    rows = []
    for name, series in (("digits", digits()), ("shapes", shapes())):
        found = []
        for seed in range(args.seeds):
            with tempfile.TemporaryDirectory() as folder:
                found.append(right(Path(folder), series, seed, FLAGS[name]))
            ours, reference, seconds, cpu = found[-1]
            rows.append([f"{name}, seed {seed}", f"{ours:.4f}", f"{reference:.4f}", f"{seconds:.0f}", f"{cpu:.0f}"])
            progress(f"{name}, seed {seed}: {ours:.4f}, nearest neighbor {reference:.4f}, {cpu:.0f} s of the processor")
        middle = [statistics.median(column) for column in zip(*found, strict=True)]
        rows.append(
            [f"**{name}, median**", f"**{middle[0]:.4f}**", f"{middle[1]:.4f}", *(f"{s:.0f}" for s in middle[2:])]
        )
    header = ["series held out", "LSTM right", "nearest neighbor right", "train s", "train s of the processor"]
    report(args.output, "Labels of whole series", table(header, rows))


if __name__ == "__main__":
    main()
