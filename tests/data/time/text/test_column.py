"""Times as people write them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstmcast.data.time.text.column import Times, parse_times
from lstmcast.data.time.text.formats import TimeFormat
from lstmcast.data.time.text.recognition import looks_like_counts, looks_like_times
from lstmcast.errors import ConfigError, DataError

EPOCH = datetime(1970, 1, 1)


def stamps_of(moments: Sequence[datetime]) -> np.ndarray:
    """Microseconds since 1970 of naive datetimes."""
    return np.array([(moment - EPOCH) // timedelta(microseconds=1) for moment in moments], dtype=np.int64)


def parse(*texts: str, **options: object) -> Times:
    """Parse a column named Date of f.csv that starts on line 2."""
    return parse_times(pd.Series(texts), np.arange(2, 2 + len(texts)), column="Date", source="f.csv", **options)


def isos(times: Times) -> list[str]:
    """The stamps in ISO format, to the second."""
    return np.datetime_as_string(times.stamps.astype("datetime64[us]"), unit="s").tolist()


def error(*texts: str, **options: object) -> str:
    """The message with which a column is refused."""
    with pytest.raises(DataError) as caught:
        parse(*texts, **options)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2024-02-29", "2024-02-29T00:00:00"),
        ("2024/2/9", "2024-02-09T00:00:00"),
        ("2024.02.29", "2024-02-29T00:00:00"),
        ("2024-02", "2024-02-01T00:00:00"),
        ("2024", "2024-01-01T00:00:00"),
        ("0001-01-01", "0001-01-01T00:00:00"),
        ("9999-12-31", "9999-12-31T00:00:00"),
        ("2024Q3", "2024-07-01T00:00:00"),
        ("2024-Q3", "2024-07-01T00:00:00"),
        ("Q3 2024", "2024-07-01T00:00:00"),
        ("2020-W53", "2020-12-28T00:00:00"),
        ("2021W01", "2021-01-04T00:00:00"),
        ("2020-W53-7", "2021-01-03T00:00:00"),
        ("2024M11", "2024-11-01T00:00:00"),
        ("29.02.2024", "2024-02-29T00:00:00"),
        ("9.2.2024 7:05", "2024-02-09T07:05:00"),
        ("2/29/2024", "2024-02-29T00:00:00"),
        ("1/22/20", "2020-01-22T00:00:00"),
        ("11/2024", "2024-11-01T00:00:00"),
        ("2/29/2024 12:05 AM", "2024-02-29T00:05:00"),
        ("2/29/2024 12:05:06 pm", "2024-02-29T12:05:06"),
        ("Feb 2024", "2024-02-01T00:00:00"),
        ("SEP-99", "1999-09-01T00:00:00"),
        ("01-Feb-2024", "2024-02-01T00:00:00"),
        ("1 february 2024", "2024-02-01T00:00:00"),
        ("February 1, 2024", "2024-02-01T00:00:00"),
        ("Thu, 01 Feb 2024", "2024-02-01T00:00:00"),
        ("20240229", "2024-02-29T00:00:00"),
        ("202402", "2024-02-01T00:00:00"),
        ("20240229T070809", "2024-02-29T07:08:09"),
        ("20240229070809", "2024-02-29T07:08:09"),
        ("2024-02-29T07:08:09.123", "2024-02-29T07:08:09"),
        ("2024-02-29 07:08:09.123456789"[:-3], "2024-02-29T07:08:09"),
        ("2024-02-29T07:08:09Z", "2024-02-29T07:08:09"),
        ("2024-02-29T07:08:09+02:00", "2024-02-29T05:08:09"),
        ("2024-02-29 07:08:09-0530", "2024-02-29T12:38:09"),
        ("2024-02-29 07:08:09+00", "2024-02-29T07:08:09"),
        ("2024-02-29 07:08 UTC", "2024-02-29T07:08:00"),
        ("1709190489", "2024-02-29T07:08:09"),
        ("1709190489123", "2024-02-29T07:08:09"),
        ("1709190489123456", "2024-02-29T07:08:09"),
        ("1709190489123456000", "2024-02-29T07:08:09"),
    ],
)
def test_a_time_is_read_and_written_back_as_it_was(text: str, iso: str) -> None:
    """Each way of writing a time gives the hand-computed instant, and the same text again."""
    times = parse(text)
    assert isos(times) == [iso]
    assert times.style.format(times.stamps, times.timezone) == [text]
    assert any(finding.key == "time_format" for finding in times.inferred)


def test_a_padded_text_is_not_needed_for_a_padded_style() -> None:
    """A day of one digit shows that numbers are not padded, also for the month that happens to have two."""
    times = parse("12/9/2024", "12/13/2024")
    assert times.style.format(stamps_of([datetime(2025, 1, 2)])) == ["1/2/2025"]


PATTERNS = (
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S.%3f", "%Y-%m-%dT%H:%M:%S%^z", "%Y-%m-%d %H:%M:%S%:z", "%d.%m.%Y %H:%M:%S",
    "%Y%m%dT%H%M%S", "%d-%b-%Y %I:%M:%S %p", "%B %d, %Y %H:%M:%S", "%Y/%m/%d %H:%M:%S.%f", "epoch ms",
)  # fmt: skip


@settings(deadline=None)
@given(
    st.sampled_from(PATTERNS),
    st.lists(st.datetimes(datetime(2002, 1, 1), datetime(2200, 12, 31)), min_size=1, max_size=30),
)
def test_what_a_style_writes_is_read_back(pattern: str, moments: list[datetime]) -> None:
    """Times written in any style and read without a hint are the same times, and are written the same again."""
    stamps = stamps_of([moment.replace(microsecond=0) for moment in moments])
    texts = TimeFormat(pattern).format(stamps, "UTC")
    times = parse(*texts)
    assert times.stamps.tolist() == stamps.tolist()
    assert times.style.format(times.stamps, times.timezone) == texts


@settings(deadline=None)
@given(
    st.sampled_from(["%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%G-W%V-%u", "%b %d, %Y", "%Y-%b-%d"]),
    st.lists(st.dates(datetime(1, 1, 8).date(), datetime(9999, 12, 24).date()), min_size=1, max_size=30),
)
def test_dates_of_all_years_are_read_back(pattern: str, dates: list) -> None:
    """Dates from year 1 to 9999 survive writing and reading."""
    stamps = stamps_of([datetime(date.year, date.month, date.day) for date in dates])
    assert parse(*TimeFormat(pattern).format(stamps)).stamps.tolist() == stamps.tolist()


def test_day_first_or_month_first_is_decided_by_one_row() -> None:
    """One day above 12 decides the column, and the finding names its line."""
    times = parse("01/02/2024", "02/02/2024", "13/02/2024")
    assert isos(times)[0] == "2024-02-01T00:00:00"
    assert times.inferred[0].value == "%d/%m/%Y"
    assert "line 4 '13/02/2024'" in times.inferred[0].reason
    assert isos(parse("01/02/2024", "01/13/2024"))[0] == "2024-01-02T00:00:00"


def test_even_steps_decide_where_no_day_does() -> None:
    """First days of months over two years are regular only one way round."""
    months = [datetime(2023 + i // 12, i % 12 + 1, 1) for i in range(24)]
    for pattern in ("%d/%m/%Y", "%m/%d/%Y"):
        times = parse(*(month.strftime(pattern) for month in months))
        assert times.stamps.tolist() == stamps_of(months).tolist()
        assert "even" in times.inferred[0].reason


def test_an_undecidable_column_asks_for_the_format() -> None:
    """Twelve days that could be twelve months are refused, naming both readings and data.time_format."""
    message = error(*(f"{i:02d}/01/2024" for i in range(1, 13)))
    assert message.startswith("f.csv:2: column 'Date'")
    assert "%d/%m/%Y or %m/%d/%Y" in message
    assert "data.time_format" in message
    assert isos(parse("01/02/2024", "03/02/2024", time_format="%m/%d/%Y"))[1] == "2024-03-02T00:00:00"


def test_a_year_counted_from_one() -> None:
    """1-01 to 10-12 are months of years counted from 1; they are written back without padding and noted."""
    texts = [f"{year}-{month:02d}" for year in range(1, 11) for month in range(1, 13)]
    times = parse(*texts)
    assert isos(times)[:2] == ["0001-01-01T00:00:00", "0001-02-01T00:00:00"]
    assert times.style.format(times.stamps) == texts
    assert "counted from 1" in times.inferred[0].reason


@pytest.mark.parametrize(
    ("texts", "parts"),
    [
        (["2020-02-28", "2020-02-30"], ["f.csv:3", "'2020-02-30'", "no such time"]),
        (["2021-02-28", "2021-02-29"], ["f.csv:3", "'2021-02-29'"]),
        (["0000-01-01"], ["f.csv:2", "no such time"]),
        (["2021-W53", "2021-W52"], ["f.csv:2", "'2021-W53'"]),
        (["2020-01-01 24:30", "2020-01-01 23:30"], ["f.csv:2", "24:30"]),
        (["2020-01-01", "2020-01-02", "03.01.2020"], ["f.csv:4", "'03.01.2020'", "line 2 has '2020-01-01'"]),
        (["2020-01-01T00:00", "2020-01-01T01:00", "2020-01-01T02:00Z"], ["f.csv:4", "line 2 has", "one format"]),
        (["13/01/2020", "14/01/2020", "01/15/2020"], ["f.csv:4", "'01/15/2020'"]),
        (["2020-01-01", "", "2020-01-03", " "], ["f.csv:3", "empty", "line 5", "delete those rows"]),
        (["soon", "later"], ["f.csv:2", "'soon'", "data.time_format"]),
        (["1.5", "2.5"], ["f.csv:2", "'1.5'"]),
        (["20200101", "20200230"], ["f.csv:3", "'20200230'"]),
        (["99999999999", "99999999998"], ["f.csv:2", "'99999999999'"]),
        (["2020-01-01 00:00+99:00", "2020-01-01 00:00+01:00"], ["f.csv:2", "+99:00"]),
        (["10-01", "10-02"], ["f.csv:2", "data.time_format"]),
    ],
)
def test_what_is_no_time_is_refused_with_its_line(texts: list[str], parts: list[str]) -> None:
    """Impossible, mixed, empty and foreign fields are refused with file, line, text and rule."""
    message = error(*texts)
    assert all(part in message for part in parts), message


def test_a_message_counts_what_it_does_not_show() -> None:
    """Of eight empty fields five lines are named, and three more counted."""
    message = error("2020-01-01", *[""] * 8)
    assert "line 7" in message
    assert "line 8" not in message
    assert "and 3 more" in message


def test_a_given_format_is_followed_or_refused() -> None:
    """data.time_format reads what no guess would, and names the line that does not follow it."""
    assert isos(parse("07|2020|04", time_format="%m|%Y|%d")) == ["2020-07-04T00:00:00"]
    assert isos(parse("2020年07月", time_format="%Y年%m月")) == ["2020-07-01T00:00:00"]
    assert isos(parse("060/2020", time_format="%j/%Y")) == ["2020-02-29T00:00:00"]
    assert isos(parse("86400", time_format="epoch s")) == ["1970-01-02T00:00:00"]
    message = error("2020-01-01", "2020/01/02", time_format="%Y-%m-%d")
    assert "f.csv:3" in message
    assert "'2020/01/02'" in message
    with pytest.raises(ConfigError, match=r"data\.time_format: %J"):
        parse("2020", time_format="%Y%J")


def test_offsets_become_one_zone() -> None:
    """One UTC offset keeps the wall clock of the file; several are converted to UTC and noted."""
    one = parse("2020-01-01T00:00:00+02:00", "2020-01-02T00:00:00+02:00")
    assert one.timezone == "UTC+02:00"
    assert isos(one)[0] == "2019-12-31T22:00:00"
    several = parse("2020-01-01T00:00:00+01:00", "2020-07-01T00:00:00+02:00")
    assert several.timezone == "UTC"
    assert several.style.format(several.stamps, "UTC")[1] == "2020-06-30T22:00:00+00:00"
    assert "2 different offsets" in several.inferred[-1].reason


def test_a_doubled_hour_is_resolved_by_order() -> None:
    """In the night of 27 October 2024, Paris shows 02:00 and 02:30 twice: ascending, descending, in two series."""
    night = ["01:30", "02:00", "02:30", "02:00", "02:30", "03:00"]
    texts = [f"2024-10-27 {time}" for time in night]
    expected = [f"2024-10-{day}T{time}:00" for day, time in
                [(26, "23:30"), (27, "00:00"), (27, "00:30"), (27, "01:00"), (27, "01:30"), (27, "02:00")]]  # fmt: skip
    up = parse(*texts, timezone="Europe/Paris")
    assert isos(up) == expected
    assert up.style.format(up.stamps, up.timezone) == texts
    assert isos(parse(*texts[::-1], timezone="Europe/Paris")) == expected[::-1]
    both = parse(*np.repeat(texts, 2), timezone="Europe/Paris", groups=np.tile([0, 1], 6))
    assert isos(both) == np.repeat(expected, 2).tolist()


def test_a_skipped_hour_is_refused() -> None:
    """02:30 of 31 March 2024 does not exist in Paris: refused with its line and the zone."""
    message = error("2024-03-31 01:30", "2024-03-31 02:30", timezone="Europe/Paris")
    assert "f.csv:3" in message
    assert "'2024-03-31 02:30'" in message
    assert "Europe/Paris" in message


def test_dates_stay_dates_in_a_zone() -> None:
    """Days with a zone given remain calendar dates."""
    times = parse("2024-03-30", "2024-03-31", timezone="Europe/Paris")
    assert times.timezone is None
    assert isos(times) == ["2024-03-30T00:00:00", "2024-03-31T00:00:00"]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["2020-01-01", "2020-01-02"], True),
        (["1999", "2000", "2001"], True),
        (["1999", "2000", "2001", "1999", "2000", "2001"], True),
        (["2001", "2000", "1999"], True),
        (["1200", "1850", "1300", "2100"], False),
        (["112", "118", "132"], False),
        (["1999.5", "2000.5"], False),
        (["20200101", "20200102"], True),
        (["20201301", "20200102"], False),
        (["1709190489", "1709190490"], True),
        (["100100037", "100100038"], False),
        (["1-01", "1-02", "1-03"], True),
        (["Jan 2020", "", "Feb 2020"], True),
        (["A1", "A2"], False),
        (["May", "May", "Jun"], False),
        (["", ""], False),
        ([], False),
        (["", "2020-01-01", "2020-01-02"], True),
    ],
)
def test_which_columns_look_like_times(texts: list[str], expected: bool) -> None:
    """Dates, years in order and epochs do; counts, ids, decimals and texts do not."""
    assert looks_like_times(pd.Series(texts, dtype=object)) is expected


@settings(deadline=None)
@given(st.lists(st.text(max_size=12), min_size=1, max_size=8))
def test_any_text_is_read_or_refused(texts: list[str]) -> None:
    """Whatever the text, it is read or refused as data; never an error of ours."""
    looks_like_times(pd.Series(texts, dtype=object))
    try:
        times = parse(*texts)
    except DataError:
        return
    assert len(times.stamps) == len(texts)


@pytest.mark.parametrize(
    "texts", [["1", "2", "3"], ["8", "9", "10", "12"], ["0", "50", "100", "200"], ["-1", "0", "1"]]
)
def test_whole_numbers_may_count_steps(texts: list[str]) -> None:
    """Integers that fit no date and leave few steps out are steps, and are written back as they are."""
    times = parse(*texts)
    assert times.stamps.tolist() == [int(text) for text in texts]
    assert (times.timezone, times.inferred[0].value) == (None, "count")
    assert times.style.format(times.stamps) == texts
    assert looks_like_counts(pd.Series(texts))
    assert not looks_like_times(pd.Series(texts))


@pytest.mark.parametrize(
    "texts", [["1", "2", "9"], ["01", "02"], ["1", "2.5"], ["7", "7"], ["1990", "1991", "199"], ["1", "x"], []]
)
def test_other_numbers_count_nothing(texts: list[str]) -> None:
    """Holes wider than what is there, padding, decimals, one number alone or a year with a lost digit are no steps."""
    assert not looks_like_counts(pd.Series(texts, dtype=object))


def test_epochs_that_gain_a_digit_stay_epochs() -> None:
    """Seconds around 2001-09-09 have nine and ten digits, and are times all the same."""
    times = parse("999999000", "999999600", "1000000200")
    assert times.inferred[0].value == "epoch s"
    assert isos(times)[2] == "2001-09-09T01:50:00"


@pytest.mark.parametrize("word", ["NA", "nat", "NULL", "None", "<NA>"])
def test_a_spelling_of_missing_is_an_empty_time(word: str) -> None:
    """Whoever wrote the file meant that there is no time: it is called empty, not misspelt."""
    assert "the time is empty" in error("2020-01-01", word, "2020-01-03")


def test_integers_beyond_64_bits_are_no_epochs() -> None:
    """Nineteen digits may be more than an int64 holds: then they are no time, and no error of ours."""
    huge = ["9300000000000000000", "9300000000000000001"]
    assert not looks_like_times(pd.Series(huge))
    assert "f.csv:2" in error(*huge, time_format="epoch ns")


def test_what_would_be_lost_below_a_microsecond_is_refused() -> None:
    """Times finer than a microsecond are refused, not truncated; whole microseconds are read."""
    message = error("1704067200000001000", "1704067200000002001")
    assert "f.csv:3" in message
    assert "or it is finer than a microsecond" in message
    assert parse("1704067200000001000", "1704067200000002000").stamps[1] == 1_704_067_200_000_002


def test_the_message_lists_supported_zone_names() -> None:
    """`XST` is unknown; the message lists alternatives."""
    assert "a zone is Z, UTC, GMT or +02:00" in error("2020-01-01 00:00 XST", "2020-01-01 01:00 XST")


def test_a_skipped_hour_offers_a_clock_without_changes() -> None:
    """Times of a clock that never changes are no times of Paris; the setting reads them."""
    texts = [f"2024-03-31 {hour:02d}:00" for hour in range(24)]
    with pytest.raises(DataError) as caught:
        parse(*texts, timezone="Europe/Paris")
    (fix,) = caught.value.faults[0].fixes
    key, _, zone = fix.setting.partition("=")
    assert (key, caught.value.faults[0].line) == ("data.timezone", 4)
    assert parse(*texts, timezone=zone).timezone == "UTC"
