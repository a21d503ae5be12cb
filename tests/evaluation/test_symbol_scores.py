"""Bits and hits of foretold symbols, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from lstmcast.evaluation.symbols import bits_per_symbol, top_k_hits

LOGS = np.log(np.array([[0.5, 0.25, 0.25], [0.125, 0.75, 0.125]]))


def test_bits_by_hand() -> None:
    """A half is one bit, an eighth is three."""
    assert bits_per_symbol(LOGS, np.array([0, 2])).tolist() == pytest.approx([1, 3])


def test_what_is_sure_costs_nothing() -> None:
    """And what was said to be impossible costs more than any number."""
    with np.errstate(divide="ignore"):
        logs = np.log(np.array([[1.0, 0.0], [1.0, 0.0]]))
    assert bits_per_symbol(logs, np.array([0, 1])).tolist() == [0.0, np.inf]


def test_hits_among_the_likeliest() -> None:
    """The likeliest, and the two likeliest: of two equally likely symbols the first counts."""
    came = np.array([1, 2])
    assert top_k_hits(LOGS, came, 1).tolist() == [0, 0]
    assert top_k_hits(LOGS, came, 2).tolist() == [1, 0]
    assert top_k_hits(LOGS, came, 3).tolist() == [1, 1]
