"""Decimal and thousands separators of a file, inferred from all its columns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pandas as pd

from lstmcast.data.numbers.fields import SAMPLE
from lstmcast.data.numbers.signs import APOSTROPHES, SPACES, split_signs
from lstmcast.data.schema import DataNote, NoteCode, Table
from lstmcast.data.time.text.recognition import looks_like_times

_SEPARATED = re.compile(rf"[0-9][,.{APOSTROPHES}{SPACES}][0-9]|[.,][0-9]")
_SEPARATORS = re.compile(rf"[,.{APOSTROPHES}{SPACES}]")
_ALIKE = str.maketrans({**dict.fromkeys(SPACES, " "), **dict.fromkeys(APOSTROPHES, "'")})
_AMBIGUOUS = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}")
_GROUPS = re.compile(r"[0-9]{1,3}(?:(?P<sign>[,.' ])[0-9]{3})(?:(?P=sign)[0-9]{3})*|[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}")
_MIN_FRACTION = 0.8  # of fields of a column of numbers that are numbers


@dataclass
class _Evidence:
    """Separators that fields prove, with an example each; columns with fields such as `1.234` that prove nothing."""

    decimal: dict[str, str] = field(default_factory=dict)
    thousands: dict[str, str] = field(default_factory=dict)
    ambiguous: dict[str, list[str]] = field(default_factory=dict)

    def add(self, other: _Evidence) -> None:
        """Add the evidence of another column."""
        self.decimal = other.decimal | self.decimal
        self.thousands = other.thousands | self.thousands
        for sign, columns in other.ambiguous.items():
            self.ambiguous.setdefault(sign, []).extend(columns)


def infer_number_format(table: Table, decimal: str | None, thousands: str | None) -> Table:
    """Set the separators of a table: given, or proven by fields such as `1.015,97` of any column.

    A field such as `1.234` proves nothing by itself. It has a thousands separator if other fields of the file prove a
    decimal comma. If nothing decides, its column is marked as unclear.
    """
    evidence = _Evidence()
    for name in (name for name in table.text if name not in table.typed):
        evidence.add(_of_column(str(name), table.text[name]))
    sign = decimal or _decimal(evidence, thousands)
    group = thousands or _thousands(evidence, sign)
    unclear = tuple(evidence.ambiguous.get(".", ())) if sign is None and group is None else ()
    notes = (
        []
        if decimal or thousands or sign != ","
        else [DataNote(NoteCode.DECIMAL_COMMA, f"decimal comma ({_why(evidence)})")]
    )
    if group and not thousands:
        shown = {" ": "blank", "'": "apostrophe"}.get(group, f"'{group}'")
        example = evidence.thousands.get(group) or f"in column '{evidence.ambiguous[group][0]}'"
        notes.append(DataNote(NoteCode.THOUSANDS, f"thousands separator {shown} ({example})"))
    return replace(table, decimal=sign or ".", thousands=group, unclear=unclear, notes=(*table.notes, *notes))


def _why(evidence: _Evidence) -> str:
    """Example of a decimal comma."""
    return evidence.decimal.get(",") or evidence.thousands.get(".") or next(iter(evidence.decimal.values()), "")


def _decimal(evidence: _Evidence, thousands: str | None) -> str | None:
    """Decimal separator that the fields prove; None if none or both."""
    other = {".": ",", ",": "."}
    if thousands in other:
        return other[thousands]
    proven = set(evidence.decimal) | {other[sign] for sign in evidence.thousands if sign in other}
    if len(proven) == 1:
        return proven.pop()
    if not proven and evidence.thousands and len(evidence.ambiguous) == 1:  # blanks group, so that this sign does not
        return next(iter(evidence.ambiguous))
    return "." if proven else None


def _thousands(evidence: _Evidence, decimal: str | None) -> str | None:
    """Thousands separator that the fields prove, for this decimal separator."""
    if len(evidence.decimal) > 1:
        return None
    proven = set(evidence.thousands) - {decimal}
    if decimal is not None and not proven:
        proven = set(evidence.ambiguous) - {decimal}
    return proven.pop() if len(proven) == 1 else None


def _of_column(name: str, text: pd.Series) -> _Evidence:
    """Evidence of one column; none for times, text and plain integers."""
    sample = text.iloc[:: max(1, len(text) // SAMPLE)]
    if not sample.str.contains(_SEPARATED).any() or looks_like_times(text):
        return _Evidence()
    cores = [core for word in _distinct(text, sample) if (core := _core(word)) is not None]
    return _evidence_of(name, cores)


def _distinct(text: pd.Series, sample: pd.Series) -> Iterator[str]:
    """Distinct fields; those of the sample if they are all numbers with a decimal point of their own."""
    fields = pd.unique(sample)
    plain = pd.to_numeric(pd.Series(fields, dtype=str), errors="coerce").notna().all()
    if not plain or all(_AMBIGUOUS.fullmatch(str(word).strip()) for word in fields if "." in word):
        fields = pd.unique(text)
    return (str(word) for word in fields)


def _core(word: str) -> str | None:
    """Number of a field without signs; empty for other text, None for a blank field."""
    if not (stripped := word.strip()):
        return None
    signed = split_signs(stripped)
    return "" if signed is None else signed.core.translate(_ALIKE)


def _evidence_of(name: str, cores: list[str]) -> _Evidence:
    """Evidence of the numbers of a column."""
    found = _Evidence()
    numbers = 0
    for core in cores:
        numbers += core != "" and _add_number(core, name, found)
    return found if numbers >= _MIN_FRACTION * len(cores) else _Evidence()


def _add_number(core: str, name: str, found: _Evidence) -> bool:
    """Add the evidence of one number; False if it is none."""
    mantissa = re.split("[eE]", core)[0]
    signs = _SEPARATORS.findall(mantissa)
    example = f"'{core}' in column '{name}'"
    if not signs:
        return True
    if (len(set(signs)) == 1 and len(signs) > 1) or signs == [" "] or signs == ["'"]:
        if (match := _GROUPS.fullmatch(mantissa)) is None:
            return False
        found.thousands.setdefault(match["sign"] or ",", example)
        return True
    if len(signs) == 1:
        if _AMBIGUOUS.fullmatch(core):
            found.ambiguous.setdefault(signs[0], [name])
        else:
            found.decimal.setdefault(signs[0], example)
        return True
    head, _, _ = mantissa.rpartition(signs[-1])
    if (
        len(set(signs[:-1])) > 1
        or signs[-1] not in ".,"
        or signs[-1] == signs[0]
        or not (match := _GROUPS.fullmatch(head))
    ):
        return False
    found.decimal.setdefault(signs[-1], example)
    found.thousands.setdefault(match["sign"] or ",", example)
    return True
