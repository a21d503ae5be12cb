"""Networks tried at origins: their errors by a loop, and the share of smoothing that suits them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from lstmcast.data.panel import Panel
from lstmcast.evaluation.splits import HoldoutSplit
from lstmcast.forecasting.ensemble.ensemble import Ensemble
from lstmcast.forecasting.ensemble.validation_errors import SELECTION_BIAS_VALUES, SMOOTHING_WEIGHTS, ValidationSet
from lstmcast.forecasting.split_data import OriginSet, SplitData

HELD = HoldoutSplit(horizon=6, validation_steps=12, test_steps=18)


def error(ensemble: Ensemble, panel: Panel, origins: list[int]) -> float:
    """Mean |y − f| over origins and steps of one series, in its usual step."""
    running, unit = ensemble.bind(panel), np.abs(np.diff(panel.values)).mean()
    found = []
    for t in origins:
        forecast = running.inverse_transform(
            running.forecast(np.array([0]), np.array([t]), HELD.horizon).z, np.array([0])
        )[0]
        found += [abs(forecast[h] - panel.values[t + 1 + h]) / unit for h in range(HELD.horizon)]
    return sum(found) / len(found)


def validation_set(ensemble: Ensemble, origins: OriginSet) -> ValidationSet:
    """The origins in the preprocessing of an ensemble."""
    return ValidationSet(ensemble.preprocessings[0].bind(origins.panel), ensemble.lstm.head, origins)


def test_errors_at_the_validation_origins_against_a_loop(
    make_ensemble: Callable[..., Ensemble], air_panel: Panel
) -> None:
    """Origins whose six steps lie in the twelve before the last eighteen, which no part of it looks at."""
    ensemble, known = make_ensemble(), air_panel.drop_last(HELD.test_steps)
    last = known.lengths[0] - 1
    validation = validation_set(ensemble, SplitData(air_panel, HELD).validation)
    network = ensemble.lstm.networks[0]
    alone = replace(ensemble, members=(replace(ensemble.lstm, networks=(network,)),))
    expected = error(alone, known, list(range(last - 12, last - 5)))
    assert validation.error(network) == pytest.approx(expected)


def test_the_weight_on_few_values_by_hand(make_ensemble: Callable[..., Ensemble], air_panel: Panel) -> None:
    """By the fourth powers of both errors, the networks' made larger by what choosing their epochs made it smaller."""
    ensemble, known = make_ensemble(), air_panel.drop_last(HELD.test_steps)
    last = known.lengths[0] - 1
    origins = list(range(last - 12, last - 5))
    network, smooth = (error(make_ensemble(smoothing=fraction), known, origins) for fraction in (0.0, 1.0))
    weight = 1 / ((1 + SELECTION_BIAS_VALUES / len(known.values)) * network) ** 4
    expected = (1 / smooth**4) / (1 / smooth**4 + weight)
    validation = validation_set(ensemble, SplitData(air_panel, HELD).validation)
    fraction, together = validation.choose_smoothing_weight(ensemble.lstm.networks, None)
    assert fraction == pytest.approx(expected)
    assert together == pytest.approx(error(make_ensemble(smoothing=fraction), known, origins))


@pytest.mark.usefixtures("undamped")
def test_the_best_weight_is_the_best_of_a_loop(make_ensemble: Callable[..., Ensemble], air_panel: Panel) -> None:
    """At the test origins, where none decides when to stop; one for all series, or each its own."""
    last = len(air_panel.values) - 1
    origins = list(range(last - 18, last - 5))
    candidates = [(float(weight), own) for own in (False, True) for weight in SMOOTHING_WEIGHTS]
    errors = [
        error(make_ensemble(smoothing=weight, adaptive=own, horizon=6), air_panel, origins)
        for weight, own in candidates
    ]
    ensemble = make_ensemble(horizon=6)
    found = validation_set(ensemble, SplitData(air_panel, HELD).test).search_smoothing_weight(ensemble.lstm.networks)
    assert found == candidates[int(np.argmin(errors))]
