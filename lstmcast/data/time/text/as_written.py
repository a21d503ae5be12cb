"""Details of times as written: padding, case, digits of a fraction, names, the span of ranges."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lstmcast.data.time.text.formats import TimeFormat, add_months
from lstmcast.data.time.text.names import completed
from lstmcast.data.time.text.parser import read_texts, word_value
from lstmcast.data.time.text.patterns import DECIMALS, INTEGERS, NAMES, SAME_NAMES, WIDTHS, Token, end_of_range, tokens
from lstmcast.data.time.text.shapes import DECIMAL, ShapedTexts, shape_regex
from lstmcast.data.time.zones import DAY, SECOND
from lstmcast.types import Ints

_SAMPLE = 2_000  # texts whose names and ranges are compared with those of a format
_DAY = frozenset("md")
_VALUED = frozenset("bBaApZLo")
_COMMON_SPAN = 0.9  # of the ranges have the span with which new ones are written


def format_as_written(pattern: str, shaped: ShapedTexts) -> TimeFormat:
    """Add the details of the texts to a pattern: padding, case, digits of a fraction, names, the span of ranges."""
    if pattern in INTEGERS:
        return TimeFormat(pattern)
    if pattern in DECIMALS:
        lengths = {len(match[1] or "") for shape in shaped.shapes if (match := DECIMAL.fullmatch(shape))}
        return TimeFormat(pattern, decimals=max(lengths) * (1 if len(lengths) == 1 else -1))
    flagged = _pattern_as_written(pattern, shaped)
    parts = tokens(pattern)
    with_names = any(token.letter in _VALUED for token in tokens(flagged))
    if not with_names and end_of_range(parts) == len(parts):
        return TimeFormat(flagged)
    sample = _sample(shaped)
    return TimeFormat(flagged, _names(pattern, flagged, sample) if with_names else (), span=_span(pattern, sample))


def _sample(shaped: ShapedTexts) -> ShapedTexts:
    """Texts at even distances."""
    kept = np.arange(0, len(shaped.texts), max(1, len(shaped.texts) // _SAMPLE))
    return ShapedTexts(shaped.texts[kept], shaped.shapes, shaped.codes[kept])


def _names(pattern: str, flagged: str, sample: ShapedTexts) -> tuple[tuple[str, int, str], ...]:
    """Names of months, weekdays, halves of a day and offsets that the flags of the pattern do not describe."""
    reading = read_texts(pattern, sample)
    wall = reading.stamps + reading.offsets
    minutes = (reading.offsets // (60 * SECOND)).tolist()
    parts = tokens(flagged)
    limit = end_of_range(parts)
    seen: dict[str, dict[int, str]] = {}
    unusual: set[str] = set()
    for k in np.flatnonzero(~reading.faulty).tolist():
        match = shape_regex(pattern).fullmatch(sample.shapes[sample.codes[k]])
        for i, token in enumerate(parts):
            letter = SAME_NAMES.get(token.letter, token.letter)
            if match is None or token.letter not in _VALUED or not match[f"g{i}"] or (letter in "zL" and i >= limit):
                continue
            word = sample.texts[k][slice(*match.span(f"g{i}"))]
            if letter == "o":
                number = int(sample.texts[k][slice(*match.span(f"g{i - 1}"))])
            else:
                number = minutes[k] if letter in "zL" else word_value(letter, word)
            seen.setdefault(letter, {})[number] = word
            if letter in "bap" and TimeFormat(token.text).format(wall[k : k + 1]) != [word]:
                unusual.add(letter)
    if _has_zone_names(seen.get("z", {})):
        unusual.add("z")
    if any(word not in {"st", "nd", "rd", "th"} for word in seen.get("o", {}).values()):
        unusual.add("o")
    named = {letter: words for letter, words in seen.items() if letter == "L" or letter in unusual}
    whole = {letter: completed(letter, words) if letter in "ba" else words for letter, words in named.items()}
    return tuple((letter, number, word) for letter, words in whole.items() for number, word in sorted(words.items()))


def _has_zone_names(words: Mapping[int, str]) -> bool:
    """True for names of offsets such as CET."""
    return any(word.isalpha() and word not in {"Z", "UTC"} for word in words.values())


def _span(pattern: str, sample: ShapedTexts) -> tuple[int, int]:
    """Months and microseconds from the start to the end of most ranges; (0, 0) without a range or a common span."""
    parts = tokens(pattern)
    if end_of_range(parts) == len(parts):
        return 0, 0
    start, end = read_texts(pattern, sample), read_texts(pattern, sample, end=True)
    good = ~(start.faulty | end.faulty)
    first, last = start.stamps[good], end.stamps[good]
    last = np.where((last <= first) & (last > first - DAY), last + DAY, last)
    found = [_common(first, last, 0)]
    months = np.unique(
        (
            last.astype("datetime64[us]").astype("datetime64[M]")
            - first.astype("datetime64[us]").astype("datetime64[M]")
        ).astype(np.int64)
    )
    found += [_common(first, last, int(months[0]) + k) for k in (1, 0) if len(months) <= 2 and months[0] + k > 0]
    fraction, span = max(found, key=lambda one: one[0])
    return span if fraction >= _COMMON_SPAN else (0, 0)


def _common(first: Ints, last: Ints, months: int) -> tuple[float, tuple[int, int]]:
    """Share and size of the most common span of some months and a rest."""
    rests, counts = np.unique(last - add_months(first, months), return_counts=True)
    return float(counts.max() / counts.sum()), (months, int(rests[np.argmax(counts)]))


def _pattern_as_written(pattern: str, shaped: ShapedTexts) -> str:
    """Add flags to a pattern."""
    shapes = enumerate(shaped.shapes)
    matched = [(shaped.example(k), match) for k, shape in shapes if (match := shape_regex(pattern).fullmatch(shape))]
    parts = tokens(pattern)
    seen = [[text[slice(*match.span(f"g{i}"))] for text, match in matched if match[f"g{i}"]] for i in range(len(parts))]
    bare = any(
        len(text) == 1 for token, texts in zip(parts, seen, strict=True) if token.letter in _DAY for text in texts
    )
    return "".join(_flagged(token, texts, bare=bare) for token, texts in zip(parts, seen, strict=True))


def _flagged(token: Token, seen: list[str], *, bare: bool) -> str:
    """Add the flags of the fields `seen` to a directive; `bare` if days or months are not padded."""
    letter = token.letter
    if not letter:
        return (seen[0] if seen else token.text).replace("%", "%%")
    if not seen:
        return token.text
    if letter == "f":
        return f"%{max(map(len, seen))}f"
    if letter in "oLERr":
        return token.text
    if letter in "zZ":
        return _offset_directive(seen[0])
    if letter in NAMES:
        full = any(len(text.rstrip(".")) > 3 and text.lower() not in {"sept", "sept."} for text in seen)
        letter = letter.upper() if letter in "ba" and full else letter
        if letter == "p" and len(seen[0]) > 2:
            return "%p"
        return f"%{'#' if seen[0].islower() else '^' if letter != 'p' and seen[0].isupper() else ''}{letter}"
    alike = bare and letter in _DAY and not any(text.startswith("0") for text in seen)
    count = token.flag.strip("-") or "24" if letter == "N" else ""
    width = len(count) or WIDTHS[letter]
    return f"%{'-' if alike or min(map(len, seen)) < width else ''}{count}{letter}"


def _offset_directive(text: str) -> str:
    if text.isalpha():
        return "%^z" if text == "Z" else "%Z"
    return "%:z" if ":" in text else "%-z" if len(text) == 3 else "%z"
