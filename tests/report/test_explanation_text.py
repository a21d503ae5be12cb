"""The words of an explanation, and what JSON carries, from numbers made by hand."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from lstmcast.explain.attribution import UnitCorrelation
from lstmcast.explain.driver_effects import DriverEffects
from lstmcast.explain.explanation import Explanation
from lstmcast.report.explanation_text import (
    effect_table,
    effects_to_dict,
    format_effects,
    format_explanation,
    headline,
    method,
    paragraph,
    to_dict,
)
from lstmcast.results import MemberName


def test_the_headline_has_the_direction(explanation: Explanation) -> None:
    """Forecasts of 10 and 30 for a reference of 12 and 12: raised by 8; and lowered where they are exchanged."""
    assert "raises the mean forecast by 8: 20 instead of 12" in headline(explanation)
    other = replace(explanation, reference=np.array([30.0, 30.0]))
    assert "lowers the mean forecast by 10: 20 instead of 30" in headline(other)


def test_the_paragraph_has_the_largest_contributions(explanation: Explanation) -> None:
    """The largest attributions with their sign, half of all, half and 90 % of effects, half-lives, and the groups."""
    text = paragraph(explanation)
    assert "2024-01-08 (+6), 2024-01-05 (+3), 2024-01-07 (−1)" in text
    assert "last 1 value of 8" in text
    assert "50% comes from the last 2 steps and 90% from the last 4" in text
    assert "90% comes from the last 2 of 3 input steps" in text
    assert "median 3.0 steps, longest unlimited" in text
    assert "3 units: 1 with the level, 1 with the last change, 1 with none of these" in text


def test_the_method_names_the_members(explanation: Explanation) -> None:
    """The error always; other members and further networks where there are some."""
    assert "Completeness error: 0.001." in method(explanation)
    assert "members" not in method(explanation)
    weights = {MemberName.TRAINED: 0.35, MemberName.PRETRAINED: 0.4, MemberName.SMOOTHING: 0.25}
    text = method(replace(explanation, weights=weights, networks=4))
    assert "LSTM (pretrained) 40%, exponential smoothing 25%" in text
    assert "4 networks" in text


def test_without_attributions_no_value_is_named(explanation: Explanation) -> None:
    """Every value is the expected one."""
    still = replace(explanation, attribution=np.zeros((2, 8)))
    assert "Largest contributions" not in paragraph(still)


def test_a_series_without_two_seasons_is_compared_with_its_mean(explanation: Explanation) -> None:
    """Eight values are less than two seasons of five."""
    assert "with the mean as its history" in paragraph(replace(explanation, season=5))
    assert "with the average season as its history" in paragraph(explanation)


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
    assert paragraph(replace(explanation, internals=inside)).endswith("3 units: 3 with the season.")


def test_the_error_is_written_with_two_digits(explanation: Explanation) -> None:
    """Small errors stay readable."""
    assert "3.7e-05" in method(replace(explanation, error=3.6963e-5))


@pytest.mark.parametrize("key", [(), ("north", "west")])
def test_the_series_is_named(explanation: Explanation, key: tuple[str, ...]) -> None:
    """The text contains the name of the series, if it has one."""
    words = paragraph(replace(explanation, forecast=replace(explanation.forecast, keys=(key,))))
    assert words.startswith("The mean forecast of north/west for" if key else "The mean forecast for")


def test_parts_as_a_table(effects: DriverEffects) -> None:
    """Mean and largest part of each driver with its time, the holiday, the forecast, and the responses."""
    rows = {line.split("  ")[0].strip(): line.split() for line in effect_table(effects).splitlines() if line}
    assert rows["level and past"][3:5] == ["21", "22"]
    assert rows["holidays"][1:3] == ["−4", "−9"]
    assert "(Easter Monday)" in " ".join(rows["holidays"])
    assert rows["forecast"][1] == "20"
    assert rows["heat"][1:] == ["-1:", "−3,", "0:", "+0,", "4:", "+12"]


def test_parts_as_json(effects: DriverEffects) -> None:
    """They sum to the forecast; the text starts with the table only where there are drivers."""
    found = effects_to_dict(effects)
    steps = found["parts"]["steps"]
    assert [step["name"] for step in steps] == ["level and past", "holidays", "heat", "rest"]
    assert np.sum([step["values"] for step in steps], axis=0).tolist() == found["parts"]["forecast"]
    assert found["responses"] == {"heat": {"value": [-1.0, 0.0, 4.0], "effect": [-3.0, 0.0, 12.0]}}


def test_text_starts_with_the_parts_of_drivers(explanation: Explanation, effects: DriverEffects) -> None:
    """Without drivers there is no table."""
    assert format_explanation(explanation).startswith(paragraph(explanation))
    assert format_explanation(replace(explanation, drivers=effects)).startswith(format_effects(effects))
