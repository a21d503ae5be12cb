"""SIGKILL at random moments of train, predict and run: always the old version or the new, always a working next run.

Each round kills one command, looks at what lies there, and then runs the same command to its end. What it must find:

- after the kill: a current version that verifies to the byte; the old forecast or the new one, whole;
- after the next run: exit code 0; of a training, the very weights of one that was never killed (trainings write their
  checkpoint after every epoch here, so that the next one has something to go on from); of a run, one entry in the
  ledger, with the digest of the forecast that lies there.
"""

from __future__ import annotations

import math
import random
import statistics
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from common import arguments, progress, report, table
from forked import KILLED, PREDICT, RUN, TRAIN, Workplace, import_learning, monthly

ROWS, SEEDS = 96, 2
FREQUENCIES = {"train": 0.03, "predict": 0.485, "run": 0.485}
LATEST = 1.05  # times the usual duration: when a kill comes at the latest


@dataclass
class Found:
    """The results of one command.

    Attributes:
        seconds: that the command usually takes.
        kills: of a command that had not ended yet.
        left: how often a kill left the old state, the new one, or neither.
        resumed: trainings that went on from a checkpoint.
        faults: what should not be.
    """

    seconds: float
    kills: int = 0
    left: Counter[str] = field(default_factory=Counter)
    resumed: int = 0
    faults: list[str] = field(default_factory=list)


class Rounds:
    """Rounds in one place, with one source of chance."""

    def __init__(self, workplace: Workplace, seed: int) -> None:
        self.workplace, self.rng = workplace, random.Random(seed)
        self.expected = {number: self._trained(number) for number in range(SEEDS)}
        self.found = {name: Found(self._typical_seconds(name)) for name in FREQUENCIES}

    @property
    def kills(self) -> int:
        """Of all commands, so far."""
        return sum(found.kills for found in self.found.values())

    def one(self, name: str) -> None:
        """Kill, look, run again, look. A command that ended before its kill does not count."""
        workplace, found, command = self.workplace, self.found[name], self._command(name)
        workplace.revise(monthly(ROWS, last=self.rng.uniform(-5, 5)))
        state = partial(workplace.weights, "trained") if name == "train" else workplace.digest
        before = state()
        if workplace.killed(command, self.rng.uniform(0, LATEST * found.seconds)) != KILLED:
            return
        left = state()
        workplace.weights("small")  # (verifies it)
        found.kills += 1
        if code := workplace.do(command):
            found.faults.append(f"{name}: the next one ended with {code}: {workplace.stderr()}")
        after = state()
        found.left["old" if left == before else "new" if left == after else "neither"] += 1
        if left not in (before, after):
            found.faults.append(f"{name}: the kill left neither the old state nor the new")
        self._look(name, command)

    def _look(self, name: str, command: tuple[str, ...]) -> None:
        """Check the outputs of a training or run."""
        workplace, found = self.workplace, self.found[name]
        if name == "train":
            found.resumed += "going on where" in workplace.stderr()
            if workplace.weights("trained") != self.expected[int(command[-1])]:
                found.faults.append("train: other weights than those of an uninterrupted training")
        if name == "run":
            entries = workplace.runs()
            own = [entry.output_digest for entry in entries if entry.run_key == entries[-1].run_key]
            if own != [workplace.digest()]:
                found.faults.append(f"run: the forecast is not the one entry of its key ({len(own)} entries)")

    def _command(self, name: str) -> tuple[str, ...]:
        return {"train": (*TRAIN, "--seed", str(self.rng.randrange(SEEDS))), "predict": PREDICT, "run": RUN}[name]

    def _trained(self, seed: int) -> str:
        self.workplace.do((*TRAIN, "--seed", str(seed)))
        return self.workplace.weights("trained")

    def _typical_seconds(self, name: str) -> float:
        times = []
        for _ in range(1 if name == "train" else 3):
            self.workplace.revise(monthly(ROWS, last=self.rng.uniform(-5, 5)))
            began = time.perf_counter()
            self.workplace.do(self._command(name))
            times.append(time.perf_counter() - began)
        return statistics.median(times)


def always_write_checkpoints() -> None:
    """Trainings of a second are to behave as those of an hour."""
    from lstmcast.persistence import checkpoint

    checkpoint.Checkpoint = partial(checkpoint.Checkpoint, every=0.0)  # type: ignore[misc]


def main() -> None:
    """Kills, and writes the result."""
    parser = arguments(__doc__, __file__)
    parser.add_argument("--kills", type=int, default=1000, help="how many")
    parser.add_argument("--minutes", type=float, default=math.inf, help="after which it ends with fewer")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    args = parser.parse_args()
    import_learning()
    always_write_checkpoints()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        rounds = Rounds(Workplace.made(Path(folder), monthly(ROWS)), args.seed)
        while (kills := rounds.kills) < args.kills and time.monotonic() - began < 60 * args.minutes:
            if kills % 50 == 0:
                progress(f"{kills} kills, {time.monotonic() - began:.0f} s")
            rounds.one(rounds.rng.choices(list(FREQUENCIES), list(FREQUENCIES.values()))[0])
        leftovers = rounds.workplace.leftovers()
    _report(args.output, rounds, time.monotonic() - began, leftovers)


def _report(output: Path, rounds: Rounds, seconds: float, leftovers: list[str]) -> None:
    header = ("command", "kills", "usual seconds", "left the old state", "the new one", "neither", "faults")
    rows = [
        (name, one.kills, f"{one.seconds:.2f}", one.left["old"], one.left["new"], one.left["neither"], len(one.faults))
        for name, one in rounds.found.items()
    ]
    faults = [fault for one in rounds.found.values() for fault in one.faults]
    lines = [
        f"{rounds.kills} kills in {seconds:.0f} s, each at a moment drawn evenly from the command's usual duration.",
        "After each, the same command was run to its end.",
        "",
        *table(header, rows),
        "",
        f"{rounds.found['train'].resumed} of the killed trainings left a checkpoint, and the next one went on from it.",
        f"Temporary files left at the end: {len(leftovers)}.",
        *(f"- {fault}" for fault in faults[:20]),
    ]
    report(output, "Kills", lines)


if __name__ == "__main__":
    main()
