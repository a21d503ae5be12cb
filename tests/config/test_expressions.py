"""Conditions and alerts as people write them."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmcast.config import load_config
from lstmcast.config.expressions import (
    AlertCondition,
    Condition,
    EventExpression,
    duration_text,
    parse_alert,
    parse_condition,
    parse_duration,
    parse_event,
)
from lstmcast.errors import ConfigError, FaultCode


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
    with pytest.raises(ValueError, match=re.escape(repr(text))):
        parse_condition(text)


@pytest.mark.parametrize(
    "text",
    [
        "p0 > 1",
        "p100 > 1",
        "median > 1",
        "value > 1 within",
        "value > 1 within 6 steps with 20%",
        "value > 1 with 0%",
        "value > 1 with 101%",
        "p90 > 1 with 20%",
        "value > 1 within 3 fortnights",
        "value > 1 within 0 steps",
    ],
)
def test_no_alerts(text: str) -> None:
    """An invalid alert is refused, with what was received: the whole text, or the span in it."""
    with pytest.raises(ValueError, match=r"\(got ") as caught:
        parse_alert(text)
    received = str(caught.value).partition("(got ")[2].removesuffix(")").strip("'")
    assert received
    assert received in text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("30min", 1800), ("2h", 7200), ("2 h", 7200), ("1.5h", 5400), ("7d", 604800), ("4w", 2419200)],
)
def test_a_number_and_a_unit(text: str, seconds: int) -> None:
    """Each unit is the seconds it has."""
    assert parse_duration(text).total_seconds() == seconds


@pytest.mark.parametrize(
    "text", ["", "2", "h", "-2h", "0d", "2 hours", "1M", "2h30min", "1e3s", "٢h", "99999w", "1d\n"]
)
def test_anything_else_is_refused(text: str) -> None:
    """Without a unit, with another, negative, nothing at all, more than a century: the rule and what was received."""
    with pytest.raises(ValueError, match=re.escape(repr(text))):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "plain"), [("90s", "90s"), ("60min", "1h"), ("1.5h", "90min"), ("7d", "1w"), ("0.25s", "0.25s")]
)
def test_written_in_the_largest_whole_unit(text: str, plain: str) -> None:
    """Expressions are formatted in their plain form."""
    assert duration_text(parse_duration(text)) == plain


@given(seconds=st.integers(1, 10**8), micro=st.integers(0, 999_999))
def test_written_and_read_back(seconds: int, micro: int) -> None:
    """Every span comes back as it was."""
    span = timedelta(seconds=seconds, microseconds=micro)
    assert parse_duration(duration_text(span)) == span


@pytest.mark.parametrize(
    ("text", "event"),
    [
        ("y > 500", EventExpression("y > 500", "y", ">", 500.0)),
        (" users >= 1.5e3 ", EventExpression("users >= 1.5e3", "users", ">=", 1500.0)),
        ("y<-2", EventExpression("y<-2", "y", "<", -2.0)),
        ("y <= p5", EventExpression("y <= p5", "y", "<=", None, 5)),
        ("net sales > p90", EventExpression("net sales > p90", "net sales", ">", None, 90)),
        ("y rises", EventExpression("y rises", "y", "rises")),
        ("rent falls", EventExpression("rent falls", "rent", "falls")),
    ],
)
def test_rules_are_read_as_they_are_meant(text: str, event: EventExpression) -> None:
    """A name, a comparison with a number or a percentile, or a move."""
    assert parse_event(text) == event


@pytest.mark.parametrize(
    "text", ["", "y", "> 5", "y > ", "y > p0", "y > p100", "y == 5", "y > five", "rises", "y > 5 within 3h", "y > 1;x"]
)
def test_anything_else_is_refused_with_the_rule(text: str) -> None:
    """A syntax error shows the valid forms; nothing is evaluated."""
    with pytest.raises(ValueError, match=re.escape(repr(text))):
        parse_event(text)


@pytest.mark.parametrize(
    ("settings", "code", "key"),
    [
        ({"model.task": "event", "model.event": "y is large"}, FaultCode.BAD_VALUE, "model.event"),
        ({"model.event": "y > 5"}, FaultCode.OTHER_TASKS_KEY, "model.event"),
        ({"model.task": "event", "train.loss": "mae"}, FaultCode.OTHER_TASKS_KEY, "train.loss"),
        ({"model.task": "event", "model.smoothing_weight": 0.5}, FaultCode.OTHER_TASKS_KEY, "model.smoothing_weight"),
    ],
)
def test_a_config_that_means_nothing_is_refused(settings: dict[str, object], code: FaultCode, key: str) -> None:
    """A rule that is none, and keys that the head has no use for, name themselves."""
    with pytest.raises(ConfigError) as caught:
        load_config(None, settings)
    assert [(fault.code, fault.column) for fault in caught.value.faults] == [(code, key)]


def test_the_shipped_config_is_an_event_without_a_rule() -> None:
    """`--config event` takes a target of yes and no, and may be given a rule."""
    assert (load_config("event").model.task, load_config("event").model.event) == ("event", None)
    assert load_config("event", {"model.event": "y rises"}).model.event == "y rises"
