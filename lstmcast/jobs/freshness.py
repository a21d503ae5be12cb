"""Freshness rules of a job for data and model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from lstmcast.config.expressions import duration_text, span_words
from lstmcast.config.job import Freshness, RuleAction
from lstmcast.data.panel import Panel
from lstmcast.errors import ConfigError
from lstmcast.text import truncate_items
from lstmcast.types import Floats, Ints

Key = tuple[str, ...]


@dataclass(frozen=True)
class Violation:
    """A violated rule.

    Attributes:
        rule: its key in the `freshness` section.
        action: `fail`, `warn` or `fallback`.
        text: the value found and the limit, in one line.
        series: the keys concerned.
    """

    rule: str
    action: RuleAction
    text: str
    series: tuple[Key, ...]


def data_violations(panel: Panel, rules: Freshness, context: int, now: datetime) -> list[Violation]:
    """Return the violations of the data.

    Args:
        panel: the newest data.
        rules: of the job.
        context: number of last steps that `min_completeness` considers.
        now: the time.

    Raises:
        ConfigError: a rule needs times, and the file has none.
    """
    if panel.calendar.kind == "counter" and (rules.max_data_age or rules.max_flatline):
        name = "max_data_age" if rules.max_data_age else "max_flatline"
        raise ConfigError(f"freshness.{name}: needs times, and {panel.source} has none; leave the rule out")
    return [*_aged(panel, rules, now), *_incomplete(panel, rules, context), *_flat(panel, rules)]


def model_violations(trained: datetime, keys: tuple[Key, ...], rules: Freshness, now: datetime) -> list[Violation]:
    """Return the violation of the model's age, if any.

    Args:
        trained: time of training.
        keys: of the series.
        rules: of the job.
        now: the time.
    """
    rule, age = rules.max_model_age, now - trained
    if rule is None or age <= rule.limit:
        return []
    text = f"the model was trained {span_words(age)} ago; at most {duration_text(rule.limit)} is allowed"
    return [Violation("max_model_age", rule.action, text, keys)]


def completed(panel: Panel) -> datetime | None:
    """Return the end of the newest step of the file, where the next step begins; None for counted rows.

    Times without a zone are taken as UTC.
    """
    if panel.calendar.kind == "counter":
        return None
    microseconds = int(panel.calendar.stamps(panel.ends.max(keepdims=True) + 1)[0])
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)


def steps_span(panel: Panel, steps: int) -> timedelta | None:
    """Return the duration of the last `steps` steps of the file; None for counted rows."""
    if panel.calendar.kind == "counter":
        return None
    ends = panel.calendar.stamps(panel.ends.max() + np.array([1 - steps, 1]))
    return timedelta(microseconds=int(ends[1] - ends[0]))


def _aged(panel: Panel, rules: Freshness, now: datetime) -> Iterator[Violation]:
    rule, ended = rules.max_data_age, completed(panel)
    if rule is None or ended is None or now - ended <= rule.limit:
        return
    newest = panel.calendar.text(panel.ends.max(keepdims=True))[0]
    text = f"{panel.source}: the newest step, {newest}, ended {span_words(now - ended)} ago"
    yield Violation("max_data_age", rule.action, f"{text}; at most {duration_text(rule.limit)} is allowed", panel.keys)


def _incomplete(panel: Panel, rules: Freshness, context: int) -> Iterator[Violation]:
    if (rule := rules.min_completeness) is None:
        return
    fractions = completeness(panel, context)
    short = np.flatnonzero(fractions < rule.limit)
    if len(short):
        found = [f"{_name(panel.keys[k])}{fractions[k]:.0%}" for k in short.tolist()]
        text = f"{panel.source}: of the last {context} steps have values: {truncate_items(found, len(found))}"
        yield Violation(
            "min_completeness", rule.action, f"{text}; at least {rule.limit:.0%} must be", _keys(panel, short)
        )


def completeness(panel: Panel, context: int) -> Floats:
    """Return the fraction [S] of the last `context` steps of the file, since its first value, that a series has."""
    newest = panel.ends.max()
    expected = np.minimum(context, newest - panel.starts + 1)
    positions = np.arange(len(panel.values)) - np.repeat(panel.offsets[:-1] - panel.starts, panel.lengths)
    there = (positions > newest - context) & panel.observed
    return np.asarray(np.add.reduceat(there.astype(np.int64), panel.offsets[:-1]) / expected, dtype=np.float64)


def _flat(panel: Panel, rules: Freshness) -> Iterator[Violation]:
    if (rule := rules.max_flatline) is None:
        return
    steps = same_steps(panel)
    spans = (panel.calendar.stamps(panel.ends + 1) - panel.calendar.stamps(panel.ends - steps + 1)) / 1e6
    flat = np.flatnonzero((spans >= rule.limit.total_seconds()) & (steps < panel.lengths))
    if len(flat):
        found = [f"{_name(panel.keys[k])}{panel.series(k)[-1]:g}" for k in flat.tolist()]
        constant = truncate_items(found, len(found))
        text = f"{panel.source}: constant for {duration_text(rule.limit)} or longer: {constant}"
        yield Violation("max_flatline", rule.action, text, _keys(panel, flat))


def same_steps(panel: Panel) -> Ints:
    """Return the number of last steps [S] with the same value."""
    moved = np.append(panel.values[1:] != panel.values[:-1], False)
    moved[panel.offsets[1:] - 1] = False  # from one series to the next
    steps = np.arange(len(panel.values)) - np.repeat(panel.offsets[:-1], panel.lengths)
    last = np.maximum.reduceat(np.where(moved, steps, -1), panel.offsets[:-1])
    return np.asarray(panel.lengths - 1 - last, dtype=np.int64)


def _keys(panel: Panel, selected: Ints) -> tuple[Key, ...]:
    return tuple(panel.keys[k] for k in selected.tolist())


def _name(key: Key) -> str:
    return f"{'/'.join(key)} " if key else ""
