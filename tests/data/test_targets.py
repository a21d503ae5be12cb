"""Columns of symbols: which column is meant, what its fields become, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.data.schema import NoteCode, ReadOptions
from lstmcast.data.targets import EVENT_PARSER, MAX_SYMBOLS, read_characters, symbols_of, vocabulary_of
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
    """Symbols are sorted, and each field is the code of its symbol; numeric columns are left out."""
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
    assert [(note.code, note.text[:16]) for note in panel.notes] == [(NoteCode.STEPS_FILLED, "12 missing of 28")]


def test_a_kind_that_training_never_met_is_a_step_of_its_own(reader: Reader) -> None:
    """A symbol unknown from training has code -1, counts as observed and is noted with its line."""
    panel = reader({"day": DAYS, "weather": [*WEATHER[:-1], "hail"]}, known=("fog", "rain", "sun"))
    assert panel.symbols == ("fog", "rain", "sun")
    assert len(panel.values) == 28
    assert panel.values[-1] == -1
    assert panel.observed[-1]
    assert [note.code for note in panel.notes] == [NoteCode.UNKNOWN_SYMBOLS]
    assert panel.notes[0].text.endswith("'hail' (line 29)")


def test_codes_follow_another_vocabulary(reader: Reader) -> None:
    """A symbol outside of it is unknown, as a missing one is; the symbols are those of before."""
    holed = [*WEATHER[:3], "", *WEATHER[4:]]
    panel = reader({"day": DAYS, "weather": holed})
    other = panel.recode(("sun", "hail", "fog"))
    shown = [other.symbols[int(code)] if code >= 0 else "" for code in other.values]
    assert shown == [symbol if symbol != "rain" else "" for symbol in holed]
    assert (other.observed == panel.observed).all()
    assert panel.recode(panel.symbols) is panel
    assert [panel.value_text(code) for code in (-1, 0, 1)] == ["unknown", "'fog'", "'rain'"]
    assert replace(panel, symbols=()).value_text(0.5) == "0.5"


def test_several_columns_use_one_vocabulary(reader: Reader) -> None:
    """With --target '*' each column of symbols is a series, and one code means one kind in all."""
    panel = reader({"day": DAYS, "here": WEATHER, "there": WEATHER[::-1]}, target=("*",))
    assert panel.keys == (("here",), ("there",))
    assert panel.series(0).tolist() == panel.series(1).tolist()[::-1]


def test_an_ambiguous_symbol_column_is_refused(reader: Reader) -> None:
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
def test_fewer_than_two_symbols_are_refused(reader: Reader, column: list[str], fault: str) -> None:
    """One kind, or none."""
    with pytest.raises(DataError, match=fault):
        reader({"day": DAYS, "state": column}, target=("state",))


def test_too_many_symbols_are_refused(reader: Reader) -> None:
    """A column whose rows all differ is not found, and refused where it is pinned."""
    hours = [str(np.datetime64("2024-01-01T00") + k).replace("T", " ") for k in range(600)]
    columns = {"time": hours, "id": [f"x{k}" for k in range(600)]}
    with pytest.raises(DataError, match="no column holds 2 to 512 symbols that return"):
        reader(columns)
    with pytest.raises(DataError, match=r"at most 512 kinds of symbols \(got 600\)"):
        reader(columns, target=("id",))


@pytest.mark.parametrize("pinned", [{"missing": "interpolate"}, {"missing": "zero"}, {"aggregate": "mean"}])
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
    """With repeated times, the column that distinguishes the rows is the id, even without a numeric column."""
    columns = {"day": DAYS * 2, "place": ["a"] * 28 + ["b"] * 28, "weather": WEATHER + WEATHER[::-1]}
    panel = reader(columns)
    assert panel.keys == (("a",), ("b",))
    assert panel.columns.target == ("weather",)


def back(panel: object) -> str:
    """The text that a panel holds."""
    return "".join(panel.symbols[int(code)] for code in panel.values)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("Grüße\n€ 😀".encode(), None),
        ("\ufeffGrüße\r\n€ 😀".encode(), None),
        ("Grüße\n€ 😀".encode("utf-16"), None),
        ("Grüße\r€ 😀".encode("utf-16-le"), "utf-16-le"),
    ],
)
def test_each_character_is_a_step(tmp_path: Path, content: bytes, encoding: str | None) -> None:
    """Whatever the encoding and the newlines, the same characters come; none is added at the end."""
    path = tmp_path / "a.txt"
    path.write_bytes(content)
    panel = read_characters(path, ReadOptions(encoding=encoding))
    assert back(panel) == "Grüße\n€ 😀"
    assert panel.symbols == tuple(sorted(set("Grüße\n€ 😀")))
    assert panel.calendar.text(panel.ends) == ["9"]


def test_characters_that_training_never_met_are_counted(tmp_path: Path) -> None:
    """They are steps of which nothing is known; the first of each kind is named with its line."""
    path = tmp_path / "a.txt"
    path.write_text("ab\nazz\nyb", encoding="utf-8")
    panel = read_characters(path, ReadOptions(), known=("\n", "a", "b"))
    assert panel.values.tolist() == [1, 2, 0, 1, -1, -1, 0, -1, 2]
    assert panel.observed.all()
    assert [note.code for note in panel.notes] == [NoteCode.UNKNOWN_SYMBOLS]
    assert panel.notes[0].text.endswith("'z' (line 2), 'y' (line 3)")


def test_a_vocabulary_is_extended_up_to_its_limit(tmp_path: Path) -> None:
    """New symbols follow those of training, sorted; where there would be too many, all new ones stay unknown."""
    assert vocabulary_of(["b", "z", "y"], ("c", "b"), extend=True) == ("c", "b", "y", "z")
    assert vocabulary_of(["b", "z", "y"], ("c", "b"), extend=False) == ("c", "b")
    assert vocabulary_of(["b", "z", "y"], (), extend=False) == ("b", "y", "z")
    many = [f"s{k}" for k in range(MAX_SYMBOLS - 1)]
    assert vocabulary_of(many, ("c", "b"), extend=True) == ("c", "b")
    path = tmp_path / "a.txt"
    path.write_text("ab\nazz\nyb", encoding="utf-8")
    panel = read_characters(path, ReadOptions(), known=("b", "\n", "a"), extend=True)
    assert panel.symbols == ("b", "\n", "a", "y", "z")
    assert "".join(panel.symbols[int(code)] for code in panel.values) == path.read_text()
    assert panel.notes == ()


def test_a_text_of_one_character_teaches_nothing(tmp_path: Path) -> None:
    """It is refused, but may be continued by a model that knows more."""
    path = tmp_path / "a.txt"
    path.write_text("aaa", encoding="utf-8")
    with pytest.raises(DataError, match="at least 2 kinds of characters"):
        read_characters(path, ReadOptions())
    assert read_characters(path, ReadOptions(), known=("a", "b")).values.tolist() == [0, 0, 0]


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    """Latin-1 read as UTF-8."""
    path = tmp_path / "a.txt"
    path.write_bytes("Grüße".encode("latin-1"))
    with pytest.raises(DataError, match=r"a\.txt"):
        read_characters(path, ReadOptions())


def load_events(folder: Path, header: str, rows: list[str], **options: object) -> Panel:
    """A file of days, read as one of yes and no."""
    lines = [f"2024-01-{day:02},{row}" for day, row in enumerate(rows, 1)]
    (folder / "days.csv").write_text("\n".join([f"day,{header}", *lines]) + "\n", encoding="utf-8")
    return read(folder / "days.csv", ReadOptions(**options), EVENT_PARSER)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "words", [("yes", "no"), ("TRUE", "FALSE"), ("t", "f"), ("Y", "N"), ("on", "off"), ("1", "0"), ("1.0", " 0 ")]
)
def test_words_for_yes_and_no(tmp_path: Path, words: tuple[str, str]) -> None:
    """In any case and with spaces around; they become 1 and 0."""
    yes, no = words
    panel = load_events(tmp_path, "open", [yes, no, no, yes])
    assert panel.values.tolist() == [1, 0, 0, 1]
    assert panel.columns.target == ("open",)


def test_a_missing_word_is_filled_and_marked(tmp_path: Path) -> None:
    """An empty field is neither: it is not observed."""
    panel = load_events(tmp_path, "open", ["yes", "no", "", "no", "yes"])
    assert panel.observed.tolist() == [True, True, False, True, True]
    np.testing.assert_array_equal(panel.values[panel.observed], [1, 0, 0, 1])


def test_the_only_such_column_is_the_target(tmp_path: Path) -> None:
    """The only boolean column is the target, with a reason."""
    panel = load_events(tmp_path, "wind,rained,value", ["3,no,5", "4,yes,6", "2,no,7", "9,yes,8"])
    assert panel.columns.target == ("rained",)
    assert any(found.reason == "the only column of yes and no" for found in panel.inferred)


def test_of_two_one_must_be_named(tmp_path: Path) -> None:
    """Two columns of 1 and 0 require a named target."""
    rows = ["1,0", "0,0", "1,1", "0,1"]
    with pytest.raises(DataError, match="2 columns hold numbers: rain, snow; name the one"):
        load_events(tmp_path, "rain,snow", rows)
    assert load_events(tmp_path, "rain,snow", rows, target=("snow",)).values.tolist() == [0, 0, 1, 1]


def test_other_words_are_refused_with_their_lines(tmp_path: Path) -> None:
    """A third word and another number; the way out is a rule."""
    rows = ["yes", "maybe", "no", "2"]
    with pytest.raises(DataError, match=r"days\.csv:3: .*2 fields do not: 'maybe' on line 3, '2' on line 5; or define"):
        load_events(tmp_path, "open", rows, target=("open",))
