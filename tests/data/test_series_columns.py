"""The id columns of a long table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lstmcast.data.column_hints import ColumnChoice, are_integers, is_row_id, words
from lstmcast.data.schema import InferredSetting, ReadOptions, SettingKey, Table
from lstmcast.data.series_columns import find_series, group_codes
from lstmcast.errors import DataError

MONTHS = [f"{2020 + k // 12}-{k % 12 + 1:02d}-01" for k in range(24)]


def table(**columns: list[str]) -> Table:
    """A table of text columns."""
    frame = pd.DataFrame({name: pd.Series(fields, dtype=str) for name, fields in columns.items()})
    return Table("d.csv", frame, np.arange(2, len(frame) + 2))


def found(data: Table, time: str | None, **options: object) -> ColumnChoice:
    """The columns that name the series, with the reason."""
    names = [str(name) for name in data.text.columns]
    return find_series(data, names, ReadOptions(**options), time)  # type: ignore[arg-type]


def twice(**columns: list[str]) -> Table:
    """Two series over the same months, with more columns of 48 fields."""
    return table(ds=MONTHS * 2, **columns)


def test_a_value_never_names_a_series() -> None:
    """Small integers in a value column could identify rows; the column named as an id is preferred."""
    ids = ["1.0"] * 24 + ["2"] * 24
    values = [str(k % 5) for k in range(24)] + [str(5 + k % 5) for k in range(24)]
    assert found(twice(y=values, store=ids), "ds").names == ("store",)
    assert found(twice(store=ids, y=values), "ds").names == ("store",)


@pytest.mark.parametrize(("part", "rows"), [("hour", 24), ("Month", 12), ("day_of_week", 7)])
def test_a_part_of_the_time_is_no_name(part: str, rows: int) -> None:
    """Days and hours in two columns are hourly data, not one daily series for each hour."""
    days = [f"2024-01-{k // rows + 1:02d}" for k in range(10 * rows)]
    data = table(date=days, **{part: [str(k % rows) for k in range(10 * rows)]}, y=["1.5"] * (10 * rows))
    with pytest.raises(DataError, match=rf"^d\.csv: columns 'date', '{part}' look like parts of one time; join them"):
        found(data, "date")
    assert found(data, "date", id_columns=(part,)) == ColumnChoice((part,), "given")


@pytest.mark.parametrize("clock", ["{:02d}:00", "{:d}:00:00", "{:02d}:00:00.5", "{:02d}:30 am"])
@pytest.mark.parametrize("days", [3, 10])
def test_nor_is_a_clock(clock: str, days: int) -> None:
    """Whatever the column is called, and whether there are days enough to take each hour for a series."""
    data = table(
        date=[f"2024-01-{k // 12 + 1:02d}" for k in range(12 * days)],
        slot=[clock.format(k % 12) for k in range(12 * days)],
        y=["1.5"] * (12 * days),
    )
    with pytest.raises(DataError, match="columns 'date', 'slot' look like parts of one time; join them"):
        found(data, "date")
    assert found(data, "date", id_columns=("slot",)) == ColumnChoice(("slot",), "given")


def test_years_and_weeks_without_enough_years_are_parts_too() -> None:
    """Two years of week numbers are part of the time, not an id."""
    data = table(
        year=[str(2020 + k // 52) for k in range(104)], week=[str(k % 52 + 1) for k in range(104)], y=["1.5"] * 104
    )
    with pytest.raises(DataError, match="columns 'year', 'week' look like parts of one time"):
        found(data, "year")


def test_a_month_beside_dates_that_tell_rows_apart_is_a_covariate() -> None:
    """A column of months is no part of the time where an id names the series, or where no time repeats."""
    months = [str(k % 12 + 1) for k in range(48)]
    assert found(twice(month=months, shop=["a"] * 24 + ["b"] * 24, y=["1.5"] * 48), "ds").names == ("shop",)
    assert found(table(ds=MONTHS, month=months[:24], y=["1.5"] * 24), "ds").names == ()


def test_without_times_an_id_needs_a_known_name() -> None:
    """An id with several rows for each value does; a running number, a constant or a note does not."""
    values = [f"{k}.5" for k in range(24)]
    assert found(table(item_id=["a", "b"] * 12, y=values), None).names == ("item_id",)
    assert found(table(id=[str(k) for k in range(24)], y=values), None).names == ()
    assert found(table(store=["1"] * 24, y=values), None).names == ()
    assert found(table(note=["a", "b"] * 12, y=values), None).names == ()
    assert found(table(id=["1", "2"] * 12), None).names == ()


def test_groups_are_numbered_in_order_of_appearance() -> None:
    """One column, two, or none."""
    frame = pd.DataFrame({"a": ["x", "y", "x", "x"], "b": ["1", "1", "2", "1"]})
    assert group_codes(frame, ()).tolist() == [0, 0, 0, 0]
    assert group_codes(frame, ("a",)).tolist() == [0, 1, 0, 0]
    assert group_codes(frame, ("a", "b")).tolist() == [0, 1, 2, 0]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Weekly_Sales", {"weekly", "sales", "weekly_sales"}),
        ("weeklySales", {"weekly", "sales", "weeklysales"}),
        ("ID", {"id"}),
        ("t", {"t"}),
        ("日付", {"日付"}),
    ],
)
def test_the_words_of_a_name(name: str, expected: set[str]) -> None:
    """Underscores and capitals part words; the whole name counts too."""
    assert words(name) == expected


@pytest.mark.parametrize(
    ("fields", "expected"), [(["1", " -2 ", "NA", ""], True), (["1", "2.0"], False), (["1", "x"], False)]
)
def test_whole_numbers(fields: list[str], expected: bool) -> None:
    """Integers and missing values are whole; a decimal point or a letter is not."""
    assert are_integers(pd.Series(fields, dtype=str)) is expected


def test_a_choice_becomes_an_inferred_setting() -> None:
    """One column, none, or very many become a finding of readable length."""
    assert ColumnChoice(("a",), "given").inferred(SettingKey.TIME) == InferredSetting(SettingKey.TIME, "a", "given")
    assert ColumnChoice((), "none fits").inferred(SettingKey.TIME).value == "none"
    many = ColumnChoice(tuple(f"c{k}" for k in range(1000)), "given")
    assert many.inferred(SettingKey.TARGET).value.endswith("c19 and 980 more")
    assert many.only == "c0"


@pytest.mark.parametrize(
    ("name", "fields", "expected"),
    [
        ("id", [str(k) for k in range(40)], True),
        ("order_id", [f"A-{7 * k}" for k in range(40)], True),
        ("guid", [f"{k:08x}-0000-4000-8000-00000000abcd" for k in range(40)], True),
        ("what", [f"{k:08x}-0000-4000-8000-00000000abcd" for k in range(40)], True),
        ("Unnamed: 0", [str(k) for k in range(40)], True),
        ("InvoiceNo", [str(5000 + 3 * k) for k in range(40)], True),
        ("what", [str(5 + k) for k in range(40)], True),
        ("Name", [f"#{1001 + k}" for k in range(40)], True),
        ("orders", [str(5000 + 3 * k) for k in range(40)], False),
        ("ticket price", [str((7 * k) % 41) for k in range(40)], False),
        ("y", [f"{k}.5" for k in range(40)], False),
        ("id", ["1.5", *[str(k) for k in range(39)]], False),
        ("id", [str(k // 2) for k in range(40)], False),
        ("name", [f"item {k}" for k in range(40)], False),
        ("id", ["1", "2"], False),
    ],
)
def test_a_row_id_is_different_in_every_row(name: str, fields: list[str], expected: bool) -> None:
    """By its name, UUIDs, or a running number; measurements, repeated ids and too few rows are none."""
    assert is_row_id(pd.Series(fields, dtype=str), name) is expected


@pytest.mark.parametrize("name", ["id", "order_id", "item", "key"])
def test_a_row_id_names_no_series(name: str) -> None:
    """Store and family name the series, whatever identifies rows too."""
    data = table(
        **{name: [f"r{k}" for k in range(96)]},
        ds=[month for month in MONTHS for _ in range(4)],
        store=["1", "1", "2", "2"] * 24,
        family=["CARS", "BOOKS"] * 48,
        y=[f"{k}.5" for k in range(96)],
    )
    assert found(data, "ds").names == ("store", "family")


def test_orders_of_several_rows_name_no_series() -> None:
    """Each order is of one time; the products come back."""
    rows = [(k // 2, MONTHS[k // 6], ("hat", "shoe", "bag")[k % 3]) for k in range(144)]
    data = table(
        order_id=[str(order) for order, _, _ in rows],
        ds=[month for _, month, _ in rows],
        product=[product for *_, product in rows],
        y=["1.5"] * 144,
    )
    assert found(data, "ds").names == ()
    assert found(data, "ds", aggregate="sum").names == ("product",)
    assert found(data, "ds", aggregate="sum", id_columns=("none",)) == ColumnChoice((), "given")
