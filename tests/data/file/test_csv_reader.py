"""Files → tables of text: shapes of rows, headers, decimal signs."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lstmcast.data.file.csv_reader import read_table
from lstmcast.data.schema import DataNote, NoteCode, Table
from lstmcast.errors import DataError, LstmcastError


def table_of(folder: Path, text: str | bytes, name: str = "d.csv", **options: str) -> Table:
    """Writes the text to a file and reads it."""
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_table(path, **options)


def fields(table: Table) -> list[list[str]]:
    """The header and all rows."""
    return [list(table.text.columns), *table.text.to_numpy(dtype=object).tolist()]


def refused(folder: Path, text: str | bytes, **options: str) -> str:
    """The message of the refusal, with the folder taken off."""
    with pytest.raises(DataError) as caught:
        table_of(folder, text, **options)
    return str(caught.value).replace(f"{folder}/", "")


def test_a_plain_file_is_read_as_text(tmp_path: Path) -> None:
    """Every field stays as written: ids with zeros, `NA`, blanks; lines count from the header's 1."""
    table = table_of(tmp_path, "id,ds,y\n001,2020-01-01,1.50\nNA,2020-01-02,\n 7 ,null,1e3\n")
    assert fields(table) == [
        ["id", "ds", "y"],
        ["001", "2020-01-01", "1.50"],
        ["NA", "2020-01-02", ""],
        [" 7 ", "null", "1e3"],
    ]
    assert table.lines.tolist() == [2, 3, 4]
    assert (table.source, table.decimal, table.notes) == (str(tmp_path / "d.csv"), ".", ())


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_blank_lines_are_skipped_and_still_counted(tmp_path: Path, newline: str) -> None:
    """Blank lines before the header, between rows and at the end hold no row."""
    text = newline.join(["", "ds,y", "", "2020,1", "  ", "2021,2", "", ""])
    table = table_of(tmp_path, text)
    assert fields(table) == [["ds", "y"], ["2020", "1"], ["2021", "2"]]
    assert table.lines.tolist() == [4, 6]


def test_quoted_newlines_keep_physical_lines(tmp_path: Path) -> None:
    """A row after a field of three lines lies three lines further."""
    table = table_of(tmp_path, 'ds,note,y\n2020,"a\nb,\n""c""",1\n2021,x,2\n')
    assert table.text["note"].tolist() == ['a\nb,\n"c"', "x"]
    assert table.lines.tolist() == [2, 5]


def test_quotes_inside_plain_fields_are_plain(tmp_path: Path) -> None:
    """A quote in the middle of an unquoted field is a sign like any other."""
    assert table_of(tmp_path, 'size,y\n5" pipe,1\n6" pipe,2\n').text["size"].tolist() == ['5" pipe', '6" pipe']


def test_an_unclosed_quote_is_refused(tmp_path: Path) -> None:
    """The message names the opening line."""
    assert refused(tmp_path, 'ds,y\n2020,1\n"2021,2\n2022,3\n').startswith("d.csv:3: a quote opened in this row")


WILD = st.text(alphabet=st.characters(blacklist_characters="\0\r", blacklist_categories=("Cs",)), max_size=5)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rows=st.lists(st.tuples(WILD, WILD, WILD), min_size=1, max_size=6), sign=st.sampled_from(",;\t|"))
def test_any_table_comes_back_field_by_field(tmp_path: Path, rows: list[tuple[str, ...]], sign: str) -> None:
    """Text written by the csv module is read back exactly, including delimiters and quotes in fields."""
    out = io.StringIO()
    csv.writer(out, delimiter=sign, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([("a", "b", "c"), *rows])
    table = table_of(tmp_path, out.getvalue(), delimiter=sign)
    assert fields(table)[1:] == [list(row) for row in rows]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.binary(max_size=80) | st.text(alphabet='a1,;"\n\r -.:', max_size=80).map(str.encode))
def test_wild_bytes_are_read_whole_or_refused(tmp_path: Path, data: bytes) -> None:
    """No bytes lead to anything but a table with a line for every row, or an expected failure."""
    try:
        table = table_of(tmp_path, data)
    except LstmcastError:
        return
    assert len(table.text) == len(table.lines) > 0
    assert all(isinstance(field, str) for row in fields(table) for field in row)


