"""The M4 and M3 competitions: their series, and what others reached on them (`known.csv`)."""

from __future__ import annotations

import csv
import gzip
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scored_case import Case

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Competition:
    """A set of series that are forecast together.

    Attributes:
        horizon: H.
        season: m.
        stem: M4: how its two files are called; M3: its period.
        naive2: the published sMAPE and MASE of Naive2 on the whole test part; None where there is none.
    """

    horizon: int
    season: int
    stem: str
    naive2: tuple[float, float] | None = None


SETS = {
    "M4-Yearly": Competition(6, 1, "Yearly", (16.342, 3.974)),
    "M4-Quarterly-short": Competition(8, 4, "Quarterly-short"),
    "M4-Weekly": Competition(13, 1, "Weekly", (9.161, 2.777)),
    "M4-Hourly": Competition(48, 24, "Hourly", (18.383, 2.395)),
    "M3-Yearly": Competition(6, 1, "YEARLY"),
    "M3-Quarterly": Competition(8, 4, "QUARTERLY"),
    "M3-Monthly": Competition(18, 12, "MONTHLY"),
    "M3-Other": Competition(8, 1, "OTHER"),
}


def load(data: Path, name: str, *, final: bool, limit: int | None = None) -> Case:
    """A set as one case.

    Args:
        data: folder with `m4` and `m3`.
        name: one of `SETS`.
        final: whether the test part is forecast; else it is not looked at, but the end of the training part held out.
        limit: at most so many series, evenly spaced; None: all.
    """
    one = SETS[name]
    rows = list(_m4(data, one, final=final) if name.startswith("M4") else _m3(data, one, final=final))
    if limit is not None and limit < len(rows):
        rows = [rows[k] for k in np.linspace(0, len(rows) - 1, limit).round().astype(int)]
    ids, values = zip(*rows, strict=True)
    H = one.horizon
    histories, actual = tuple(row[:-H] for row in values), np.stack([row[-H:] for row in values])
    case = Case(name, 0 if final else 1, ids, histories, actual, one.season, one.season)
    if final and limit is None and one.naive2:
        _check(case, one.naive2)
    return case


def _m4(data: Path, one: Competition, *, final: bool) -> Iterator[tuple[str, Floats]]:
    """Series of M4, with the test part only if requested."""
    train = _m4_rows(data / "m4" / f"{one.stem}-train.csv.gz")
    test = _m4_rows(data / "m4" / f"{one.stem}-test.csv.gz") if final else {}
    for name, values in train.items():
        yield name, np.concatenate([values, test[name]]) if final else values


def _m4_rows(path: Path) -> dict[str, Floats]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = (line.strip().split(",") for line in file)
        return {row[0]: np.array([float(cell) for cell in row[1:] if cell]) for row in rows}


def _m3(data: Path, one: Competition, *, final: bool) -> Iterator[tuple[str, Floats]]:
    """Series of M3: `id,period,type,start,n_train,h,values`."""
    with gzip.open(data / "m3" / "M3.csv.gz", "rt", encoding="utf-8") as file:
        for line in file:
            name, period, _, _, n, h, *cells = line.strip().split(",")
            if period == one.stem:
                yield name, np.array([float(cell) for cell in cells[: int(n) + (int(h) if final else 0)]])


def _check(case: Case, published: tuple[float, float]) -> None:
    """Ends the benchmark where Naive2 is not what the competition's organisers found: the data or the code is wrong."""
    found = tuple(round(value, 3) for value in case.yardstick)
    if found != published:
        sys.exit(f"{case.name}: Naive2 has sMAPE and MASE {found}, published are {published}")


def known(name: str) -> list[dict[str, str]]:
    """Published results on the test part of a set: method, figures and source, each as text."""
    with (Path(__file__).parent / "known.csv").open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["set"] == name]
