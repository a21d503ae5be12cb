"""Writing times, against the standard library's `strftime`."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstmcast.data.time.text.formats import TimeFormat
from lstmcast.data.time.text.patterns import check_pattern
from lstmcast.errors import ConfigError

EPOCH = datetime(1970, 1, 1)
DIRECTIVES = "%Y|%m|%d|%H|%I|%M|%S|%p|%b|%B|%a|%A|%j|%G|%V|%u|%y|%f|100%%"


def stamps_of(moments: list[datetime]) -> np.ndarray:
    """Microseconds since 1970 of naive datetimes."""
    return np.array([(moment - EPOCH) // timedelta(microseconds=1) for moment in moments], dtype=np.int64)


@settings(deadline=None)
@given(st.lists(st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31)), min_size=1, max_size=10))
def test_directives_write_what_strftime_writes(moments: list[datetime]) -> None:
    """Every directive that strftime knows writes the same text, from the year 1000 to 9999."""
    assert TimeFormat(DIRECTIVES).format(stamps_of(moments)) == [moment.strftime(DIRECTIVES) for moment in moments]


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("%YQ%q", "2024Q1"),
        ("%-d.%-m.%Y %-H:%M", "5.2.2024 7:08"),
        ("%^b-%y", "FEB-24"),
        ("%#b %-I%#p", "feb 7am"),
        ("%S.%3f", "09.012"),
        ("%S.%9f", "09.012345000"),
        ("epoch s", "1707116889"),
        ("epoch ms", "1707116889012"),
        ("epoch us", "1707116889012345"),
        ("epoch ns", "1707116889012345000"),
    ],
)
def test_the_directives_of_our_own(pattern: str, text: str) -> None:
    """Quarters, numbers that are not padded, cases, fractions and epochs of 5 February 2024, 07:08:09.012345."""
    assert TimeFormat(pattern).format(stamps_of([datetime(2024, 2, 5, 7, 8, 9, 12345)])) == [text]


@pytest.mark.parametrize(
    ("pattern", "zone", "text"),
    [
        ("%Y-%m-%dT%H%z", "UTC+02:00", "2024-02-05T09+0200"),
        ("%Y-%m-%dT%H%:z", "America/New_York", "2024-02-05T02-05:00"),
        ("%Y-%m-%d %H%-z", "UTC+02:00", "2024-02-05 09+02"),
        ("%Y-%m-%d %H%-z", "UTC+05:30", "2024-02-05 12+05:30"),
        ("%Y-%m-%dT%H%^z", "UTC", "2024-02-05T07Z"),
        ("%Y-%m-%dT%H%^z", "UTC+02:00", "2024-02-05T09+02:00"),
        ("%Y-%m-%d %H %Z", "UTC", "2024-02-05 07 UTC"),
    ],
)
def test_offsets_are_written_as_the_file_does(pattern: str, zone: str, text: str) -> None:
    """The wall time of the zone is written, with its offset, in each spelling."""
    assert TimeFormat(pattern).format(stamps_of([datetime(2024, 2, 5, 7)]), zone) == [text]


def test_a_style_survives_json() -> None:
    """A style goes to plain values and back."""
    assert TimeFormat.from_dict(TimeFormat("%d/%m/%Y").to_dict()) == TimeFormat("%d/%m/%Y")


@pytest.mark.parametrize(("pattern", "part"), [("%Y-%c", "%c is not known"), ("%d/%m", "must contain the year")])
def test_a_pattern_that_cannot_be_read_is_refused(pattern: str, part: str) -> None:
    """An unknown directive, or a pattern without a year, is refused with the key and the pattern."""
    with pytest.raises(ConfigError, match=part) as caught:
        check_pattern(pattern)
    assert "data.time_format" in str(caught.value)
    assert f"'{pattern}'" in str(caught.value)
