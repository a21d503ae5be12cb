"""Two files of forecasts, compared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lstmcast.cli import main
from lstmcast.errors import DataError
from lstmcast.jobs.file_diff import difference_of_files, format_file_diff

FIRST = "day,forecast,lower_80,upper_80\n2024-01-01,100,90,110\n2024-01-02,200,190,210\n2024-01-03,300,290,310\n"
SECOND = "day,forecast,lower_80,upper_80\n2024-01-02,190,180,200\n2024-01-03,320,310,330\n"


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    """Two files, of which the second has a step less."""
    paths = tmp_path / "a.csv", tmp_path / "b.csv"
    for path, text in zip(paths, (FIRST, SECOND), strict=True):
        path.write_text(text)
    return str(paths[0]), str(paths[1])


def test_common_steps(files: tuple[str, str]) -> None:
    """Changes at the steps that both have, and the number of others."""
    found = difference_of_files(*files)
    assert found.change.tolist() == [-10.0, 20.0]
    assert found.unmatched == (1, 0)
    assert "2 steps in common, 15 mean absolute difference, 6.0% of the forecast" in format_file_diff(found)


def test_columns_of_series_are_joined(tmp_path: Path) -> None:
    """Steps of a series are compared with those of the same series."""
    for name, numbers in (("a.csv", (1, 2)), ("b.csv", (5, 4))):
        rows = [f"{shop},2024-01-01,{value}" for shop, value in zip("xy", numbers, strict=True)]
        rows = rows if name == "a.csv" else rows[::-1]
        (tmp_path / name).write_text("\n".join(["shop,day,forecast", *rows]) + "\n")
    found = difference_of_files(str(tmp_path / "a.csv"), str(tmp_path / "b.csv"))
    assert dict(zip(found.index["shop"], found.change, strict=True)) == {"y": 2.0, "x": 4.0}


@pytest.mark.parametrize(
    "text",
    [
        "day,value\n2024-01-01,1\n",
        "time,forecast\n2024-01-01,1\n",
        "day,forecast\n2025-01-01,1\n",
        "day,forecast\n2024-01-01,1\n2024-01-01,2\n",
        "day,forecast\n2024-01-01,a\n",
    ],
)
def test_other_files_are_refused(files: tuple[str, str], text: str) -> None:
    """No forecast, other columns, other steps, a step twice, or no numbers."""
    Path(files[1]).write_text(text)
    with pytest.raises(DataError):
        difference_of_files(*files)


def test_command(files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """The table on stderr, and all numbers as JSON."""
    assert main(["diff", *files, "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["steps"][0] == {"day": "2024-01-02", "before": 200.0, "after": 190.0, "change": -10.0}
    assert "2024-01-03" in err


@pytest.mark.parametrize("flags", [["--against", "2024-01-01T00:00Z"], ["--model", "x"], ["c.csv"]])
def test_flags_of_the_ledger_are_refused(files: tuple[str, str], flags: list[str]) -> None:
    """Files need no ledger."""
    assert main(["diff", *files, *flags]) == 2