@pytest.mark.parametrize(
    ("sign", "note"), [(";", "delimiter ';'"), ("\t", "delimiter '\\t' (tab)"), ("|", "delimiter '|'")]
)
def test_other_delimiters_are_said(tmp_path: Path, sign: str, note: str) -> None:
    """A delimiter other than the comma is inferred and noted."""
    table = table_of(tmp_path, f"ds{sign}y\n2020{sign}1\n")
    assert fields(table) == [["ds", "y"], ["2020", "1"]]
    assert table.notes == (DataNote(NoteCode.DELIMITER, note),)


def test_short_and_long_rows_are_listed(tmp_path: Path) -> None:
    """The first five lines with their widths and the count of all; no row is padded."""
    rows = ["2020,1"] * 3 + ["2021"] * 2 + ["2022,1,2"] * 6
    assert refused(tmp_path, "\n".join(["ds,y", *rows])) == (
        "d.csv:5: every row must have 2 fields like the header; 8 rows do not: line 5 has 1, line 6 has 1, "
        "line 7 has 3, line 8 has 3, line 9 has 3 and 3 more; correct or delete those rows"
    )
    assert "1 row does not: line 2 has 1;" in refused(tmp_path, "ds,y\n2020\n2021,3\n")


def test_an_unquoted_decimal_comma_is_explained(tmp_path: Path) -> None:
    """Rows that are too long by a comma, all or some of them, get the hint."""
    for rows in ("2020,1,5\n2021,2,5\n", "2020,1,5\n2021,2\n"):
        message = refused(tmp_path, f"ds,y\n{rows}")
        assert message.startswith("d.csv:2: ")
        assert "if 1,5 means 1.5, quote it" in message


@pytest.mark.parametrize(
    "text",
    [
        "ds,y,\n2020,1,\n2021,2,\n",
        "ds,y\n2020,1,\n2021,2,\n",
        "ds,y,\n2020,1\n2021,2\n",
        "ds,y,,\n2020,1,,\n2021,2,,\n",
    ],
)
def test_delimiters_at_line_ends_shift_nothing(tmp_path: Path, text: str) -> None:
    """Trailing delimiters of the header, the rows or both are ignored and noted."""
    table = table_of(tmp_path, text)
    assert fields(table) == [["ds", "y"], ["2020", "1"], ["2021", "2"]]
    assert [note.code for note in table.notes] == [NoteCode.TRAILING_DELIMITERS]


def test_values_beyond_the_last_name_are_refused(tmp_path: Path) -> None:
    """A column without a name that holds values is no trailing delimiter."""
    message = refused(tmp_path, "ds,y,\n2020,1,\n2021,2,3\n2022,2,4\n")
    assert message.startswith("d.csv:3: 3 fields, but the header on line 1 names 2 columns (lines 3, 4)")


@pytest.mark.parametrize("text", ["2020-01-01,112\n2020-02-01,118\n", "1,2\n3,4\n", "112\n118\n", "1949-01\n1949-02\n"])
def test_a_missing_header_is_noticed(tmp_path: Path, text: str) -> None:
    """A first line of nothing but numbers and times is no header."""
    message = refused(tmp_path, text)
    assert message.startswith("d.csv:1: no header: the first line holds values (")
    assert "; use -s data.header=none to " in message


def test_doubled_and_blank_names_are_refused_together(tmp_path: Path) -> None:
    """All faults of the header are reported together; names are compared without surrounding blanks."""
    assert refused(tmp_path, "ds,y, y,,z\n2020,1,2,3,4\n").split("\n") == [
        "d.csv:1: column 4 has no name; give it one",
        "d.csv:1: 2 columns are named 'y'; names must differ",
    ]


@pytest.mark.parametrize("text", [",,\n1,2,3\n", '""\n', '" "\n1\n'])
def test_a_header_of_blanks_is_refused(tmp_path: Path, text: str) -> None:
    """Delimiters or empty quotes alone name nothing."""
    assert refused(tmp_path, text).startswith("d.csv:1: the header names no column")


