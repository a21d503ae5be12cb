"""Ten months of a daily job in minutes: 300 runs by an injected clock, with everything that goes wrong in such a time.

Hourly data of Berlin from December 2027 to October 2028: over a year's end, a 29 February and a change of the clocks.
Most runs happen in this one process, so that open files and memory would be seen to grow; at least fifty are processes
of their own. Some are killed, some overlap, some find old, missing or damaged data. After every cycle the forecast that
lies there must be the newest one of the ledger, and no other.
"""

from __future__ import annotations

import contextlib
import math
import os
import random
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from common import COMMAND, arguments, progress, report, table
from forked import KILLED, Workplace, ended

BEGIN = datetime(2027, 12, 20, 5, 30, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
HISTORY = 45  # days that the file holds
KEPT = 60  # days that the ledger holds
RETRAIN = 60  # days
MARKS = (60, 80, 100, 150, 200, 250, 300)  # cycles at which growth is looked at: the first after the ledger is full
MEMORY = 8.0  # MiB that may come between the first mark and the last
JOB = f"""input: data.csv
data: {{timezone: Europe/Berlin}}
model: {{units: [4]}}
train: {{epochs: 2, steps_per_epoch: 4}}
forecast: {{horizon: 24}}
freshness: {{max_data_age: {{limit: 36h, action: fallback}}}}
retrain: {{every: {RETRAIN}d, on_drift: false}}
ledger: {{retention: {KEPT}d, score_window: 14d}}
store: {{models: models, name: small, keep_versions: 3}}
"""
CYCLE_WEIGHTS = {
    "here": 54,
    "process": 17,
    "killed": 12,
    "overlapping": 8,
    "late": 5,
    "missing": 2,
    "cut": 2,
}  # by weight
ALLOWED = {"missing": {6}, "cut": {4}, "overlapping": {0, 7}}  # exit codes; of all others 0


def hourly(now: datetime) -> str:
    """The file as it is at a time: each hour of the last days that has ended, by the clock on the wall in Berlin."""
    first = (now - timedelta(days=HISTORY)).replace(minute=0)
    rows = ["time,load"]
    for hour in range(HISTORY * 24):
        at = first + timedelta(hours=hour)
        t = at.timestamp() / 3600
        value = 100 + 20 * math.sin(t * math.pi / 12) + 10 * math.sin(t * math.pi / 84) + 3 * math.sin(t * t % 997)
        rows.append(f"{at.astimezone(BERLIN):%Y-%m-%d %H:%M},{value:.2f}")
    return "\n".join([*rows, ""])


@dataclass
class Soak:
    """The state of the test.

    Attributes:
        place: where the job runs.
        rng: chance.
        kinds: cycles of each kind. codes: exit codes of their runs. kills: those that met a living process.
        issued: digest of each forecast by the time it was made for.
        growth: open files, MiB of memory and MiB on disk at each mark.
        faults: what should not be.
    """

    workplace: Workplace
    rng: random.Random
    kind_counts: Counter[str] = field(default_factory=Counter)
    codes: dict[str, Counter[int]] = field(default_factory=lambda: {kind: Counter() for kind in CYCLE_WEIGHTS})
    kills: int = 0
    issued: dict[datetime, str] = field(default_factory=dict)
    growth: dict[int, tuple[int, float, float]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def cycle(self, number: int) -> None:
        """One day."""
        now = BEGIN + timedelta(days=number)
        training = number % RETRAIN < 3  # TensorFlow is not to count as growth of this process
        kind = "process" if training else self.rng.choices(list(CYCLE_WEIGHTS), list(CYCLE_WEIGHTS.values()))[0]
        if kind != "late":
            self.workplace.revise(hourly(now))
        before = self.workplace.digest() if self.workplace.output.exists() else ""
        with self._spoilt(kind):
            codes = self._run(kind, now)
        self.kind_counts[kind] += 1
        self.codes[kind].update(codes)
        if set(codes) - ALLOWED.get(kind, {0}):
            self._fault(number, kind, f"exit codes {codes}: {self.workplace.stderr()[-300:]}")
        self._account(number, kind, now, before)
        if number + 1 in MARKS:
            self.growth[number + 1] = (
                sum(1 for _ in Path("/proc/self/fd").iterdir()),
                memory(),
                disk(self.workplace.folder),
            )

    @contextlib.contextmanager
    def _spoilt(self, kind: str) -> Iterator[None]:
        """Take the data away, or cut them in the middle of a row, for the length of the block."""
        data = self.workplace.folder / "data.csv"
        whole = data.read_bytes()
        if kind == "missing":
            data.unlink()
        elif kind == "cut":
            data.write_bytes(whole[: whole.rindex(b"\n", 0, -1) + 5])
        yield
        if kind in {"missing", "cut"}:
            data.write_bytes(whole)

    def _run(self, kind: str, now: datetime) -> list[int]:
        """Run the job as this kind of cycle does; the exit codes."""
        command = ("run", "job.yaml", "--quiet", "--now", now.isoformat())
        if kind == "process":
            with (self.workplace.folder / "log").open("wb") as log:
                return [
                    subprocess.run([COMMAND, *command], cwd=self.workplace.folder, stderr=log, check=False).returncode
                ]
        if kind == "killed":
            code = self.workplace.killed(command, self.rng.uniform(0, 0.4))
            self.kills += code == KILLED
            return [self.workplace.do(command)]
        if kind == "overlapping":
            return [ended(child) for child in [self.workplace.start(command) for _ in range(3)]]
        return [self._here(command)]

    def _here(self, command: tuple[str, ...]) -> int:
        """Run it in this process."""
        from lstmcast.cli import main

        with (self.workplace.folder / "log").open("w") as log, contextlib.redirect_stderr(log):
            return main(command)

    def _account(self, number: int, kind: str, now: datetime, before: str) -> None:
        """A new forecast has an entry of this cycle; where there is no entry, the old forecast still lies there."""
        entries = [entry for entry in self.workplace.runs() if entry.created_at == now]
        digest = self.workplace.digest()
        if entries:
            self.issued[now] = digest
        elif digest != before:
            self._fault(number, kind, "a forecast that the ledger does not know")
        if len({entry.run_key for entry in entries}) > 1 or (entries and entries[-1].output_digest != digest):
            self._fault(number, kind, "the ledger's newest forecast is not the one that lies there")
        if kind in {"here", "process", "killed", "overlapping"} and not entries:
            self._fault(number, kind, "no forecast")
        self.workplace.weights("small")  # (verifies the current version)
        if left := [path.name for path in self.workplace.model.glob(".lstmcast-*")]:
            self._fault(number, kind, f"left over: {left}")

    def close(self, now: datetime) -> None:
        """Every forecast that retention keeps is in the ledger, and nothing else is."""
        since = now - timedelta(days=KEPT)
        kept = {made: digest for made, digest in self.issued.items() if made >= since}
        found = {entry.created_at: entry.output_digest for entry in self.workplace.runs() if entry.created_at >= since}
        if found != kept:
            self.faults.append(f"at the end: {len(found)} forecasts in the ledger, {len(kept)} made and kept")
        first, *_, last = self.growth.values()
        if last[0] > first[0] or last[1] - first[1] > MEMORY:
            self.faults.append(f"growth: {first} became {last}")

    def _fault(self, number: int, kind: str, what: str) -> None:
        self.faults.append(f"cycle {number} ({kind}): {what}")
        progress(self.faults[-1])


def memory() -> float:
    """MiB of this process."""
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def disk(folder: Path) -> float:
    """MiB of all files under a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2**20


def main() -> None:
    """Soaks, and writes the result."""
    parser = arguments(__doc__, __file__)
    parser.add_argument("--cycles", type=int, default=300, help="how many days")
    parser.add_argument("--seed", type=int, default=0, help="of what goes wrong")
    args = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        soak = Soak(Workplace(Path(folder)), random.Random(args.seed))
        (soak.workplace.folder / "job.yaml").write_text(JOB, encoding="utf-8")
        os.chdir(folder)
        for number in range(args.cycles):
            soak.cycle(number)
            if number % 20 == 0:
                progress(f"{number} cycles, {time.monotonic() - began:.0f} s, {len(soak.faults)} faults")
        soak.close(BEGIN + timedelta(days=args.cycles - 1))
        os.chdir("/")
    _report(args.output.resolve(), soak, time.monotonic() - began)


def _report(output: Path, soak: Soak, seconds: float) -> None:
    kind_counts = [
        (kind, count, ", ".join(f"{code} × {often}" for code, often in sorted(soak.codes[kind].items())))
        for kind, count in soak.kind_counts.items()
    ]
    growth = [(mark, files, f"{ram:.1f}", f"{size:.2f}") for mark, (files, ram, size) in soak.growth.items()]
    cycles = sum(soak.kind_counts.values())
    lines = [
        f"{cycles} daily cycles from {BEGIN:%Y-%m-%d} in {seconds:.0f} s: {len(soak.issued)} forecasts.",
        f"Kills that met a living process: {soak.kills}. Faults: {len(soak.faults)}.",
        "",
        *table(("cycles", "how many", "exit codes"), kind_counts),
        "",
        f"Retention: 3 versions, {KEPT} days of forecasts. The process that ran most cycles, and the job's folder:",
        "",
        *table(("after cycle", "open files", "memory, MiB", "on disk, MiB"), growth),
        "",
        *(f"- {fault}" for fault in soak.faults[:20]),
    ]
    report(output, "Soak", lines)


if __name__ == "__main__":
    main()
