"""Mask of a time grid: the open steps of a repeating cycle, such as the days from Monday to Saturday."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np

from lstmcast.types import Bools, Ints


@dataclass(frozen=True)
class Mask:
    """Open slots of a cycle; a slot is a tick of the grid modulo the cycle.

    Positions count open ticks only, so that a series without values in closed slots is regular.

    Attributes:
        cycle: ticks in a cycle, such as 7 days, 24 hours or 12 months.
        runs: first open slot and first slot after it, for each run of open slots.
    """

    cycle: int
    runs: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, is_open: Bools | Sequence[bool]) -> Self:
        """Build from the open slots of one cycle: [cycle] true where open."""
        edges = np.flatnonzero(np.diff(np.concatenate([[False], is_open, [False]])))
        runs = [(int(first), int(end)) for first, end in edges.reshape(-1, 2)]
        return cls(len(is_open), tuple(runs))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Build from JSON values."""
        return cls(values["cycle"], tuple((first, end) for first, end in values["runs"]))

    @property
    def size(self) -> int:
        """Open slots of a cycle."""
        return sum(end - first for first, end in self.runs)

    @cached_property
    def is_open(self) -> Bools:
        """[cycle] true for open slots."""
        found = np.zeros(self.cycle, dtype=np.bool_)
        for first, end in self.runs:
            found[first:end] = True
        found.flags.writeable = False
        return found

    def contains(self, ticks: Ints) -> Bools:
        """[N] true for ticks in open slots."""
        return np.asarray(self.is_open[ticks % self.cycle])

    def fold(self, ticks: Ints) -> Ints:
        """Positions [N] of ticks [N]; a tick in a closed slot belongs to the open one before it."""
        ranks = np.cumsum(self.is_open) - 1
        return np.asarray(ticks // self.cycle * self.size + ranks[ticks % self.cycle], dtype=np.int64)

    def unfold(self, positions: Ints) -> Ints:
        """Ticks [N] of positions [N], the inverse of `fold` on open slots."""
        slots = np.flatnonzero(self.is_open)
        return np.asarray(positions // self.size * self.cycle + slots[positions % self.size], dtype=np.int64)
