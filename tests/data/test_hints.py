"""What the names of columns hint at."""

from __future__ import annotations

import pandas as pd
import pytest

from lstmcast.data.hints import ColumnChoice, are_integers, words
from lstmcast.data.records import InferredSetting


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


def test_a_choice_tells_itself() -> None:
    """One column, none, or very many become a finding of readable length."""
    assert ColumnChoice(("a",), "given").finding("time") == InferredSetting("time", "a", "given")
    assert ColumnChoice((), "none fits").finding("time").value == "none"
    many = ColumnChoice(tuple(f"c{k}" for k in range(1000)), "given")
    assert many.finding("target").value.endswith("c19 and 980 more")
    assert many.only == "c0"
