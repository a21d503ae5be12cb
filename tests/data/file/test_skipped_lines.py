"""Lines that are no rows: skipped with a note, or refused with a setting that works."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstmcast.data.file.csv_reader import read_table
from lstmcast.data.file.skipped_lines import skip_lines
from lstmcast.data.schema import NoteCode, Table
from lstmcast.errors import ConfigError, DataError, Fault, FaultCode

DAYS = [f"2024-01-{day:02d}" for day in range(1, 21)]
ROWS = [f"{day},{k + 10}.5,{k}" for k, day in enumerate(DAYS)]


def table_of(folder: Path, lines: list[str], *skip: str, end: str = "\n") -> Table:
    """Writes lines to a file and reads it."""
    path = folder / "d.csv"
    path.write_text("\n".join(lines) + end, encoding="utf-8")
    return read_table(path, skip=skip)


def fault_of(folder: Path, lines: list[str], *skip: str) -> Fault:
    """The only fault of a file."""
    with pytest.raises(DataError) as caught:
        table_of(folder, lines, *skip)
    (fault,) = caught.value.faults
    return fault


@pytest.mark.parametrize(
    ("above", "below", "end"),
    [
        (["# made by a tool", "# kWh"], [], []),
        (["// made by a tool", "", "// kWh, and more"], [], []),
        (["; made by a tool, with a comma"], [], []),
        (["Report of May"], [], []),
        (["Report of May", ""], [], []),
        (["Report of May,,", "Source: ERP,,"], [], []),
        (["Source,ERP", "Created,2024-02-01", ""], [], []),
        (["Station,Berlin,10381", ""], [], []),
        (['"Sales, by month"', "", "Unit: EUR"], [], []),
        ([], ["YYYY-MM-DD,kWh,°C"], []),
        ([], [",[kWh],(°C)"], []),
        ([], ["-,EUR/MWh,MW"], []),
        ([], ["----------,----,----"], []),
        ([], ["----------+----+----"], ["(20 rows)"]),
        ([], ["10d,14n,14n"], []),
        ([], ["Ticker,AAPL,AAPL", "Date,,"], []),
        ([], ["Total,390.0,190"], []),
        ([], [], ["Total,390.0,190"]),
        ([], [], ["Gesamt,390.0,190", "Durchschnitt,19.5,"]),
        ([], [], ["", "Source: Destatis", "(p) preliminary, revised"]),
        ([], [], ["", '"Last updated: 2024-05-01"']),
        ([], [], ["(20 rows affected)"]),
        ([], [], ["* estimate,,"]),
        (["Report", "# note"], [], ["Total,390.0,190", "Note: none"]),
    ],
)
def test_lines_that_are_no_rows_are_skipped(tmp_path: Path, above: list[str], below: list[str], end: list[str]) -> None:
    """The rows keep their physical lines, and a note counts what was skipped."""
    table = table_of(tmp_path, [*above, "day,load,temp", *below, *ROWS, *end])
    first = len(above) + len(below) + 2
    assert list(table.text) == ["day", "load", "temp"]
    assert table.lines.tolist() == list(range(first, first + 20))
    assert NoteCode.LINES_SKIPPED in {note.code for note in table.notes}


@pytest.mark.parametrize(
    "lines",
    [
        ["day,load,temp", *ROWS],
        ["day,load,temp", "2023-12-31,ten,", *ROWS],
        ["day,load,temp", *ROWS, "2024-01-21,eleven,"],
        ["day,load,temp", *ROWS, "2024-01-21,,"],
        ["id,day,load", *[f"#{k},{day},{k}" for k, day in enumerate(DAYS)]],
        ["#,day,load", *[f"{k},{day},{k}" for k, day in enumerate(DAYS)]],
        ["name,note", *[f"{k * 'o'},good" for k in range(1, 21)], "Total,bad"],
        ["country,1990,1991,1992", *[f"{k * 'o'},{k},{k + 1},{k + 2}" for k in range(1, 21)], "Total,5,6,7"],
        ["a,b,c,d", "Total,1,2,3", *[f"{k * 'o'},{k},{k + 1},{k + 2}" for k in range(1, 21)]],
        ["day,load,temp", *ROWS[:10], "Total,5,6", *ROWS[10:]],
    ],
)
def test_rows_are_never_skipped(tmp_path: Path, lines: list[str]) -> None:
    """A faulty row is left for the parser, which refuses it with its line; a series may be named Total."""
    table = table_of(tmp_path, lines)
    assert len(table.text) == len(lines) - 1
    assert not table.notes


def test_comments_and_repeated_headers_between_rows_are_skipped(tmp_path: Path) -> None:
    """Such lines lie anywhere; a row behind `#` is a comment too."""
    inside = ["# moved", "day,load,temp", "#2024-01-11,1,2", "// end"]
    table = table_of(tmp_path, ["day,load,temp", *ROWS[:10], *inside, *ROWS[10:]])
    assert table.lines.tolist() == [*range(2, 12), *range(16, 26)]


@pytest.mark.parametrize("mark", ["#", "# ", "//"])
def test_a_commented_header_is_the_header(tmp_path: Path, mark: str) -> None:
    """The last comment names the columns if it has as many fields as the rows."""
    table = table_of(tmp_path, ["# made by a tool", f"{mark}day,load,temp", *ROWS])
    assert list(table.text) == ["day", "load", "temp"]
    assert table.lines[0] == 3


def test_a_line_names_the_delimiter(tmp_path: Path) -> None:
    """As Excel writes and reads it."""
    table = table_of(tmp_path, ["sep=;", "day;load", *[f"{day};{k},5" for k, day in enumerate(DAYS)]])
    assert list(table.text) == ["day", "load"]
    assert table.lines[0] == 3


def test_two_headers_are_refused(tmp_path: Path) -> None:
    """Each setting of the message makes another line the header."""
    lines = ["source,tool,version", "day,load,temp", *ROWS]
    fault = fault_of(tmp_path, lines)
    assert (fault.code, fault.line) == (FaultCode.LINES_UNCLEAR, 1)
    headers = [table_of(tmp_path, lines, fix.setting.removeprefix("data.skip=")).text.columns[0] for fix in fault.fixes]
    assert headers == ["day", "source"]


def test_lines_of_keys_below_a_header_are_refused(tmp_path: Path) -> None:
    """The first setting leaves out all lines between the first line and the rows."""
    lines = ["title,prices", "id,D7BT", "date,14-02-2024", "notes,", *[row.rpartition(",")[0] for row in ROWS]]
    fault = fault_of(tmp_path, lines)
    assert (fault.code, fault.fixes[0].setting) == (FaultCode.LINES_UNCLEAR, "data.skip=2-4")
    assert len(table_of(tmp_path, lines, "2-4").text) == 20


@pytest.mark.parametrize("above", [[], ["Report"]])
def test_other_lines_at_the_end_are_refused(tmp_path: Path, above: list[str]) -> None:
    """The setting leaves out all lines that are no rows, also those above the header."""
    lines = [*above, "day,load,temp", *ROWS, "growth,3,4", "Source: none"]
    fault = fault_of(tmp_path, lines)
    assert (fault.code, fault.line) == (FaultCode.LINES_UNCLEAR, len(above) + 22)
    (fix,) = fault.fixes
    assert len(table_of(tmp_path, lines, fix.setting.removeprefix("data.skip=")).text) == 20


def test_rows_of_another_width_can_be_skipped(tmp_path: Path) -> None:
    """A row cut off at the end, and one in the middle below a title that is skipped."""
    lines = ["Report", "day,load,temp", *ROWS[:9], "2024-01-10,5", *ROWS[10:], "2024-01"]
    fault = fault_of(tmp_path, lines)
    assert (fault.code, fault.line) == (FaultCode.RAGGED_ROWS, 12)
    (fix,) = fault.fixes
    assert fix.setting == "data.skip=1,12-12,23-23"
    assert len(table_of(tmp_path, lines, fix.setting.removeprefix("data.skip=")).text) == 19


@pytest.mark.parametrize(
    ("skip", "lines"),
    [
        (("2",), [4, 5, 6]),
        (("2-2", "5-5"), [3, 4, 6]),
        (("2-2,5-5",), [3, 4, 6]),
        (("last 2",), [2, 3, 4]),
        (("last2",), [2, 3, 4]),
        (("1,last1",), [3, 4, 5]),
        (("none",), [2, 3, 4, 5, 6]),
    ],
)
def test_given_lines_are_skipped(tmp_path: Path, skip: tuple[str, ...], lines: list[int]) -> None:
    """Numbers are physical; `last` counts lines that are not blank."""
    assert table_of(tmp_path, ["a,b", "c,d", "e,f", "3,4", "5,6", "7,8", "", ""], *skip).lines.tolist() == lines


@pytest.mark.parametrize("skip", ["-1", "first", "3-", "last", "2.5"])
def test_other_forms_are_refused(skip: str) -> None:
    """The message names the forms."""
    with pytest.raises(ConfigError):
        skip_lines(b"a,b\n1,2\n", [skip], None, "d.csv")


def test_a_missing_newline_at_the_end_is_noted(tmp_path: Path) -> None:
    """The file may be cut off; a file of one line has no other lines to differ from."""
    lines = ["day,load,temp", *ROWS]
    assert NoteCode.NO_FINAL_NEWLINE in {note.code for note in table_of(tmp_path, lines, end="").notes}
    assert table_of(tmp_path, lines).notes == ()


def test_a_few_wide_rows_show_what_a_row_is(tmp_path: Path) -> None:
    """As in exports of the World Bank: two rows of many fields, blank ones and notes."""
    names = ",".join(["Country", *map(str, range(1990, 2010))])
    rows = [",".join([name, *["1.5"] * 20]) for name in ("Germany", "France")]
    blank = "," * 20
    lines = ["Population", "", names, *rows, blank, blank, "Data from database: WDI" + blank, "Last Updated: 2024"]
    assert table_of(tmp_path, lines).lines.tolist() == [4, 5]


NAMES = st.lists(st.from_regex(r"[A-Za-z][A-Za-z0-9_ ]{0,8}", fullmatch=True), min_size=2, max_size=5, unique=True)
NUMBERS = st.floats(-1e6, 1e6).map(lambda value: f"{value:.2f}") | st.sampled_from(["", "NA", "0", "-9999"])


@settings(deadline=None)
@given(names=NAMES, ids=st.booleans(), sign=st.sampled_from(",;\t|"), data=st.data())
def test_plain_files_are_left_alone(names: list[str], ids: bool, sign: str, data: st.DataObject) -> None:
    """Times, ids and numbers below a header: no line is skipped."""
    rows = data.draw(st.lists(st.tuples(*[NUMBERS] * (len(names) - 1)), min_size=1, max_size=60))
    labels = ["north", "south, east"[: 11 if sign != "," else 5], "", "Total"]
    text = sign.join([*["place"] * ids, *names]) + "\n"
    for k, row in enumerate(rows):
        text += sign.join([*[labels[k % 4]] * ids, f"{2000 + k}-01-01", *row]) + "\n"
    assert skip_lines(text.encode(), (), None, "d.csv").text == text.encode()


def test_a_row_of_another_id_at_the_end_is_data(tmp_path: Path) -> None:
    """An id without a digit, after ids with digits: the time and the number make it a row."""
    rows = [f"a{k},2024-01-{day:02d},{day + 0.5}" for k in range(3) for day in range(1, 29)]
    (tmp_path / "f.csv").write_text("\n".join(["item,day,y", *rows, "new,2024-01-28,7"]) + "\n")
    assert len(read_table(tmp_path / "f.csv").text) == len(rows) + 1
