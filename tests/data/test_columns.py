"""The inference of the time, id and target columns."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest

from lstmcast.data.column_hints import EVERY
from lstmcast.data.columns import find_columns
from lstmcast.data.schema import Columns, DataNote, NoteCode, ReadOptions, Table
from lstmcast.errors import ConfigError, DataError, FaultCode

MONTHS = [f"{year}-{month:02d}-01" for year in (2020, 2021) for month in range(1, 13)]


def table(**columns: list[str]) -> Table:
    """A table of text columns; a name may be given with `__` for a blank."""
    frame = pd.DataFrame({name.replace("__", " "): pd.Series(fields, dtype=str) for name, fields in columns.items()})
    return Table("d.csv", frame, np.arange(2, len(frame) + 2))


def decimals(count: int) -> list[str]:
    """Distinct decimal numbers."""
    return [f"{k}.5" for k in range(count)]


def found(data: Table, **options: object) -> Columns:
    """The columns alone."""
    return find_columns(data, ReadOptions(**options))[0]  # type: ignore[arg-type]


def refused(data: Table, **options: object) -> str:
    """The message of the refusal."""
    with pytest.raises(DataError) as caught:
        found(data, **options)
    return str(caught.value)


def long_table(*, stores: int = 3, depts: int = 4, target: str = "Weekly_Sales") -> Table:
    """A long table with every store and department in every month, and covariates."""
    rows = list(product(range(stores), range(depts), range(24)))
    return table(
        Store=[str(store + 1) for store, _, _ in rows],
        Dept=[str(10 * dept) for _, dept, _ in rows],
        Date=[MONTHS[k] for *_, k in rows],
        **{target: decimals(len(rows))},
        Temperature=[f"{k}.25" for *_, k in rows],
        IsHoliday=[str(k % 7 == 0) for *_, k in rows],
        Promo=[str(k % 2) for *_, k in rows],
    )


def test_two_columns_explain_themselves() -> None:
    """A time and a number, in either order and under any name."""
    assert found(table(Month=MONTHS, Pounds__per__cow=decimals(24))) == Columns("Month", ("Pounds per cow",))
    assert found(table(Y=decimals(24), when=MONTHS)) == Columns("when", ("Y",))


def test_every_part_has_a_finding_with_its_reason() -> None:
    """Inferred columns carry a reason, pinned columns the reason "given"; unused columns are listed in a note."""
    columns, inferred, notes = find_columns(long_table(), ReadOptions(target=("Temperature",)))
    assert columns == Columns("Date", ("Temperature",), ("Store", "Dept"))
    assert [(one.key, one.value) for one in inferred] == [
        ("time", "Date"),
        ("id_columns", "Store, Dept"),
        ("target", "Temperature"),
    ]
    assert [one.reason for one in inferred] == [
        "the only column that reads as times",
        "264 rows repeat a time; with the time, the columns identify each row",
        "given",
    ]
    assert notes == (DataNote(NoteCode.UNUSED_COLUMNS, "columns not used: Weekly_Sales, IsHoliday, Promo"),)


def test_a_long_table_needs_both_of_its_names() -> None:
    """Store and department together name the series; holidays and promotions do not; sales are the target."""
    assert found(long_table()) == Columns("Date", ("Weekly_Sales",), ("Store", "Dept"))


def test_a_constant_column_is_no_name() -> None:
    """With a single store, the department alone identifies each row."""
    data = long_table(stores=1)
    assert found(data).series == ("Dept",)
    constant = {f"{word} id": "x" for word in ("city", "state", "country", "region", "site", "shop", "key", "item")}
    crowded = Table("d.csv", data.text.assign(**constant), data.lines)
    assert found(crowded).series == ("Dept",)


def test_id_columns_are_inferred_without_a_known_header() -> None:
    """Any text column with few values names the series, in preference to one with many."""
    rows = list(product("abc", range(24)))
    data = table(
        what=[name for name, _ in rows],
        note=[f"{name}{k // 6}" for name, k in rows],
        t=[MONTHS[k] for _, k in rows],
        y=decimals(72),
    )
    assert found(data) == Columns("t", ("y",), ("what",))


def test_whole_numbers_to_forecast_are_no_names() -> None:
    """Counts that happen to differ at each time are not taken for ids, where an id is there or not."""
    rows = list(product("ab", range(24)))
    data = table(
        shop=[name for name, _ in rows],
        ds=[MONTHS[k] for _, k in rows],
        sold=[str(k * 2 + (n == "b")) for n, k in rows],
    )
    assert found(data) == Columns("ds", ("sold",), ("shop",))
    twice = table(ds=MONTHS * 2, sold=[str(k % 4) for k in range(24)] + [str((k + 1) % 4) for k in range(24)])
    assert found(twice) == Columns("ds", ("sold",))


def test_one_doubled_time_does_not_make_a_panel() -> None:
    """A count that happens to separate repeated rows is not an id column."""
    data = table(ds=[*MONTHS, MONTHS[3]], people=[str(k % 4) for k in range(24)] + ["2"], sales=decimals(25))
    assert found(data) == Columns("ds", ("sales",))


def test_covariates_that_leave_a_row_or_two_each_are_no_names() -> None:
    """Two columns that together differ at every time, but whose series would be too short, name nothing."""
    rows = [(k % 6 + (k % 2) * later, k // 6 + (1 - k % 2) * later) for k in range(24) for later in (0, 1)]
    data = table(
        ds=[month for month in MONTHS for _ in (0, 1)],
        p=[str(p) for p, _ in rows],
        q=[str(q) for _, q in rows],
        y=decimals(48),
    )
    assert len(set(zip(data.text["ds"], *zip(*rows, strict=True), strict=True))) == 48
    assert found(data) == Columns("ds", ("y",))


def test_a_doubled_row_does_not_hide_the_series() -> None:
    """One repeated row in a long table is left for the duplicates' own message."""
    whole = long_table()
    doubled = Table("d.csv", pd.concat([whole.text, whole.text.iloc[[5]]], ignore_index=True), np.arange(2, 291))
    assert found(doubled).series == ("Store", "Dept")


