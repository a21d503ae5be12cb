"""Raw figures, a JSON object a line: tables are made from them, and a benchmark that was cut off goes on after them."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import machine, progress

import lstmcast

Record = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """Something to measure.

    Attributes:
        key: the values that identify it; part of its record.
        run: measures, and returns the figures.
    """

    key: Mapping[str, object]
    run: Callable[[], Record]


def read(path: Path) -> list[Record]:
    """The records of a file, the latest of each key; none where the file is missing."""
    if not path.exists():
        return []
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return list({json.dumps(record["key"], sort_keys=True): record for record in records}.values())


def work(jobs: Iterable[Job], path: Path, *, state: str) -> None:
    """Runs the jobs that were not done before, and appends what each found.

    Args:
        jobs: in the order in which they run.
        path: of the records.
        state: what is measured (see `state_of_code`); records of another state are not good enough.
    """
    done = [(record["key"], record["state"]) for record in read(path) if "failed" not in record]
    for job in jobs:
        if (job.key, state) in done:
            continue
        today = datetime.datetime.now().isoformat(timespec="seconds")
        record = {"key": job.key, "state": state, "at": today, "machine": machine(), **job.run()}
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
        progress(" · ".join([*map(str, job.key.values()), brief(record)]))


def brief(record: Record) -> str:
    """A record in a few words, for the person who waits."""
    if "failed" in record:
        return f"failed: {record['failed']}"
    shown = {name: record.get(name) for name in ("owa", "mase", "coverage_95", "train_s", "peak_mib")}
    return ", ".join(f"{name} {value:.4g}" for name, value in shown.items() if value is not None)


def state_of_code() -> str:
    """A short digest of lstmcast's source and configs: figures of different states are not to be mixed unseen."""
    package = Path(lstmcast.__file__).parent
    configs = next(folder for folder in (package / "configs", package.parent / "configs") if folder.is_dir())
    files = sorted([*package.rglob("*.py"), *configs.glob("*.yaml")])
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:8]
