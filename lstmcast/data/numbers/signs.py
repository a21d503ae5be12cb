"""Signs around numbers: currencies, percent, units, factors such as K and bn, and notations of negative numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lstmcast.text import truncate_list

SPACES = " \u00a0\u202f\u2009"
APOSTROPHES = "'\u2019"
MINUS = "\\-\u2212\u2013"  # within brackets of a regular expression

_FACTORS = {
    **dict.fromkeys(("k", "tsd", "tsd.", "thousand", "mille"), 1e3),
    **dict.fromkeys(("m", "mn", "mio", "mio.", "mill.", "million", "millions", "millionen", "mln"), 1e6),
    **dict.fromkeys(("b", "bn", "mrd", "mrd.", "md", "billion", "billions", "milliarden", "mld"), 1e9),
    **dict.fromkeys(("t", "tn", "trn", "trillion", "trillions"), 1e12),
}
_PREFIXES = {"m": 1e-3, "c": 1e-2, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_BASES = {"W", "Wh", "V", "A", "VA", "Ah", "Hz", "Pa", "B", "bit", "g", "m", "l", "L", "J", "s", "bar"}
_UNCLEAR = {"m", "b", "t", "md"}  # alone, these may be units: meters, bytes, tons
_CURRENCIES = set("$€£¥₹₩₽₺₴₦฿") | {"us$", "r$", "a$", "c$", "rs", "rs.", "kr", "kr.", "zł", "kč", "chf", "fr."}
_CURRENCIES |= {"usd", "eur", "gbp", "jpy", "inr", "cny", "aud", "cad", "brl", "sek", "nok", "dkk", "pln", "czk"}
_COMPARISONS = re.compile(r"[<>≤≥~≈#=]")
_FIELD = re.compile(
    rf"(?P<open>\()?\s*(?P<first>[+{MINUS}])?\s*(?P<prefix>[^\d()+{MINUS}]*?)\s*(?P<second>[+{MINUS}])?\s*"
    rf"(?P<core>[.,]?[0-9][0-9.,{APOSTROPHES}{SPACES}]*?(?:[eE][+-]?[0-9]+)?)"
    rf"(?P<flag>\s*[(\[][A-Za-z0-9]{{1,4}}[)\]])?(?P<suffix>[^\d.,()+{MINUS}]?[^\d()+{MINUS}]*?)\s*(?P<last>[{MINUS}])?\s*(?P<close>\))?\s*"
)
_FLAG = re.compile(r"[a-z]{1,3}|[(\[]\w+[)\]]|[*†‡^]", re.IGNORECASE)
_NO_SCALES: Mapping[str, float] = {}
_WORDS = re.compile(r"[^\W\d_]+\.?|[^\w\s]")


@dataclass(frozen=True)
class SignedNumber:
    """A number and the signs around it.

    Attributes:
        core: digits and separators, such as `1,234.50`.
        negative: true after a minus, before one, or within parentheses.
        plain: true if the sign of the number is written as in `-5`.
        before, after: the words before and after the number, such as `$` and `bn`.
    """

    core: str
    negative: bool
    plain: bool
    before: tuple[str, ...]
    after: tuple[str, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """All words."""
        return self.before + self.after

    @property
    def factors(self) -> tuple[str, ...]:
        """Words that multiply, such as `K`."""
        return tuple(word for word in self.words if word.lower() in _FACTORS)

    @property
    def units(self) -> tuple[str, ...]:
        """Words that do not multiply, such as `$` and `kWh`."""
        return tuple(word for word in self.words if word.lower() not in _FACTORS)

    def text(self, *, multiply: bool, scales: Mapping[str, float] = _NO_SCALES) -> tuple[str, float]:
        """Return the number without signs, and the factor of its words; `scales` are those of units."""
        factor = 1.0
        for word in self.units:
            factor *= scales.get(word, 1.0)
        for word in self.factors if multiply else ():
            factor *= _FACTORS[word.lower()]
        return f"{'-' * self.negative}{self.core}", factor


def split_signs(field: str) -> SignedNumber | None:
    """Split a stripped field into a number and its signs; None if it is not one number."""
    match = _FIELD.fullmatch(field)
    if match is None or bool(match["open"]) != bool(match["close"]) or _COMPARISONS.search(field):
        return None
    signs = [sign for sign in (match["first"], match["second"], match["last"], match["open"]) if sign]
    if len(signs) > 1:
        return None
    before, after = (tuple(_WORDS.findall(match[part])) for part in ("prefix", "suffix"))
    flag = (match["flag"].strip(),) if match["flag"] else ()  # of a preliminary value
    if sum(map(len, before + after)) != len(re.sub(r"\s", "", match["prefix"] + match["suffix"])):
        return None
    plain = not signs or (match["last"] is None and match["open"] is None and signs[0] in "+-")
    return SignedNumber(match["core"].strip(), bool(signs) and signs[0] != "+", plain, before, (*flag, *after))


def multiplies(numbers: Sequence[SignedNumber]) -> bool | None:
    """Decide for all numbers of a column whether their words multiply; None if the words do not allow a decision.

    Words are clear if all numbers carry the same ones, if only a currency is left out in some, or if they are factors
    such as K, M and bn. A lowercase m is not, if other numbers have no factor.
    """
    units = {number.units for number in numbers if number.units}
    if len(units) > 1:
        return None
    bare = [number for number in numbers if not number.units]
    if units and bare and not all(word.lower() in _CURRENCIES for word in next(iter(units))):
        return None
    factors = {number.factors for number in numbers}
    if factors == {()}:
        return True
    single = {word for words in factors for word in words}
    if len(single) == 1 and single <= _UNCLEAR:
        return False if () not in factors else None
    return True


def unit_scales(numbers: Sequence[SignedNumber]) -> dict[str, float]:
    """Factors of units that differ by a prefix, such as W and kW, or of % among plain numbers; empty for others."""
    units = {number.units for number in numbers}
    if units == {(), ("%",)}:
        return {"%": 0.01}
    if any(len(words) != 1 for words in units):
        return {}
    parts = {word: _prefix_and_base(word) for (word,) in units}
    if len(parts) < 2 or len({base for _, base in parts.values()}) > 1 or not all(base for _, base in parts.values()):
        return {}
    smallest = min(factor for factor, _ in parts.values())
    return {word: factor / smallest for word, (factor, _) in parts.items()}


def _prefix_and_base(word: str) -> tuple[float, str]:
    """Factor of the prefix of a unit, and the unit without it; empty for an unknown unit."""
    if word in _BASES:
        return 1.0, word
    known = word[:1] in _PREFIXES and word[1:] in _BASES
    return (_PREFIXES[word[0]], word[1:]) if known else (1.0, "")


def can_ignore(numbers: Sequence[SignedNumber], total: int) -> bool:
    """True if the words of numbers, mixed with plain numbers, are one unit or flags that do not change the size."""
    units = {number.units for number in numbers if number.units}
    words = {word for parts in units for word in parts}
    flags = 2 * len(numbers) <= total and all(_FLAG.fullmatch(word) for word in words)
    return "%" not in words and (len(units) == 1 or flags)


def describe_signs(numbers: Iterable[SignedNumber], *, multiply: bool, scales: Mapping[str, float] = _NO_SCALES) -> str:
    """Describe how signs were read, for a note."""
    if scales:
        return ", ".join(f"{word} read as a factor of {factor:g}" for word, factor in sorted(scales.items()))
    found = list(numbers)
    factors = sorted({word for number in found for word in number.factors}) if multiply else []
    left_out = sorted({word for number in found for word in (number.units if multiply else number.words)})
    parts = [f"{truncate_list(factors)} read as factors"] * bool(factors)
    parts += [f"{truncate_list(left_out)} left out"] * bool(left_out)
    negative = sum(number.negative and not number.plain for number in found)
    parts += ["numbers in parentheses, or with a minus behind, read as negative"] * bool(negative)
    return ", ".join(parts)


def has_one_unit(fields: Sequence[str]) -> bool:
    """True if all fields are numbers, most with the same unit behind them, such as `12 kWh`, or with a currency."""
    if not fields or not all(any(map(str.isdigit, field)) for field in fields[:20]):
        return False
    numbers = [split_signs(field.strip()) for field in fields]
    found = [number for number in numbers if number is not None]
    if len(found) < 0.8 * len(fields) or multiplies(found) is None:
        return False
    return all(_is_unit(number) for number in found)


def _is_unit(number: SignedNumber) -> bool:
    """True unless words before the number name a thing, such as `Store 1` or `M01`."""
    return all(word.lower() in _CURRENCIES for word in number.before)
