"""Which series and which step of it a user means, by the names in the data."""

from __future__ import annotations

import difflib

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.data.wording import truncate_list
from lstmcast.errors import UsageError


def find_series(panel: Panel, key: str | None) -> int:
    """The series with this key, its parts joined by '/'; None: the first.

    Raises:
        UsageError: there is none.
    """
    names = ["/".join(parts) for parts in panel.keys]
    if key is None:
        return 0
    if key not in names:
        close = difflib.get_close_matches(key, names, n=1)
        guess = f"did you mean '{close[0]}'? " if close else ""
        listed = truncate_list(names) if any(names) else "one without a name: leave --series out"
        raise UsageError(f"--series {key}: no such series; {guess}there are: {listed}")
    return names.index(key)


def find_step(panel: Panel, series: int, time: str | None) -> int:
    """The step of a series at a time, written as in the file or as ISO 8601 on its wall clock; None: the last one.

    Returns:
        Steps from the series' first value, at least 1: a forecast needs two values.

    Raises:
        UsageError: the time is none of the series' steps, or its first.
    """
    if time is None:
        return int(panel.lengths[series]) - 1
    positions = panel.starts[series] + np.arange(panel.lengths[series])
    found = np.flatnonzero(np.array(panel.calendar.text(positions)) == time)
    if not len(found):
        found = np.flatnonzero(panel.calendar.wall(positions) == _iso(time, counter=panel.calendar.kind == "counter"))
    if not len(found) or not found[0]:
        second, last = panel.calendar.text(positions[[1, -1]]) if len(positions) > 1 else ("", "")
        span = f"from {second} to {last}" if second else "(it has too few)"
        raise UsageError(f"--origin {time}: must be a step of the series {span}, written as in the file")
    return int(found[0])


def _iso(time: str, *, counter: bool) -> np.datetime64:
    """A time as the wall clock shows it; not a time where it is none."""
    try:
        return np.datetime64("NaT" if counter else time, "us")
    except ValueError:
        return np.datetime64("NaT", "us")
