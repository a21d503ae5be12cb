"""Files as people publish them: check, train and predict on each, with no config and no flag that describes it.

What is refused is listed with the words of the refusal; nothing else is tried on it.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from common import COMMAND, Finished, arguments, progress, report, run_measured, table

FOLDERS = ("single", "panel", "messy", "exog")
HEADER = (
    "file",
    "rows",
    "columns",
    "series",
    "frequency",
    "season",
    "outcome",
    "MASE lstmcast",
    "MASE best baseline",
    "train s",
    "predict s",
    "refusal",
)


def refusal(step: str, done: Finished, limit: float) -> str:
    """The reason for an early end: the message and the exit code."""
    if done.code == -9:
        return f"{step}: stopped after {limit:.0f} s"
    return f"{step}, exit {done.code}: {done.stderr.strip() or '(silence)'}"


def columns(found: dict[str, Any]) -> str:
    """The inferred columns in words: `Month → passengers`."""
    named = {key: ", ".join([value] if isinstance(value, str) else value or []) for key, value in found.items()}
    by = f" by {named['series']}" if named["series"] else ""
    return f"{named['time'] or 'row number'} → {named['target']}{by}"


def best_baseline(scores: dict[str, dict[str, float | None]]) -> str:
    """The lowest MASE of all but the LSTM, with its name."""
    known = [
        (score["mase"], name) for name, score in scores.items() if name != "lstmcast" and score["mase"] is not None
    ]
    return "{:.3f} {}".format(*min(known)) if known else ""


def trial(path: str, folder: Path, limit: float) -> list[str]:
    """One row of the table: what lstmcast made of the file at `path`, seen from `folder`."""
    row = dict.fromkeys(HEADER, "") | {"file": path}
    done = run_measured([COMMAND, "check", path, "--json"], folder, limit=limit)
    if done.code:
        return list((row | {"refusal": refusal("check", done, limit)}).values())
    found = json.loads(done.stdout)
    row |= {"columns": columns(found["columns"])}
    row |= {key: str(found[key]) for key in ("rows", "series", "frequency", "season")}
    done = run_measured(
        [COMMAND, "train", path, "--model-dir", "models", "--name", "trial", "--json"], folder, limit=limit
    )
    if done.code:
        return list((row | {"refusal": refusal("train", done, limit)}).values())
    result = json.loads(done.stdout)
    ours = result["scores"]["lstmcast"]["mase"]
    row |= {"outcome": result["skill"]["outcome"], "MASE lstmcast": "" if ours is None else f"{ours:.3f}"}
    row |= {"MASE best baseline": best_baseline(result["scores"]), "train s": f"{done.seconds:.1f}"}
    ask = [COMMAND, "predict", path, "--model-dir", "models", "--model", "trial", "--output", "forecast.csv", "--quiet"]
    done = run_measured(ask, folder, limit=limit)
    row |= {"predict s": f"{done.seconds:.1f}"}
    return list((row | {"refusal": refusal("predict", done, limit) if done.code else ""}).values())


def main() -> None:
    """Tries every file, and writes the table."""
    parser = arguments(__doc__, __file__)
    parser.add_argument("--data", type=Path, required=True, help=f"folder that holds {', '.join(FOLDERS)}")
    parser.add_argument("--limit", type=float, default=600.0, help="seconds for one process")
    args = parser.parse_args()
    rows = []
    for source in (path for name in FOLDERS for path in sorted((args.data / name).glob("*.csv*"))):
        with tempfile.TemporaryDirectory() as name:  # the file is seen as single/name.csv, wherever it really lies
            (Path(name) / source.parent.name).symlink_to(source.parent.resolve())
            rows.append(trial(f"{source.parent.name}/{source.name}", Path(name), args.limit))
        progress(" · ".join(rows[-1]))
    refused = sum(bool(row[-1]) for row in rows)
    report(args.output, "Published files", [f"{len(rows)} files, {refused} refused.", "", *table(HEADER, rows)])


if __name__ == "__main__":
    main()
