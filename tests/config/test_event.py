"""What is to come true, as it is written, and what is refused."""

from __future__ import annotations

import pytest

from lstmcast.config import load_config
from lstmcast.config.event import EventExpression, parse_event
from lstmcast.errors import ConfigError


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
    """What is not of the grammar is an error that shows what would be; nothing is evaluated."""
    with pytest.raises(ValueError, match="'y > 500', 'y > p90', 'y rises'"):
        parse_event(text)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"model.head": "event", "model.event": "y is large"}, "model.event: must be the target"),
        ({"model.event": "y > 5"}, "model.event: has no meaning with model.head: value"),
        ({"model.head": "event", "train.loss": "mae"}, "train.loss: has no meaning with model.head: event"),
        ({"model.head": "event", "model.smoothing": 0.5}, "model.smoothing: has no meaning with model.head: event"),
    ],
)
def test_a_config_that_means_nothing_is_refused(settings: dict[str, object], words: str) -> None:
    """A rule that is none, and keys that the head has no use for, name themselves."""
    with pytest.raises(ConfigError, match=words):
        load_config(None, settings)


def test_the_shipped_config_is_an_event_without_a_rule() -> None:
    """`--config event` takes a target of yes and no, and may be given a rule."""
    assert (load_config("event").model.head, load_config("event").model.event) == ("event", None)
    assert load_config("event", {"model.event": "y rises"}).model.event == "y rises"
