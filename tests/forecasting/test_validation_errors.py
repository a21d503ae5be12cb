"""Networks tried at origins: their errors by a loop, and the share of smoothing that suits them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from lstmcast.data.panel import Panel
from lstmcast.errors import DataError
from lstmcast.evaluation.splits import HoldoutSplit
from lstmcast.forecasting.pipeline import ForecastPipeline
from lstmcast.forecasting.split_data import SplitData
from lstmcast.forecasting.validation_errors import MAX_SEARCH_ORIGINS, SMOOTHING_WEIGHTS, ValidationSet

HELD = HoldoutSplit(horizon=6, validation_steps=12, test_steps=18)


def error(runner: ForecastPipeline, panel: Panel, origins: list[int]) -> float:
    """Mean |y − f| over origins and steps of one series, in its usual step."""
    running, unit = runner.bind(panel), np.abs(np.diff(panel.values)).mean()
    found = []
    for t in origins:
        said = running.inverse_transform(running.forecast(np.array([0]), np.array([t]), HELD.horizon).z, np.array([0]))[
            0
        ]
        found += [abs(said[h] - panel.values[t + 1 + h]) / unit for h in range(HELD.horizon)]
    return sum(found) / len(found)


def test_errors_at_the_stopping_origins_against_a_loop(
    make_runner: Callable[..., ForecastPipeline], air_panel: Panel
) -> None:
    """Origins whose six steps lie in the twelve before the last eighteen, which no part of it looks at."""
    runner = make_runner()
    known = air_panel.drop_last(HELD.test_steps)
    last = known.lengths[0] - 1
    trial = ValidationSet.of_validation(SplitData(air_panel, HELD), runner)
    one = replace(runner, networks=runner.networks[:1])
    assert trial.error(one.networks[0]) == pytest.approx(error(one, known, list(range(last - 12, last - 5))))


def test_the_share_on_few_values_by_hand(make_runner: Callable[..., ForecastPipeline], air_panel: Panel) -> None:
    """By the fourth powers of both errors, the networks' made larger by what choosing their epochs made it smaller."""
    runner = make_runner()
    known = air_panel.drop_last(HELD.test_steps)
    last = known.lengths[0] - 1
    origins = list(range(last - 12, last - 5))
    network, smooth = (error(replace(runner, smoothing_weight=share), known, origins) for share in (0.0, 1.0))
    weight = 1 / ((1 + MAX_SEARCH_ORIGINS / len(known.values)) * network) ** 4
    expected = (1 / smooth**4) / (1 / smooth**4 + weight)
    share, together = ValidationSet.of_validation(SplitData(air_panel, HELD), runner).choose_smoothing_weight(
        runner.networks, None
    )
    assert share == pytest.approx(expected)
    assert together == pytest.approx(error(replace(runner, smoothing_weight=share), known, origins))


def test_the_best_share_is_the_best_of_a_loop(make_runner: Callable[..., ForecastPipeline], air_panel: Panel) -> None:
    """At the origins that judge, where none decides when to stop; one for all series, or each its own."""
    runner, last = replace(make_runner(), horizon=6), len(air_panel.values) - 1
    origins = list(range(last - 18, last - 5))
    tried = [(float(share), own) for own in (False, True) for share in SMOOTHING_WEIGHTS]
    errors = [
        error(replace(runner, smoothing_weight=share, adaptive_weights=own), air_panel, origins) for share, own in tried
    ]
    trial = ValidationSet.of_test(SplitData(air_panel, HELD), runner)
    assert trial is not None
    assert trial.search_smoothing_weight(runner.networks) == tried[int(np.argmin(errors))]


def test_origins_of_which_nothing_was_observed(make_runner: Callable[..., ForecastPipeline], air_panel: Panel) -> None:
    """To stop by them is refused; that nothing can be judged is said where it is judged."""
    unseen = replace(air_panel, observed=np.arange(len(air_panel.values)) < 100)
    with pytest.raises(DataError, match="nothing was observed in the 12 validation steps"):
        ValidationSet.of_validation(SplitData(unseen, HELD), make_runner())
    assert ValidationSet.of_test(SplitData(unseen, HELD), make_runner()) is None