def test_ids_that_spell_missing_or_numbers_are_ids() -> None:
    """`NA`, `001` and a long number name series as any other text does."""
    rows = list(product(["NA", "001", "100100037"], range(24)))
    data = table(sku=[name for name, _ in rows], ds=[MONTHS[k] for _, k in rows], amount=decimals(72))
    assert found(data) == Columns("ds", ("amount",), ("sku",))


def test_pinned_target_leaves_no_number_over() -> None:
    """The series are found also when the only other numeric column is the pinned target."""
    rows = list(product("abc", range(24)))
    data = table(unique_id=[name for name, _ in rows], ds=[MONTHS[k] for _, k in rows], y=decimals(72))
    assert found(data, target=("y",)) == Columns("ds", ("y",), ("unique_id",))


def test_of_several_times_the_finest_is_taken() -> None:
    """Half hours distinguish more rows than days; the reason names both columns."""
    hours = [f"2020-01-{day:02d}T{hour:02d}:00" for day in range(1, 3) for hour in range(24)]
    data = table(Date=[hour[:10] for hour in hours], Time=hours, Demand=decimals(48), Temperature=decimals(48))
    columns, inferred, _ = find_columns(data, ReadOptions())
    assert columns == Columns("Time", ("Demand",))
    assert inferred[0].reason == "distinguishes most rows of Date, Time"


def test_a_column_named_as_time_is_preferred() -> None:
    """A column of entry times does not replace the column named as the time."""
    entered = [f"2022-01-01 00:{k:02d}:00" for k in range(48)]
    rows = list(product("ab", range(24)))
    data = table(id=[n for n, _ in rows], entered=entered, date=[MONTHS[k] for _, k in rows], y=decimals(48))
    assert found(data) == Columns("date", ("y",), ("id",))


def test_a_date_that_cannot_be_read_is_still_the_time() -> None:
    """A column called date is not silently replaced by a row count."""
    data = table(date=["monday", "tuesday", "someday"], y=["1", "2", "3"])
    assert found(data) == Columns("date", ("y",))


def test_without_times_rows_are_counted() -> None:
    """A single numeric column is one series with row numbers as times, and a note is added."""
    columns, inferred, notes = find_columns(table(load=decimals(9)), ReadOptions())
    assert columns == Columns(None, ("load",))
    assert (inferred[0].value, inferred[0].reason) == ("none", "no column reads as times")
    assert [note.code for note in notes] == [NoteCode.NO_TIME_COLUMN]


