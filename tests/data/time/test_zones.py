"""Wall clocks against the standard library's `zoneinfo`, one time after the other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstmcast.data.time.zones import SECOND, changes_clock, check_zone, fixed_name, from_wall, to_wall, zone_of_offsets
from lstmcast.errors import ConfigError

EPOCH = datetime(1970, 1, 1)
ZONES = ("Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Sao_Paulo", "UTC")


def micros(when: datetime) -> int:
    """Microseconds since 1970 of a naive datetime."""
    return (when - EPOCH) // timedelta(microseconds=1)


@settings(deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    seconds=st.lists(st.integers(-2_208_988_800, 4_102_444_800), min_size=1, max_size=20),
)
def test_wall_times_are_those_of_zoneinfo(zone: str, seconds: list[int]) -> None:
    """Instants from 1900 to 2100 show the wall time that zoneinfo gives, and come back from it."""
    instants = np.array(seconds, dtype=np.int64) * SECOND
    wall = to_wall(instants, zone)
    moments = [datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second) for second in seconds]
    local = [moment.astimezone(ZoneInfo(zone)) for moment in moments]
    assert wall.tolist() == [micros(moment.replace(tzinfo=None)) for moment in local]
    back = from_wall(wall, zone)
    late = np.array([moment.fold == 1 for moment in local])
    assert np.array_equal(np.where(late, back.late, back.early), instants)
    assert not back.skipped.any()
    assert back.doubled[late].all()


def test_a_skipped_and_a_doubled_hour_in_paris() -> None:
    """02:30 on 31 March 2024 does not exist; 02:30 on 27 October 2024 is 00:30 and 01:30 UTC."""
    wall = np.array([micros(datetime(2024, 3, 31, 2, 30)), micros(datetime(2024, 10, 27, 2, 30))])
    read = from_wall(wall, "Europe/Paris")
    assert read.skipped.tolist() == [True, False]
    assert read.doubled.tolist() == [False, True]
    assert read.early[1] == micros(datetime(2024, 10, 27, 0, 30))
    assert read.late[1] == micros(datetime(2024, 10, 27, 1, 30))
    assert read.early[0] == micros(datetime(2024, 3, 31, 1, 30))


@pytest.mark.parametrize(("minutes", "name"), [(0, "UTC"), (120, "UTC+02:00"), (-570, "UTC-09:30")])
def test_fixed_offsets_have_names_that_are_zones(minutes: int, name: str) -> None:
    """A fixed offset has a name, which shifts the wall clock by it."""
    assert fixed_name(minutes) == name
    check_zone(name)
    assert to_wall(np.array([0]), name).tolist() == [minutes * 60 * SECOND]


def test_the_ends_of_the_calendar_do_not_wrap() -> None:
    """Times of the years 1 and 9999 keep their order in a zone far from UTC."""
    instants = np.array([micros(datetime(1, 1, 3)), micros(datetime(9999, 12, 29))])
    wall = to_wall(instants, "Asia/Kolkata")
    assert (np.abs(wall - instants) < 6 * 3600 * SECOND).all()


@pytest.mark.parametrize(
    ("zone", "near"), [("Europe/Pariss", "'Europe/Paris'"), ("../etc/passwd", "IANA"), ("", "IANA")]
)
def test_an_unknown_zone_is_refused_with_the_nearest(zone: str, near: str) -> None:
    """An unknown zone is refused with the key, the value and the nearest name, even one that looks like a path."""
    with pytest.raises(ConfigError) as caught:
        check_zone(zone)
    assert "data.timezone" in str(caught.value)
    assert f"'{zone}'" in str(caught.value)
    assert near in str(caught.value)


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("Europe/Paris", "Europe/Berlin"),
        ("Europe/London", "Europe/London"),
        ("America/New_York", "America/New_York"),
        ("Australia/Melbourne", "Australia/Sydney"),
        ("America/St_Johns", "America/St_Johns"),
    ],
)
def test_offsets_that_change_give_a_zone(zone: str, expected: str) -> None:
    """Hourly times across changes have a zone with the same clock; times on both sides of a long hole do not."""
    index = pd.date_range("2023-01-01", "2024-02-01", freq="h", tz=zone)
    instants = index.tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[us]").astype(np.int64)
    offsets = index.tz_localize(None).to_numpy().astype("datetime64[us]").astype(np.int64) - instants
    assert zone_of_offsets(instants, offsets) == expected
    assert zone_of_offsets(instants[:1000], offsets[:1000]) is None
    assert zone_of_offsets(instants[[0, 4000]], offsets[[0, 4000]]) is None
    assert changes_clock(zone)


def test_zones_without_changes() -> None:
    """Fixed offsets and zones without summer time."""
    assert not any(map(changes_clock, [None, "UTC", "UTC+02:00", "Asia/Tokyo", "Asia/Kolkata"]))
