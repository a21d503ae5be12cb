"""Labels that are written once, above empty cells."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from lstmcast.data.layout.merged_cells import fill_merged
from lstmcast.data.load import to_panel
from lstmcast.data.schema import NoteCode, Table

MONTHS = [f"{2020 + k // 12}-{k % 12 + 1:02d}" for k in range(24)]


def table(columns: dict[str, Sequence[str]]) -> Table:
    """A table of text columns."""
    frame = pd.DataFrame({name: pd.Series(list(fields), dtype=str) for name, fields in columns.items()})
    return Table("d.csv", frame, np.arange(2, len(frame) + 2))


def once(*labels: str, rows: int = 24) -> list[str]:
    """Each label above empty cells."""
    return [field for label in labels for field in (label, *[""] * (rows - 1))]


def numbers(n: int) -> list[str]:
    """Distinct values."""
    return [str(3 * k + 1) for k in range(n)]


def test_a_label_holds_for_the_rows_below() -> None:
    """Two merged regions are two series, and a note counts the cells."""
    filled = fill_merged(table({"Region": once("North", "South"), "Month": MONTHS * 2, "Sales": numbers(48)}))
    assert filled.text["Region"].tolist() == ["North"] * 24 + ["South"] * 24
    assert [note.code for note in filled.notes] == [NoteCode.MERGED_CELLS]
    assert "46 " in filled.notes[0].text
    assert to_panel(filled).keys == (("North",), ("South",))


def test_labels_within_labels() -> None:
    """A store may have one name in two regions."""
    regions = [*once("N", rows=48), *once("S", rows=48)]
    data = {"Region": regions, "Store": once("A", "B", "A", "B"), "Month": MONTHS * 4, "Sales": numbers(96)}
    assert to_panel(table(data)).keys == (("N", "A"), ("N", "B"), ("S", "A"), ("S", "B"))


def test_a_time_above_its_rows() -> None:
    """A pivot table by month and store."""
    months = [field for month in MONTHS for field in (month, "")]
    panel = to_panel(table({"Month": months, "Store": ["A", "B"] * 24, "Sales": numbers(48)}))
    assert (panel.keys, panel.lengths.tolist()) == ((("A",), ("B",)), [24, 24])


@pytest.mark.parametrize(
    ("column", "months"),
    [
        (once("launch"), MONTHS),
        (["launch", *[""] * 6, "promotion", *[""] * 16], MONTHS),
        (["A", *[""] * 11, "B", *[""] * 11, "A", *[""] * 23], MONTHS * 2),
        (["", *once("North", "South")[1:]], MONTHS * 2),
        (once("1", "2"), MONTHS * 2),
    ],
    ids=["one note", "two notes", "a label twice", "none in the first row", "numbers"],
)
def test_other_empty_cells_stay_empty(column: list[str], months: list[str]) -> None:
    """Remarks, labels that come back, and missing values."""
    data = table({"what": column, "month": months, "y": numbers(len(months))})
    assert fill_merged(data) is data
