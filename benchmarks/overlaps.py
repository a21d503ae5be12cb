"""Eight runs of one job at once, a hundred times: one works, the others leave with 7 or wait, none corrupts.

In every round the newest value of the data is another one, so that there is one forecast to make. Half of the rounds
start `lstmcast run job.yaml`, the other half `… --wait 60`. Four of a hundred start the installed command, the others
children of one process, held at a gate until all eight are there.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from common import COMMAND, arguments, progress, report, table
from forked import RUN, Workplace, ended, monthly

ROWS = 96
COMMANDS = {"run": RUN, "run --wait 60": (*RUN, "--wait", "60")}
INSTALLED = (0, 25)  # of every fifty rounds: one of each way


@dataclass(frozen=True)
class Round:
    """The exit codes of eight runs, and their faults."""

    name: str
    codes: Counter[int]
    faults: list[str]


def start(workplace: Workplace, command: tuple[str, ...], many: int) -> list[int]:
    """Exit codes of so many children that begin at once."""
    gate = os.pipe()
    children = [workplace.start(command, gate) for _ in range(many)]
    for end in gate:
        os.close(end)  # and so it opens
    return [ended(child) for child in children]


def start_installed(workplace: Workplace, command: tuple[str, ...], many: int) -> list[int]:
    """Start the installed command, each process with its own Python."""
    null = subprocess.DEVNULL
    started = [subprocess.Popen([COMMAND, *command], cwd=workplace.folder, stderr=null) for _ in range(many)]
    return [process.wait() for process in started]


def play(workplace: Workplace, number: int, many: int) -> Round:
    """One round."""
    name = list(COMMANDS)[number % 2]
    workplace.revise(monthly(ROWS, last=(number + 1) / 7))
    before = len(workplace.runs())
    begin = start_installed if number % 50 in INSTALLED else start
    codes = begin(workplace, COMMANDS[name], many)
    return Round(name, Counter(codes), list(_faults(workplace, name, codes, before)))


def _faults(workplace: Workplace, name: str, codes: list[int], before: int) -> list[str]:
    entries, faults = workplace.runs(), []
    if len(entries) != before + 1:
        faults.append(f"{len(entries) - before} forecasts were recorded")
    if entries[-1].output_digest != workplace.digest():
        faults.append("the forecast that lies there is not the one recorded")
    if set(codes) - ({0} if "--wait" in name else {0, 7}) or 0 not in codes:
        faults.append(f"exit codes {sorted(codes)}")
    workplace.weights("small")  # (verifies it)
    return faults + [f"left over: {path}" for path in workplace.leftovers()]


def main() -> None:
    """Plays, and writes the result."""
    parser = arguments(__doc__, __file__)
    parser.add_argument("--rounds", type=int, default=100, help="how many")
    parser.add_argument("--processes", type=int, default=8, help="at once")
    args = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        workplace, rounds = Workplace.made(Path(folder), monthly(ROWS)), []
        for number in range(args.rounds):
            rounds.append(play(workplace, number, args.processes))
            if number % 10 == 0:
                progress(f"{number} rounds, {time.monotonic() - began:.0f} s")
    lines = [
        f"{args.rounds} rounds of {args.processes} processes in {time.monotonic() - began:.0f} s.",
        "In each, one process makes the forecast; those that find it made do nothing, and end with 0 too.",
        "",
        *table(("command", "rounds", "ended with 0", "left with 7", "other codes", "faults"), _rows(rounds)),
        "",
        *(f"- {fault}" for one in rounds for fault in one.faults),
    ]
    report(args.output, "Overlaps", lines)


def _rows(rounds: list[Round]) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for name in COMMANDS:
        own = [one for one in rounds if one.name == name]
        codes = sum((one.codes for one in own), Counter())
        other = sum(codes.values()) - codes[0] - codes[7]
        rows.append((f"`{name}`", len(own), codes[0], codes[7], other, sum(len(one.faults) for one in own)))
    return rows


if __name__ == "__main__":
    main()
