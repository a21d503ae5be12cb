"""Time patterns derived from one text with words: `1. Quartal 2015` → `%q. Quartal %Y`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

from lstmcast.data.time.text.names import (
    CJK,
    CLOCK_WORDS,
    HALF_WORDS,
    HOUR_WORDS,
    LABELS,
    LINKS,
    LOCAL_ZONES,
    ORDINALS,
    QUARTER_WORDS,
    UNCLEAR_ZONES,
    WEEK_WORDS,
    ZONE_MINUTES,
    is_mark,
    month_of,
    plain,
    weekday_of,
)

_PIECE = re.compile(
    r"(?P<clock>(?<!\d)\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?!\d)|(?<=\s)\d{2}\.\d{2}\.\d{2}(?:\.\d{1,9})?(?=\s[AP]M))"
    r"|(?P<half>(?<=\d)\s?[AaPp](?:[Mm](?![^\W_])|\.\s?[Mm]\.)|(?:上午|下午|午前|午後|오전|오후))"
    r"|(?P<offset>(?:(?<=:\d\d)|(?<=:\d\d )|(?<=\.\d{3})|(?<=\.\d{6})|(?<=[TC]))[+-]\d{2}:?\d{2}(?!\d))"
    r"|(?P<weekday>星期[一二三四五六日天]|周[一二三四五六日]|(?<=\()[月火水木金土日](?=\))|[月火水木金土日]曜日?)"
    r"|(?P<comment>\([^()\d]{2,50}\))"
    r"|(?P<zone>\[[A-Za-z]+/[A-Za-z_/]+\])"
    r"|(?P<number>\d+)"
    r"|(?P<word>季度|四半期|분기|[年月日号时時点分秒周週季第년월일시분초주]|[^\W\d_]+\.?)"
    r"|(?P<sign>.)",
    re.DOTALL,
)
_EPOCH = re.compile(r"(?P<before>/?(?:new )?Date\()\d{12,13}(?P<offset>[+-]\d{4})?(?P<after>\)/?)")
_YEAR = re.compile(
    r"(?P<before>(?:FY|CY|AY|year|Jahr)[- ]?|)(?P<year>\d{4}|\d{2})"
    r"(?P<after>(?P<sign>[-/–])(?P<end>\d{4}|\d{2})|A|JJ00|A1|)",
    re.IGNORECASE,
)
_SHORT_YEARS = re.compile(r"(\d{2})([-/–])(\d{2})")
_ROMAN = re.compile(r"(?<![^\W\d_])(?:VI{0,3}|I?X|I{1,3}|IV|XI{1,2})(?![^\W\d_])")
_MARK = re.compile(r" ?[(\[]?[^\W\d_]{1,12}\.?[)\]]?$| ?[*†‡¹²³]{1,3}$")
_CLOCK = ("H", "", "M", "", "S", "", "f")
_MAX_LENGTH = 80
_PERIODS = ("%q", "%V", "%h")
_DATE_ORDERS = (("d", "m", "Y"), ("m", "d", "Y"), ("Y", "m", "d"))
_PERIOD_WORDS = ((QUARTER_WORDS, "q"), (WEEK_WORDS, "V"), (HALF_WORDS, "h"), (HOUR_WORDS, "N"))


@dataclass(frozen=True)
class _Piece:
    """Part of a text; `directive` is its part of the pattern, empty while its role is open."""

    kind: str
    text: str
    directive: str = ""


def derived_patterns(text: str) -> tuple[str, ...]:
    """Return the patterns, alternatives of each other, that a text with words or signs may follow.

    Every word must be a known one; each number must have a role.
    """
    if match := _EPOCH.fullmatch(text):
        return (match["before"] + "%Q" + ("%z" if match["offset"] else "") + match["after"],)
    if match := _SHORT_YEARS.fullmatch(text):
        follows = int(match[3]) == (int(match[1]) + 1) % 100
        return (f"%y{match[2]}%y",) if follows else ()
    if len(text) > _MAX_LENGTH or not any(letter.isalpha() for letter in text):
        return ()
    if match := _YEAR.fullmatch(text):
        end = f"{match['sign']}%{_year(match['end'])}" if match["end"] else match["after"]
        return (f"{match['before']}%{_year(match['year'])}{end}",)
    pieces = [_Piece(str(match.lastgroup), match[0]) for match in _PIECE.finditer(text)]
    named = [_named(pieces, k) for k in range(len(pieces))]
    if any(not piece.directive and piece.kind != "number" for piece in named):
        return ()
    found = (pattern for roles in _period_roles(named) for pattern in _numbered(roles))
    return tuple(dict.fromkeys(found))


def _year(digits: str) -> str:
    """Directive of a year with these digits."""
    return "Y" if len(digits) > 2 else "y"


def in_digits(text: str) -> tuple[str, int] | None:
    """Text with a digit for its only Roman numeral, and the position of the digit; None without one."""
    found = list(_ROMAN.finditer(text))
    if len(found) != 1:
        return None
    at = found[0].start()
    return text[:at] + "1" + text[found[0].end() :], at


def unmarked(text: str) -> str:
    """Text without a mark of its status at the end, such as p, (r) or *."""
    match = _MARK.search(text)
    return text[: match.start()] if match and is_mark(match[0]) else text


def _named(pieces: list[_Piece], k: int) -> _Piece:
    """Set the directive of every piece but numbers."""
    piece = pieces[k]
    if piece.kind == "number" or piece.directive:
        return piece
    if piece.kind == "word":
        return replace(piece, directive=_word_directive(pieces, k))
    return replace(piece, directive=_sign_directive(pieces, k))


def _sign_directive(pieces: list[_Piece], k: int) -> str:
    """Directive of a piece that is neither a number nor a word."""
    kind, text = pieces[k].kind, pieces[k].text
    if kind == "clock":
        hours = "%I" if _has(pieces, "half") else "%H"
        numbers = re.split(r"([:.])", text)
        return "".join(f"%{letter}" if letter else sign for letter, sign in zip(_CLOCK, numbers, strict=False)).replace(
            "%H", hours
        )
    fixed = {"half": " " * text.startswith(" ") + "%p", "weekday": "%a", "offset": "%z", "comment": "(%L)"}
    if kind == "zone" and not _has(pieces, "offset"):
        return ""
    if kind == "comment" and weekday_of(text[1:-1]) > 0:
        return "(%a)"
    if kind == "comment" and text[1:-1].upper() in ZONE_MINUTES and not _has(pieces, "offset"):
        return "(%Z)"
    return fixed.get(kind, text.replace("%", "%%"))


def _has(pieces: list[_Piece], kind: str) -> bool:
    return any(piece.kind == kind for piece in pieces)


def _word_directive(pieces: list[_Piece], k: int) -> str:
    """Directive of a word, or the word itself where it only describes a number; empty for unknown words."""
    word, bare = pieces[k].text, plain(pieces[k].text)
    before = pieces[k - 1].kind if k else ""
    after = pieces[k + 1].kind if k + 1 < len(pieces) else ""
    if _has(pieces[:k], "clock") and word.upper() in ZONE_MINUTES and word not in UNCLEAR_ZONES:
        return word if after == "offset" else "%z" if word.upper() == "Z" else "%Z"
    if _has(pieces[:k], "clock") and word in LOCAL_ZONES:
        return word
    if bare == "t" and after == "clock":
        return word
    if before == "number" and bare in {"st", "nd", "rd", "th", "er", "e", "eme"} and word.isalpha():
        return "%o"
    if month_of(word) > 0 and len(bare) > 2:
        return "%b"
    if weekday_of(word) > 0 and (before in {"", "sign"}) and not _is_period(pieces, k):
        return "%a"
    known = bare in LINKS | ORDINALS | CLOCK_WORDS | {"m", "mm"} or word in CJK or word == "第"
    numbers = sum(piece.kind == "number" or month_of(piece.text) > 0 for piece in pieces)
    label = bare in LABELS and numbers == 3
    return word if known or label or _is_period(pieces, k) else ""


def _is_period(pieces: list[_Piece], k: int) -> bool:
    """True for the word of a quarter, week, half year or hour, next to a number."""
    near = [pieces[i].kind for i in (k - 2, k - 1, k + 1, k + 2) if 0 <= i < len(pieces)]
    return "number" in near and any(plain(pieces[k].text) in words for words, _ in _PERIOD_WORDS)


def _period_roles(pieces: list[_Piece]) -> Iterator[list[_Piece]]:
    """Set the directives of numbers that a word describes; one list for each meaning of an ambiguous word."""
    pieces = _with_signs(pieces)
    where = [k for k, piece in enumerate(pieces) if piece.kind == "word" and piece.directive == piece.text]
    options: list[list[tuple[int, str, int]]] = []
    for k in where:
        word = plain(pieces[k].text)
        meanings = [
            letter for words, letter in _PERIOD_WORDS if word in words and (letter != "N" or _whole_date(pieces))
        ]
        found = [(k, letter, number) for letter in meanings if (number := _number_of(pieces, k, letter)) is not None]
        if word in {"m", "mm"} and (number := _number_of(pieces, k, "m")) is not None:
            found = [(k, "m", number)]
        clock = next((i for i in (k - 1, k - 2) if i >= 0 and pieces[i].kind == "number"), None)
        if word in CLOCK_WORDS and clock is not None and not found and _whole_date(pieces):
            found = [(k, "H", clock)]
            if k + 1 < len(pieces) and pieces[k + 1].kind == "number" and len(pieces[k + 1].text) == 2:
                pieces[k + 1] = replace(pieces[k + 1], directive="%M")
        if found:
            options.append(found)
    for combination in product(*options):
        result = list(pieces)
        for _, letter, number in combination:
            result[number] = _with_role(result[number], letter)
        yield result


def _with_signs(pieces: list[_Piece]) -> list[_Piece]:
    """Set the directives of numbers before Chinese, Japanese and Korean words: 5日."""
    result = list(pieces)
    for k, piece in enumerate(pieces):
        before = max((i for i in range(k) if pieces[i].kind == "number"), default=None)
        if piece.text in CJK and before is not None and k - before <= 2:
            result[before] = replace(result[before], directive=f"%{CJK[piece.text]}")
    return result


def _whole_date(pieces: list[_Piece]) -> bool:
    """True if the numbers besides an hour may be a date."""
    return sum(piece.kind == "number" for piece in pieces) + any(p.directive == "%b" for p in pieces) >= 4


def _number_of(pieces: list[_Piece], k: int, letter: str) -> int | None:
    """Index of the number that the word at `k` describes: the one after it, else the one before."""
    limit = {"q": 4, "h": 2, "m": 13}.get(letter, 53)
    after = next((i for i in range(k + 1, min(k + 3, len(pieces))) if pieces[i].kind == "number"), None)
    before = next((i for i in range(k - 1, max(k - 5, -1), -1) if pieces[i].kind == "number"), None)
    for number in (after, before) if letter != "N" else (after,):
        if number is None or pieces[number].directive:
            continue
        text = pieces[number].text
        attached = number == k + 1 and len(text) == 5 and letter in "qh"
        if letter == "q" and len(text) == 2 and plain(pieces[k].text) in {"kw", "q"} and "01" <= text <= "04":
            return number
        if attached or (len(text) <= 2 and 1 <= int(text) <= limit and not (letter in "qh" and len(text) > 1)):
            return number
    return None


def _with_role(piece: _Piece, letter: str) -> _Piece:
    """Number with its role; five digits are a quarter and a year (Q12015)."""
    if len(piece.text) == 5:
        return replace(piece, directive=f"%{letter}%Y")
    if letter == "q" and len(piece.text) == 2:
        return replace(piece, directive="0%q")
    return replace(piece, directive="%24N" if letter == "N" else f"%{letter}")


def _numbered(pieces: list[_Piece]) -> Iterator[str]:
    """Patterns for each order of the numbers without a role."""
    joined = "".join(piece.directive for piece in pieces)
    free = [k for k, piece in enumerate(pieces) if not piece.directive]
    year = "G" if "%V" in joined else "Y"
    dotted = bool(free) and free[0] + 1 < len(pieces) and pieces[free[0] + 1].text == "."
    for letters in _orders(joined, [pieces[k].text for k in free]):
        if dotted and letters[:2] == ("m", "d"):
            continue
        result = list(pieces)
        for k, letter in zip(free, letters, strict=True):
            short = len(pieces[k].text) == 2 and letter == "Y"
            code = year.lower() if short else year if letter == "Y" else letter
            result[k] = replace(pieces[k], directive="%" + {"ymd": "Y%m%d"}.get(code, code))
        yield "".join(piece.directive for piece in result)


def _orders(joined: str, texts: list[str]) -> Iterator[tuple[str, ...]]:
    """Roles of the numbers `texts`, given the directives that are known."""
    if "%Y" in joined or "%Q" in joined:
        missing = [letter for letter in "md" if f"%{letter}" not in joined and not (letter == "m" and "%b" in joined)]
        if len(texts) <= len(missing) and not (texts and any(code in joined for code in _PERIODS)):
            yield tuple(missing[-len(texts) :] if texts else ())
        return
    has_period = any(code in joined for code in (*_PERIODS, "%m", "%b"))
    if len(texts) > 1 and any(code in joined for code in _PERIODS):
        return
    if len(texts) == 1 and len(texts[0]) == 8:
        yield ("ymd",)
    orders = [("Y",)] if len(texts) == 1 else [("d", "Y"), ("Y", "d")] if len(texts) == 2 else _DATE_ORDERS
    if len(texts) != len(orders[0]) or (not has_period and len(texts) < 3) or (len(texts) == 3 and has_period):
        return
    for order in orders:
        sizes = {letter: len(text) for letter, text in zip(order, texts, strict=True)}
        longest = max(map(len, texts))
        year_fits = sizes["Y"] == longest and longest in {2, 4}
        if year_fits and all(size <= 2 for letter, size in sizes.items() if letter != "Y"):
            yield order
