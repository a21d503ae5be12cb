"""Strict parsing of numbers: fields that are neither a number nor missing are rejected with their lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from lstmcast.data.numbers.fields import NumberStyle, read_fields
from lstmcast.data.numbers.signs import can_ignore, split_signs, unit_scales
from lstmcast.data.schema import DataNote, NoteCode
from lstmcast.errors import DataError, Fault, FaultCode, Fix
from lstmcast.text import MAX_SHOWN, pluralize, truncate_items
from lstmcast.types import Bools, Floats, Ints

MAX_EXACT_INTEGER = 2**53  # of a float64
GROUPED_RATIO = 31.6  # √1000: values smaller by this factor are likely thousands with a grouping point

_PLAIN_CHARACTERS = b"0123456789+-.eE \n"
_INFINITE = re.compile(r"[+-]?(inf|infinity)", re.IGNORECASE)
_THOUSANDS = r"\s*[+-]?[1-9][0-9]{0,2}\.[0-9]{3}\s*"
_TWO_SIGNS = re.compile(r"[+-]?[0-9]*[.,][0-9]+")
_DIGIT = re.compile(r"[0-9]")
_MAX_MARKS = 5  # distinct texts that a fix proposes as missing
_CORRECT = "correct them, or leave the field empty where a value is missing"

PLAIN = NumberStyle()


def parse_numbers(
    text: pd.Series, lines: Ints, *, column: str, source: str, style: NumberStyle = PLAIN
) -> tuple[Floats, tuple[DataNote, ...]]:
    """Parse a column to the nearest float64 values [N], NaN where missing, and notes about what was corrected.

    Args:
        text: [N] fields in decimal or exponent form, or missing (empty, NA, NaN, null, none, ?, -, .).
        lines: [N] physical line of each field.
        style: how numbers are written.

    Raises:
        DataError: text that is not a number, an infinite or too large value, or only missing values.
    """
    values, notes = _parse_plain(text) if style.plain else None, list[DataNote]()
    if values is None:
        values, notes = _parse_spelled(text, lines, column, source, style)
    if np.isinf(values).any():
        raise DataError(_infinite(text, lines, np.isinf(values), column, source))
    if np.isnan(values).all():
        raise DataError(f"{source}: column '{column}': all {len(values)} values are missing; a forecast needs numbers")
    return values, (*notes, *_rounding_notes(text, values, column=column))


def _rounding_notes(text: pd.Series, values: Floats, *, column: str) -> tuple[DataNote, ...]:
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


def check_points(
    text: pd.Series, values: Floats, lines: Ints, *, column: str, source: str, likely: bool
) -> tuple[DataNote, ...]:
    """Check a column in which all points precede three digits, as in `1.234`, so that they may group thousands.

    Args:
        likely: true if the file may have grouped integers; else a note is enough if every number has a point.

    Raises:
        DataError: the points may group thousands.
    """
    grouped = text.str.fullmatch(_THOUSANDS).to_numpy(dtype=bool)
    numbers = ~np.isnan(values) & (values != 0)
    pointed = text.str.contains(".", regex=False).to_numpy(dtype=bool) & numbers
    if not grouped.any() or (pointed & ~grouped).any():
        return ()
    k = int(np.flatnonzero(grouped)[0])
    field = text.iloc[k].strip()
    written = field.replace(".", "")
    small, typical = (
        np.median(np.abs(values[mask])) if mask.any() else np.nan for mask in (pointed, numbers & ~pointed)
    )
    if small * GROUPED_RATIO >= typical:
        return ()  # decimals of the size of the other numbers
    if not likely and np.isnan(typical):
        setting = "set data.thousands: '.' if it groups thousands"
        return (DataNote(NoteCode.POINT, f"column '{column}': the point of '{field}' read as decimal; {setting}"),)
    rule = f"'{field}' may be {written}, for all points are before three digits"
    fixes = (Fix("data.thousands=.", f"read {written}"), Fix("data.decimal=.", f"read {field} as a decimal number"))
    where = f"{source}:{lines[k]}: column '{column}'"
    raise DataError(Fault(f"{where}: {rule}", FaultCode.DECIMAL_UNCLEAR, int(lines[k]), column, fixes))


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


def _parse_spelled(
    text: pd.Series, lines: Ints, column: str, source: str, style: NumberStyle
) -> tuple[Floats, list[DataNote]]:
    """Parse a column once per distinct field."""
    codes, distinct = pd.factorize(text)
    fields = pd.Series(distinct, dtype=text.dtype).str.strip()
    read = read_fields(fields, style)
    if read.bad.any():
        bad = read.bad[codes]
        where = f"{source}:{lines[bad][0]}: column '{column}'"
        fixes = tuple(_fixes(fields, read.bad, style, np.bincount(codes, minlength=len(fields))))
        hint = "" if fixes else f"; {_hint(fields[read.bad].tolist(), fields[~read.bad].tolist(), style)}"
        message = f"{where}: {_not_numbers(text[bad], lines[bad])}{hint}"
        raise DataError(Fault(message, FaultCode.NOT_A_NUMBER, int(lines[bad][0]), column, fixes))
    notes: list[DataNote] = []
    if read.signed is not None and read.signed.any():
        count = pluralize(int(read.signed[codes].sum()), "value")
        notes.append(DataNote(NoteCode.NUMBER_SIGNS, f"column '{column}': {count}: {read.signs}"))
    if read.marked is not None and read.marked.any():
        marks = ", ".join(f"'{mark}'" for mark in fields[read.marked][:MAX_SHOWN])
        count = pluralize(int(read.marked[codes].sum()), "value")
        notes.append(DataNote(NoteCode.MISSING_MARKS, f"column '{column}': {count} read as missing: {marks}"))
    return np.asarray(read.values[codes], dtype=np.float64), notes


def _fixes(fields: pd.Series, bad: Bools, style: NumberStyle, counts: Ints) -> Iterator[Fix]:
    """Yield the settings with which all fields can be read."""
    unread = fields[bad].tolist()
    other = {".": ",", ",": "."}[style.decimal]
    candidates = [
        (
            _grouped_by(style, sign),
            f'data.thousands="{sign}"' if sign in " '" else f"data.thousands={sign}",
            f"read 1{sign}234 as 1234",
        )
        for sign in (",", ".", " ", "'")
        if sign != style.thousands and any(sign in field for field in unread)
    ]
    if any(other in field for field in unread):
        candidates.append(
            (replace(style, decimal=other, thousands=None), f"data.decimal={other}", f"read 1{other}5 as 1½")
        )
    if style.units != "error":
        signs = [signed for field in unread if (signed := split_signs(field)) is not None]
        read = [signed for field in fields[~bad] if (signed := split_signs(field)) is not None]
        if scales := unit_scales([*signs, *read]):
            effect = f"read {', '.join(f'{word} as a factor of {factor:g}' for word, factor in sorted(scales.items()))}"
            found = [(replace(style, units="multiply"), "data.units=multiply", effect)]
            if "%" in scales:
                found.append((replace(style, units="ignore"), "data.units=ignore", "read 5% as 5"))
            candidates += found[::-1] if _are_alike(fields, bad, style) else found
        elif any(signed.factors for signed in signs):
            candidates.append((replace(style, units="multiply"), "data.units=multiply", "read K, M and bn as factors"))
        elif can_ignore(signs, len(fields)):
            effect = "read the numbers without the signs around them"
            candidates.append((replace(style, units="ignore"), "data.units=ignore", effect))
    left = [
        (read_fields(fields, other_style).bad.sum(), Fix(setting, effect))
        for other_style, setting, effect in candidates
    ]
    fewest = min((count for count, _ in left), default=len(unread))
    proposed = len(unread) <= _MAX_MARKS and all(
        not _DIGIT.search(field) or (count > 1 and not _TWO_SIGNS.fullmatch(field))
        for field, count in zip(unread, counts[bad].tolist(), strict=True)
    )
    if fewest == 0 or (fewest <= len(unread) / 2 and not proposed):  # in the second case, the rest is reported next
        yield from (fix for count, fix in left if count == fewest)
    elif proposed:
        pronoun = "it" if len(unread) == 1 else "them"
        yield Fix(f"data.missing_marks={marks_setting(unread)}", f"read {pronoun} as missing")


def _are_alike(fields: pd.Series, bad: Bools, style: NumberStyle) -> bool:
    """True if numbers that have a sign are of the size of those without."""
    values = read_fields(fields, replace(style, units="ignore")).values
    with_sign, without = (np.abs(values[mask & (values != 0) & ~np.isnan(values)]) for mask in (bad, ~bad))
    return bool(len(with_sign) and len(without) and np.median(with_sign) < 10 * np.median(without))


def _grouped_by(style: NumberStyle, sign: str) -> NumberStyle:
    """Style with another thousands separator, and the decimal separator that follows from it."""
    decimal = {",": ".", ".": ","}.get(sign, style.decimal)
    return replace(style, thousands=sign, decimal=decimal)


def marks_setting(marks: list[str]) -> str:
    """Write marks as a value of `data.missing_marks`."""
    quoted = [mark if re.fullmatch(r"[\w.+-]+", mark) else f'"{mark}"' for mark in marks]
    return quoted[0] if len(marks) == 1 else f"[{', '.join(quoted)}]"


def _not_numbers(text: pd.Series, lines: Ints) -> str:
    """Message about fields that are not numbers."""
    locations = [
        f"'{field}' (line {line})" for field, line in zip(text.iloc[:MAX_SHOWN], lines[:MAX_SHOWN], strict=True)
    ]
    fault = "value is not a number" if len(text) == 1 else "values are not numbers"
    return f"{len(text)} {fault}: {truncate_items(locations, len(text))}"


def _hint(fields: list[str], rest: list[str], style: NumberStyle) -> str:
    """Advice that applies to all fields that cannot be read, else a general one."""
    if all(_INFINITE.fullmatch(field) for field in fields):
        return "values must be finite; leave the field empty if the value is unknown"
    if all(field[:1] == '"' for field in fields):
        return "remove the blank between the delimiter and the quote"
    if all(_TWO_SIGNS.fullmatch(field) for field in fields) and any(style.decimal in field for field in rest):
        return "write all decimals with one sign"
    return _CORRECT


def _infinite(text: pd.Series, lines: Ints, infinite: Bools, column: str, source: str) -> str:
    """Message about numbers beyond the range of a float64."""
    bad, at = text[infinite], lines[infinite]
    locations = [f"'{field}' (line {line})" for field, line in zip(bad.iloc[:MAX_SHOWN], at[:MAX_SHOWN], strict=True)]
    return f"{source}:{at[0]}: column '{column}': values must be below 1.8e308: {truncate_items(locations, len(bad))}"
