"""Networks tried at origins: their errors by a loop, and the share of smoothing that suits them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from lstmcast.data.panel import Panel
from lstmcast.evaluation.splits import HoldoutSplit
from lstmcast.forecasting.ensemble import Ensemble
from lstmcast.forecasting.split_data import OriginSet, SplitData
from lstmcast.forecasting.validation_errors import SELECTION_BIAS_VALUES, SMOOTHING_WEIGHTS, ValidationSet

HELD = HoldoutSplit(horizon=6, validation_steps=12, test_steps=18)


def error(runner: Ensemble, panel: Panel, origins: list[int]) -> float:
    """Mean |y − f| over origins and steps of one series, in its usual step."""
    running, unit = runner.bind(panel), np.abs(np.diff(panel.values)).mean()
    found = []
    for t in origins:
        said = running.inverse_transform(running.forecast(np.array([0]), np.array([t]), HELD.horizon).z, np.array([0]))[
            0
        ]
        found += [abs(said[h] - panel.values[t + 1 + h]) / unit for h in range(HELD.horizon)]
    return sum(found) / len(found)


def validation_set(runner: Ensemble, origins: OriginSet) -> ValidationSet:
    """The origins in the preprocessing of an ensemble."""
    return ValidationSet(runner.preprocessings[0].bind(origins.panel), runner.lstm.head, origins)


def test_errors_at_the_validation_origins_against_a_loop(
    make_runner: Callable[..., Ensemble], air_panel: Panel
) -> None:
    """Origins whose six steps lie in the twelve before the last eighteen, which no part of it looks at."""
    runner, known = make_runner(), air_panel.drop_last(HELD.test_steps)
    last = known.lengths[0] - 1
    validation = validation_set(runner, SplitData(air_panel, HELD).validation)
    network = runner.lstm.networks[0]
    alone = replace(runner, members=(replace(runner.lstm, networks=(network,)),))
    expected = error(alone, known, list(range(last - 12, last - 5)))
    assert validation.error(network) == pytest.approx(expected)


def test_the_weight_on_few_values_by_hand(make_runner: Callable[..., Ensemble], air_panel: Panel) -> None:
    """By the fourth powers of both errors, the networks' made larger by what choosing their epochs made it smaller."""
    runner, known = make_runner(), air_panel.drop_last(HELD.test_steps)
    last = known.lengths[0] - 1
    origins = list(range(last - 12, last - 5))
    network, smooth = (error(make_runner(smoothing=share), known, origins) for share in (0.0, 1.0))
    weight = 1 / ((1 + SELECTION_BIAS_VALUES / len(known.values)) * network) ** 4
    expected = (1 / smooth**4) / (1 / smooth**4 + weight)
    validation = validation_set(runner, SplitData(air_panel, HELD).validation)
    share, together = validation.choose_smoothing_weight(runner.lstm.networks, None)
    assert share == pytest.approx(expected)
    assert together == pytest.approx(error(make_runner(smoothing=share), known, origins))


def test_the_best_weight_is_the_best_of_a_loop(make_runner: Callable[..., Ensemble], air_panel: Panel) -> None:
    """At the test origins, where none decides when to stop; one for all series, or each its own."""
    last = len(air_panel.values) - 1
    origins = list(range(last - 18, last - 5))
    tried = [(float(share), own) for own in (False, True) for share in SMOOTHING_WEIGHTS]
    errors = [error(make_runner(smoothing=share, adaptive=own, horizon=6), air_panel, origins) for share, own in tried]
    runner = make_runner(horizon=6)
    found = validation_set(runner, SplitData(air_panel, HELD).test).search_smoothing_weight(runner.lstm.networks)
    assert found == tried[int(np.argmin(errors))]
