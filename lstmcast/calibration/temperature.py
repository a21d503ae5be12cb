"""One number that makes the probabilities of a softmax as bold as they turn out to be right (Guo et al. 2017)."""

from __future__ import annotations

import numpy as np

from lstmcast.types import Floats, Ints

MIN_TEMPERATURE, MAX_TEMPERATURE = 0.25, 16.0  # temperatures, at least and at most: a few outcomes may all be right
HALVINGS = 50


def softmax(raw: Floats, temperature: float = 1.0) -> Floats:
    """Probabilities of C outcomes: exp(raw / T) over its sum along the last axis, […, C] to […, C]."""
    scaled = raw / temperature
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    probabilities: Floats = powers / powers.sum(axis=-1, keepdims=True)
    return probabilities


def temperature(raw: Floats, actual: Ints) -> float:
    """The T at which softmax(raw / T) has the smallest cross-entropy with what came; 1 where nothing did.

    One outcome more is taken to have been any of the C, so that a few that were all right make nothing certain (as in
    Platt 1999). The cross-entropy is convex in 1 / T with the slope mean(Σ_c (p_c − came_c) raw_c): T is where it is 0.

    Args:
        raw: [B, C] what a network says, before its softmax.
        actual: [B] which outcome came, from 0.
    """
    if not len(actual):
        return 1.0
    any_of_them = 1 / (len(actual) + 1)
    actual_logits = (1 - any_of_them) * raw[np.arange(len(actual)), actual] + any_of_them * raw.mean(axis=1)
    low, high = np.log(MIN_TEMPERATURE), np.log(MAX_TEMPERATURE)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        slope = ((softmax(raw, float(np.exp(middle))) * raw).sum(axis=1) - actual_logits).mean()
        low, high = (middle, high) if slope > 0 else (low, middle)
    return float(np.exp((low + high) / 2))
