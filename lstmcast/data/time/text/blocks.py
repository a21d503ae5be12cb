"""Blocks of rows whose times have different formats, such as years, then quarters, then months."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pandas as pd

from lstmcast.data.time.text.recognition import looks_like_times
from lstmcast.data.time.text.shapes import group_by_shape
from lstmcast.types import Ints

_MAX_ROWS = 100_000
_MAX_BLOCKS, _MIN_ROWS = 6, 4  # of blocks
_YEAR = re.compile(r"(?<!\d)[12]\d{3}(?!\d)")


def time_blocks(text: pd.Series) -> list[tuple[int, int]]:
    """First row, and first row after it, of each block of times in one format; empty unless the blocks overlap in time.

    A block that begins where the one before it ends has the same times in a new format.
    """
    if len(text) > _MAX_ROWS or len(set(_outlines(text.iloc[[0, -1]]))) < 2:
        return []
    edges = [0, *(np.flatnonzero(np.diff(_outlines(text))) + 1).tolist(), len(text)]
    blocks = list(pairwise(edges))
    if not 2 <= len(blocks) <= _MAX_BLOCKS or min(end - first for first, end in blocks) < _MIN_ROWS:
        return []
    overlap = all(_year(text.iloc[end - 1]) > _year(text.iloc[end]) > 0 for _, end in blocks[:-1])
    return blocks if overlap and all(looks_like_times(text.iloc[first:end]) for first, end in blocks) else []


def _outlines(text: pd.Series) -> Ints:
    """[N] numbers of the shapes of texts, in which repeated characters count once."""
    shaped = group_by_shape([str(word).strip() for word in text.tolist()])
    outlines, _ = pd.factorize(np.array([re.sub(r"(.)\1+", r"\1", shape) for shape in shaped.shapes], dtype=object))
    return np.asarray(outlines[shaped.codes], dtype=np.int64)


def _year(text: str) -> int:
    """Year of four digits in a text; 0 without one."""
    match = _YEAR.search(text)
    return int(match[0]) if match else 0
