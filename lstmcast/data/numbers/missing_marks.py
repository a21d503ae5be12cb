"""Marks of missing values: those of the user, and numbers such as -9999 that are likely to be marks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from lstmcast.data.numbers.fields import looks_like_numbers
from lstmcast.data.numbers.parser import marks_setting
from lstmcast.data.schema import DataNote, NoteCode, Table
from lstmcast.errors import DataError, Fault, FaultCode, Fix
from lstmcast.text import MAX_SHOWN, pluralize, truncate_items
from lstmcast.types import Floats, Ints

_KEY = "data.missing_marks="
KEEP = "none"  # among the marks: no other value is one

_NINES = tuple(float(sign + nines) for sign in ("-", "") for nines in (
    "99", "999", "9999", "99999", "999999", "9999999", "99999999", "999999999", "99.9", "99.99", "999.9", "999.99",
    "999.999", "9999.9", "9999.99", "99999.99",
))  # fmt: skip
_FILLS = (
    *(sign * digits for sign in (-1.0, 1.0) for digits in (8888.0, 88888.0, 7777.0, 32767.0, 32768.0, 2147483647.0)),
    -9.99, 65535.0, -2147483648.0, 4294967295.0, -1.0, -1e5, -1e6, 1e10, -1e10, 1e15, 1e20, -1e20, 1e30, -1e30, 1e34,
    -1e34, 1e35, 1e36, 1e37, -1e37, 9.96921e36, 9.969209968386869e36, -3.4028235e38, 3.4028235e38, -3.4e38, 3.4e38,
)  # fmt: skip
_HUNDREDS = (-100.0, -200.0, -300.0, -500.0, -1000.0)  # marks if they repeat and no other value is negative
_STRONG_SIZE = 900  # of a negative mark that need not repeat
_HUGE = 1e15
_NEAR = 0.5  # distance of hundreds from all other values, in their range
_MIN_REPEATS = 3
_FAR = 1.0  # distance from all other values, in their range
_FAR_ABOVE = 1.5  # of positive marks
_VERY_FAR = 10.0  # of a mark that does not repeat, or is small
_MIN_DISTINCT = 3  # distinct other values of a series


def blank_marks(table: Table, marks: Sequence[str]) -> Table:
    """Empty the fields that are marks, in columns whose other fields are numbers, with a note for each column."""
    words = {mark.lower() for mark in marks} - {KEEP}
    if not words:
        return table
    text, notes = table.text.copy(deep=False), list(table.notes)
    for name in text:
        marked = text[name].str.strip().str.lower().isin(words).to_numpy(dtype=bool)
        if marked.any() and looks_like_numbers(text[name][~marked]):
            text[name] = text[name].where(~marked, "")
            notes.append(marked_note(str(name), int(marked.sum())))
    return replace(table, text=text, notes=tuple(notes))


def marked_note(column: str, count: int) -> DataNote:
    """Note about values that are marks of the user."""
    text = f"column '{column}': {pluralize(count, 'value')} read as missing, by data.missing_marks"
    return DataNote(NoteCode.MISSING_MARKS, text)


def join_marks(faults: Sequence[Fault], given: Sequence[str]) -> list[Fault]:
    """Let the fix of each fault that proposes marks propose those of all columns, and those already given."""
    fixes = [fix for fault in faults for fix in fault.fixes if fix.setting.startswith(_KEY)]
    proposed = [fix.setting.removeprefix(_KEY) for fix in fixes]
    known = [marks_setting(list(given))] if given else []
    parts = dict.fromkeys(part.strip("[]") for part in [*known, *proposed])
    setting = f"{_KEY}[{', '.join(parts)}]" if len(parts) > 1 else "".join(_KEY + part for part in proposed[:1])
    return [
        replace(
            fault,
            fixes=tuple(replace(fix, setting=setting) if fix.setting.startswith(_KEY) else fix for fix in fault.fixes),
        )
        for fault in faults
    ]


def numeric_marks(marks: Sequence[str]) -> Floats:
    """[K] marks that are numbers."""
    numbers = pd.to_numeric(pd.Series(marks, dtype=str), errors="coerce").to_numpy(dtype=np.float64)
    return np.asarray(numbers[np.isfinite(numbers)], dtype=np.float64)


@dataclass(frozen=True)
class _Suspect:
    """A number that is likely to mark missing values; rows [K] that hold it, and the range of all other values."""

    mark: float
    rows: Ints
    low: float
    high: float


def refuse_marks(
    values: Floats, groups: Ints, lines: Ints, *, column: str, source: str, marks: Sequence[str] = ()
) -> None:
    """Raise DataError if a number that is typical of missing values lies far outside all others of its series.

    Args:
        values: [N] values, NaN where missing.
        groups: [N] index of the series.
        marks: marks already given; `none` accepts all values.
    """
    if KEEP in marks or np.isnan(values).all():
        return
    suspects = list(_suspects(values, groups))
    if not suspects:
        return
    found = "; ".join(_described(suspect, lines) for suspect in suspects)
    written = [f"{suspect.mark:.15g}" for suspect in suspects]
    fixes = (
        Fix(f"data.missing_marks={marks_setting([*marks, *written])}", f"read {' and '.join(written)} as missing"),
        Fix(f"data.missing_marks={marks_setting([*marks, KEEP])}", "keep all values"),
    )
    line = int(lines[suspects[0].rows[0]])
    raise DataError(Fault(f"{source}:{line}: column '{column}': {found}", FaultCode.MARK_UNCLEAR, line, column, fixes))


def _described(suspect: _Suspect, lines: Ints) -> str:
    """Message about one number."""
    count = len(suspect.rows)
    times = "once" if count == 1 else f"{count} times"
    where = f"line{'s' * (count > 1)} {truncate_items((str(line) for line in lines[suspect.rows[:MAX_SHOWN]]), count)}"
    rest = f"the others lie between {suspect.low:g} and {suspect.high:g}"
    return f"{suspect.mark:.15g} occurs {times} ({where}) and may mark missing values: {rest}"


def _suspects(values: Floats, groups: Ints) -> Iterator[_Suspect]:
    """Find numbers that are typical marks and lie far outside all other values of their series."""
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    typical = [mark for mark in (*_NINES, *_FILLS, *_HUNDREDS) if low <= mark <= high and (values == mark).any()]
    if not typical:
        return
    unmarked = np.flatnonzero(~np.isin(values, typical) & ~np.isnan(values))
    extent = pd.Series(values[unmarked]).groupby(groups[unmarked]).agg(["min", "max"])
    for mark in typical:
        if (suspect := _suspect(mark, values, groups, unmarked, extent)) is not None:
            yield suspect


def _suspect(mark: float, values: Floats, groups: Ints, unmarked: Ints, extent: pd.DataFrame) -> _Suspect | None:
    """The rows with a mark in series whose other values are far from it; None if there are too few.

    Args:
        unmarked: rows [K] of values that are no typical marks.
        extent: the least and the greatest of these values of each series.
    """
    rows = np.flatnonzero(values == mark)
    strong = mark <= -_STRONG_SIZE or abs(mark) >= _HUGE
    near = extent.reindex(np.intersect1d(groups[rows], extent.index))
    low, high = near["min"], near["max"]
    distance = (low - mark).clip(lower=0) + (mark - high).clip(lower=0)
    needed = _NEAR if mark in _HUNDREDS else _VERY_FAR if len(rows) == 1 else _FAR if mark < 0 else _FAR_ABOVE
    far = near[(distance > 0) & (distance >= needed * (high - low))]
    if far.empty or (mark in {-1, *_HUNDREDS} and float(low.min()) < 0):
        return None
    if mark in _HUNDREDS and len(rows) < _MIN_REPEATS:
        return None
    of_far = values[unmarked[np.isin(groups[unmarked], far.index)]]
    if 0 < mark < _STRONG_SIZE and mark % 1 == 0 and (of_far % 1 == 0).all():
        return None  # 99 pieces
    varied = _varied(values, groups, unmarked, far, mark, strong=strong)
    rows_far = rows[np.isin(groups[rows], varied)]
    if len(rows_far) < (1 if strong else 2):
        return None
    return _Suspect(mark, rows_far, float(low.min()), float(high.max()))


def _varied(
    values: Floats, groups: Ints, unmarked: Ints, far: pd.DataFrame, mark: float, *, strong: bool
) -> npt.NDArray[np.int64]:
    """Series of several values in addition to the mark, or of values that are far smaller than a strong mark."""
    kept = unmarked[np.isin(groups[unmarked], far.index)]
    distinct = pd.Series(values[kept]).groupby(groups[kept]).nunique().reindex(far.index)
    small = far.abs().max(axis=1) < abs(mark) / 2
    return far.index[(distinct >= _MIN_DISTINCT) | (small & strong)].to_numpy(dtype=np.int64)
