"""Shapes of texts, in which digits become `0` and letters `a`, and the shapes that a pattern allows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from lstmcast.data.time.text.patterns import DECIMALS, INTEGERS, SAME_NAMES, WIDTHS, Token, tokens
from lstmcast.types import Ints

DECIMAL = re.compile(r"-?0{1,9}(?:\.(0{1,17}))?")

_LETTERS = "bcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" + "".join(
    chr(code) for code in (*range(0xC0, 0x250), *range(0x400, 0x530)) if chr(code).isalpha()
)
_SHAPE = str.maketrans("123456789" + _LETTERS, "0" * 9 + "a" * len(_LETTERS))
_SHAPES = {**dict.fromkeys("bB", r"a{3,12}\.?"),
           **dict.fromkeys("aA", r"(?:a{2,12}\.?|[月火水木金土日星期周曜一二三四五六]{1,3})"),
           "p": r"(?:aa|a\.\s?a\.|上午|下午|午前|午後|오전|오후)", "f": "0{1,9}",
           "z": "(?:a|a{3,4}|[+-]00(?::?00)?)", "o": "a{1,3}", "R": "a{1,3}", "r": "a{1,4}",
           "E": r"(?: ?(?:[(\[]?a{1,12}\.?[)\]]?|[*†‡¹²³]{1,3}))?", "L": "[^()]{2,50}", "s": "0{9,10}",
           "Q": "0{12,13}"}  # fmt: skip


@dataclass(frozen=True)
class ShapedTexts:
    """N texts, their distinct shapes in order of appearance, and the index of each text's shape [N]."""

    texts: npt.NDArray[np.object_]
    shapes: tuple[str, ...]
    codes: Ints

    def example(self, code: int) -> str:
        """First text of a shape."""
        return str(self.texts[int(np.argmax(self.codes == code))])


def group_by_shape(texts: Sequence[str]) -> ShapedTexts:
    """Group texts by shape."""
    codes, distinct = pd.factorize(np.array([text.translate(_SHAPE) for text in texts], dtype=object))
    return ShapedTexts(np.array(texts, dtype=object), tuple(distinct), codes.astype(np.int64))


def follows(pattern: str, shape: str) -> bool:
    """True if texts of this shape may match the pattern."""
    return may_follow(pattern, shape) and shape_regex(pattern).fullmatch(shape) is not None


def may_follow(pattern: str, shape: str) -> bool:
    """False if a part of the pattern is not in the shape: then the pattern need not be compiled."""
    return all(part in shape for part in _needed(pattern))


@lru_cache(maxsize=4096)
def _needed(pattern: str) -> frozenset[str]:
    """Parts of all shapes that match a pattern: its signs, letters of a month, and adjacent digits."""
    if pattern in INTEGERS or pattern in DECIMALS:
        return frozenset()
    parts, needed, digits = tokens(pattern), set(), ""
    for i, token in enumerate(parts):
        if token.letter in WIDTHS and token.letter not in _SHAPES:
            digits += "0" * _widths(token, packed=_is_packed(parts, i))[0]
            needed.add(digits)
            continue
        digits = ""
        needed |= {"aaa"} if token.letter in {"b", "B"} else set()
        needed |= set() if token.letter else set(token.text.translate(_SHAPE))
    return frozenset(needed) - {"."}  # a fraction of zero may be left out


def beginning(pattern: str, shape: str) -> int:
    """Number of characters at the start of the shape that match the pattern."""
    match = shape_regex(pattern).match(shape)
    return match.end() if match else 0


@lru_cache(maxsize=4096)
def shape_regex(pattern: str) -> re.Pattern[str]:
    """Regular expression of the shapes that match a pattern, with a group `g3` for its token 3."""
    if pattern in INTEGERS:
        return re.compile("-?0{1,19}")
    if pattern in DECIMALS:
        return DECIMAL
    parts = tokens(pattern)
    pieces: list[str] = []
    for i, token in enumerate(parts):
        if token.letter == "f" and pieces and pieces[-1].endswith(r"\.)"):  # a fraction of zero may be left out
            pieces[-1] = rf"{pieces[-1][:-3]})(?:\.(?P<g{i}>0{{1,9}}))?"
        else:
            pieces.append(f"(?P<g{i}>{_allowed(token, packed=_is_packed(parts, i))})")
    return re.compile("".join(pieces))


def _is_packed(parts: Sequence[Token], i: int) -> bool:
    """True for a token next to a number."""
    return any(0 <= j < len(parts) and parts[j].letter in WIDTHS for j in (i - 1, i + 1))


def _allowed(token: Token, *, packed: bool) -> str:
    """Shapes of one token."""
    if not token.letter:
        return re.escape(token.text.translate(_SHAPE))
    if token.letter in _SHAPES or token.letter in SAME_NAMES:
        return _SHAPES[SAME_NAMES.get(token.letter, token.letter)]
    least, most = _widths(token, packed=packed)
    return f"0{{{least},{most}}}"


def _widths(token: Token, *, packed: bool) -> tuple[int, int]:
    """Fewest and most digits of a number; one adjacent to another (`packed`) must be padded."""
    width = max(len(token.flag.strip("-")), 2) if token.letter == "N" else WIDTHS[token.letter]
    optional = "-" in token.flag or (not packed and token.letter not in "YGyg")
    return 1 if optional else width, width
