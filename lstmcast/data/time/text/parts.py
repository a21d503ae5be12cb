"""Times whose parts are in several columns, such as a year and a month, or a date and an hour."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from lstmcast.data.schema import DataNote, NoteCode, ReadOptions, SettingKey, Table
from lstmcast.data.time.text.formats import PART, tokens
from lstmcast.data.time.text.names import month_of, name_words
from lstmcast.data.time.text.pattern_inference import column_pattern
from lstmcast.data.time.text.recognition import is_regular, looks_like_times
from lstmcast.data.time.zones import changes_clock
from lstmcast.errors import DataError, Fault, FaultCode, Fix
from lstmcast.text import pluralize

_WORDS = {  # words of column names: part of a time
    "year": "year yr yyyy yy jahr annee ano anno jaar rok ar an",
    "month": "month mon mo mm mth monat mois mes mese maand miesiac manad maned period per",
    "quarter": "quarter qtr q quartal trimestre trim kwartaal kwartal kvartal period per",
    "half": "half semester semestre halbjahr period per",
    "week": "week wk kw woche semaine semana settimana weeknum weekno isoweek vecka uge tydzien",
    "day": "day dd dom mday tag jour dia giorno dag dzien dayofmonth",
    "day of year": "doy yday dayofyear julian jday jd",
    "hour": "hour hr hh he hourending ending hourend stunde std heure hora ora uur godzina time",
    "minute": "minute minutes min mi mm",
    "period of day": "period settlement interval sp pte",
}
_NUMBER = re.compile(r"(\D*)(\d{1,3})(\D*)")
_CLOCK = re.compile(r"\d{1,2}(?::\d{2}(?::\d{2}(?:\.\d{1,6})?)?(\s?[AaPp][Mm])?|\.\d{2}\.\d{2})")
_SAMPLE = 1_000
_MIN_HIGHEST = {"d": 7, "V": 6}  # else days of a week, or weeks of a month
_ANNUAL = {("M", "m"): 13, ("Q0", "q"): 5, ("S0", "h"): 3}  # numbers of annual averages in data of BLS


@dataclass(frozen=True)
class TimeParts:
    """Columns that are one time.

    Attributes:
        names: the columns.
        pattern: their patterns, joined by ` + `.
        reason: why.
        annual: text of the second column in rows of annual averages, which are left out; empty for none.
    """

    names: tuple[str, ...]
    pattern: str
    reason: str
    annual: str = ""

    @property
    def name(self) -> str:
        """Name of the joined column."""
        return PART.join(self.names)


def join_columns(text: pd.DataFrame, name: str) -> pd.DataFrame:
    """Join the columns of the parts of a time to one column; a table without them is unchanged."""
    names = name.split(PART)
    if len(names) < 2 or name in text or any(part not in text for part in names):
        return text
    joined = text[names[0]].str.strip()
    for part in names[1:]:
        joined = joined + PART + text[part].str.strip()
    position = min(list(text.columns).index(part) for part in names)
    rest = text.drop(columns=names)
    rest.insert(position, name, joined)
    return rest


def with_joined_time(table: Table, options: ReadOptions) -> tuple[Table, ReadOptions, TimeParts | None]:
    """Join the columns that are parts of one time, pinned or recognized by their names and values.

    Returns:
        The table with the joined column, options that pin it, and the parts; all unchanged without parts.

    Raises:
        DataError: pinned parts that cannot be read.
    """
    parts = _pinned_parts(table, options) if options.time is not None else _found_parts(table, options)
    if parts is None:
        return table, options, None
    text, lines, notes = table.text, table.lines, list(table.notes)
    if parts.annual:
        annual = (text[parts.names[1]].str.strip() == parts.annual).to_numpy()
        text, lines = text[~annual].reset_index(drop=True), lines[~annual]
        message = f"{pluralize(int(annual.sum()), 'row')} with '{parts.annual}' in column '{parts.names[1]}' left out"
        notes.append(DataNote(NoteCode.ANNUAL_ROWS, f"{message}: annual averages"))
    if changes_clock(options.timezone):  # half and quarter hours are counted from midnight
        pattern = parts.pattern.replace("%48N", "%50N").replace("%96N", "%100N")
        parts = replace(parts, pattern=pattern)
    table = replace(table, text=join_columns(text, parts.name), lines=lines, notes=tuple(notes))
    return table, replace(options, time=parts.name, time_format=parts.pattern), parts


def time_settings(parts: TimeParts, options: ReadOptions) -> dict[SettingKey, str]:
    """Reasons for the column and the format of a joined time."""
    given = "given" if options.time is not None else parts.reason
    pinned = options.time_format is not None
    return {SettingKey.TIME: given, SettingKey.TIME_FORMAT: "data.time_format" if pinned else parts.reason}


def _pinned_parts(table: Table, options: ReadOptions) -> TimeParts | None:
    """Parts of a pinned time of several columns."""
    names = tuple(str(options.time).split(PART))
    columns = set(map(str, table.text.columns))
    if len(names) < 2 or options.time in columns or not columns.issuperset(names):
        return None
    pattern = _pattern(table, names, options.time_format)
    if pattern is None:
        shown = " and ".join(f"'{table.text[name].iloc[0]}'" for name in names)
        text = f"{table.source}: data.time: the columns {', '.join(names)} do not read as parts of a time ({shown})"
        fixes = (Fix("data.time_format=%Y + %m", "name the format of each part, with ' + ' between them"),)
        raise DataError(Fault(text, FaultCode.UNREAD_TIME, int(table.lines[0]), names[0], fixes))
    return TimeParts(names, pattern, "given", _annual(table, names, pattern))


def _found_parts(table: Table, options: ReadOptions) -> TimeParts | None:
    """Parts of a time by the names of columns, checked by their values."""
    taken = {*options.id_columns, *options.target, *options.features, *options.covariates.columns}
    free = [str(name) for name in table.text.columns if name not in taken]
    years = [name for name in free if _named(name, "year") and _reads(table.text[name], "Y")]
    with_clock = any(_named(name, "hour", "period of day", "minute") or _is_clock(table, name) for name in free)
    if not years and not with_clock:
        return None
    timely = [name for name in free if name not in years and looks_like_times(table.text[name])]
    dates = [name for name in timely if with_clock and _is_date(table.text[name])]
    for base in dates[:1] or ([] if timely else years[:1]):
        for names in _combinations(table, base, free, dated=base in dates):
            if _repeats(table.text[base]) and (pattern := _pattern(table, names, options.time_format)):
                reason = f"columns {', '.join(names)} are parts of one time"
                return TimeParts(names, pattern, reason, _annual(table, names, pattern))
    return None


def _combinations(table: Table, base: str, free: list[str], *, dated: bool) -> list[tuple[str, ...]]:
    """Sets of columns that may complete a date or a year, the finest first."""
    candidates = [name for name in free if name != base]

    def named(part: str) -> list[str]:
        return [name for name in candidates if _named(name, part)][:2]

    clocks = [name for name in candidates if _is_clock(table, name)][:1]
    hours, minutes = named("hour"), named("minute")
    pairs = [(hour, minute) for hour in hours for minute in minutes]
    times = [*[(clock,) for clock in clocks], *pairs, *[(name,) for name in (*hours, *named("period of day"))]]
    if dated:
        return [(base, *time) for time in times]
    dates: list[tuple[str, ...]] = [
        (base, month, day) for month in named("month") for day in named("day") if month != day
    ]
    dates += [(base, day) for day in named("day of year")]
    whole = [(*date, *time) for date in dates for time in times if not set(date) & set(time)] + dates
    coarse = [(base, name) for names in ("week", "month", "quarter", "half") for name in named(names)]
    return whole + coarse


def _pattern(table: Table, names: Sequence[str], given: str | None) -> str | None:
    """Pattern of parts, or None if they do not make up one time; a given one may be that of all, or of the date."""
    if given is not None and given.count(PART) == len(names) - 1:
        return given
    pieces: list[str] = []
    for k, name in enumerate(names):
        letters = {token.letter for piece in pieces for token in tokens(piece)}
        if k == 0 and _is_date(table.text[name]):
            rest = [_part(table.text[other], other, frozenset("Ymd")) for other in names[1:]]
            if None in rest:
                return None
            ending = "".join(PART + str(piece) for piece in rest)
            try:
                piece: str | None = given or column_pattern(table.text[name], table.lines, name, table.source, ending)
            except DataError as err:
                return _only_regular(table, names, err)
        else:
            piece = _part(table.text[name], name, frozenset(letters))
        if piece is None:
            return None
        pieces.append(piece)
    return PART.join(pieces)


def _only_regular(table: Table, names: Sequence[str], err: DataError) -> str:
    """The only format of an ambiguous date with which the joined times are even; raises the error without one."""
    patterns = [fix.setting.partition("=")[2] for fix in err.faults[0].fixes]
    joined = join_columns(table.text[list(names)].head(_SAMPLE), PART.join(names)).iloc[:, 0]
    regular = [pattern for pattern in patterns if is_regular(joined, pattern)]
    if err.faults[0].code != FaultCode.AMBIGUOUS_TIMES or len(regular) != 1:
        raise err
    return regular[0]


def _part(text: pd.Series, name: str, known: frozenset[str]) -> str | None:
    """Pattern of one part of a time, given the letters of the parts before it."""
    if not known:
        return _numbered(text, "Y")
    if known & set("dj"):
        if "H" in known:
            return _numbered(text, "M")
        return _clock(text) or _hours(text, name)
    if "m" in known or "b" in known:
        return _numbered(text, "d")
    return _of_year(text, name)


def _of_year(text: pd.Series, name: str) -> str | None:
    """Pattern of a month, quarter, half year, week or day in a year."""
    distinct = _distinct(text)
    if all(month_of(word) > 0 for word in distinct):
        return "%b"
    match = _NUMBER.fullmatch(distinct[0]) if distinct else None
    prefix = match[1].upper() if match else ""
    by_prefix = {"M": "m", "Q": "q", "T": "q", "W": "V", "KW": "V", "S": "h", "H": "h"}.get(prefix, "")
    by_name = {"j": "day of year", "V": "week", "q": "quarter", "m": "month", "h": "half"}
    letters = [by_prefix] if by_prefix else [letter for letter, words in by_name.items() if _named(name, words)]
    found = [pattern for letter in letters or "m" if (pattern := _numbered(text, letter))]
    return found[0] if found else None


_RANGES = {"Y": (1000, 2999), "m": (1, 12), "q": (1, 4), "h": (1, 2), "V": (1, 53), "j": (1, 366), "d": (1, 31),
           "H": (0, 23), "M": (0, 59)}  # fmt: skip


def _numbered(text: pd.Series, letter: str) -> str | None:
    """Pattern of numbers with a constant text before and after: `Q1` → `Q%q`."""
    distinct = _distinct(text)
    if letter == "Y":
        return "%Y" if distinct and all(re.fullmatch(r"[12]\d{3}", word) for word in distinct) else None
    matches = [_NUMBER.fullmatch(word) for word in distinct]
    if not matches or any(match is None for match in matches):
        return None
    found = [match for match in matches if match]
    before, after = found[0][1], found[0][3]
    if letter in "qh" and all(len(match[2]) == 2 and match[2][0] == "0" for match in found):
        before += "0"
    low, high = _RANGES[letter]
    annual = _ANNUAL.get((before.upper(), letter), high)
    numbers = [int(match[2]) for match in found]
    same = all(before.startswith(match[1]) and match[3] == after for match in found)
    if not same or min(numbers) < low or max(numbers) > max(high, annual):
        return None
    if max(numbers) <= _MIN_HIGHEST.get(letter, 0):
        return None
    return f"{before}%{letter}{after}"


def _hours(text: pd.Series, name: str) -> str | None:
    """Pattern of hours 0 to 23, of hours ending 1 to 24, or of periods 1 to 48 or 96."""
    matches = [_NUMBER.fullmatch(str(word).strip()) for word in pd.unique(text)]  # the highest may be rare
    found = [match for match in matches if match]
    if not found or len(found) < len(matches) or len({(match[1], match[3]) for match in found}) > 1:
        return None
    numbers = [int(match[2]) for match in found]
    low, high = min(numbers), max(numbers)
    ending = bool({"he", "ending", "hourending", "hourend"} & name_words(name)) or found[0][1].strip().upper() == "HE"
    count = next((count for count in (24, 25, 48, 50, 96, 100) if high <= count), 0)
    if low == 0 or (high < 24 and not ending):
        directive = "%H" if high < 24 else ""
    else:
        directive = f"%{count}N" if count and (count in {24, 25} or high > count - 8) else ""
    return f"{found[0][1]}{directive}{found[0][3]}" if directive else None


def _clock(text: pd.Series) -> str | None:
    """Pattern of times of day."""
    distinct = _distinct(text)
    matches = [_CLOCK.fullmatch(word) for word in distinct]
    if not matches or any(match is None for match in matches):
        return None
    example = max(distinct, key=len)
    half = next((match[1] for match in matches if match and match[1]), "")
    if ":" not in example:
        return "%H.%M.%S"
    to_24 = any(word.startswith("24:") for word in distinct)
    hours = "%I" if half else "%k" if to_24 else "%H"
    fraction = ".%f" if "." in example else ""
    return hours + ":%M" + ":%S" * (example.count(":") > 1) + fraction + half[:-2] + "%p" * bool(half)


def _distinct(text: pd.Series) -> list[str]:
    """Distinct texts of a sample of the rows."""
    sampled = text
    if len(text) > 2 * _SAMPLE:
        rows = np.random.default_rng(0).integers(0, len(text), _SAMPLE)
        sampled = pd.concat([text.iloc[:_SAMPLE], text.iloc[rows]])
    return [str(word) for word in pd.unique(sampled.str.strip())]


def _named(name: str, *parts: str) -> bool:
    """True if the name of a column has a word of one of the parts."""
    return any(not name_words(name).isdisjoint(_WORDS[part].split()) for part in parts)


def _reads(text: pd.Series, letter: str) -> bool:
    return _numbered(text, letter) is not None


def _is_clock(table: Table, name: str) -> bool:
    """True for times of day."""
    return bool(_CLOCK.fullmatch(str(table.text[name].iloc[0]).strip())) and _clock(table.text[name]) is not None


def _is_date(text: pd.Series) -> bool:
    """True for days, without a time of day."""
    first = str(text.iloc[0]).strip()
    return len(first) > 5 and ":" not in first and looks_like_times(text) and _is_daily(text)


def _is_daily(text: pd.Series) -> bool:
    """True if dates name a day."""
    sample = text.iloc[:_SAMPLE]
    try:
        pattern = column_pattern(sample, np.arange(len(sample)), "", "", "")
    except DataError as err:
        return err.faults[0].code == FaultCode.AMBIGUOUS_TIMES
    letters = {token.letter for token in tokens(pattern)}
    return bool(letters & set("dju")) and not letters & set("HIkN")


def _repeats(text: pd.Series) -> bool:
    """True if most texts of the first rows occur again."""
    head = text.iloc[: 20 * _SAMPLE]
    return head.nunique() <= len(head) / 2


def _annual(table: Table, names: Sequence[str], pattern: str) -> str:
    """Text of the second part in rows of annual averages."""
    for (prefix, letter), number in _ANNUAL.items():
        if pattern.endswith(f"{PART}{prefix}%{letter}"):
            text = f"{prefix}{number}"
            return text if (table.text[names[1]].str.strip() == text).any() else ""
    return ""
