"""What symbols are foretold by without a network: Markov models, what came a season ago, and what came last."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from lstmcast.evaluation.markov import Markov, fit_markov
from lstmcast.model.sequences import SymbolDataset

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ORDERS = 6  # Markov models look back at 0 … 6 symbols

Predictor = Callable[[Ints, Ints], Floats]
"""Series and origins [B] to the probabilities of the next symbol [B, V]."""


def models(seen: SymbolDataset, lengths: Ints, season: int) -> dict[str, Predictor]:
    """Models that counted what followed in the first `lengths` [S] steps of each series.

    Returns:
        `most_frequent`, `markov_1` … and, where there is a season, `seasonal`: by the symbol of a season before.
    """
    series = np.repeat(np.arange(len(lengths)), lengths)
    origins = np.arange(len(series)) - np.repeat(np.cumsum(lengths) - lengths, lengths) - 1  # from −1 on
    past, actual = (
        seen.context_and_targets(series, origins, ORDERS),
        seen.context_and_targets(series, origins + 1, 1)[:, 0],
    )
    names = ["most_frequent", *(f"markov_{order}" for order in range(1, ORDERS + 1))]
    found = {
        name: _model_predictor(seen, fit_markov(past, actual, vocab_size=seen.vocab_size, order=order))
        for order, name in enumerate(names)
    }
    if season > 1:
        before = seen.context_and_targets(series, origins + 1 - season, 1)
        found["seasonal"] = _model_predictor(
            seen, fit_markov(before, actual, vocab_size=seen.vocab_size, order=1), back=season
        )
    return found


def _model_predictor(seen: SymbolDataset, model: Markov, back: int = 1) -> Predictor:
    """What a model says that looks at the symbols up to `back` steps before the one to come."""
    return lambda series, origins: model.ahead(seen.context_and_targets(series, origins + 1 - back, model.order))


def repeat_lags(season: int) -> dict[str, int]:
    """Rules that say only which symbol comes: the one of so many steps before."""
    return {"naive": 1} | ({"seasonal_naive": season} if season > 1 else {})


def repeat_symbols(seen: SymbolDataset, series: Ints, origins: Ints, horizon: int, *, back: int) -> Ints:
    """[B, H] the last `back` symbols up to each origin, again and again."""
    return seen.context_and_targets(series, origins, back)[:, np.arange(horizon) % back]
