"""Fields of numbers: missing values, notation, and the values of distinct fields."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from lstmcast.data.numbers.signs import SPACES, describe_signs, has_one_unit, multiplies, split_signs, unit_scales
from lstmcast.errors import ConfigError
from lstmcast.types import Bools, Floats

MISSING = ("", "na", "n/a", "nan", "null", "none", "?", "-", ".")
COMMON_MARKS = (  # of missing values, read as such with a note
    "#n/a", "#na", "n.a.", "n.a", "<na>", "nat", "\\n", ":", "..", "...", "…", "--", "---", "–", "—", "**", "***",
    "#n/a n/a", "not available", "unavailable", "unknown", "missing", "no data", "k.a.", "s.d.", "n.v.", "(na)",
)  # fmt: skip
SAMPLE = 1000  # fields that decide the type of a column

_LOOSE = re.compile(r"[\s$€£¥+(-]*[.,]?[0-9][0-9.,'’_\s]*(?:[eE][+-]?[0-9]+)?\s*(?:[kKM]|bn|[%$€£¥)-])?\s*")
_NO_AMOUNT = r"[$€£¥]\s*[-–—]|[-–—]\s*[$€£¥]"
_EMPTY = frozenset((*MISSING, *COMMON_MARKS))


@dataclass(frozen=True)
class NumberStyle:
    """The notation of numbers.

    Attributes:
        decimal: `"."` or `","`.
        thousands: the thousands separator; None for none.
        units: treatment of signs around numbers: `"error"`, `"auto"` (where they are clear), `"multiply"` (K, M and bn
            are factors) or `"ignore"`.
        marks: lowercase texts of missing values, besides those that always are.
    """

    decimal: str = "."
    thousands: str | None = None
    units: str = "error"
    marks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raise ConfigError for separators that contradict each other."""
        if self.thousands is not None and (
            len(self.thousands) != 1 or self.thousands.isalnum() or self.thousands in "+-"
        ):
            raise ConfigError(f"data.thousands: must be one character such as ',' or ' ' (got {self.thousands!r})")
        if self.thousands == self.decimal:
            raise ConfigError(f"data.thousands and data.decimal must differ (both are '{self.decimal}')")

    @property
    def plain(self) -> bool:
        """True for a decimal point without a thousands separator."""
        return self.decimal == "." and self.thousands is None

    @property
    def group(self) -> str:
        """Regular expression of the thousands separator."""
        alike = {" ": f"[{SPACES}]", "'": "['\u2019]"}
        return alike.get(self.thousands or "", re.escape(self.thousands or ""))

    @property
    def pattern(self) -> str:
        """Regular expression of a number; thousands may have the Indian groups of two digits."""
        point = re.escape(self.decimal)
        grouped = (
            f"[0-9]{{1,3}}(?:{self.group}[0-9]{{3}})+|[0-9]{{1,2}}(?:{self.group}[0-9]{{2}})+{self.group}[0-9]{{3}}"
        )
        integer = f"[0-9]+|{grouped}" if self.thousands else "[0-9]+"
        return f"[+-]?(?:(?:{integer})(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][+-]?[0-9]+)?"

    def numbers(self, text: pd.Series) -> Floats:
        """[K] values of fields that match the pattern."""
        if self.thousands:
            text = text.str.replace(self.group, "", regex=True)
        return text.str.replace(self.decimal, ".", regex=False).to_numpy(dtype=object).astype(np.float64)


@dataclass(frozen=True)
class DistinctNumbers:
    """Distinct stripped fields [K] of a column: their values, NaN where missing, and which cannot be read."""

    values: Floats
    bad: Bools
    signs: str = ""  # how signs around numbers were read
    signed: Bools | None = None
    marked: Bools | None = None


def looks_like_numbers(text: pd.Series) -> bool:
    """True if most fields of a sample are numbers, possibly with currency, percent or thousands signs."""
    sample = text.iloc[:: max(1, len(text) // SAMPLE)]
    filled = _filled(sample) or _filled(text)
    loose = sum(_LOOSE.fullmatch(field) is not None for field in filled)
    return len(filled) > 0 and (loose >= 0.8 * len(filled) or has_one_unit(filled))


def _filled(text: pd.Series) -> list[str]:
    """Fields that are not missing."""
    return [str(field) for field in text.tolist() if (word := str(field).strip().lower()) not in _EMPTY and word]


def is_missing(text: pd.Series) -> Bools:
    """[N] true for missing values: empty, NA, N/A, NaN, null, none, ?, - or ."""
    return np.asarray(text.str.strip().str.lower().isin(MISSING), dtype=bool)


def read_fields(fields: pd.Series, style: NumberStyle) -> DistinctNumbers:
    """Read distinct stripped fields."""
    missing = is_missing(fields)
    number = fields.str.fullmatch(style.pattern).to_numpy(dtype=bool)
    marked = fields.str.lower().isin(style.marks).to_numpy(dtype=bool)
    if style.units != "error":
        marked = marked | fields.str.fullmatch(_NO_AMOUNT).to_numpy(dtype=bool)
    marked = marked & ~missing
    values = np.full(len(fields), np.nan)
    number = number & ~missing & ~marked
    values[number] = style.numbers(fields[number])
    bad = ~(missing | number | marked)
    if not bad.any() or style.units == "error":
        return DistinctNumbers(values, bad, marked=marked)
    return _read_signs(fields, style, DistinctNumbers(values, bad, marked=marked), number)


def _read_signs(fields: pd.Series, style: NumberStyle, read: DistinctNumbers, number: Bools) -> DistinctNumbers:
    """Read the fields that are not plain numbers as numbers with signs around them, where the signs are clear."""
    rest = np.flatnonzero(read.bad)
    split = [split_signs(str(field)) for field in fields.iloc[rest]]
    found = [signed for signed in split if signed is not None]
    bare = [signed for field in fields[number] if (signed := split_signs(str(field))) is not None]
    multiply = {"multiply": True, "ignore": False}.get(style.units, multiplies([*found, *bare]))
    if multiply is None or not found:
        return read
    scales = unit_scales([*found, *bare]) if style.units == "multiply" else {}
    texts = [("", 1.0) if signed is None else signed.text(multiply=multiply, scales=scales) for signed in split]
    cores = pd.Series([core for core, _ in texts], dtype=str)
    fits = cores.str.fullmatch(style.pattern).to_numpy(dtype=bool)
    values, bad, signed_fields = read.values.copy(), read.bad.copy(), np.zeros(len(fields), dtype=np.bool_)
    factors = np.array([factor for _, factor in texts])
    values[rest[fits]] = style.numbers(cores[fits]) * factors[fits]
    bad[rest[fits]], signed_fields[rest[fits]] = False, True
    return replace(
        read,
        values=values,
        bad=bad,
        signed=signed_fields,
        signs=describe_signs(found, multiply=multiply, scales=scales),
    )
