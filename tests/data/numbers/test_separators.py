"""Separators of numbers, inferred from the whole file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lstmcast.data.load import read, read_text
from lstmcast.data.schema import NoteCode, ReadOptions, Table
from lstmcast.errors import DataError, FaultCode


def table_of(folder: Path, text: str, **options: str) -> Table:
    """Writes the text to a file and reads it."""
    path = folder / "d.csv"
    path.write_text(text, encoding="utf-8")
    return read_text(path, ReadOptions(**options))


@pytest.mark.parametrize(
    ("text", "decimal"),
    [
        ("ds;y\n2020;1,5\n2021;2\n2022;\n", ","),
        ("ds;y;z\n2020;1,500;0,25\n", ","),
        ("ds;y\n2020;0,123\n", ","),
        ("ds;y\n2020;-1,234\n2021;1,2e3\n", ","),
        ('ds,y\n2020,"1,5"\n2021,"22,75"\n', ","),
        ("ds;y\n2020;1,234\n2021;5,678\n", "."),
        ("ds;y\n2020;1,234.5\n2021;5,6\n", "."),
        ("ds;y\n2020;1,5\n2021;2.5\n", "."),
        ("ds;y;city\n2020;1.5;Paris, FR\n", "."),
        ("ds;y\n01.02.2020;1,5\n", ","),
    ],
)
def test_a_decimal_comma_is_inferred_where_numbers_need_it(tmp_path: Path, text: str, decimal: str) -> None:
    """A comma is the decimal sign only where it cannot group thousands; then a note names the column."""
    table = table_of(tmp_path, text)
    assert table.decimal == decimal
    assert (NoteCode.DECIMAL_COMMA in {note.code for note in table.notes}) == (decimal == ",")


@pytest.mark.parametrize(
    ("rows", "separators"),
    [
        (["1.015,97;5", "791,62;6"], (",", ".")),
        (["791,62;1.234", "5,1;999"], (",", ".")),
        (["12.5;1,234", "5.1;999"], (".", ",")),
        (["1.234.567;2", "5;3"], (",", ".")),
        (["1,234,567;2", "5;3"], (".", ",")),
        (["12,34,567.89;2", "5;3"], (".", ",")),
        (["1'234.50;2", "5.25;3"], (".", "'")),
        (["1\u2019234.50;2", "5.25;3"], (".", "'")),
        (["1 234,50;2", "5,25;3"], (",", " ")),
        (["1\u00a0234,50;2", "5,25;3"], (",", " ")),
        (["1\u202f234\u202f567,50 €;2", "5,25 €;3"], (",", " ")),
        (["1 234;2", "5;3"], (".", " ")),
        (["-1.234,5-;2", "(5,25);3"], (".", None)),
        (["1.5;1,5", "2.5;2,5"], (".", None)),
        (["1.234;2", "5;3"], (".", None)),
        (["1,234;2", "5;3"], (".", None)),
        (["1 2;2", "5 6;3"], (".", None)),
        (["10.0.0.1;2", "10.0.0.2;3"], (".", None)),
    ],
)
def test_all_columns_decide_together(tmp_path: Path, rows: list[str], separators: tuple[str, str | None]) -> None:
    """A sign that one column proves holds for all; signs that contradict each other, or prove nothing, do not count."""
    table = table_of(tmp_path, "\n".join(["a;b", *rows, ""]))
    assert (table.decimal, table.thousands) == separators
    assert (NoteCode.THOUSANDS in {note.code for note in table.notes}) == (separators[1] is not None)


def test_given_separators_win(tmp_path: Path) -> None:
    """A given thousands separator decides the decimal one; a given decimal one may leave the other to the file."""
    assert table_of(tmp_path, "a;b\n1.5;2\n", decimal=",").decimal == ","
    assert table_of(tmp_path, "a;b\n1.234;2\n", thousands=".").decimal == ","
    table = table_of(tmp_path, "a;b\n1.234,5;2\n", decimal=",")
    assert (table.decimal, table.thousands) == (",", ".")


def test_dates_are_no_numbers(tmp_path: Path) -> None:
    """Points and blanks within dates decide nothing."""
    rows = [f"{day:02d}.01.2024 12:00;{day}" for day in range(1, 20)]
    table = table_of(tmp_path, "\n".join(["ds;y", *rows, ""]))
    assert (table.decimal, table.thousands, table.unclear) == (".", None, ())


def test_thousands_in_another_column_are_read(tmp_path: Path) -> None:
    """A price with a decimal comma proves that the points of the amounts group thousands."""
    rows = [f"2024-01-{day:02d};{day},50;{day}.{100 + day}" for day in range(1, 25)]
    path = tmp_path / "d.csv"
    path.write_text("\n".join(["ds;price;amount", *rows, ""]))
    panel = read(path, ReadOptions(target=("amount",)))
    np.testing.assert_array_equal(panel.values[:2], [1101, 2102])


@pytest.mark.parametrize(("field", "line"), [("1,234", 2), ("1.234", 2)])
def test_both_settings_are_offered_where_both_fit(tmp_path: Path, field: str, line: int) -> None:
    """An ambiguous column is refused, and each setting reads it."""
    rows = [f"2024-01-{day:02d};{field[:-1]}{day % 10}" for day in range(1, 25)]
    path = tmp_path / "d.csv"
    path.write_text("\n".join(["ds;y", *rows, ""]))
    with pytest.raises(DataError) as caught:
        read(path)
    (fault,) = caught.value.faults
    assert fault.line == line
    assert fault.code in {FaultCode.NOT_A_NUMBER, FaultCode.DECIMAL_UNCLEAR}
    sizes = set()
    for fix in fault.fixes:
        key, _, value = fix.setting.removeprefix("data.").partition("=")
        sizes.add(float(read(path, ReadOptions(**{key: value})).values.max()) > 1000)
    assert sizes == {True, False}


def test_numbers_of_a_frame_are_numbers() -> None:
    """Points of floats are decimal, whatever their digits."""
    days = pd.date_range("2024-01-01", periods=24).astype(str)
    frame = pd.DataFrame({"ds": days, "y": [1.125, 2000.0, *[3.375] * 22]})
    assert read(frame).values.max() == 2000
    assert NoteCode.POINT not in {note.code for note in read(frame).notes}
