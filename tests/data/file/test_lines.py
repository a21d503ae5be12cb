"""Physical lines of a CSV text."""

from __future__ import annotations

from lstmcast.data.file.lines import line_ranges, lines_with


def test_ranges_of_lines() -> None:
    """The first lines are written as their number."""
    assert list(line_ranges([1, 2, 3, 7, 9, 10])) == ["3", "7-7", "9-10"]
    assert list(line_ranges([2])) == ["2-2"]


def test_lines_with_a_mark() -> None:
    """They have their number and place in the text; a mark within a line is none."""
    text = b"a\n# b\nc # d\n\n#\n"
    found = lines_with(text, b"\n#", 0)
    assert [(line.number, text[line.start : line.end]) for line in found] == [(2, b"# b"), (5, b"#")]
