"""Every setting that an error names is followed as printed: it leads to a forecast, or to the state declared here."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from lstmcast.app import check
from lstmcast.cli import main
from lstmcast.config import load_config
from lstmcast.errors import DataError, Fault, FaultCode, Fix

RNG = np.random.default_rng(5)


MONTH_NAMES = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


def days(n: int, first: str = "2024-01-01") -> list[str]:
    """Consecutive days."""
    return (np.datetime64(first) + np.arange(n)).astype(str).tolist()


def months(n: int) -> list[str]:
    """Consecutive months from January 2015."""
    return (np.datetime64("2015-01") + np.arange(n)).astype(str).tolist()


def lines(header: str, *rows: object) -> str:
    """The text of a file."""
    return "\n".join([header, *map(str, rows)]) + "\n"


def wave(k: int) -> float:
    """A value with a season of seven steps."""
    return round(100 + 20 * float(np.sin(2 * np.pi * k / 7)) + k % 3, 1)


@dataclass(frozen=True)
class Refused:
    """A file that is refused.

    Attributes:
        code: of its fault.
        text: of the file.
        states: codes of the faults to which settings lead, by their start; all others lead to a forecast.
        encoding: of the file.
        covariates: a setting that names some.
        task: of the model; no model forecasts tasks other than `value` without training.
    """

    code: FaultCode
    text: str
    states: Mapping[str, FaultCode] = field(default_factory=dict)
    covariates: str = ""
    task: str = "value"
    encoding: str = "utf-8"


OF_JOBS = {FaultCode.NO_JOBS, FaultCode.NO_LIVE_SCORES, FaultCode.OTHER_TASK, FaultCode.UNKNOWN_FORMAT}
OF_PANELS = {FaultCode.FEW_VALUES, FaultCode.MANY_STEPS, FaultCode.SUM_OVERFLOWS, FaultCode.ANY_GAP}
OF_PANELS |= {FaultCode.FINE_FREQUENCY}
OF_CONFIGS = {
    *(FaultCode.UNKNOWN_KEY, FaultCode.OTHER_TASKS_KEY, FaultCode.MISSING_KEY, FaultCode.REPEATED_KEY),
    *(FaultCode.BAD_VALUE, FaultCode.NOT_YAML, FaultCode.NO_SECTIONS, FaultCode.UNKNOWN_CONFIG),
}
OF_FILES = {
    *(FaultCode.DISK_FULL, FaultCode.TOO_LARGE, FaultCode.NO_PERMISSION, FaultCode.READ_ONLY, FaultCode.CLOSED),
    *(FaultCode.NO_FOLDER, FaultCode.PART_IS_FILE, FaultCode.NAME_TAKEN, FaultCode.IS_FOLDER, FaultCode.LINK_CIRCLE),
    *(FaultCode.NAME_TOO_LONG, FaultCode.NO_LOCKS, FaultCode.FILE_SYSTEM, FaultCode.LOCKED),
}
OF_MODELS = {
    *(FaultCode.BAD_NAME, FaultCode.NO_MODEL, FaultCode.SEVERAL_MODELS, FaultCode.UNKNOWN_MODEL, FaultCode.NO_VERSION),
    *(FaultCode.NO_LEDGER, FaultCode.OTHER_SCHEMA, FaultCode.DAMAGED, FaultCode.MISSING_FILE, FaultCode.FOREIGN_FILE),
    *(FaultCode.NOT_REGULAR, FaultCode.WRONG_SIZE, FaultCode.WRONG_CHECKSUM, FaultCode.WRONG_TENSORS),
    *(FaultCode.NOT_JSON, FaultCode.NOT_TENSORS),
}
OF_HOLIDAYS = {
    *(FaultCode.NO_DATES, FaultCode.NO_HOLIDAYS, FaultCode.UNKNOWN_REGION, FaultCode.UNKNOWN_CATEGORY),
    *(FaultCode.EVENT_COLUMNS, FaultCode.BAD_EVENT),
}  # see tests/data/drivers
WITHOUT_SETTINGS = {FaultCode.OTHER, FaultCode.SERIES_ENDED, FaultCode.COVARIATE_AHEAD}
WITHOUT_SETTINGS |= OF_JOBS | OF_PANELS | OF_CONFIGS | OF_FILES | OF_MODELS | OF_HOLIDAYS
"""Codes of faults without settings, and of a warning."""

CORPUS = {
    "words among numbers": Refused(
        FaultCode.NOT_A_NUMBER,
        lines("day,y", *(f"{day},{'closed' if k % 23 == 4 else wave(k)}" for k, day in enumerate(days(60)))),
    ),
    "thousands in quotes": Refused(
        FaultCode.NOT_A_NUMBER,
        lines("month,y", *(f'{month},"{k + 10},{500 + k}"' for k, month in enumerate(months(60)))),
    ),
    "points that may group": Refused(
        FaultCode.DECIMAL_UNCLEAR,
        lines("month;y", *(f"{month};{k + 10}.{500 + k}" for k, month in enumerate(months(60)))),
    ),
    "a sentinel": Refused(
        FaultCode.MARK_UNCLEAR,
        lines("day,y", *(f"{day},{-9999 if k % 13 == 5 else wave(k)}" for k, day in enumerate(days(90)))),
    ),
    "numbers of days": Refused(
        FaultCode.AMBIGUOUS_TIMES, lines("Date,y", *(f"{15000 + k},{wave(k)}" for k in range(60)))
    ),
    "days or months first": Refused(
        FaultCode.AMBIGUOUS_TIMES, lines("day,y", *(f"01/{k:02d}/2024,{wave(k)}" for k in range(1, 13)))
    ),
    "seasons of a year": Refused(
        FaultCode.UNREAD_TIME,
        lines(
            "season,y",
            *(f"{('spring', 'summer', 'autumn', 'winter')[k % 4]} {2010 + k // 4},{wave(k)}" for k in range(40)),
        ),
    ),
    "blocks of years, quarters and months": Refused(
        FaultCode.TIME_BLOCKS,
        lines(
            "a title",
            "Title,y",
            *(f"{year},{wave(year)}" for year in range(1995, 2025)),
            *(f"{year} Q{k},{wave(4 * year + k)}" for year in range(1995, 2025) for k in range(1, 5)),
            *(f"{year} {name},{wave(k)}" for year in range(1995, 2025) for k, name in enumerate(MONTH_NAMES)),
        ),
    ),
    "order lines": Refused(
        FaultCode.REPEATED_ROWS,
        lines("order_id,date,product,qty", *(f"{k},{days(90)[k // 4]},{'abc'[k % 3]},{1 + k % 5}" for k in range(360))),
    ),
    "short series without a name": Refused(
        FaultCode.REPEATED_ROWS, lines("k,month,y", *(f"{k},{month},5" for k in "abcd" for month in months(3)))
    ),
    "rows written twice": Refused(
        FaultCode.REPEATED_ROWS, lines("day,y", *(f"{day},{wave(k)}" for k, day in enumerate(days(60)) for _ in "12"))
    ),
    "values without names": Refused(
        FaultCode.NO_HEADER, lines(*(f"{day},{wave(k)}" for k, day in enumerate(days(60))))
    ),
    "two numbers": Refused(
        FaultCode.UNCLEAR_TARGET,
        lines("day,Net (EUR),2nd", *(f"{day},{wave(k)},{wave(k + 3)}" for k, day in enumerate(days(60)))),
    ),
    "events": Refused(
        FaultCode.NO_NUMBERS,
        lines("at,state", *(f"{days(60)[k // 5]} {3 * (k % 5) + 8:02d}:{k % 60:02d},open" for k in range(300))),
    ),
    "two headers": Refused(
        FaultCode.LINES_UNCLEAR,
        lines(
            "day,first,second",
            "time,north,south",
            *(f"{day},{wave(k)},{wave(k + 2)}" for k, day in enumerate(days(60))),
        ),
        {"data.skip": FaultCode.UNCLEAR_TARGET},
    ),
    "a row with one field more": Refused(
        FaultCode.RAGGED_ROWS,
        lines("day,y", *(f"{day},{wave(k)}{',9' if k == 30 else ''}" for k, day in enumerate(days(60)))),
    ),
    "two delimiters": Refused(
        FaultCode.DELIMITER_UNCLEAR,
        lines("day;a|y", *(f"{day};{k % 5}|{k % 7}" for k, day in enumerate(days(60)))),
        {'data.delimiter="|"': FaultCode.UNREAD_TIME, 'data.delimiter=";"': FaultCode.NOT_A_NUMBER},
    ),
    "an hour that occurs twice": Refused(
        FaultCode.REPEATED_ROWS,
        lines("time,y", *(f"2024-10-{26 + k // 24} {k % 24:02d}:00,{wave(k)}" for k in sorted([*range(72), 26]))),
    ),
    "an hour that is skipped": Refused(
        FaultCode.SKIPPED_HOUR,
        lines("time,y", *(f"2024-03-{9 + k // 24:02d} {k % 24:02d}:00,{wave(k)}" for k in range(72) if k != 26)),
    ),
    "weekdays of a week": Refused(
        FaultCode.TIME_PARTS,
        lines("week,weekday,y", *(f"{days(70)[k // 7 * 7]},{k % 7},{wave(k)}" for k in range(70))),
    ),
    "two times": Refused(FaultCode.FEW_TIMES, lines("day,y", "2024-01-01,5", "2024-01-02,6")),
    "labels in one of two columns": Refused(
        FaultCode.UNCLEAR_LABEL,
        lines("id,x,kind,group", *(f"{k // 9},{wave(k)},{'ab'[k // 9 % 2]},{'cd'[k // 18 % 2]}" for k in range(90))),
        task="label",
    ),
    "two columns of symbols": Refused(
        FaultCode.UNCLEAR_TARGET,
        lines("day,sky,wind", *(f"{day},{'abc'[k % 3]},{'xyz'[k % 3]}" for k, day in enumerate(days(60)))),
        task="category",
    ),
    "days, then weeks": Refused(
        FaultCode.FREQUENCY_CHANGE,
        lines("day,y", *(f"{day},{wave(k)}" for k, day in enumerate([*days(90), *days(300, "2024-03-31")[6::7]]))),
    ),
    "orders at any minute": Refused(
        FaultCode.IRREGULAR_TIMES,
        lines("at,y", *(f"{day} {8 + k % 7:02d}:{7 * k % 60:02d},{wave(k)}" for k, day in enumerate(days(90)))),
    ),
    "a month is missing": Refused(
        FaultCode.LONG_GAP,
        lines("day,y", *(f"{day},{wave(k)}" for k, day in enumerate(days(120)) if not 40 <= k < 75)),
    ),
    "every third day is missing": Refused(
        FaultCode.MANY_GAPS,
        lines("day,y", *(f"{day},{wave(k)}" for k, day in enumerate(days(200)) if RNG.random() < 0.7)),
    ),
    "quarters like months": Refused(
        FaultCode.QUARTERS_AS_MONTHS,
        lines("period,y", *(f"{2010 + k // 4}-{k % 4 + 1:02d},{wave(k)}" for k in range(40))),
    ),
    "months in place of days": Refused(
        FaultCode.DAYS_AS_MONTHS,
        lines("date,y", *(f"{2012 + k // 12}-01-{k % 12 + 1:02d},{wave(k)}" for k in range(96))),
    ),
    "a shop in Berlin, in UTC": Refused(
        FaultCode.MOVING_SESSIONS,
        lines(
            "at,y",
            *(
                f"{day}T{hour - 1 - (day > '2024-03-30'):02d}:00Z,{wave(hour)}"
                for day in days(120)
                for hour in range(8, 20)
            ),
        ),
    ),
    "split years": Refused(
        FaultCode.SPLIT_YEARS, lines("season,y", *(f"{2001 + k}-{k + 2:02d},{wave(k)}" for k in range(11)))
    ),
    "hours through a clock change": Refused(
        FaultCode.SKIPPED_HOUR,
        lines(
            "at,y",
            *(
                f"{day} {hour:02d}:00,{wave(hour)}"
                for day in days(30, "2024-03-20")
                for hour in range(24)
                if (day, hour) != ("2024-03-31", 2)
            ),
        ),
    ),
    "office hours of two weeks": Refused(
        FaultCode.LONG_GAP,
        lines(
            "at,y",
            *(f"{day} {hour:02d}:00,{wave(hour)}" for day in [*days(12)[:5], *days(12)[7:]] for hour in range(9, 17)),
        ),
    ),
    "numbered columns": Refused(
        FaultCode.LAYOUT_UNCLEAR,
        lines(
            ",".join(["item", *(f"x{k}" for k in range(1, 41))]),
            *(",".join([item, *(str(wave(k)) for k in range(40))]) for item in "abc"),
        ),
    ),
    "a covariate with gaps": Refused(
        FaultCode.COVARIATE_MISSING,
        lines("day,y,heat", *(f"{day},{wave(k)},{'' if k < 9 else k}" for k, day in enumerate(days(60)))),
        covariates="covariates.known=heat",
    ),
    "names of people": Refused(
        FaultCode.MANY_CATEGORIES,
        lines(
            "day,y,who,heat",
            *(f"{day},{wave(k) if k < 60 else ''},name {k},{k}" for k, day in enumerate(days(74))),
        ),
        covariates="covariates.known=[who, heat]",
    ),
    "a static column that changes": Refused(
        FaultCode.NOT_STATIC,
        lines("day,y,area", *(f"{day},{wave(k)},{k // 30}" for k, day in enumerate(days(60)))),
        covariates="covariates.static=area",
    ),
    **{
        f"text in {encoding}": Refused(
            FaultCode.NOT_UTF8,
            lines("day,town,y", *(f"{day},{town},{wave(k)}" for town in towns for k, day in enumerate(days(30)))),
            encoding=encoding,
        )
        for encoding, towns in {
            "cp1252": ("Süd", "Nord"),
            "cp1250": ("Łódź", "Gdańsk"),
            "cp1251": ("Москва", "Казань"),
            "cp932": ("東京", "大阪"),
            "gb18030": ("北京", "上海"),
            "utf-16-le": ("north", "south"),
            "utf-16-be": ("Süd", "Nord"),
        }.items()
    },
}


def faults_of(path: Path, task: str, *settings: str) -> tuple[Fault, ...]:
    """The faults of a file that is read with settings."""
    with pytest.raises(DataError) as caught:
        check(
            str(path), load_config(None, dict(setting.split("=", 1) for setting in (f"model.task={task}", *settings)))
        )
    return caught.value.faults


def commands(task: str) -> list[list[str]]:
    """The commands that read a file without a model, the first of which is quiet."""
    if task != "value":
        return [["check", "data.csv", "-s", f"model.task={task}"]]
    no_model = ["data.csv", "--model-dir", "none"]
    return [
        ["predict", *no_model, "--quiet"],
        ["check", "data.csv"],
        ["plot", *no_model, "-o", "figure.svg"],
        ["explain", *no_model, "--json"],
    ]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_fault_has_an_example() -> None:
    """A new code must be added to the corpus."""
    assert {refused.code for refused in CORPUS.values()} | WITHOUT_SETTINGS | {FaultCode.NO_SHEET} == set(FaultCode)


@pytest.mark.parametrize("name", CORPUS)
def test_each_setting_works_as_printed(name: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Typed after `-s`, it leads to a forecast, or to a fault of the declared code."""
    refused, path = CORPUS[name], here / "data.csv"
    path.write_text(refused.text, encoding=refused.encoding)
    pinned = [refused.covariates] if refused.covariates else []
    given = [part for setting in pinned for part in ("-s", setting)]
    faults = faults_of(path, refused.task, *pinned)
    assert refused.code in {fault.code for fault in faults}
    fixes = [fix for fault in faults if fault.code is refused.code for fix in fault.fixes]
    assert fixes
    assert main([*commands(refused.task)[0], *given]) == 4
    printed = capsys.readouterr().err
    for fix in fixes:
        assert str(fix) in printed
        flags = shlex.split(str(fix))[:2]
        assert flags == ["-s", fix.setting]
        expected = {code for start, code in refused.states.items() if fix.setting.startswith(start)}
        if expected:
            assert {fault.code for fault in faults_of(path, refused.task, *pinned, fix.setting)} == expected
        for command in commands(refused.task):
            assert (main([*command, *given, *flags]), fix.setting) == (4 if expected else 0, fix.setting)
        capsys.readouterr()


