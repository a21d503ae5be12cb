"""A plain text → a Panel of one series, in which each character is a step."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from lstmcast.data.calendar import counter_calendar
from lstmcast.data.panel import Panel
from lstmcast.data.records import Columns, InferredSetting, ReadOptions
from lstmcast.data.source import read_input, to_text
from lstmcast.data.symbols import MIN_SYMBOLS, unknown_symbol_note
from lstmcast.errors import DataError

CHARACTER = "character"


def read_characters(path: str | Path, options: ReadOptions, known: Sequence[str] = ()) -> Panel:
    r"""Reads a text: UTF-8, UTF-16 with its mark, or of `options.encoding`; every kind of newline becomes `\n`.

    Args:
        path: a file, plain or packed; `"-"` for stdin.
        options: only its encoding counts.
        known: [V] the characters of training: others are read as not known, and counted; empty: all in the text.

    Returns:
        One series of codes, counted 1, 2, 3 …

    Raises:
        FileError, BusyError: it cannot be read.
        DataError: bytes that are no such text, or a single kind of character.
        ConfigError: an unknown encoding.
    """
    name = "stdin" if path == "-" else str(path)
    text = to_text(read_input(path), name, options.encoding).decode()
    points = np.frombuffer(text.encode("utf-32-le"), dtype="<u4")
    found = np.unique(points)
    vocabulary = np.array([ord(sign) for sign in known], dtype=np.uint32) if known else found
    if len(vocabulary) < MIN_SYMBOLS:
        raise DataError(f"{name}: a text must hold at least {MIN_SYMBOLS} kinds of characters (got {len(vocabulary)})")
    at = np.minimum(np.searchsorted(vocabulary, points), len(vocabulary) - 1)
    codes = np.where(vocabulary[at] == points, at, -1)
    calendar, _ = counter_calendar()
    return Panel(
        columns=Columns(None, (CHARACTER,)),
        calendar=calendar,
        keys=((),),
        values=codes.astype(np.float64),
        observed=np.ones(len(codes), dtype=np.bool_),
        offsets=np.array([0, len(codes)], dtype=np.int64),
        starts=np.array([1], dtype=np.int64),
        findings=(InferredSetting("target", CHARACTER, "data.text: each character is a step"),),
        notes=_strange(text, points, np.flatnonzero(codes < 0)),
        source=name,
        symbols=tuple(chr(point) for point in vocabulary.tolist()),
    )


def _strange(text: str, points: np.ndarray, rows: np.ndarray) -> tuple[str, ...]:
    """What to say of characters that training never met."""
    if not len(rows):
        return ()
    lines = np.cumsum(points == ord("\n")) - (points == ord("\n")) + 1
    fields = pd.Series(list(text))
    return (unknown_symbol_note(fields, lines, rows, "text"),)
