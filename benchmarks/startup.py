"""The wall time of `lstmcast --help` as a whole process: the median of many runs."""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

from common import COMMAND, arguments, must, report, table


def main() -> None:
    """Measures, and writes the result."""
    parser = arguments(__doc__, __file__)
    parser.add_argument("--repeats", type=int, default=20, help="how often")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        rows = []
        for label, command in {
            "lstmcast --help": [COMMAND, "--help"],
            "python -c pass, the floor": [sys.executable, "-c", "pass"],
        }.items():
            must(command, Path(name))  # the first start reads the files from the disk
            runs = [must(command, Path(name)) for _ in range(args.repeats)]
            seconds = [run.seconds for run in runs]
            peak = statistics.median(run.peak_mib for run in runs)
            cells = (statistics.median(seconds), min(seconds), max(seconds))
            rows.append([f"`{label}`", *(f"{s:.3f}" for s in cells), f"{peak:.0f}"])
    header = ["process", "median s", "least s", "most s", "peak MiB"]
    report(args.output, "Start", [f"{args.repeats} runs each, one after the other.", "", *table(header, rows)])


if __name__ == "__main__":
    main()
