"""Candidates of patterns for texts of a shape."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import product

from lstmcast.data.column_hints import words
from lstmcast.data.time.text.names import PERIOD_NAMES
from lstmcast.data.time.text.patterns import ROMAN_FIELDS, tokens
from lstmcast.data.time.text.shapes import ShapedTexts, beginning, follows, group_by_shape, may_follow, shape_regex
from lstmcast.data.time.text.text_patterns import derived_patterns, in_digits

EPOCH_FRACTION = "%s.%f"
_DATES: tuple[tuple[str, ...], ...] = (  # ambiguous patterns of one shape are grouped
    ("%Y",), ("%Y%m",), ("%Y%m%d",), ("%Y%m%d%H",), ("%Y%m%d%H%M",), ("%Y%m%d%H%M%S",),
    ("%Y-%m-%d",), ("%Y/%m/%d",), ("%Y.%m.%d",), ("%Y:%m:%d",), ("%Y-%m", "%Y-%q"), ("%Y/%m", "%Y/%q"),
    ("%Y:%m", "%Y:%q"), ("%Y %m", "%Y %q"), ("%-Y-%m",), ("%m/%Y", "%q/%Y"), ("%m-%Y", "%q-%Y"), ("%m.%Y", "%q.%Y"),
    ("%m %Y", "%q %Y"), ("%m:%Y", "%q:%Y"), ("%d/%m/%Y", "%m/%d/%Y"), ("%d-%m-%Y", "%m-%d-%Y"), ("%d.%m.%Y",),
    ("%d/%m/%y", "%m/%d/%y", "%y/%m/%d"), ("%d-%m-%y", "%m-%d-%y", "%y-%m-%d"), ("%d.%m.%y",),
    ("%YQ%q", "%GW%V", "%YM%m"), ("%Y-Q%q", "%G-W%V", "%Y-M%m"), ("%Y Q%q", "%G W%V"), ("%G-W%V-%u",),
    ("Q%q %Y",), ("Q%q-%Y",), ("Q%q/%Y",),
    ("%b %Y",), ("%b-%Y",), ("%b/%Y",), ("%b%Y",), ("%b, %Y",), ("%Y %b",), ("%Y-%b",), ("%b-%y",), ("%b %y",),
    ("%d-%b-%Y",), ("%d %b %Y",), ("%d/%b/%Y",), ("%d%b%Y",), ("%Y-%b-%d",), ("%Y %b %d",), ("%d-%b-%y", "%y-%b-%d"),
    ("%b %d, %Y",), ("%b %d %Y",), ("%a, %d %b %Y",), ("%a %d %b %Y",), ("%a, %b %d, %Y",),
    ("%Y/%y",), ("%Y-%y",), ("%G-%V",), ("%G/%V",), ("%G%V",), ("%V/%G",), ("%V-%G",), ("%V.%G",), ("%Y-%j",),
    ("%Y%j",), ("%Y/%j",),
    ("%d%m%Y", "%m%d%Y"), ("%y%m%d",), ("%Y. %m. %d.",), ("%Y. %m. %d",), ("%Y.%m.%d.",),
    ("%d. %m. %Y",), ("%Y_%m",), ("%Y_%m_%d",), ("%d_%m_%Y", "%m_%d_%Y"), ("%m_%Y",),
    ("%Y-%m-%d-%H.%M.%S",), ("%Y-%m-%d-%H:%M:%S",), ("%d/%b/%Y:%H:%M:%S",),
    ("%Y-%m-%d:%H:%M:%S",), ("%Y%m%d-%H:%M",), ("%Y%m%d:%H%M",),
)  # fmt: skip
_CLOCKS = ("%H:%M:%S", "%H:%M", "%H:%M:%S.%f", "%I:%M:%S %p", "%I:%M %p", "%I:%M:%S%p", "%I:%M%p", "%H%M%S", "%H",
           "%H.%M", "%H.%M.%S", "%H%M")  # fmt: skip
_SUFFIXES = tuple("".join(parts) for parts in product((" ", "T", ", ", "  "), _CLOCKS, ("", "%z", " %z")))
_TO_24 = {"%H:%M": "%k:%M", "%H:%M:%S": "%k:%M:%S", "%H": "%24N", "%H%M": "%k%M", "%H%M%S": "%k%M%S"}
_BETWEEN = (" - ", " – ", "–", " to ", " bis ", " until ", " au ", " a ", "/", "..", " / ", "-",
            " -> ", "~", " ~ ")  # fmt: skip
_EPOCH_WIDTHS = {
    EPOCH_FRACTION: r"0{9,10}\.0{1,9}",
    "epoch s": r"0{9,10}",
    "epoch ms": r"0{12,13}",
    "epoch us": r"0{15,16}",
    "epoch ns": r"0{18,19}",
}
_DAILY = frozenset("dju")  # directives of days
_COUNTED_YEAR = re.compile(r"0-00?")


def candidates(code: int, shaped: ShapedTexts, name: str = "") -> Iterator[tuple[str, ...]]:
    """Yield the patterns that match texts of a shape; those in one tuple are alternatives. A name may prefer some."""
    shape = shaped.shapes[code]
    counted = any(_COUNTED_YEAR.fullmatch(other) for other in shaped.shapes)
    groups = [group for group in _all_groups(shape) if counted or group != ("%-Y-%m",)]
    known = {pattern for group in groups for pattern in group}
    if derived := tuple(p for p in derived_patterns(shaped.example(code)) if p not in known and follows(p, shape)):
        groups.append(derived)
    groups += _roman(shaped.example(code))
    if letters := {letter for word in words(name) for letter in PERIOD_NAMES.get(word, "")}:
        groups += _ranges(shaped.example(code))
        patterns = (pattern for group in groups for pattern in group)
        yield from ((each,) for each in patterns if letters & {token.letter for token in tokens(each)})
    yield from groups
    if not letters:
        yield from _ranges(shaped.example(code))


def _roman(text: str) -> list[tuple[str, ...]]:
    """Patterns of a text with a Roman numeral, which is a month or a quarter."""
    found = in_digits(text)
    if found is None:
        return []
    digits, at = found
    shape = group_by_shape([digits]).shapes[0]
    groups = [*_all_groups(shape), tuple(p for p in derived_patterns(digits) if follows(p, shape))]
    return [group for each in groups if (group := tuple(filter(None, (_in_roman(p, shape, at) for p in each))))]


def _in_roman(pattern: str, shape: str, at: int) -> str:
    """Pattern with a Roman numeral for the number at a position; empty if it is neither a month nor a quarter."""
    parts, match = tokens(pattern), shape_regex(pattern).fullmatch(shape)
    k = next((i for i in range(len(parts)) if match and match.start(f"g{i}") == at), 0)
    letter = next((roman for roman, digit in ROMAN_FIELDS.items() if digit == parts[k].letter), "")
    return "".join(f"%{letter}" if i == k else token.text for i, token in enumerate(parts)) if letter else ""


def _ranges(text: str) -> list[tuple[str, ...]]:
    """Patterns of a range, whose end has the format of its start or is a time of day."""
    found = [
        group
        for sign in _BETWEEN
        for start, end in _split_at(text, sign)
        for group in _range_patterns(start, sign, end)
    ]
    return sorted(found, key=lambda group: -max(map(len, group)))


def _split_at(text: str, sign: str) -> list[tuple[str, str]]:
    """Beginnings and ends around each occurrence of a sign."""
    positions = [match.start() for match in re.finditer(re.escape(sign), text)]
    return [(text[:start], text[start + len(sign) :]) for start in positions if start and start + len(sign) < len(text)]


def _range_patterns(start: str, sign: str, end: str) -> list[tuple[str, ...]]:
    """Patterns of a range with these ends."""
    first, last = group_by_shape([start]), group_by_shape([end])
    groups = [*_all_groups(first.shapes[0]), *filter(None, [derived_patterns(start)])]
    shape = last.shapes[0]
    whole = [tuple(p + sign + p for p in group if follows(p, shape)) for group in groups]
    ends = [clock for clock in (*_CLOCKS, "%k:%M") if "%M" in clock and follows(clock, shape)]
    clocks = [tuple(p + sign + clock for p in group if "%H" in p) for group in groups for clock in ends]
    hours = [hour for hour in ("%H", "%k") if follows(hour, shape)]
    clocks += [tuple(p + sign + hour for p in group if p.endswith("%H")) for group in groups for hour in hours]
    return [group for group in (*whole, *clocks) if group]


@lru_cache(maxsize=1024)
def _all_groups(shape: str) -> tuple[tuple[str, ...], ...]:
    """Patterns of a shape, including years counted from 1 and hours to 24."""
    dated = [
        tuple(
            date + suffix
            for date in dates
            if may_follow(date, shape)
            for suffix in _suffixes(date, shape[beginning(date, shape) :])
        )
        for dates in _DATES
    ]
    fitting = [tuple(pattern for pattern in group if follows(pattern, shape)) for group in dated]
    to_24 = [tuple(later for pattern in group if (later := _to_24(pattern)) != pattern) for group in fitting]
    epochs = [(name,) for name, width in _EPOCH_WIDTHS.items() if re.fullmatch(width, shape)]
    return tuple(group for group in (*fitting, *to_24, *epochs) if group)


def _to_24(pattern: str) -> str:
    """Pattern with hours to 24."""
    clock = next((clock for clock in _CLOCKS if pattern.endswith(clock) and clock in _TO_24), "")
    return pattern.removesuffix(clock) + _TO_24.get(clock, "")


def _suffixes(date: str, rest: str) -> tuple[str, ...]:
    """Time of day that matches the shape after the date of a day."""
    if not rest or not _DAILY & {token.letter for token in tokens(date)}:
        return () if rest else ("",)
    return tuple(suffix for suffix in _SUFFIXES if follows(suffix, rest))[:1]
