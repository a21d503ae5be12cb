"""Columns of yes and no: how they are found, what they become, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lstmcast.data.panel import Panel
from lstmcast.data.read import read
from lstmcast.data.records import ReadOptions
from lstmcast.data.truths import EVENT_PARSER
from lstmcast.errors import DataError


def told(folder: Path, header: str, rows: list[str], **options: object) -> Panel:
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
    panel = told(tmp_path, "open", [yes, no, no, yes])
    assert panel.values.tolist() == [1, 0, 0, 1]
    assert panel.columns.target == ("open",)


def test_a_missing_word_is_filled_and_marked(tmp_path: Path) -> None:
    """An empty field is neither: it is not observed."""
    panel = told(tmp_path, "open", ["yes", "no", "", "no", "yes"])
    assert panel.observed.tolist() == [True, True, False, True, True]
    np.testing.assert_array_equal(panel.values[panel.observed], [1, 0, 0, 1])


def test_the_only_such_column_is_the_target(tmp_path: Path) -> None:
    """Beside numbers it is found, and the reason is said."""
    panel = told(tmp_path, "wind,rained,value", ["3,no,5", "4,yes,6", "2,no,7", "9,yes,8"])
    assert panel.columns.target == ("rained",)
    assert any(found.reason == "the only column of yes and no" for found in panel.findings)


def test_of_two_one_must_be_named(tmp_path: Path) -> None:
    """Two columns of 1 and 0 are told apart by the user."""
    rows = ["1,0", "0,0", "1,1", "0,1"]
    with pytest.raises(DataError, match="2 columns hold numbers: rain, snow; name the one"):
        told(tmp_path, "rain,snow", rows)
    assert told(tmp_path, "rain,snow", rows, target=("snow",)).values.tolist() == [0, 0, 1, 1]


def test_other_words_are_refused_with_their_lines(tmp_path: Path) -> None:
    """A third word and another number; the way out is a rule."""
    rows = ["yes", "maybe", "no", "2"]
    with pytest.raises(DataError, match=r"days\.csv:3: .*2 fields do not: 'maybe' on line 3, '2' on line 5; or say"):
        told(tmp_path, "open", rows, target=("open",))