@pytest.mark.parametrize(
    ("names", "target"),
    [
        (("y", "sales"), "y"),
        (("exog", "Value"), "Value"),
        (("price", "weeklySales"), "weeklySales"),
        (("price", "Total"), "Total"),
        (("accounts", "item_count"), "item_count"),
    ],
)
def test_a_target_is_inferred_from_its_name(names: tuple[str, str], target: str) -> None:
    """Exact names come first, then words inside a name; `accounts` only contains the letters of `count`."""
    assert found(table(ds=MONTHS, **{name: decimals(24) for name in names})).target == (target,)


@pytest.mark.parametrize("names", [("a", "b"), ("sales_in", "sales_out"), ("Y", "value")])
def test_an_ambiguous_target_is_refused(names: tuple[str, str]) -> None:
    """With no target name, or with two, each column is a fix, and all of them together."""
    with pytest.raises(DataError) as caught:
        find_columns(table(ds=MONTHS, **{name: decimals(24) for name in names}), ReadOptions())
    (fault,) = caught.value.faults
    assert fault.code is FaultCode.UNCLEAR_TARGET
    assert {fix.setting for fix in fault.fixes} == {*(f"data.target={name}" for name in names), "data.target=*"}


def test_without_a_time_only_an_exact_name_is_the_target() -> None:
    """A wide table without times may count its rows in one of its columns: no guessing by words."""
    assert "2 columns hold numbers: Total, Bus" in refused(table(Total=decimals(24), Bus=decimals(24)))
    assert found(table(y=decimals(24), Bus=decimals(24))).target == ("y",)


def test_many_candidates_are_cut_short() -> None:
    """Twenty names are shown, the rest is a number."""
    message = refused(table(ds=MONTHS, **{f"c{k}": decimals(24) for k in range(25)}))
    assert message.startswith("d.csv: 25 columns hold numbers: c0, ")
    assert "c19 and 5 more;" in message


def test_every_numeric_column_or_a_few_as_series() -> None:
    """`*` takes all numeric columns, names take those, in the order given; text is left out."""
    data = table(ds=MONTHS, a=decimals(24), b=decimals(24), c=decimals(24), note=["x"] * 24)
    assert found(data, target=EVERY) == Columns("ds", ("a", "b", "c"))
    assert found(data, target=("c", "a")) == Columns("ds", ("c", "a"))


def test_no_numbers_at_all_are_refused() -> None:
    """Dates and text alone cannot be forecast."""
    message = refused(table(ds=MONTHS, note=["", "x"] * 12, y=["", "NA"] * 12))
    assert message.startswith(
        "d.csv: no column holds numbers to forecast: 'note' holds 'x' (line 3), 'y' holds nothing"
    )
    assert refused(table(ds=MONTHS)).startswith("d.csv: no column is left to forecast (columns: ds)")
    assert "data.delimiter" in refused(table(**{"ds^y": ["2020-01^1", "2020-02^2"]}))


def test_the_only_remaining_column_is_the_target() -> None:
    """The only column besides the time is the target; its invalid values are reported when it is parsed."""
    columns, inferred, _ = find_columns(table(ds=MONTHS, y=["abc"] * 24), ReadOptions())
    assert columns == Columns("ds", ("y",))
    assert inferred[2].reason == "the only column left"


def test_misspelt_pins_are_listed_together() -> None:
    """Each pinned column that is not in the file gets a line with its key and the nearest name."""
    faults = refused(
        table(Date=MONTHS, Sales=decimals(24)), time="date", target=("Slaes",), id_columns=("shop",)
    ).split("\n")
    assert faults == [
        "d.csv: data.time: no column 'date'; did you mean 'Date'? columns: Date, Sales",
        "d.csv: data.id_columns: no column 'shop'; columns: Date, Sales",
        "d.csv: data.target: no column 'Slaes'; did you mean 'Sales'? columns: Date, Sales",
    ]


def test_one_column_cannot_play_two_parts() -> None:
    """A column pinned twice is a contradiction that names both keys."""
    with pytest.raises(
        ConfigError, match=r"^data\.target: column 'y' already is data\.id_columns; a column has one role$"
    ):
        found(table(ds=MONTHS, y=decimals(24)), id_columns=("y",), target=("y",))