def test_many_faults_of_a_header_are_counted(tmp_path: Path) -> None:
    """The first five are shown, the rest is a number."""
    message = refused(tmp_path, "," * 8 + "y\n" + "1," * 8 + "2\n")
    assert message.count("has no name") == 5
    assert message.endswith("3 more column names are blank or doubled")


def test_doubled_values_in_the_first_line_are_no_header(tmp_path: Path) -> None:
    """Two equal numbers show that a name is missing rather than doubled."""
    assert "no header" in refused(tmp_path, "H1,5.5,5.5,7\nH2,1,2,3\n")


@pytest.mark.parametrize(
    ("text", "rule"), [("ds,y\n", "only a header"), ("\n \n", "the file is empty"), ("ds,y", "only a header")]
)
def test_a_file_without_rows_is_refused(tmp_path: Path, text: str, rule: str) -> None:
    """A header alone, or blank lines alone, are no data."""
    assert rule in refused(tmp_path, text)


def test_a_file_of_one_column_is_a_table(tmp_path: Path) -> None:
    """Values one a line need no delimiter; quoted empty fields are rows, blank lines are not."""
    table = table_of(tmp_path, 'y\n1\n""\n\n3\n')
    assert table.text["y"].tolist() == ["1", "", "3"]
    assert table.lines.tolist() == [2, 3, 5]


def test_a_packed_file_in_another_encoding(tmp_path: Path) -> None:
    """Suffix, encoding and delimiter work together, and names keep their letters."""
    table = table_of(tmp_path, gzip.compress("Größe;y\nä;1\n".encode("latin-1")), "d.csv.gz", encoding="latin-1")
    assert fields(table) == [["Größe", "y"], ["ä", "1"]]


def test_parquet_is_read_like_its_csv(tmp_path: Path) -> None:
    """Times, exact floats and text ids come as text; lines count rows."""
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame(
        {"ds": pd.date_range("2020", periods=3), "id": ["001", "NA", 'a"b,c'], "y": [0.1, None, 1e300]}
    )
    frame.to_parquet(tmp_path / "d.parquet")
    table = read_table(tmp_path / "d.parquet")
    assert table.text["id"].tolist() == ["001", "NA", 'a"b,c']
    assert [float(field or "nan") for field in table.text["y"]] == pytest.approx(
        [0.1, float("nan"), 1e300], nan_ok=True, rel=0
    )
    assert table.text["ds"].str.startswith("2020-01-0").all()
    assert table.lines.tolist() == [1, 2, 3]
    assert [note.code for note in table.notes] == [NoteCode.PARQUET_ROWS]


def test_a_long_file_keeps_lines_and_rows_in_step(tmp_path: Path) -> None:
    """Across the pieces in which pandas reads, the row of every line is the one that was written there."""
    rows = [f'{k},"x{k}"' if k % 3 else f"\n{k},x{k}" for k in range(300_000)]
    text = "\n".join(["n,name", *rows])
    table = table_of(tmp_path, text)
    written = text.split("\n")
    for k in (0, 1, 99_999, 262_144, 299_999):
        assert table.text["name"].iloc[k] == f"x{k}"
        assert written[table.lines[k] - 1].startswith(f"{k},")


@pytest.mark.parametrize("start", [0, 1])
def test_an_index_that_only_counts_rows_is_left_out(tmp_path: Path, start: int) -> None:
    """The unnamed index column of pandas or R is ignored and noted."""
    frame = pd.DataFrame({"ds": ["2020", "2021", "2022"], "y": [5, 6, 7]})
    frame.index += start
    table = table_of(tmp_path, frame.to_csv())
    assert fields(table) == [["ds", "y"], ["2020", "5"], ["2021", "6"], ["2022", "7"]]
    assert table.lines.tolist() == [2, 3, 4]
    assert [note.code for note in table.notes] == [NoteCode.ROW_INDEX]


@pytest.mark.parametrize(("index", "example"), [(["a", "b"], "id"), (["0", "2"], "id")])
def test_another_column_without_a_name_is_refused(tmp_path: Path, index: list[str], example: str) -> None:
    """Names or numbers with holes are no row counter: they need a name, and one that fits is proposed."""
    message = refused(tmp_path, pd.DataFrame({"y": [5, 6]}, index=index).to_csv())
    assert message.startswith(f"d.csv:1: column 1 has no name; write one, such as '{example}'")


