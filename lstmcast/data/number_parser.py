"""Strict parsing of numbers: fields that are neither a number nor missing are rejected with their lines."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from lstmcast.data.schema import DataNote, NoteCode
from lstmcast.errors import ConfigError, DataError
from lstmcast.text import MAX_SHOWN, pluralize, truncate_items
from lstmcast.types import Bools, Floats, Ints

MISSING = ("", "na", "n/a", "nan", "null", "none", "?", "-", ".")
MAX_EXACT_INTEGER = 2**53  # of a float64
GROUPED_RATIO = 31.6  # √1000: values smaller by this factor are likely thousands with a grouping point
SAMPLE = 1000  # fields that decide the type of a column

_PLAIN_CHARACTERS = b"0123456789+-.eE \n"
_LOOSE = re.compile(r"[\s$€£¥+-]*[.,]?[0-9][0-9.,'_\s]*(?:[eE][+-]?[0-9]+)?\s*[%$€£¥]?\s*")
_INFINITE = re.compile(r"[+-]?(inf|infinity)", re.IGNORECASE)
_SIGNS = re.compile(r"[$€£¥%]")
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(?P<sign>[,.' \u00a0\u202f])[0-9]{3}(?:(?P=sign)[0-9]{3})*(?:[.,][0-9]+)?")
_THOUSANDS = r"\s*[+-]?[1-9][0-9]{0,2}\.[0-9]{3}\s*"
_BOTH = re.compile(r"[+-]?[0-9]{1,3}(?:([,.' \u00a0\u202f])[0-9]{3})+(?!\1)([.,])[0-9]*")
_COMMA = re.compile(r"[+-]?[0-9]*,[0-9]+")
_OTHERWISE = ('set data.decimal: "," if 1,5 means 1.5', 'set data.decimal: "." if 1.5 has a decimal point')
_POINT = re.compile(r"[+-]?[0-9]*\.[0-9]+")


def parse_numbers(
    text: pd.Series, lines: Ints, *, column: str, source: str, decimal: str = ".", thousands: str | None = None
) -> Floats:
    """Parse a column to the nearest float64 values [N], NaN where missing.

    Args:
        text: [N] fields in decimal or exponent form, or missing (empty, NA, NaN, null, none, ?, -, .).
        lines: [N] physical line of each field.
        decimal: `"."` or `","`.
        thousands: the thousands separator; None for none.

    Raises:
        DataError: text that is not a number, an infinite or too large value, or only missing values.
        ConfigError: `thousands` is not one character, or equals `decimal`.
    """
    values = _parse_plain(text) if decimal == "." and thousands is None else None
    if values is None:
        values = _spelled(text, lines, f"column '{column}'", source, _NumberFormat(decimal, thousands))
    if np.isinf(values).any():
        raise DataError(_infinite(text, lines, np.isinf(values), column, source))
    if np.isnan(values).all():
        raise DataError(f"{source}: column '{column}': all {len(values)} values are missing; a forecast needs numbers")
    return values


def number_notes(text: pd.Series, values: Floats, *, column: str) -> tuple[DataNote, ...]:
    """Note about integers that a float64 cannot represent, from the fields [N] and their values [N]."""
    large = np.flatnonzero(np.abs(values) >= MAX_EXACT_INTEGER)
    if not large.size:
        return ()
    digits = text.iloc[large].str.replace(r"[^0-9-]", "", regex=True)
    integers = text.iloc[large].str.fullmatch(r"\s*[+-]?[0-9]+\s*").to_numpy(dtype=bool)
    exact = [int(written) == int(values[k]) for k, written in zip(large[integers], digits[integers], strict=True)]
    rounded = exact.count(False)
    if not rounded:
        return ()
    rule = f"{pluralize(rounded, 'integer')} above 2^53 rounded to the nearest number a float64 holds"
    return (DataNote(NoteCode.ROUNDED_INTEGERS, f"column '{column}': {rule}"),)


def refuse_grouped(text: pd.Series, values: Floats, lines: Ints, *, column: str, source: str) -> None:
    """Raise DataError if points may group thousands: `1.000` among values such as 999.

    That is the case if all points precede three digits and these values are far smaller than the others.
    """
    grouped = text.str.fullmatch(_THOUSANDS).to_numpy(dtype=bool)
    if not grouped.any():
        return
    pointed = text.str.contains(".", regex=False).to_numpy(dtype=bool) & ~np.isnan(values)
    ungrouped = ~pointed & ~np.isnan(values)
    if (pointed & ~grouped).any() or not ungrouped.any():
        return
    small, typical = (float(np.median(np.abs(values[mask]))) for mask in (grouped, ungrouped))
    if small * GROUPED_RATIO < typical:
        k = int(np.flatnonzero(grouped)[0])
        field = text.iloc[k].strip()
        raise DataError(
            f"{source}:{lines[k]}: column '{column}': '{field}' may be {field.replace('.', '')}, for values without a "
            f"point are about {typical / small:,.0f} times as large; "
            'set data.thousands: "." if the point groups thousands, or data.decimal: "." if it is a decimal point'
        )


def looks_like_numbers(text: pd.Series) -> bool:
    """True if most fields of a sample are numbers, possibly with currency, percent or thousands signs."""
    sample = text.iloc[:: max(1, len(text) // SAMPLE)]
    filled = _filled(sample) or _filled(text)
    return len(filled) > 0 and sum(_LOOSE.fullmatch(field) is not None for field in filled) >= 0.8 * len(filled)


def _filled(text: pd.Series) -> list[str]:
    """Fields that are not missing."""
    return [str(field) for field in text.tolist() if str(field).strip().lower() not in MISSING]


def is_missing(text: pd.Series) -> Bools:
    """[N] true for missing values: empty, NA, N/A, NaN, null, none, ?, - or ."""
    return np.asarray(text.str.strip().str.lower().isin(MISSING), dtype=bool)


class _NumberFormat:
    """Number format: decimal and thousands separators."""

    def __init__(self, decimal: str, thousands: str | None) -> None:
        if thousands is not None and (len(thousands) != 1 or thousands.isalnum() or thousands in "+-"):
            raise ConfigError(f"data.thousands: must be one character such as ',' or ' ' (got {thousands!r})")
        if thousands == decimal:
            raise ConfigError(f"data.thousands and data.decimal must differ (both are '{decimal}')")
        self.decimal, self.thousands = decimal, thousands
        point, group = re.escape(decimal), re.escape(thousands or "")
        if thousands == " ":
            group = "[ \u00a0\u202f]"
        integer = f"[0-9]+|[0-9]{{1,3}}(?:{group}[0-9]{{3}})+" if thousands else "[0-9]+"
        self.pattern = f"[+-]?(?:(?:{integer})(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][+-]?[0-9]+)?"
        self.group = group

    def numbers(self, text: pd.Series) -> Floats:
        """[K] values of fields that match the pattern."""
        if self.thousands:
            text = text.str.replace(self.group, "", regex=True)
        return text.str.replace(self.decimal, ".", regex=False).to_numpy(dtype=object).astype(np.float64)


def _parse_plain(text: pd.Series) -> Floats | None:
    """[N] values if all fields are empty or plain numbers; else None."""
    present = (text != "").to_numpy(dtype=bool)
    fields = text.to_numpy(dtype=object)[present]
    if "\n".join(fields).encode().translate(None, _PLAIN_CHARACTERS):
        return None
    values = np.full(len(text), np.nan)
    try:
        values[present] = fields.astype(np.float64)
    except ValueError:
        return None
    return values


def _spelled(text: pd.Series, lines: Ints, where: str, source: str, notation: _NumberFormat) -> Floats:
    """[N] values in a number format, parsed once per distinct field."""
    codes, distinct = pd.factorize(text)
    fields = pd.Series(distinct, dtype=text.dtype).str.strip()
    missing = is_missing(fields)
    number = fields.str.fullmatch(notation.pattern).to_numpy(dtype=bool)
    if not (missing | number).all():
        bad = ~(missing | number)[codes]
        hint = _hint(_stripped(text[bad]), notation)
        parted = ~bad & text.str.contains(notation.decimal, regex=False).to_numpy(dtype=bool)
        if hint in _OTHERWISE and parted.any():
            k = int(np.flatnonzero(parted)[0])
            hint = f"write decimals with one sign: line {lines[k]} has '{text.iloc[k]}'"
        raise DataError(f"{source}:{lines[bad][0]}: {where}: {_not_numbers(text[bad], lines[bad])}; {hint}")
    values = np.full(len(fields), np.nan)
    values[number & ~missing] = notation.numbers(fields[number & ~missing])
    return np.asarray(values[codes], dtype=np.float64)


def _stripped(text: pd.Series) -> list[str]:
    return [field.strip() for field in text.iloc[:1000]]


def _not_numbers(text: pd.Series, lines: Ints) -> str:
    """Message about fields that are not numbers."""
    locations = [
        f"'{field}' (line {line})" for field, line in zip(text.iloc[:MAX_SHOWN], lines[:MAX_SHOWN], strict=True)
    ]
    fault = "value is not a number" if len(text) == 1 else "values are not numbers"
    return f"{len(text)} {fault}: {truncate_items(locations, len(text))}"


def _hint(fields: list[str], notation: _NumberFormat) -> str:
    """Fix that applies to all fields, else a general one."""
    grouped = [_GROUPED.fullmatch(field) for field in fields]
    if all(_INFINITE.fullmatch(field) for field in fields):
        return "values must be finite; leave the field empty if the value is unknown"
    if all(field[:1] == '"' for field in fields):
        return "remove the blank between the delimiter and the quote"
    if all(field[:1] in ("(", "\u2212") for field in fields):
        return "write negative numbers with a hyphen, as in -5"
    if any(_SIGNS.search(field) for field in fields):
        return "remove currency and percent signs"
    both = {match.groups() if (match := _BOTH.fullmatch(field)) else None for field in fields}
    if len(both) == 1 and (signs := both.pop()) and notation.thousands is None:
        return f'set data.thousands: "{signs[0]}" and data.decimal: "{signs[1]}"'
    if all(grouped) and grouped[0] and notation.thousands is None:
        sign = grouped[0]["sign"]
        maybe_decimal = sign in ",." and sign != notation.decimal
        other = f', or data.decimal: "{sign}" if it is the decimal separator' if maybe_decimal else ""
        return f'set data.thousands: "{sign}" if it groups thousands{other}'
    if (notation.decimal, notation.thousands) == (".", None) and all(_COMMA.fullmatch(field) for field in fields):
        return _OTHERWISE[0]
    if notation.decimal == "," and all(_POINT.fullmatch(field) for field in fields):
        return _OTHERWISE[1]
    return "correct them, or leave the field empty where a value is missing"


def _infinite(text: pd.Series, lines: Ints, infinite: Bools, column: str, source: str) -> str:
    """Message about numbers beyond the range of a float64."""
    bad, at = text[infinite], lines[infinite]
    locations = [f"'{field}' (line {line})" for field, line in zip(bad.iloc[:MAX_SHOWN], at[:MAX_SHOWN], strict=True)]
    return f"{source}:{at[0]}: column '{column}': values must be below 1.8e308: {truncate_items(locations, len(bad))}"
