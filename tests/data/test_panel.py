"""Rows to series: sorting, duplicates, gaps and ends, against a slow loop and by hand, on files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstmcast.data.panel import Panel
from lstmcast.data.panel_builder import build_panel
from lstmcast.data.schema import Columns, DropReason, InferredSetting, NoteCode, Table
from lstmcast.data.series_columns import group_codes
from lstmcast.data.time.calendar_inference import counter_calendar, infer_calendar
from lstmcast.data.time.text.column import parse_times
from lstmcast.errors import ConfigError, DataError, FaultCode


def load(
    path: Path,
    *,
    target: tuple[str, ...] = ("y",),
    series: tuple[str, ...] = (),
    time: str | None = "t",
    frequency: str | None = None,
    timezone: str | None = None,
    **options: str,
) -> Panel:
    """A plain CSV file as a panel, its numbers read by pandas."""
    text = pd.read_csv(path, dtype=str, keep_default_na=False)
    table = Table("f.csv", text, np.arange(2, 2 + len(text)))
    columns = Columns(time, target, series)
    values = {name: pd.to_numeric(text[name]).to_numpy(dtype=np.float64) for name in target}
    if time is None:
        return build_panel(table, columns, None, values, counter_calendar()[0], **options)
    groups = group_codes(text, series)
    times = parse_times(
        text[time], table.lines, column=time, source="f.csv", timezone=timezone, groups=group_codes(text, series)
    )
    calendar, inferred = infer_calendar(times, groups, table.lines, column=time, source="f.csv", frequency=frequency)
    return build_panel(table, columns, times, values, calendar, inferred=inferred, **options)


def noted(panel: Panel, code: NoteCode) -> str:
    """The text of the note with a code."""
    (text,) = [note.text for note in panel.notes if note.code == code]
    return text


def write(path: Path, rows: list[str], header: str = "t,y") -> Path:
    """A CSV file of these rows."""
    file = path / "f.csv"
    file.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return file


def daily(values: list[object], start: str = "2024-01-01") -> list[str]:
    """Rows of consecutive days; a value of None leaves the row out."""
    days = pd.date_range(start, periods=len(values)).strftime("%Y-%m-%d")
    return [f"{day},{value}" for day, value in zip(days, values, strict=True) if value is not None]


def test_one_series(tmp_path: Path) -> None:
    """A plain file is one series without a key, all of it observed, and nothing is noted."""
    panel = load(write(tmp_path, daily([1.5, 2, 3, 4])))
    assert panel.keys == ((),)
    assert panel.key_columns == ()
    assert panel.values.tolist() == [1.5, 2, 3, 4]
    assert panel.observed.all()
    assert panel.offsets.tolist() == [0, 4]
    assert panel.calendar.text(np.array([panel.starts[0], panel.ends[0]])) == ["2024-01-01", "2024-01-04"]
    assert panel.notes == ()
    assert panel.dropped == ()
    assert [finding.key for finding in panel.inferred] == ["frequency", "season_length"]
    assert isinstance(panel.inferred[0], InferredSetting)


def test_long_series_keep_their_ids_and_order(tmp_path: Path) -> None:
    """Ids are text as in the file, in order of appearance, also where rows of the series alternate."""
    rows = [f"{day},{key},{value}" for day in ("2024-01-01", "2024-01-02", "2024-01-03")
            for key, value in (("NA", 1), ("001", 2), ("../x", 3))]  # fmt: skip
    panel = load(write(tmp_path, rows, "t,id,y"), series=("id",))
    assert panel.keys == (("NA",), ("001",), ("../x",))
    assert panel.key_columns == ("id",)
    assert [panel.series(k).tolist() for k in range(3)] == [[1] * 3, [2] * 3, [3] * 3]
    assert panel.notes == ()


def test_a_wide_table_has_a_series_for_each_column(tmp_path: Path) -> None:
    """Columns are series on the same times, each trimmed on its own."""
    rows = ["2024-01-01,1,", "2024-01-02,2,20", "2024-01-03,3,30", "2024-01-04,,40"]
    panel = load(write(tmp_path, rows, "t,a,b"), target=("a", "b"))
    assert panel.keys == (("a",), ("b",))
    assert panel.key_columns == ("series",)
    assert panel.series(0).tolist() == [1, 2, 3]
    assert panel.series(1).tolist() == [20, 30, 40]
    assert (panel.starts[1] - panel.starts[0], panel.ends[1] - panel.ends[0]) == (1, 1)
    assert "2 missing values" in noted(panel, NoteCode.ENDS_TRIMMED)
    assert "2 series" in noted(panel, NoteCode.ENDS_TRIMMED)


def test_without_times_rows_are_counted(tmp_path: Path) -> None:
    """Positions are 1, 2, 3 … within each series, and a missing value is filled like any other."""
    rows = ["a,1", "b,5", "a,", "a,3", "b,6"]
    panel = load(write(tmp_path, rows, "id,y"), time=None, series=("id",))
    assert panel.starts.tolist() == [1, 1]
    assert panel.series(0).tolist() == [1, 2, 3]
    assert panel.observed_of(0).tolist() == [True, False, True]
    assert panel.series(1).tolist() == [5, 6]


@pytest.mark.parametrize(("order", "expected"), [([3, 2, 1, 0], "run backward"), ([0, 2, 1, 3], "1 row earlier")])
def test_unsorted_rows_are_sorted_and_noted(tmp_path: Path, order: list[int], expected: str) -> None:
    """Descending and shuffled rows give the same series, with a note."""
    rows = daily([1, 2, 3, 4])
    panel = load(write(tmp_path, [rows[i] for i in order]))
    assert panel.values.tolist() == [1, 2, 3, 4]
    assert expected in noted(panel, NoteCode.ROWS_SORTED)


def test_short_gaps_are_filled_and_noted(tmp_path: Path) -> None:
    """A missing row and a missing value are interpolated linearly and are not observed."""
    panel = load(write(tmp_path, daily([1, 2, None, None, 8, "", 10, 11])))
    assert panel.values.tolist() == [1, 2, 4, 6, 8, 9, 10, 11]
    assert panel.observed.tolist() == [True, True, False, False, True, False, True, True]
    assert "3 missing of 8 steps" in noted(panel, NoteCode.STEPS_FILLED)
    assert "longest run: 2" in noted(panel, NoteCode.STEPS_FILLED)


def test_a_gap_may_be_a_season_long_in_a_long_series(tmp_path: Path) -> None:
    """Seven days may be missing in 80 (season 7, a tenth is 8), eight may not; in 40 days, four may, five may not."""
    for length, allowed in ((80, 7), (40, 4)):
        for size in (allowed, allowed + 1):
            values = [None if 10 <= i < 10 + size else i for i in range(length)]
            file = write(tmp_path, daily(values))
            if size == allowed:
                assert load(file).values.tolist() == pytest.approx(list(range(length)))
                continue
            with pytest.raises(DataError) as caught:
                load(file)
            message = str(caught.value)
            assert f"{size} steps are missing between 2024-01-10 (line 11) and 2024-01-{11 + size}" in message
            assert "(line 12)" in message
            assert f"at most {allowed}" in message
            assert "data.missing" in message


def test_what_a_user_asks_for_gaps(tmp_path: Path) -> None:
    """Gaps are interpolated, filled with zeros or refused according to data.missing."""
    file = write(tmp_path, daily([0, 10, *[None] * 9, 110, 120]))
    line = load(file, missing="interpolate")
    assert line.values.tolist() == list(range(0, 130, 10))
    assert np.count_nonzero(line.observed) == 4
    zero = load(file, missing="zero")
    assert zero.values.tolist() == [0, 10, *[0] * 9, 110, 120]
    assert zero.observed.all()
    assert "9 missing" in noted(zero, NoteCode.STEPS_FILLED)
    with pytest.raises(DataError) as caught:
        load(write(tmp_path, daily([1, None, 3, 4])), missing="error")
    (fault,) = caught.value.faults
    assert (fault.code, fault.line, fault.column) == (FaultCode.ANY_GAP, 3, "data.missing")
    assert {"2024-01-01", "2024-01-03"} <= set(fault.text.split())


def test_series_that_cannot_be_used_are_dropped_and_listed(tmp_path: Path) -> None:
    """A series without values and one with a long gap are listed with their reasons; the others are kept."""
    rows = [f"{row},good" for row in daily([1, 2, 3, None, 5])]
    rows += [f"{row},empty" for row in daily(["", "", ""])]
    rows += [f"{row},holey" for row in daily([1, 2, *[None] * 9, 12])]
    rows += [f"{row},late" for row in daily([7, 8], "2024-01-04")]
    file = write(tmp_path, rows, "t,y,id")
    panel = load(file, series=("id",))
    assert panel.keys == (("good",), ("late",))
    assert panel.values.tolist() == [1, 2, 3, 4, 5, 7, 8]
    assert panel.observed.tolist() == [True, True, True, False, True, True, True]
    assert (panel.starts[1] - panel.starts[0]) == 3
    assert [(series.key, series.reason, series.line) for series in panel.dropped] == [
        (("empty",), DropReason.NO_VALUES, 0),
        (("holey",), DropReason.LONG_GAP, 11),
    ]
    assert "9 steps" in panel.dropped[1].text
    assert "2 of 4 series" in noted(panel, NoteCode.SERIES_DROPPED)
    file = write(tmp_path, rows[4:7] + rows[7:10], "t,y,id")
    with pytest.raises(DataError) as caught:
        load(file, series=("id",))
    assert len(caught.value.faults) == 2


def test_duplicates_are_refused_naming_series_time_and_lines(tmp_path: Path) -> None:
    """The message names the first five, with both lines, and counts them all."""
    rows = [f"2024-01-{day:02d},{day},A" for day in range(1, 10)] + [f"2024-01-{day:02d},0,A" for day in range(1, 8)]
    with pytest.raises(DataError) as caught:
        load(write(tmp_path, rows, "t,y,id"), series=("id",))
    message = str(caught.value)
    assert message.startswith("f.csv:11: ")
    assert "7 rows" in message
    assert "series 'A': 2024-01-01 on lines 2 and 11" in message
    assert "2024-01-05" in message
    assert "2024-01-06" not in message
    (fault,) = caught.value.faults
    assert (fault.code, fault.line) == (FaultCode.REPEATED_ROWS, 11)
    assert "data.timezone" not in message


@pytest.mark.parametrize(("how", "expected"), [("sum", [1, 9, 5, 6]), ("mean", [1, 3, 5, 6]), ("last", [1, 4, 5, 6])])
def test_duplicates_are_aggregated_as_configured(tmp_path: Path, how: str, expected: list[float]) -> None:
    """Three rows of one day (2, 3, 4), and one of a day whose other row is missing, are joined and counted."""
    rows = [*daily([1, 2, 5, 6]), "2024-01-02,3", "2024-01-02,4", "2024-01-03,"]
    panel = load(write(tmp_path, rows), aggregate=how)
    assert panel.values.tolist() == expected
    assert "3 rows" in noted(panel, NoteCode.ROWS_AGGREGATED)
    assert how in noted(panel, NoteCode.ROWS_AGGREGATED)


def test_a_sum_beyond_numbers_is_refused(tmp_path: Path) -> None:
    """1e308 twice cannot be summed, but it has a mean."""
    rows = [*daily([1, 1e308, 1]), "2024-01-02,1e308"]
    with pytest.raises(DataError) as caught:
        load(write(tmp_path, rows), aggregate="sum")
    (fault,) = caught.value.faults
    assert (fault.code, fault.column) == (FaultCode.SUM_OVERFLOWS, "data.aggregate")
    assert load(write(tmp_path, rows), aggregate="mean").values[1] == 1e308


def test_a_doubled_hour_asks_for_the_zone(tmp_path: Path) -> None:
    """Naive hours of the end of daylight saving time in Paris repeat; data.timezone is required and resolves them."""
    index = pd.date_range("2024-10-26", "2024-10-29", freq="h", tz="Europe/Paris")
    file = write(tmp_path, [f"{moment:%Y-%m-%d %H:%M},{i}" for i, moment in enumerate(index)])
    with pytest.raises(DataError) as caught:
        load(file)
    (fault,) = caught.value.faults
    assert (fault.code, fault.fixes[0].setting) == (FaultCode.REPEATED_ROWS, "data.timezone=Europe/Berlin")
    panel = load(file, timezone="Europe/Paris")
    assert panel.values.tolist() == [*range(26), 26.5, *range(28, len(index))]
    assert panel.calendar.text(panel.ends) == ["2024-10-29 00:00"]
    assert [note.code for note in panel.notes] == [NoteCode.CLOCK_CHANGES]
    with_sums = load(file, timezone="Europe/Paris", aggregate="sum")
    assert with_sums.values.tolist() == panel.values.tolist()


@pytest.mark.parametrize(
    ("zone", "start", "offered"),
    [
        ("Europe/Paris", "2024-03-30", "Europe/Berlin"),
        ("Europe/London", "2024-03-30", "Europe/London"),
        ("America/Chicago", "2024-03-09", "America/New_York"),
        ("Australia/Melbourne", "2024-10-05", "Australia/Sydney"),
    ],
)
def test_a_skipped_hour_asks_for_the_zone(tmp_path: Path, zone: str, start: str, offered: str) -> None:
    """Local half hours through a clock change lack two; a zone that explains them is offered, and gaps are filled."""
    index = pd.date_range(start, periods=150, freq="30min", tz=zone)
    file = write(tmp_path, [f"{moment:%Y-%m-%d %H:%M},{i}" for i, moment in enumerate(index)])
    with pytest.raises(DataError) as caught:
        load(file)
    (fault,) = caught.value.faults
    lines = [int(i) + 2 for i in np.flatnonzero(np.diff(index.tz_localize(None)) != np.timedelta64(30, "m"))]
    assert (fault.code, fault.line) == (FaultCode.SKIPPED_HOUR, lines[0] + 1)
    assert [fix.setting for fix in fault.fixes] == [
        f"data.timezone={offered}", "data.missing=interpolate", "data.missing=zero",
    ]  # fmt: skip
    for missing in ("auto", "error", "zero"):
        panel = load(file, timezone=offered, missing=missing)
        gap = lines[0] - 1
        assert np.flatnonzero(~panel.observed).tolist() == [gap, gap + 1]
        assert panel.values[gap - 1 : gap + 3] == pytest.approx(gap - 1 + np.arange(4) / 3)
        assert [note.code for note in panel.notes] == [NoteCode.CLOCK_CHANGES]
    assert np.count_nonzero(~load(file, missing="interpolate").observed) == 2


def test_an_hour_missing_on_another_day_is_only_a_gap(tmp_path: Path) -> None:
    """On a Saturday, or at noon, a missing hour is filled."""
    for lost in ("2024-03-30 02:00", "2024-03-31 12:00"):
        index = pd.date_range("2024-03-29", "2024-04-02", freq="h")
        rows = [f"{moment:%Y-%m-%d %H:%M},{i}" for i, moment in enumerate(index)]
        panel = load(write(tmp_path, [row for row in rows if lost not in row]))
        assert panel.values.tolist() == list(range(len(index)))


def test_resampling_aggregates_rows_and_is_noted(tmp_path: Path) -> None:
    """Monthly means, sums and last values match pandas; an incomplete last month is noted."""
    index = pd.date_range("2024-01-01", "2024-05-10")
    values = pd.Series(np.arange(len(index)) ** 2 % 17.0, index=index)
    file = write(tmp_path, [f"{day:%Y-%m-%d},{value}" for day, value in values.items()])
    for how in ("mean", "sum", "last"):
        panel = load(file, frequency="MS", aggregate=how)
        assert panel.values == pytest.approx(values.resample("MS").agg(how).to_numpy())
        assert {"131", "5", "monthly", how} <= set(noted(panel, NoteCode.ROWS_AGGREGATED).split())
        assert "10 rows (typical: 30)" in noted(panel, NoteCode.INCOMPLETE_STEP)
    assert load(file, frequency="MS").values == pytest.approx(values.resample("MS").mean().to_numpy())


def test_a_row_between_steps_is_counted(tmp_path: Path) -> None:
    """A single row off the grid moves to the time of its step without aggregation."""
    rows = [f"2024-{month:02d}-01,{month}" for month in range(1, 10)] + ["2024-10-17,3"]
    assert noted(load(write(tmp_path, rows), frequency="MS"), NoteCode.ROWS_BETWEEN_STEPS).startswith("1 row ")


def test_too_few_values_are_refused(tmp_path: Path) -> None:
    """A single row cannot be forecast."""
    with pytest.raises(DataError) as caught:
        load(write(tmp_path, ["5"], "y"), time=None)
    assert [fault.code for fault in caught.value.faults] == [FaultCode.FEW_VALUES]


def test_a_fill_beyond_reason_is_refused(tmp_path: Path) -> None:
    """A frequency of seconds for rows centuries apart would exhaust memory and is refused."""
    rows = ["1900-01-01 00:00:00,1", "1900-01-01 00:00:01,1", "2100-01-01 00:00:00,2"]
    with pytest.raises(DataError) as caught:
        load(write(tmp_path, rows), missing="interpolate", frequency="s")
    assert [fault.code for fault in caught.value.faults] == [FaultCode.MANY_STEPS]


@pytest.mark.parametrize(
    ("key", "options"), [("data.missing", {"missing": "x"}), ("data.aggregate", {"aggregate": "x"})]
)
def test_an_unknown_policy_is_refused(tmp_path: Path, key: str, options: dict[str, str]) -> None:
    """An unknown policy is refused with its key, the value and the choices."""
    with pytest.raises(ConfigError) as caught:
        load(write(tmp_path, daily([1, 2, 3])), **options)
    (fault,) = caught.value.faults
    assert (fault.code, fault.column) == (FaultCode.BAD_VALUE, key)
    assert "'x'" in fault.text
    assert "error" in fault.text


def test_select_and_drop_last(tmp_path: Path) -> None:
    """Series are selected and shortened without touching the others; one that is too short is left empty."""
    rows = [f"{row},a" for row in daily([1, 2, None, 4, 5])] + [f"{row},b" for row in daily([7, 8], "2024-01-02")]
    rows += [f"{row},c" for row in daily([9, 10, 11])]
    panel = load(write(tmp_path, rows, "t,y,id"), series=("id",))
    selected = panel.select(np.array([2, 0]))
    assert selected.keys == (("c",), ("a",))
    assert selected.values.tolist() == [9, 10, 11, 1, 2, 3, 4, 5]
    assert selected.observed_of(1).tolist() == [True, True, False, True, True]
    assert selected.starts.tolist() == [panel.starts[2], panel.starts[0]]
    shorter = panel.drop_last(2)
    assert [shorter.series(k).tolist() for k in range(3)] == [[1, 2, 3], [], [9]]
    assert shorter.lengths.tolist() == [3, 0, 1]
    assert shorter.starts.tolist() == panel.starts.tolist()
    assert panel.lengths.tolist() == [5, 2, 3]
    assert panel.drop_last(0).values.tolist() == panel.values.tolist()


DAYS = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(0, 40), st.one_of(st.none(), st.integers(-99, 99))),
    min_size=3, max_size=60, unique_by=lambda row: row[:2],
)  # fmt: skip


@settings(deadline=None)
@given(rows=DAYS)
def test_any_rows_give_what_a_slow_loop_gives(tmp_path_factory: pytest.TempPathFactory, rows: list) -> None:
    """Rows in any order, with holes and missing values: each series is what a dictionary and a loop make of it."""
    lines = [f"{pd.Timestamp('2024-01-01') + pd.Timedelta(days=day):%Y-%m-%d},{key},{'' if value is None else value}"
             for key, day, value in rows]  # fmt: skip
    file = write(tmp_path_factory.mktemp("rows"), lines, "t,id,y")
    expected: dict[str, tuple[int, list[float], list[bool]]] = {}
    for wanted in dict.fromkeys(key for key, _, _ in rows):
        known = {day: float(value) for key, day, value in rows if key == wanted and value is not None}
        if known:
            days = range(min(known), max(known) + 1)
            line = [float(np.interp(day, sorted(known), [known[d] for d in sorted(known)])) for day in days]
            expected[wanted] = (min(known), line, [day in known for day in days])
    if max((len(line) for _, line, _ in expected.values()), default=0) < 2:
        with pytest.raises(DataError):
            load(file, series=("id",), frequency="D", missing="interpolate")
        return
    days = {key: sorted(day for other, day, _ in rows if other == key) for key in "abc"}
    steps = [int(step) for known in days.values() for step in np.diff(known)]
    if steps and min(steps) > 1:
        with pytest.raises(DataError) as caught:
            load(file, series=("id",), frequency="D", missing="interpolate")
        assert [fault.code for fault in caught.value.faults] == [FaultCode.FINE_FREQUENCY]
        return
    panel = load(file, series=("id",), frequency="D", missing="interpolate")
    assert [key for (key,) in panel.keys] == list(expected)
    first = panel.calendar.positions(np.array([pd.Timestamp("2024-01-01").value // 1000]))[0]
    for k, (start, line, there) in enumerate(expected.values()):
        assert panel.starts[k] - first == start
        assert panel.series(k) == pytest.approx(line)
        assert panel.observed_of(k).tolist() == there


def test_a_gap_is_reported_at_the_line_after_it(tmp_path: Path) -> None:
    """The message leads to the row that follows the gap: `file:line`, as editors understand it."""
    rows = daily([*range(10), *[None] * 9, *range(10)])
    for missing, code in (("auto", FaultCode.LONG_GAP), ("error", FaultCode.ANY_GAP)):
        with pytest.raises(DataError) as caught:
            load(write(tmp_path, rows), missing=missing)
        (fault,) = caught.value.faults
        assert (fault.code, fault.line) == (code, 12)
        assert fault.text.startswith("f.csv:12: ")
        assert "(line 11)" in fault.text


def test_several_targets_of_named_series_keep_both_names(tmp_path: Path) -> None:
    """Series keys contain the shop and the target, so names are unique."""
    rows = [f"2024-01-0{day},{shop},{day},{-day}" for shop in "uv" for day in range(1, 6)]
    panel = load(write(tmp_path, rows, "t,shop,a,b"), series=("shop",), target=("a", "b"))
    assert panel.key_columns == ("shop", "series")
    assert panel.keys == (("u", "a"), ("v", "a"), ("u", "b"), ("v", "b"))
    assert panel.series(3).tolist() == [-1, -2, -3, -4, -5]


def test_sparse_series_among_many_are_dropped(tmp_path: Path) -> None:
    """A series of which a third is missing is left out and counted; if all are, the file is refused."""
    full, holes = list(range(90)), [k if k % 3 else None for k in range(90)]
    rows = [f"{row},{key}" for key in "abcdefgh" for row in daily(holes if key == "c" else full)]
    panel = load(write(tmp_path, rows, "t,y,id"), series=("id",))
    (dropped,) = panel.dropped
    assert (dropped.key, dropped.reason, dropped.line) == (("c",), DropReason.MANY_GAPS, 184)
    assert panel.n_series == 7
    rows = [f"{row},{key}" for key in "ab" for row in daily(holes)]
    with pytest.raises(DataError) as caught:
        load(write(tmp_path, rows, "t,y,id"), series=("id",))
    assert {fault.code for fault in caught.value.faults} == {FaultCode.MANY_GAPS}
    assert len(load(write(tmp_path, rows, "t,y,id"), series=("id",), missing="zero").values) == 178


def test_few_missing_steps_of_short_series_are_filled(tmp_path: Path) -> None:
    """Three steps may be missing, whatever their fraction."""
    assert np.count_nonzero(~load(write(tmp_path, daily([1, None, 3, None, 5, 6, None, 8]))).observed) == 3
    with pytest.raises(DataError) as caught:
        load(write(tmp_path, daily([1, None, 3, None, 5, 6, None, 8, None, 9, 9, 9])))
    assert caught.value.faults[0].code == FaultCode.MANY_GAPS
