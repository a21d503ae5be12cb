"""An explanation in words, and as plain values for JSON."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt

from lstmcast.data.calendar import Calendar
from lstmcast.explain.attribution import NOTHING, order, within
from lstmcast.explain.explanation import SIGNALS, Explanation, NetworkInternals
from lstmcast.report.console import number
from lstmcast.results import MemberName
from lstmcast.text import pluralize

MEMORY_FRACTION = 0.9  # the share of an effect that says how far back is far enough
NAMED = 3  # values that the words name
MEMBERS = {
    MemberName.TRAINED: "trained networks",
    MemberName.PRETRAINED: "pretrained networks",
    MemberName.SMOOTHING: "exponential smoothing",
}
SHOWN = {"level": "the level", "season": "the season", "last change": "the last change", NOTHING: NOTHING}
DEFINITION = (
    "integrated gradients from the expected past (each value the mean of its phase of the season) to the past that "
    "came, in the target's unit; the trust in the members of exponential smoothing, and the scale, are held"
)


def headline(explained: Explanation) -> str:
    """What the past changed, in one sentence."""
    mean_forecast, mean_baseline = explained.forecast.values.mean(), explained.reference.mean()
    verb = "raises" if mean_forecast >= mean_baseline else "lowers"
    return (
        f"The past {verb} the forecast by {format_significant(abs(mean_forecast - mean_baseline))} in the mean: "
        f"{format_significant(mean_forecast)} instead of {format_significant(mean_baseline)}"
    )


def paragraph(explained: Explanation) -> str:
    """The findings for a person, in a few sentences."""
    return " ".join([_forecast(explained), _mattered(explained), _memory(explained), _units(explained.internals)])


def method(explained: Explanation) -> str:
    """What the numbers are, and how exact."""
    parts = [f"Attributions: {DEFINITION}. They miss the change they explain by {explained.error:.2g} of it."]
    rest = {MEMBERS[name]: weight for name, weight in explained.weights.items() if name != explained.explained_member}
    if listed := " and ".join(f"{name} for {weight:.0%}" for name, weight in rest.items()):
        parts.append(f"In the forecast count {listed}, of which the gates say nothing.")
    if explained.networks > 1:
        parts.append(f"{explained.networks} networks are averaged; the gates are those of the first.")
    return " ".join(parts)


def to_dict(explained: Explanation) -> dict[str, Any]:
    """Plain values that JSON can carry; times as the file writes them."""
    forecast, inside = explained.forecast, explained.internals
    times = forecast.calendar.text(explained.positions)
    return {
        "series": list(forecast.keys[0]),
        "origin": times[-1],
        "findings": f"{headline(explained)}. {paragraph(explained)}",
        "forecast": {
            "time": forecast.calendar.text(forecast.positions[0]),
            "forecast": forecast.values[0].tolist(),
            "reference": explained.reference.tolist(),
        },
        "attribution": {
            "definition": DEFINITION,
            "completeness_error": explained.error,
            "time": times,
            "value": explained.values.tolist(),
            "expected": explained.expected.tolist(),
            "to_mean_forecast": explained.attribution.mean(axis=0).tolist(),
            "importance": explained.importance.tolist(),
        },
        "memory": {
            "effect_of_a_usual_step": explained.effect.tolist(),
            "steps_with_half_of_the_effect": within(explained.effect, 0.5),
            "steps_with_most_of_the_effect": within(explained.effect, MEMORY_FRACTION),
            "network_steps_with_most_of_the_effect": within(inside.memory, MEMORY_FRACTION),
            "network_effect": inside.memory.tolist(),
            "most": MEMORY_FRACTION,
        },
        "gates": _gates(inside, times[-len(inside.cell) :]),
        "networks": explained.networks,
        "members": {name.value: weight for name, weight in explained.weights.items()},
    }


def _gates(inside: NetworkInternals, times: list[str]) -> dict[str, Any]:
    lives = [life if np.isfinite(life) else None for life in inside.half_lives.tolist()]
    units = [
        {"follows": unit.component, "correlation": round(unit.correlation, 4), "half_life": life}
        for unit, life in zip(inside.unit_correlations, lives, strict=True)
    ]
    arrays = {name: np.round(getattr(inside, name), 4).tolist() for name in ("forget", "input", "output", "cell")}
    return {"time": times, "units": units, "order": order(inside.unit_correlations, SIGNALS), **arrays}


def _forecast(explained: Explanation) -> str:
    """What is explained, and against what."""
    forecast = explained.forecast
    first, last = forecast.calendar.text(forecast.positions[0, [0, -1]])
    span = f"{first} to {last}" if first != last else first
    baseline_text = (
        "its usual season" if explained.season > 1 and len(explained.values) >= 2 * explained.season else "its mean"
    )
    whose = "/".join(forecast.keys[0])
    about = f"of {whose} " if whose else ""
    return (
        f"The forecast {about}for {span} is {format_significant(forecast.values.mean())} in the mean; had the "
        "series only been "
        f"{baseline_text}, it would be {format_significant(explained.reference.mean())}."
    )


def _mattered(explained: Explanation) -> str:
    """Which past values did most."""
    effect, importance = explained.attribution.mean(axis=0), explained.importance
    if not importance.any():
        return "No past value differed from what was usual."
    top = np.argsort(-importance, kind="stable")[:NAMED]
    names = _times(explained.forecast.calendar, explained.positions[top])
    listed = ", ".join(f"{name} ({signed(effect[k])})" for name, k in zip(names, top.tolist(), strict=True))
    steps = within(importance, 0.5)
    half = f"the last {pluralize(steps, 'value')}" if steps > 1 else "the last value"
    return f"What did most: {listed}. Half of all that the past did comes from {half} of {len(importance):,}."


def _memory(explained: Explanation) -> str:
    """How far back a change would be felt."""
    half_effect, far = within(explained.effect, 0.5), within(explained.effect, MEMORY_FRACTION)
    inside = explained.internals
    own, read = within(inside.memory, MEMORY_FRACTION), len(inside.memory)
    median_life, longest = (
        f"after {steps:,.1f} steps" if np.isfinite(steps) else "never"
        for steps in (float(np.median(inside.half_lives)), float(inside.half_lives.max()))
    )
    return (
        "Were a past value a little different, half of what would change lies within "
        f"{pluralize(half_effect, 'step')} and "
        f"{MEMORY_FRACTION:.0%} within {far:,}. Of what the network carries in its memory, {MEMORY_FRACTION:.0%} "
        f"comes from the last {own} "
        f"of the {read} steps it reads; half of a typical cell is forgotten {median_life}, of the most lasting "
        f"one {longest}."
    )


def _units(inside: NetworkInternals) -> str:
    """What the units follow."""
    found = Counter(unit.component for unit in inside.unit_correlations)
    followed = [f"{found[name]} {'follow' if found[name] > 1 else 'follows'} {SHOWN[name]}" for name in SIGNALS]
    listed = [text for name, text in zip(SIGNALS, followed, strict=True) if found[name]]
    rest = [f"{found[NOTHING]} {NOTHING}"] if found[NOTHING] else []
    return f"Of its {pluralize(len(inside.unit_correlations), 'unit')}, {', '.join([*listed, *rest])}."


def _times(calendar: Calendar, positions: npt.NDArray[np.int64]) -> list[str]:
    return [calendar.text(np.array([position]))[0] for position in positions.tolist()]


def format_significant(value: float) -> str:
    """A number with four significant digits, or whole."""
    return number(float(value), 0)


def signed(value: float) -> str:
    """The same with its sign."""
    return ("+" if value >= 0 else "−") + format_significant(abs(value))
