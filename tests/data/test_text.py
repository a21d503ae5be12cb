"""Plain text as a series: characters, newlines, encodings, and characters that training never met."""

from __future__ import annotations

from pathlib import Path

import pytest

from lstmcast.data.records import ReadOptions
from lstmcast.data.text import read_characters
from lstmcast.errors import DataError


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
    assert panel.notes == ("text: 3 values that training never met, read as not known: 'z' (line 2), 'y' (line 3)",)


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
