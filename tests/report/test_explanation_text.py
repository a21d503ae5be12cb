"""The words of an explanation, and what JSON carries, from numbers made by hand."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from lstmcast.explain.attribution import UnitCorrelation
from lstmcast.explain.explanation import Explanation
from lstmcast.report.explanation_text import DEFINITION, headline, method, paragraph, to_dict
from lstmcast.results import MemberName


def test_the_headline_says_which_way(explanation: Explanation) -> None:
    """Forecasts of 10 and 30 for a reference of 12 and 12: raised by 8; and lowered where they are exchanged."""
    assert headline(explanation) == "The past raises the forecast by 8 in the mean: 20 instead of 12"
    other = replace(explanation, reference=np.array([30.0, 30.0]))
    assert headline(other) == "The past lowers the forecast by 10 in the mean: 20 instead of 30"


def test_the_paragraph_names_what_mattered(explanation: Explanation) -> None:
    """The largest attributions with their sign, half of all, half and 90 % of effects, half-lives, and the groups."""
    assert paragraph(explanation) == (
        "The forecast for 2024-01-09 to 2024-01-10 is 20 in the mean; had the series only been its usual season, it "
        "would be 12. What did most: 2024-01-08 (+6), 2024-01-05 (+3), 2024-01-07 (−1). Half of all that the past did "
        "comes from the last value of 8. Were a past value a little different, half of what would change lies within "
        "2 steps and 90% within 4. Of what the network carries in its memory, 90% comes from the last 2 of the 3 steps "
        "it reads; half of a typical cell is forgotten after 3.0 steps, of the most lasting one never. "
        "Of its 3 units, 1 follows the level, 1 follows the last change, 1 none of these."
    )


def test_the_method_says_what_is_averaged(explanation: Explanation) -> None:
    """The error always; smoothing and further networks where there are some."""
    assert "by 0.001 of it" in method(explanation)
    assert "exponential smoothing" not in method(explanation).removeprefix(f"Attributions: {DEFINITION}.")
    weights = {MemberName.TRAINED: 0.75, MemberName.SMOOTHING: 0.25}
    words = method(replace(explanation, weights=weights, networks=4))
    both = method(replace(explanation, weights=weights | {MemberName.PRETRAINED: 0.4}))
    assert "exponential smoothing for 25% and pretrained networks for 40%" in both
    assert "In the forecast count exponential smoothing for 25%, of which the gates say nothing." in words
    assert "4 networks are averaged; the gates are those of the first" in words


def test_where_nothing_differed_that_is_said(explanation: Explanation) -> None:
    """No attribution: no value is named."""
    still = replace(explanation, attribution=np.zeros((2, 8)))
    assert "No past value differed from what was usual." in paragraph(still)


def test_a_series_without_two_seasons_is_compared_with_its_mean(explanation: Explanation) -> None:
    """Eight values of a season of five know it once only."""
    assert "had the series only been its mean" in paragraph(replace(explanation, season=5))


def test_json_carries_everything(explanation: Explanation) -> None:
    """Valid JSON without infinities; the mean over the steps ahead of what each value did."""
    found = json.loads(json.dumps(to_dict(explanation), allow_nan=False))
    assert found["attribution"]["to_mean_forecast"] == [0, 0, 0, 0, 3, 0, -1, 6]
    assert found["origin"] == "2024-01-08"
    assert found["memory"]["network_steps_with_most_of_the_effect"] == 2
    assert found["gates"]["units"][1] == {"follows": "none of these", "correlation": 0.2, "half_life": None}
    assert found["gates"]["order"] == [0, 2, 1]
    assert found["gates"]["time"] == ["2024-01-06", "2024-01-07", "2024-01-08"]


def test_every_group_is_counted(explanation: Explanation) -> None:
    """Plural where several follow the same."""
    inside = replace(explanation.internals, unit_correlations=(UnitCorrelation("season", 0.9),) * 3)
    assert paragraph(replace(explanation, internals=inside)).endswith("Of its 3 units, 3 follow the season.")


def test_the_error_is_written_with_two_digits(explanation: Explanation) -> None:
    """Small errors stay readable."""
    assert "by 3.7e-05 of it" in method(replace(explanation, error=3.6963e-5))


@pytest.mark.parametrize("key", [(), ("north", "west")])
def test_the_series_is_named(explanation: Explanation, key: tuple[str, ...]) -> None:
    """Where it has a name."""
    words = paragraph(replace(explanation, forecast=replace(explanation.forecast, keys=(key,))))
    assert words.startswith("The forecast of north/west for" if key else "The forecast for")
