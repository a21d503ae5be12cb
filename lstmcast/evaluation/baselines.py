"""What an LSTM has to beat: forecasts that cost nothing.

S series stand flat in one array; B origins are a series and the step, counted from its first value, after which
nothing is known. Every function: [B] series and origins to [B, H].
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def naive(values: Floats, first: Ints, origins: Ints, horizon: int) -> Floats:
    """The last value, H times.

    Args:
        values: [N] flat.
        first: [B] where each origin's series begins in it.
        origins: [B] steps from there.
        horizon: H.
    """
    return np.repeat(values[first + origins][:, None], horizon, axis=1)


def seasonal_naive(values: Floats, first: Ints, origins: Ints, horizon: int, *, season: int) -> Floats:
    """The last season again and again; the naive forecast where a series has not seen a whole season."""
    back = season - 1 - np.arange(horizon) % season  # [H] steps before the origin
    reach = origins[:, None] - np.where(origins[:, None] + 1 >= season, back, 0)
    repeated: Floats = values[first[:, None] + reach]
    return repeated


def drift(values: Floats, first: Ints, origins: Ints, horizon: int) -> Floats:
    """The line through the first and the last value, carried on."""
    last = values[first + origins]
    slope = (last - values[first]) / np.maximum(origins, 1)
    line: Floats = last[:, None] + slope[:, None] * np.arange(1, horizon + 1)
    return line


def baselines(season: int) -> Mapping[str, Callable[[Floats, Ints, Ints, int], Floats]]:
    """The baselines by name; without a season the seasonal one is the naive one, and is left out."""
    plain: dict[str, Callable[[Floats, Ints, Ints, int], Floats]] = {"naive": naive, "drift": drift}
    if season > 1:
        plain["seasonal_naive"] = lambda v, f, o, h: seasonal_naive(v, f, o, h, season=season)
    return plain
