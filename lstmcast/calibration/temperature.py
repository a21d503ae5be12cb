"""Temperature scaling of softmax probabilities (Guo et al. 2017)."""

from __future__ import annotations

import numpy as np

from lstmcast.types import Floats, Ints

MIN_TEMPERATURE, MAX_TEMPERATURE = 0.25, 16.0  # bounds for few outcomes that were all predicted correctly
BISECTION_STEPS = 50


def softmax(raw: Floats, temperature: float = 1.0) -> Floats:
    """Softmax(raw / T) along the last axis of […, C]."""
    scaled = raw / temperature
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    probabilities: Floats = powers / powers.sum(axis=-1, keepdims=True)
    return probabilities


def temperature(raw: Floats, actual: Ints) -> float:
    """Fit T by the cross-entropy of softmax(raw / T); 1 without outcomes.

    Labels are smoothed by one uniform pseudo-outcome, as in Platt 1999. The cross-entropy is convex in 1 / T with the
    slope mean(Σ_c (p_c − y_c) raw_c); T is its root.

    Args:
        raw: [B, C] logits.
        actual: [B] class indices.
    """
    if not len(actual):
        return 1.0
    smoothing = 1 / (len(actual) + 1)
    actual_logits = (1 - smoothing) * raw[np.arange(len(actual)), actual] + smoothing * raw.mean(axis=1)
    low, high = np.log(MIN_TEMPERATURE), np.log(MAX_TEMPERATURE)
    for _ in range(BISECTION_STEPS):
        middle = (low + high) / 2
        slope = ((softmax(raw, float(np.exp(middle))) * raw).sum(axis=1) - actual_logits).mean()
        low, high = (middle, high) if slope > 0 else (low, middle)
    return float(np.exp((low + high) / 2))
