"""Spans of time as a person writes them, there and back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmcast.config.durations import duration_text, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("30min", 1800), ("2h", 7200), ("2 h", 7200), ("1.5h", 5400), ("7d", 604800), ("4w", 2419200)],
)
def test_a_number_and_a_unit(text: str, seconds: int) -> None:
    """Each unit is the seconds it has."""
    assert parse_duration(text).total_seconds() == seconds


@pytest.mark.parametrize(
    "text", ["", "2", "h", "-2h", "0d", "2 hours", "1M", "2h30min", "1e3s", "٢h", "99999w", "1d\n"]
)
def test_anything_else_is_refused(text: str) -> None:
    """Without a unit, with another, negative, nothing at all, more than a century: the rule and what was received."""
    with pytest.raises(ValueError, match=r"must be a number and a unit \(90s, 30min, 2h, 7d, 4w\)") as caught:
        parse_duration(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "plain"), [("90s", "90s"), ("60min", "1h"), ("1.5h", "90min"), ("7d", "1w"), ("0.25s", "0.25s")]
)
def test_written_in_the_largest_whole_unit(text: str, plain: str) -> None:
    """What is written is what a person would write."""
    assert duration_text(parse_duration(text)) == plain


@given(seconds=st.integers(1, 10**8), micro=st.integers(0, 999_999))
def test_written_and_read_back(seconds: int, micro: int) -> None:
    """Every span comes back as it was."""
    span = timedelta(seconds=seconds, microseconds=micro)
    assert parse_duration(duration_text(span)) == span
