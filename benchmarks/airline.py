"""The textbook series: the last 12 months of the air passengers, forecast by the default config from what came before.

MASE with a season of 12: the mean absolute error over that of "as a year before" inside the first 132 months.
"""

from __future__ import annotations

import csv
import statistics
import tempfile
from pathlib import Path

from common import COMMAND, DATA, arguments, must, progress, report, table

SEASON = HELD_OUT = 12


def mase(actual: list[float], forecast: list[float], past: list[float]) -> float:
    """Mean absolute scaled error (Hyndman & Koehler 2006), season 12."""
    scale = statistics.mean(abs(now - before) for before, now in zip(past, past[SEASON:], strict=False))
    return statistics.mean(abs(a - s) for a, s in zip(actual, forecast, strict=True)) / scale


def lstmcast(folder: Path, seed: int) -> tuple[list[float], float]:
    """Trains with one seed on `past.csv` in `folder`; returns the forecast and the seconds that training took."""
    models = f"models-{seed}"
    done = must([COMMAND, "train", "past.csv", "--seed", str(seed), "--model-dir", models, "--quiet"], folder)
    must([COMMAND, "predict", "--model-dir", models, "--output", "forecast.csv", "--quiet"], folder)
    with (folder / "forecast.csv").open(encoding="utf-8", newline="") as file:
        return [float(row["forecast"]) for row in csv.DictReader(file)], done.seconds


def main() -> None:
    """Measures, and writes the result."""
    parser = arguments(__doc__, __file__)
    parser.add_argument("--seeds", type=int, default=5, help="how many trainings, with seeds 0, 1, …")
    args = parser.parse_args()
    header, *months = (DATA / "air_passengers.csv").read_text(encoding="utf-8").splitlines()
    values = [float(line.split(",")[1]) for line in months]
    past, actual = values[:-HELD_OUT], values[-HELD_OUT:]
    rows, scores = [], []
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "past.csv").write_text("\n".join([header, *months[:-HELD_OUT], ""]), encoding="utf-8")
        for seed in range(args.seeds):
            forecast, seconds = lstmcast(Path(name), seed)
            scores.append(mase(actual, forecast, past))
            rows.append([f"lstmcast, seed {seed}", f"{scores[-1]:.3f}", f"{seconds:.0f}"])
            progress(f"seed {seed}: MASE {scores[-1]:.3f}")
    rows.append(["**lstmcast, median**", f"**{statistics.median(scores):.3f}**", ""])
    rows.append(["lstmcast, least to most", f"{min(scores):.3f} to {max(scores):.3f}", ""])
    rows.append(["seasonal naive", f"{mase(actual, past[-SEASON:], past):.3f}", ""])
    report(args.output, "Air passengers, last 12 months held out", table(["forecast", "MASE", "train s"], rows))


if __name__ == "__main__":
    main()