def test_a_sheet_works_as_printed(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each sheet of a workbook is named instead of one that it does not have."""
    book = pytest.importorskip("openpyxl").Workbook()
    for day in ["day", *days(30)]:
        book.active.append([day, "y" if day == "day" else wave(len(day))])
    book.save(here / "data.xlsx")
    command = ["check", "data.xlsx", "-s", "data.sheet=none"]
    assert main(command) == 4
    (fix,) = re.findall(r"-s (\S+) to read", capsys.readouterr().err)
    assert main([*command, "-s", fix]) == 0


@pytest.mark.parametrize("name", [name for name in CORPUS if name.startswith("text in ")])
def test_the_encoding_of_the_file_is_among_the_settings(name: str, tmp_path: Path) -> None:
    """It is the first one."""
    (tmp_path / "data.csv").write_text(CORPUS[name].text, encoding=CORPUS[name].encoding)
    (fault,) = faults_of(tmp_path / "data.csv", "value")
    assert fault.fixes[0].setting == f"data.encoding={CORPUS[name].encoding}"


@pytest.mark.parametrize(
    ("setting", "typed"),
    [
        ("data.missing=zero", "data.missing=zero"),
        ("data.target=*", "'data.target=*'"),
        ("data.time_format='%d %b'", "\"data.time_format='%d %b'\""),
        ('data.target="Net (EUR)"', "'data.target=\"Net (EUR)\"'"),
        ("data.target='$ \"'", "'data.target='\"'\"'$ \"'\"'\"''"),
    ],
)
def test_a_setting_is_quoted_for_a_shell(setting: str, typed: str) -> None:
    """A setting with blanks, quotes or signs that a shell expands."""
    fix = Fix(setting, "do so")
    assert str(fix) == f"-s {typed} to do so"
    assert shlex.split(fix.typed) == [setting]
