"""How well symbols were foretold: bits, hits, hits among the k likeliest. One formula a function, on plain arrays."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def bits_per_symbol(logs: Floats, actual: Ints) -> Floats:
    """−log₂ of the probability of what came; its mean is the cross-entropy in bits a symbol.

    Args:
        logs: [B, V] natural logarithms of the probabilities.
        actual: [B] codes, each 0 … V − 1.

    Returns:
        [B] 0 or more; infinite where the probability was 0.
    """
    log_prob = np.take_along_axis(logs, actual[:, None], axis=1)[:, 0]
    return np.asarray(np.abs(log_prob / np.log(2)), dtype=np.float64)


def top_k_hits(logs: Floats, actual: Ints, k: int) -> Floats:
    """[B] 1 where what came is among the k likeliest of V, else 0; of equally likely symbols the first ones count.

    Args:
        logs: [B, V] logarithms of the probabilities, or anything that grows with them.
        actual: [B] codes.
        k: 1: whether it was the likeliest.
    """
    most_likely = np.argsort(-logs, axis=1, kind="stable")[:, :k]
    return np.asarray((most_likely == actual[:, None]).any(axis=1), dtype=np.float64)
