"""What a model keeps of the data of training, to speak where the file is gone: as facts and arrays, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from lstmcast.data.calendar import Calendar
from lstmcast.data.panel import Panel
from lstmcast.data.records import Columns

ARRAYS = ("values", "observed", "offsets", "starts")


def to_facts(context: Panel) -> dict[str, Any]:
    """What JSON can hold of it."""
    return {
        "columns": asdict(context.columns),
        "calendar": context.calendar.to_dict(),
        "series": [list(key) for key in context.keys],
        "source": context.source,
    }


def context_arrays(context: Panel) -> dict[str, np.ndarray]:
    """Its numbers."""
    return {name: getattr(context, name) for name in ARRAYS}


def context_of(facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Panel:
    """The context of these facts and arrays, among others.

    Raises:
        ValueError: the arrays do not describe the same series.
        KeyError: one is missing.
    """
    keys, offsets = tuple(tuple(key) for key in facts["series"]), arrays["offsets"]
    n = len(arrays["values"])
    is_valid = len(offsets) == len(keys) + 1 and offsets[0] == 0 and offsets[-1] == n and (np.diff(offsets) > 0).all()
    if not is_valid or len(arrays["observed"]) != n or len(arrays["starts"]) != len(keys):
        raise ValueError("the context's arrays do not describe the same series")
    return Panel(
        columns=Columns(
            time=facts["columns"]["time"],
            target=tuple(facts["columns"]["target"]),
            series=tuple(facts["columns"]["series"]),
        ),
        calendar=Calendar.from_dict(facts["calendar"]),
        keys=keys,
        values=arrays["values"],
        observed=arrays["observed"],
        offsets=offsets,
        starts=arrays["starts"],
        findings=(),
        notes=(),
        source=facts["source"],
    )
