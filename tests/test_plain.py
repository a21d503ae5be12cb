"""Dataclasses as plain values: what is written is read back, and wrong values are refused."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import pytest

from lstmcast.plain import from_plain, to_plain


class Name(StrEnum):
    """Keys of a mapping."""

    A = "a"
    B = "b"


@dataclass(frozen=True)
class Inner:
    """A nested value."""

    x: float
    y: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Outer:
    """Every kind of field."""

    inner: Inner
    rows: Mapping[Name, Mapping[str, float]]
    other: Inner | None = None
    free: Mapping[str, Any] = field(default_factory=dict)
    text: str
    flag: bool = False


OUTER = Outer(inner=Inner(0.5, (1, 2)), rows={Name.A: {"q": 1.5}}, text="hi", free={"a": [1, {"b": None}]})
PLAIN = to_plain(OUTER)


def test_what_is_written_is_read_back() -> None:
    """Through JSON, nested values, tuples, enums as keys and defaults included."""
    assert from_plain(Outer, json.loads(json.dumps(PLAIN))) == OUTER
    assert from_plain(Outer, {key: PLAIN[key] for key in ("inner", "rows", "text", "free")} | {"new": 1}) == OUTER


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_undefined_numbers_are_null(value: float) -> None:
    """JSON has no NaN: None is written, and NaN is read."""
    plain = to_plain(Inner(value, ()))
    assert plain == {"x": None, "y": []}
    assert math.isnan(from_plain(Inner, plain).x)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"text": 3}, TypeError),
        ({"flag": 1}, TypeError),
        ({"inner": {"x": True, "y": []}}, TypeError),
        ({"inner": {"x": 0.5}}, KeyError),
        ({"rows": {"c": {}}}, ValueError),
        ({"rows": []}, TypeError),
    ],
)
def test_wrong_values_are_refused(change: dict[str, object], error: type[Exception]) -> None:
    """A missing field, another type, an unknown name."""
    with pytest.raises(error):
        from_plain(Outer, PLAIN | change)
