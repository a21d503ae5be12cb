"""Columns of symbols: which column is meant, what its fields become, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lstmcast.data.panel import Panel
from lstmcast.data.read import read
from lstmcast.data.records import ReadOptions
from lstmcast.data.symbols import symbols_of
from lstmcast.errors import ConfigError, DataError

Reader = Callable[..., Panel]
DAYS = [f"2024-01-{day:02}" for day in range(1, 29)]
WEATHER = ["sun", "sun", "rain", "fog"] * 7


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    """Reads columns written as a CSV, with what else is pinned."""

    def reads(columns: dict[str, list[str]], *, known: tuple[str, ...] = (), **pinned: object) -> Panel:
        path = tmp_path / "states.csv"
        rows = [",".join(columns), *(",".join(row) for row in zip(*columns.values(), strict=True))]
        path.write_text("\n".join(rows) + "\n", encoding="utf-8")
        return read(path, ReadOptions(**pinned), symbols_of(known))  # type: ignore[arg-type]

    return reads


def test_a_column_of_words_becomes_codes(reader: Reader) -> None:
    """The kinds are sorted, and each field is the number of its kind; numbers beside it are left alone."""
    panel = reader({"day": DAYS, "weather": WEATHER, "mm": [str(k / 7) for k in range(28)]})
    assert panel.symbols == ("fog", "rain", "sun")
    assert [panel.symbols[int(code)] for code in panel.values] == WEATHER
    assert panel.columns.target == ("weather",)
    assert panel.observed.all()


def test_what_is_missing_stays_unknown(reader: Reader) -> None:
    """An empty field is −1 and not observed, however long the gap, and counted; None is a kind like others."""
    holed = ["None", *WEATHER[1:5], *[""] * 12, *WEATHER[17:]]
    panel = reader({"day": DAYS, "weather": holed})
    assert panel.symbols == ("None", "fog", "rain", "sun")
    assert panel.values[5:17].tolist() == [-1.0] * 12
    assert not panel.observed[5:17].any()
    assert any("12 missing of 28 steps left unknown" in note for note in panel.notes)


def test_a_kind_that_training_never_met_is_a_step_of_its_own(reader: Reader) -> None:
    """With the kinds of training another one is −1 yet observed, even at the end, and said with its line."""
    panel = reader({"day": DAYS, "weather": [*WEATHER[:-1], "hail"]}, known=("fog", "rain", "sun"))
    assert panel.symbols == ("fog", "rain", "sun")
    assert len(panel.values) == 28
    assert panel.values[-1] == -1
    assert panel.observed[-1]
    assert "column 'weather': 1 value that training never met, read as not known: 'hail' (line 29)" in panel.notes


def test_several_columns_share_their_kinds(reader: Reader) -> None:
    """With --target '*' each column of symbols is a series, and one code means one kind in all."""
    panel = reader({"day": DAYS, "here": WEATHER, "there": WEATHER[::-1]}, target=("*",))
    assert panel.keys == (("here",), ("there",))
    assert panel.series(0).tolist() == panel.series(1).tolist()[::-1]


def test_which_column_is_meant_is_asked_where_it_is_not_clear(reader: Reader) -> None:
    """Of two columns of words the one named so is taken; where none is, the message names both."""
    columns = {"day": DAYS, "wind": WEATHER, "state": WEATHER}
    assert reader(columns).columns.target == ("state",)
    with pytest.raises(DataError, match="2 columns hold symbols: wind, sea; name the one to forecast"):
        reader({"day": DAYS, "wind": WEATHER, "sea": WEATHER})


def test_numbers_that_return_may_be_symbols(reader: Reader) -> None:
    """Without words, a column of a few whole numbers is one of symbols."""
    assert reader({"day": DAYS, "gear": ["1", "2", "3", "2"] * 7}).symbols == ("1", "2", "3")


@pytest.mark.parametrize(
    ("column", "fault"),
    [
        (["on"] * 28, "must hold at least 2 kinds of symbols"),
        ([""] * 28, "all values are missing"),
    ],
)
def test_what_cannot_be_learnt_is_refused(reader: Reader, column: list[str], fault: str) -> None:
    """One kind, or none."""
    with pytest.raises(DataError, match=fault):
        reader({"day": DAYS, "state": column}, target=("state",))


def test_too_many_kinds_are_names(reader: Reader) -> None:
    """A column whose rows all differ is not found, and refused where it is pinned."""
    hours = [str(np.datetime64("2024-01-01T00") + k).replace("T", " ") for k in range(600)]
    columns = {"time": hours, "id": [f"x{k}" for k in range(600)]}
    with pytest.raises(DataError, match="no column holds 2 to 512 symbols that return"):
        reader(columns)
    with pytest.raises(DataError, match=r"at most 512 kinds of symbols \(got 600\)"):
        reader(columns, target=("id",))


@pytest.mark.parametrize("pinned", [{"missing": "interpolate"}, {"missing": "zero"}, {"duplicates": "mean"}])
def test_symbols_are_not_reckoned_with(reader: Reader, pinned: dict[str, str]) -> None:
    """Nothing lies between two symbols, and they have no mean."""
    with pytest.raises(ConfigError, match="must be one of"):
        reader({"day": DAYS, "weather": WEATHER}, **pinned)


def test_finer_rows_are_taken_into_a_step_by_the_last(reader: Reader) -> None:
    """Two rows a day, seen by days: the later one's symbol counts."""
    hours = [f"2024-01-{day:02} {hour:02}:00" for day in range(1, 15) for hour in (6, 18)]
    panel = reader({"time": hours, "weather": ["sun", "rain"] * 14}, frequency="D")
    assert {panel.symbols[int(code)] for code in panel.values} == {"rain"}


def test_what_names_the_series_is_found(reader: Reader) -> None:
    """Where times repeat, a column that tells the rows apart names the series, though no number is beside it."""
    columns = {"day": DAYS * 2, "place": ["a"] * 28 + ["b"] * 28, "weather": WEATHER + WEATHER[::-1]}
    panel = reader(columns)
    assert panel.keys == (("a",), ("b",))
    assert panel.columns.target == ("weather",)
