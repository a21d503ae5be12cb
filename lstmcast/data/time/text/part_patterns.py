"""Patterns of one part of a time, such as a month or an hour, in a column of its own."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from lstmcast.data.schema import Table
from lstmcast.data.time.text.names import month_of, name_words
from lstmcast.data.time.text.patterns import PART

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
DATE_PARTS = ("year", "month", "quarter", "week", "day", "day of year", "hour", "minute")
_NUMBER = re.compile(r"(\D*)(\d{1,3})(\D*)")
_CLOCK = re.compile(r"\d{1,2}(?::\d{2}(?::\d{2}(?:\.\d{1,6})?)?(\s?[AaPp][Mm])?|\.\d{2}\.\d{2})")
_SAMPLE = 1_000
_MIN_HIGHEST = {"d": 7, "V": 6}  # else days of a week, or weeks of a month
_ANNUAL = {("M", "m"): 13, ("Q0", "q"): 5, ("S0", "h"): 3}  # numbers of annual averages in data of BLS
_RANGES = {"Y": (1000, 2999), "m": (1, 12), "q": (1, 4), "h": (1, 2), "V": (1, 53), "j": (1, 366), "d": (1, 31),
           "H": (0, 23), "M": (0, 59)}  # fmt: skip


def part_pattern(text: pd.Series, name: str, known: frozenset[str]) -> str | None:
    """Pattern of one part of a time, given the letters of the parts before it."""
    if not known:
        return numbered_pattern(text, "Y")
    if known & set("dj"):
        if "H" in known:
            return numbered_pattern(text, "M")
        return _clock(text) or _hours(text, name)
    if "m" in known or "b" in known:
        return numbered_pattern(text, "d")
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
    letters = [by_prefix] if by_prefix else [letter for letter, words in by_name.items() if is_named(name, words)]
    found = [pattern for letter in letters or "m" if (pattern := numbered_pattern(text, letter))]
    return found[0] if found else None


def numbered_pattern(text: pd.Series, letter: str) -> str | None:
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


def is_clock(table: Table, name: str) -> bool:
    """True for times of day."""
    return bool(_CLOCK.fullmatch(str(table.text[name].iloc[0]).strip())) and _clock(table.text[name]) is not None


def holds_month_names(text: pd.Series) -> bool:
    """True for names of the twelve months."""
    distinct = _distinct(text)
    return len(distinct) == 12 and all(month_of(word) > 0 for word in distinct)


def _distinct(text: pd.Series) -> list[str]:
    """Distinct texts of a sample of the rows."""
    sampled = text
    if len(text) > 2 * _SAMPLE:
        rows = np.random.default_rng(0).integers(0, len(text), _SAMPLE)
        sampled = pd.concat([text.iloc[:_SAMPLE], text.iloc[rows]])
    return [str(word) for word in pd.unique(sampled.str.strip())]


def is_named(name: str, *parts: str) -> bool:
    """True if the name of a column has a word of one of the parts."""
    return any(not name_words(name).isdisjoint(_WORDS[part].split()) for part in parts)


def annual_text(table: Table, names: Sequence[str], pattern: str) -> str:
    """Text of the second part in rows of annual averages."""
    for (prefix, letter), number in _ANNUAL.items():
        if pattern.endswith(f"{PART}{prefix}%{letter}"):
            text = f"{prefix}{number}"
            return text if (table.text[names[1]].str.strip() == text).any() else ""
    return ""
