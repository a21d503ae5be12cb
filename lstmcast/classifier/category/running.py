"""Networks on a panel of symbols: what they say next, at every step, and of the steps ahead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lstmcast.data.panel import Panel
from lstmcast.model.lstm import Array
from lstmcast.model.paths import BEAM, AutoregressiveEnsemble, Path
from lstmcast.model.recursion import CHUNK_SIZE
from lstmcast.model.sequences import SymbolDataset

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SymbolPipeline:
    """What turns the past of any series into symbols to come.

    Attributes:
        ensemble: the networks.
        context: L, the window they learnt from.
    """

    ensemble: AutoregressiveEnsemble
    context: int

    @property
    def required_history(self) -> int:
        """How many past symbols a forecast depends on: two windows."""
        return 2 * self.context

    def bind(self, panel: Panel) -> SymbolDataset:
        """The panel as the networks read it."""
        return sequences(panel, self.context)

    def stretches(self, seen: SymbolDataset, series: Ints, firsts: Ints) -> Floats:
        """What is said after each of L steps.

        Args:
            seen: the series.
            series: [B].
            firsts: [B] the first of the L steps (−1: before anything was read); each knows between one window and two.

        Returns:
            [B, L, V] logarithms of the probabilities of the symbol that follows each.
        """
        reads = seen.inputs(series, firsts + self.context - 1, self.required_history)
        return _in_parts(lambda part: self.ensemble.step_log_probs(reads[part], self.context), reads)

    def path(self, seen: SymbolDataset, series: Ints, origins: Ints, say: Callable[[Array], Path]) -> Path:
        """Symbols of the steps ahead of [B] series and origins, as `say` finds them from [B, L, V]."""
        size = max(1, CHUNK_SIZE // (self.required_history * seen.vocab_size * BEAM))
        parts = []
        for k in range(0, len(series), size):
            part = slice(k, k + size)
            parts.append(say(seen.inputs(series[part], origins[part], self.required_history)))
        return Path(np.concatenate([p.symbols for p in parts]), np.concatenate([p.probabilities for p in parts]))


def sequences(panel: Panel, context: int) -> SymbolDataset:
    """The panel's codes, to be cut into windows of L steps."""
    return SymbolDataset(panel.values.astype(np.int64), panel.offsets, len(panel.symbols), context)


def _in_parts(predict: Callable[[slice], Floats], x: Array) -> Floats:
    """What is said of [B, …], a few rows at once."""
    size = max(1, CHUNK_SIZE // max(1, int(np.prod(x.shape[1:]))))
    parts = [predict(slice(k, k + size)) for k in range(0, len(x), size)]
    return np.concatenate(parts)
