"""Conditions and alerts as people write them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from lstmcast.config.conditions import AlertCondition, Condition, parse_alert, parse_condition


@pytest.mark.parametrize(
    ("text", "name", "op", "limit"),
    [
        ("mase > 1", "mase", ">", 1.0),
        (" mae>=2.5e3 ", "mae", ">=", 2500.0),
        ("bias < -.5", "bias", "<", -0.5),
        ("coverage_80 < 0.6", "coverage_80", "<", 0.6),
        ("coverage_97.5 <= 1", "coverage_97.5", "<=", 1.0),
        ("outcomes < 10", "outcomes", "<", 10.0),
    ],
)
def test_conditions(text: str, name: str, op: str, limit: float) -> None:
    """A score, an operator, a number; spaces where one likes."""
    assert parse_condition(text) == Condition(text.strip(), name, op, limit)


def test_a_condition_is_met_or_not() -> None:
    """The operator as it stands; what is undefined, or is not there, meets nothing."""
    scores = {"mase": 1.0, "mae": float("nan")}
    for text, met in (("mase > 1", False), ("mase >= 1", True), ("mase < 1", False), ("mase <= 1", True)):
        assert parse_condition(text).met(scores) is met, text
    for text in ("mae > 0", "mae <= 0", "bias > 0", "bias < 0"):
        assert not parse_condition(text).met(scores), text


@pytest.mark.parametrize(
    ("text", "crossing"),
    [
        ("p90 > 500 within 24h", AlertCondition("", "p90", ">", 500, span=timedelta(hours=24))),
        ("mean > 500", AlertCondition("", "mean", ">", 500, 0.5)),
        ("value >= 5 with 20% within 30min", AlertCondition("", "value", ">=", 5, 0.2, span=timedelta(minutes=30))),
        ("value < -3 within 6 steps", AlertCondition("", "value", "<", -3, 0.5, steps=6)),
        ("value < 3 within 1 step", AlertCondition("", "value", "<", 3, 0.5, steps=1)),
        ("sum>1e4 with 2.5 %", AlertCondition("", "sum", ">", 10_000, 0.025)),
        ("forecast <= 0 within 7 d", AlertCondition("", "forecast", "<=", 0, span=timedelta(days=7))),
    ],
)
def test_alerts(text: str, crossing: AlertCondition) -> None:
    """Every part of the grammar, each where it may stand."""
    found = parse_alert(text)
    assert found.text == text
    assert vars(found) | {"text": ""} == vars(crossing)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mase",
        "mase 1",
        "mase > ",
        "mase = 1",
        "mape > 1",
        "1 < mase",
        "mase > 1; mae > 2",
        "mase > nan",
        "MASE > 1",
    ],
)
def test_no_conditions(text: str) -> None:
    """Anything else is refused, with the rule and what was received."""
    with pytest.raises(ValueError, match=r"must be a score .*one of > >= < <=, and a number") as err:
        parse_condition(text)
    assert repr(text) in str(err.value)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("p0 > 1", "must be value, mean"),
        ("p100 > 1", "must be value, mean"),
        ("median > 1", "must be value, mean"),
        ("value > 1 within", "must be value, mean"),
        ("value > 1 within 6 steps with 20%", "must be"),
        ("value > 1 with 0%", "'with' takes more than 0%"),
        ("value > 1 with 101%", "'with' takes more than 0%"),
        ("p90 > 1 with 20%", "'with' goes with value, mean, sum"),
        ("value > 1 within 3 fortnights", "must be a number and a unit"),
        ("value > 1 within 0 steps", "must be a number and a unit"),
    ],
)
def test_no_alerts(text: str, fault: str) -> None:
    """What an alert cannot say is refused, by the rule that it breaks."""
    with pytest.raises(ValueError, match=fault):
        parse_alert(text)
