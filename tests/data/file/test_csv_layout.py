"""The positions of rows in CSV bytes, compared with a character-by-character reader."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lstmcast.data.file.csv_layout import choose_delimiter, find_layout, join_blanks
from lstmcast.errors import ConfigError, DataError


def slow_layout(text: str, delimiter: str) -> list[tuple[int, int]] | None:
    """(line, width) of every record that is not blank, one character at a time; None where quotes are wrong."""
    records, start, line, width, raw = [], 1, 1, 1, ""
    state = "start"  # start | plain | quoted | closing
    for sign in text:
        raw += sign
        if state == "quoted":
            state = "closing" if sign == '"' else "quoted"
        elif sign in (delimiter, "\n"):
            state = "start"
            width += sign == delimiter
            if sign == "\n":
                if width > 1 or raw.strip(" \t\n"):
                    records.append((start, width))
                start, width, raw = line + 1, 1, ""
        elif state == "closing":
            if sign != '"':
                return None
            state = "quoted"
        elif state == "start" and sign == '"':
            state = "quoted"
        else:
            state = "plain"
        line += sign == "\n"
    return None if state == "quoted" else records


@example('" "\n1"', ",")
@example('x"y,z"', ",")
@example('"x"y,"z', ",")
@example("a\tb\n\t", "\t")
@given(st.text(alphabet='ab1,;" \t\n', max_size=60), st.sampled_from(",;\t"))
def test_wild_text_is_parted_like_a_slow_reader_does(body: str, delimiter: str) -> None:
    """Lines, widths and refusals agree with the character-wise reader on any text."""
    text = body + "\n"
    expected = slow_layout(text, delimiter)
    if expected is None:
        with pytest.raises(DataError, match=r"^f:\d+: a quote"):
            find_layout(text.encode(), delimiter, "f")
    else:
        found = find_layout(text.encode(), delimiter, "f")
        assert list(zip(found.lines.tolist(), found.widths.tolist(), strict=True)) == expected


@given(st.lists(st.lists(st.text(alphabet='é",\n', max_size=4), min_size=2, max_size=4), min_size=1, max_size=8))
def test_tables_written_by_the_csv_module_are_found_again(rows: list[list[str]]) -> None:
    """Quoted fields of the csv module are found with their width and physical line."""
    out, lines = io.StringIO(), []
    for row in rows:
        lines.append(out.getvalue().count("\n") + 1)
        csv.writer(out, lineterminator="\n").writerow(row)
    found = find_layout(out.getvalue().encode(), ",", "f")
    assert found.lines.tolist() == lines
    assert found.widths.tolist() == [len(row) for row in rows]


def test_an_unclosed_quote_names_the_row_that_opens_it() -> None:
    """The fault is where the quote opens, not at the end of the file."""
    with pytest.raises(DataError, match=r"^f:3: a quote opened in this row"):
        find_layout(b'a,b\n1,2\n"3,4\n5,6\n', ",", "f")
    with pytest.raises(DataError, match=r"^f:4: a quote opened in this row"):
        find_layout(b'a,b\n"1\n",2\n"3"x,4\n5,6\n', ",", "f")


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("date,y\n2020,1\n", ","),
        ("date;y\n2020;1,5\n", ";"),
        ("date\ty\n2020\t1,5\n", "\t"),
        ("date|y\n2020|1\n", "|"),
        ("date,y|z\n2020,1\n2021,2\n", ","),
        ('"a;b;c",y\n"1;2;3",1\n', ","),
        ('date;"y, in kg"\n2020;1\n', ";"),
        ("date;y\n2020;1;\n", ";"),
        ("y\n1\n2\n", ","),
        ("y\n1,5\n2,5\n", ","),
    ],
)
def test_the_delimiter_is_found(text: str, delimiter: str) -> None:
    """The sign that the header and the rows share wins; quoted signs and decimal commas do not count."""
    assert choose_delimiter(text.encode(), None, "f") == delimiter


def test_two_fitting_delimiters_are_not_guessed() -> None:
    """Two delimiters that split every row alike are refused as ambiguous."""
    with pytest.raises(DataError, match=r"^f:1: ',' and ';' separate the fields equally well; .*data\.delimiter"):
        choose_delimiter(b"a;b,c\n1;2,3\n", None, "f")
    assert choose_delimiter(b"a;b,c\n1;2,3\n", ";", "f") == ";"


@pytest.mark.parametrize(("given_sign", "meant"), [("\\t", "\t"), ("tab", "\t"), ("\t", "\t"), (" ", " "), (":", ":")])
def test_a_given_delimiter_is_taken(given_sign: str, meant: str) -> None:
    """Tabs may be spelled; other signs are taken as they are."""
    assert choose_delimiter(b"a,b\n", given_sign, "f") == meant


@pytest.mark.parametrize("sign", ["", ",,", "1", "x", '"', "\n", ".", "-", "¦"])
def test_a_delimiter_that_fields_may_hold_is_refused(sign: str) -> None:
    """Letters, digits, quotes, signs of numbers and more than one character are refused."""
    with pytest.raises(ConfigError, match=r"^data\.delimiter: must be one character"):
        choose_delimiter(b"a,b\n", sign, "f")


@pytest.mark.parametrize(
    ("lines", "fields"),
    [
        (["date   value", *[f"2020-01-{day:02d}  {day:5d}" for day in range(1, 9)]], 2),
        (["date value", *[f"2020-01-{day:02d} {day}.5" for day in range(1, 9)]], 2),
        (["time  value", *[f"2020-01-01 {hour:02d}:00  {hour:5d}" for hour in range(1, 9)]], 2),
        (["date time value", *[f" 2020-01-01 {hour:02d}:00 {hour}" for hour in range(1, 9)]], 3),
        (["city", *["New York"] * 8], 1),
        (["home town", *["New York"] * 8], 1),
        (["date time", *["2020-01-01 00:00"] * 8], 1),
        (["time value", *[f"2020-01-01 {hour:02d}:00 {hour}" for hour in range(1, 9)]], 1),
        (["a b,c", *["1 2,3"] * 8], 1),
    ],
)
def test_columns_aligned_by_blanks_are_separated(lines: list[str], fields: int) -> None:
    """Blanks separate the fields only where every row has those of the header, with a number at the end."""
    text = "\n".join([*lines, ""]).encode()
    joined = join_blanks(text, None).decode().splitlines()
    assert {len(line.split("\t")) for line in joined} == {fields}
    assert join_blanks(text, ",") is text
