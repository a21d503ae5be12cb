"""The quality of event probabilities, compared with earlier event rates, on hourly files of half a year.

`lstmcast backtest --config event` trains once, on what came before the first origin, and predicts at origins seven
hours apart, so that every hour of the day is one, over the last half year. The seasonal rate is the share of yeses at
the same hour of all days before; the strongest baseline is whichever of all was best on these very origins.
"""

from __future__ import annotations

import json
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import COMMAND, arguments, must, progress, report, table

ORIGINS, STEP = 626, 7
SKILL, CALIBRATION = 0.15, 0.03  # wanted: at least against the seasonal rate, and at most
HEADER = [
    *("event", "seed", "so in", "Brier", "skill, base rate", "skill, seasonal rate", "skill, strongest baseline"),
    *("accuracy", "calibration error", "s by the clock", "s of a processor"),
]


@dataclass(frozen=True)
class Case:
    """A file below the folder of the data, its target, and what is to come true."""

    file: str
    target: str
    event: str


CASES = (
    Case("exog/bike_sharing_dataset_clean.csv.gz", "users", "users > p90"),
    Case("exog/bike_sharing_dataset_clean.csv.gz", "users", "users rises"),
    Case("exog/ETTh1.csv.gz", "OT", "OT < p10"),
)


def main() -> None:
    """Measures, and writes the result."""
    parser = arguments(__doc__, __file__)
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds exog/")
    parser.add_argument("--seeds", type=int, default=3, help="how many trainings of the first case; the others: one")
    parser.add_argument("--cases", type=int, default=len(CASES), help="how many cases, from the first on")
    args = parser.parse_args()
    rows, first = [], []
    for number, case in enumerate(CASES[: args.cases]):
        for seed in range(1 if number else args.seeds):
            row, scores = measured(case, args.data, seed)
            first += [] if number else [scores]
            rows.append(row)
            progress(" | ".join(row))
    skills = [scores["skills"]["seasonal_rate"] for scores in first]
    errors = [scores["scores"]["lstmcast"]["calibration_error"] for scores in first]
    forecast = (
        f"{CASES[0].event}: Brier skill against the seasonal rate {statistics.median(skills):.3f} in the median of "
        f"{len(first)} seeds (wanted: > {SKILL}), calibration error {statistics.median(errors):.3f} (wanted: < "
        f"{CALIBRATION})."
    )
    about = f"{ORIGINS} origins, {STEP} hours apart, up to the end of each file; 24 steps ahead of each."
    report(args.output, "Probabilities of an event", [forecast, "", about, "", *table(HEADER, rows)])


def measured(case: Case, data: Path, seed: int) -> tuple[list[str], dict[str, Any]]:
    """One line of the table, and all scores."""
    with tempfile.TemporaryDirectory() as folder:
        args = [
            "--config",
            "event",
            "--target",
            case.target,
            "--set",
            f"model.event={case.event}",
            "--seed",
            str(seed),
        ]
        rolling = ["--n-origins", str(ORIGINS), "--step-size", str(STEP), "--json", "--quiet"]
        done = must([COMMAND, "backtest", str((data / case.file).resolve()), *args, *rolling], Path(folder))
    scores = json.loads(done.stdout)
    lstm, skills, best = scores["scores"]["lstmcast"], scores["skills"], scores["skill"]
    return [
        case.event,
        str(seed),
        f"{scores['rate']:.1%}",
        f"{lstm['brier']:.4f}",
        f"{skills['base_rate']:.2f}",
        f"{skills['seasonal_rate']:.2f}",
        f"{best['value']:.2f} ({best['baseline'].replace('_', ' ')})",
        f"{lstm['accuracy']:.3f}",
        f"{lstm['calibration_error']:.3f}",
        f"{done.seconds:.0f}",
        f"{done.cpu_seconds:.0f}",
    ], scores


if __name__ == "__main__":
    main()