def test_pins_win_over_inference() -> None:
    """Pinned time and series are taken even where inference would choose others."""
    columns = found(long_table(), time="Date", id_columns=("Dept",), target=("Promo",))
    assert columns == Columns("Date", ("Promo",), ("Dept",))


@pytest.mark.parametrize(
    ("name", "fields", "time"),
    [
        ("ds", ["1", "2", "3", "5"], "ds"),  # steps
        ("t", ["0", "10", "20", "30"], "t"),
        ("month", ["1", "2", "1", "2"], None),  # named like a part of a time, and not unique
        ("count", ["1", "2", "3", "4"], None),
        ("time", ["1949.0", "1949.083", "1949.167", "1949.25"], "time"),  # months of decimal years
        ("time", ["1949.0", "1949.083", "1951.5", "1952.0"], "time"),  # uneven: to be refused when it is read
        ("date", ["1704067200", "1704070800000", "1704074400", "1704078000"], "date"),
        ("date", ["1704067200.0", "1704070800.0", "1704074400.0", "1704078000.0"], "date"),
    ],
)
def test_a_column_named_like_times_is_not_passed_over(name: str, fields: list[str], time: str | None) -> None:
    """Step numbers are taken as the time; numbers that are no times are, too, so that they are not lost silently."""
    assert found(table(**{name: fields, "load": decimals(4)}), target=("load",)).time == time


@pytest.mark.parametrize("name", ["forecast", "lower_80", "upper_99.5"])
def test_names_of_a_forecast_are_refused_for_what_it_repeats(name: str) -> None:
    """Columns of times and ids are also columns of the forecast; a target of such a name is refused."""
    with pytest.raises(DataError, match=rf"^d\.csv: a forecast has a column '{name}' of its own; rename it$"):
        found(table(**{name: MONTHS, "y": decimals(24)}))
    with pytest.raises(DataError, match=name):
        found(table(ds=MONTHS, **{name: ["a"] * 24, "y": decimals(24)}), id_columns=(name,))
    assert found(table(ds=MONTHS, **{name: decimals(24)})).target == (name,)


def test_the_name_of_the_series_column_is_kept_free() -> None:
    """Several targets become a column `series`, and counted rows a column `step`, of the forecast."""
    data = table(series=MONTHS, a=decimals(24), b=decimals(24))
    assert "'series'" in refused(data, target=("a", "b"))
    assert found(data, target=("a",)).time == "series"
    assert "'step'" in refused(table(step=["a", "b"] * 12, y=decimals(24)), id_columns=("step",))


def test_rows_without_an_id_are_said() -> None:
    """An empty id names a series like any other text, which may not be meant."""
    data = table(ds=MONTHS, shop=["a"] * 20 + [""] * 3 + [" "], y=decimals(24))
    (note,) = find_columns(data, ReadOptions(id_columns=("shop",)))[2]
    assert (note.code, "'shop' is empty in 4 rows" in note.text) == (NoteCode.EMPTY_ID, True)


def test_a_row_id_is_no_target() -> None:
    """Not with another numeric column, which is then the target, and not alone, where it may count rows."""
    ids = [str(7000 + 3 * k) for k in range(24)]
    data = table(order_id=ids, ds=MONTHS, sold=[str(k % 5) for k in range(24)])
    columns, _, notes = find_columns(data, ReadOptions())
    assert columns == Columns("ds", ("sold",))
    assert [note.code for note in notes] == [NoteCode.ROW_IDS]
    with pytest.raises(DataError) as caught:
        find_columns(table(order_id=ids, ds=[f"{day} 08:30" for day in MONTHS], state=["open"] * 24), ReadOptions())
    assert [fix.setting for fix in caught.value.faults[0].fixes] == ["data.aggregate=count"]


def test_order_numbers_that_read_as_years_are_no_times() -> None:
    """Not if another column holds times."""
    data = table(order_no=[str(1001 + k) for k in range(24)], booked=MONTHS, y=decimals(24))
    assert found(data).time == "booked"


def test_ids_and_constants_are_no_targets() -> None:
    """A number of the station and a constant, unless nothing else is left."""
    data = table(station_id=["7"] * 24, ds=MONTHS, limit=["50"] * 24, pm10=decimals(24))
    assert found(data) == Columns("ds", ("pm10",))
    assert found(table(ds=MONTHS, level=["50"] * 24)) == Columns("ds", ("level",))