def test_times_without_a_name_are_the_time(tmp_path: Path) -> None:
    """The index of a DataFrame may have no name."""
    table = table_of(tmp_path, pd.DataFrame({"y": [5, 6]}, index=["2020-01-01", "2020-01-02"]).to_csv())
    assert list(table.text.columns) == ["time", "y"]
    assert sum(note.code is NoteCode.ROW_INDEX for note in table.notes) == 1


@pytest.mark.parametrize("first", ["A,2020-01-01,5", "A,Jan 2020,5", "5,x,01.01.2020"])
def test_a_time_above_times_is_no_name(tmp_path: Path, first: str) -> None:
    """Without a header the first row would be lost as names: a time above a column of times gives it away."""
    text = "\n".join(first.replace("20", f"{20 + k}") for k in range(3)).replace("2021", "2020")
    message = refused(tmp_path, text)
    assert message.startswith("d.csv:1: no header: '")
    assert "is a time like those below it; add a first line of column names" in message


def test_times_as_names_of_other_columns_are_names(tmp_path: Path) -> None:
    """A table on its side, or years as columns, has a header."""
    table = table_of(tmp_path, "id,2020-01,2020-02\na,1,2\nb,3,4\n")
    assert list(table.text.columns) == ["id", "2020-01", "2020-02"]
    assert list(table_of(tmp_path, "ds,2020\n2019,1\n2020,2\n").text.columns) == ["ds", "2020"]


def test_a_title_above_the_header_gets_its_own_advice(tmp_path: Path) -> None:
    """A first line of one field above rows of several is likely a title."""
    message = refused(tmp_path, "Report of May\nds,y\n2020,1\n2021,2\n")
    assert message.startswith("d.csv:2: 2 fields, but the header on line 1 names 1 column (lines 2, 3, 4)")
    assert "if line 1 is a title or a remark, delete it" in message


def test_blank_lines_amid_a_single_column_are_counted(tmp_path: Path) -> None:
    """A blank line in a one-column file may be a missing value and is noted; elsewhere it is ignored."""
    table = table_of(tmp_path, "y\n1\n\n2\n\n\n3\n\n")
    assert fields(table) == [["y"], ["1"], ["2"], ["3"]]
    assert table.lines.tolist() == [2, 4, 7]
    assert [(note.code, note.text[:13]) for note in table.notes] == [(NoteCode.BLANK_LINES, "3 blank lines")]
    assert table_of(tmp_path, "y\n1\n2\n\n").notes == ()
    assert table_of(tmp_path, "ds,y\n2020,1\n\n2021,2\n").notes == ()


def test_an_extremely_long_name_is_refused(tmp_path: Path) -> None:
    """A header field longer than the csv module takes is a fault of the file."""
    assert refused(tmp_path, f"ds,{'y' * 200_000}\n2020,1\n").startswith(
        "d.csv:1: the header cannot be read (field larger"
    )


def test_row_names_of_r_are_left_out(tmp_path: Path) -> None:
    """A header with one name less than the fields of rows that begin with their number."""
    table = table_of(tmp_path, '"ds","y"\n"1","2020",5\n"2","2021",6\n')
    assert fields(table) == [["ds", "y"], ["2020", "5"], ["2021", "6"]]
    assert [note.code for note in table.notes] == [NoteCode.ROW_INDEX]


def test_an_empty_column_without_a_name_is_left_out(tmp_path: Path) -> None:
    """As InfluxDB writes annotated CSV."""
    assert fields(table_of(tmp_path, ",ds,y\n,2020,5\n,2021,6\n"))[0] == ["ds", "y"]


def test_columns_aligned_by_blanks_are_read(tmp_path: Path) -> None:
    """Lines stay physical, and a note names the layout."""
    table = table_of(tmp_path, "\n".join(["# a tool", "ds     y", *[f"{2000 + k}  {k:4d}" for k in range(9)], ""]))
    assert fields(table)[:2] == [["ds", "y"], ["2000", "0"]]
    assert table.lines[0] == 3
    assert {note.code for note in table.notes} == {NoteCode.ALIGNED, NoteCode.LINES_SKIPPED}
