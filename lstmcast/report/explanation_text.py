"""Explanations as text, and as JSON values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lstmcast.data.time.calendar import Calendar
from lstmcast.explain.attribution import NOTHING, order, within
from lstmcast.explain.driver_effects import DriverEffects, Response
from lstmcast.explain.explanation import SIGNALS, Explanation, NetworkInternals
from lstmcast.forecasting.ensemble.direct_member import LEVEL, PartKind
from lstmcast.report.console import number
from lstmcast.report.verdict import MEMBER_LABELS
from lstmcast.text import pluralize

MEMORY_FRACTION = 0.9  # of an effect, for its reach
NAMED = 3  # values in the text
SHOWN = {"level": "the level", "season": "the season", "last change": "the last change", NOTHING: NOTHING}
DEFINITION = (
    "integrated gradients from the expected history (each value the mean of its phase of the season) to the actual "
    "one, in the unit of the target; scales and all weights of the ensemble are held fixed"
)

PARTS = (
    "those of the direct regressions, relative to the mean of each driver in the past, in the unit of the target, with "
    "the weights of the ensemble; on scales of logs, roots or arcsinh in proportion; the forecasts of other members "
    "count as level and past"
)
CELL = 9  # characters of a number


def format_explanation(explained: Explanation) -> str:
    """The explanation as text."""
    text = f"{paragraph(explained)}\n\n{method(explained)}"
    return f"{format_effects(explained.drivers)}\n\n{text}" if explained.drivers.has_drivers else text


def format_effects(effects: DriverEffects) -> str:
    """Parts of the forecast, responses and the definition."""
    return f"{effect_table(effects)}\n\n{effect_method(effects)}"


def headline(explained: Explanation) -> str:
    """The effect of the history on the mean forecast."""
    forecast, reference = explained.forecast.values.mean(), explained.reference.mean()
    verb = "raises" if forecast >= reference else "lowers"
    change, to, without = map(number, (abs(forecast - reference), forecast, reference))
    return f"The history {verb} the mean forecast by {change}: {to} instead of {without}"


def paragraph(explained: Explanation) -> str:
    """The explanation in a few sentences."""
    return " ".join([_forecast(explained), _contributions(explained), _memory(explained), _units(explained.internals)])


def method(explained: Explanation) -> str:
    """The definition of the attributions, their error, and the parts of the forecast without gates."""
    parts = [f"Attributions: {DEFINITION}. Completeness error: {explained.error:.2g}."]
    without_gates = {name: weight for name, weight in explained.weights.items() if name != explained.explained_member}
    if text := ", ".join(f"{MEMBER_LABELS[name]} {weight:.0%}" for name, weight in without_gates.items()):
        parts.append(f"Other members of the ensemble, without gates: {text}.")
    if explained.networks > 1:
        parts.append(f"{explained.networks} networks are averaged; the gates are those of the first.")
    return " ".join(parts)


def to_dict(explained: Explanation) -> dict[str, Any]:
    """The explanation as JSON values; times as in the file."""
    forecast, inside = explained.forecast, explained.internals
    times = forecast.calendar.text(explained.positions)
    return {
        "series": list(forecast.keys[0]),
        "origin": times[-1],
        "summary": f"{headline(explained)}. {paragraph(explained)}",
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
        **effects_to_dict(explained.drivers),
        "gates": _gates(inside, times[-len(inside.cell) :]),
        "networks": explained.networks,
        "members": {name.value: weight for name, weight in explained.weights.items()},
    }


def effects_to_dict(effects: DriverEffects) -> dict[str, Any]:
    """Parts of the forecast and responses to covariates as JSON values."""
    responses = {
        each.column: {"value": each.values.tolist(), "effect": each.effects.tolist()} for each in effects.responses
    }
    return {
        "parts": {
            "definition": PARTS,
            "weight_of_regressions": effects.weight,
            "time": effects.forecast.calendar.text(effects.forecast.positions[0]),
            "forecast": effects.forecast.values[0].tolist(),
            "steps": [
                {"part": part.kind.value, "name": part.name, "values": values.tolist()}
                for part, values in effects.parts.items()
            ],
            "holidays": list(effects.holidays),
        },
        "responses": responses,
    }


def effect_table(effects: DriverEffects) -> str:
    """Mean and largest part of each driver over the horizon, and responses to covariates, as a table."""
    wide = max(map(len, [*(part.name for part in effects.parts), *(each.column for each in effects.responses), "part"]))
    steps = pluralize(effects.forecast.horizon, "step")
    lines = [f"{'part':<{wide}}  {'mean':>{CELL}}  {'largest':>{CELL}}  of the forecast of {steps}"]
    for part, values in effects.visible.items():
        shown = number if part == LEVEL else signed
        k = int(np.argmax(np.abs(values)))
        named = effects.holidays[k] if part.kind is PartKind.HOLIDAYS else ""
        at = effects.forecast.calendar.text(effects.forecast.positions[0, k : k + 1])[0]
        where = f"{at} ({named})" if named else at
        mean, largest = shown(float(values.mean())), shown(float(values[k]))
        lines.append(f"{part.name:<{wide}}  {mean:>{CELL}}  {largest:>{CELL}}  {where}")
    lines.append(f"{'forecast':<{wide}}  {number(float(effects.forecast.values.mean())):>{CELL}}")
    return "\n".join([*lines, *_response_lines(effects.responses, wide)])


def _response_lines(responses: Sequence[Response], wide: int) -> list[str]:
    """A line for each covariate: effects at some of its values."""
    if not responses:
        return []
    lines = ["", f"{'response':<{wide}}  change of the mean forecast where a covariate has this value throughout"]
    for each in responses:
        shown = np.unique(np.linspace(0, len(each.values) - 1, 5).round().astype(np.int64)).tolist()
        cells = [f"{number(float(each.values[k]))}: {signed(float(each.effects[k]))}" for k in shown]
        lines.append(f"{each.column:<{wide}}  {', '.join(cells)}")
    return lines


def effect_method(effects: DriverEffects) -> str:
    """Definition of the parts."""
    return f"Parts: {PARTS}. Weight of these regressions: {effects.weight:.0%}."


def _gates(inside: NetworkInternals, times: list[str]) -> dict[str, Any]:
    lives = [life if np.isfinite(life) else None for life in inside.half_lives.tolist()]
    units = [
        {"follows": unit.component, "correlation": round(unit.correlation, 4), "half_life": life}
        for unit, life in zip(inside.unit_correlations, lives, strict=True)
    ]
    arrays = {name: np.round(getattr(inside, name), 4).tolist() for name in ("forget", "input", "output", "cell")}
    return {"time": times, "units": units, "order": order(inside.unit_correlations, SIGNALS), **arrays}


def _forecast(explained: Explanation) -> str:
    """The explained forecast and its reference."""
    forecast = explained.forecast
    first, last = forecast.calendar.text(forecast.positions[0, [0, -1]])
    span = f"{first} to {last}" if first != last else first
    seasonal = explained.season > 1 and len(explained.values) >= 2 * explained.season
    expected = "the average season" if seasonal else "the mean"
    name = "/".join(forecast.keys[0])
    value, reference = number(forecast.values.mean()), number(explained.reference.mean())
    return (
        f"The mean forecast {f'of {name} ' if name else ''}for {span} is {value}; with {expected} as its history, it "
        f"would be {reference}."
    )


def _contributions(explained: Explanation) -> str:
    """The past values with the largest attributions."""
    effect, importance = explained.attribution.mean(axis=0), explained.importance
    if not importance.any():
        return "No past value differs from its expected value."
    top = np.argsort(-importance, kind="stable")[:NAMED]
    names = _times(explained.forecast.calendar, explained.positions[top])
    listed = ", ".join(f"{name} ({signed(effect[k])})" for name, k in zip(names, top.tolist(), strict=True))
    steps = pluralize(within(importance, 0.5), "value")
    return f"Largest contributions: {listed}. The last {steps} of {len(importance):,} contribute half of the total."


def _memory(explained: Explanation) -> str:
    """The reach of a small change in the past, and of the cell state."""
    inside, most = explained.internals, f"{MEMORY_FRACTION:.0%}"
    half, far = within(explained.effect, 0.5), within(explained.effect, MEMORY_FRACTION)
    own, read = within(inside.memory, MEMORY_FRACTION), len(inside.memory)
    median, longest = (
        f"{steps:,.1f} steps" if np.isfinite(steps) else "unlimited"
        for steps in (float(np.median(inside.half_lives)), float(inside.half_lives.max()))
    )
    return (
        f"Of the effect of a small change in the past, 50% comes from the last {pluralize(half, 'step')} and {most} "
        f"from the last {far:,}. Of the cell state, {most} comes from the last {own} of {read} input steps. Cell-state "
        f"half-life: median {median}, longest {longest}."
    )


def _units(inside: NetworkInternals) -> str:
    """The numbers of units that correlate with level, season and change."""
    found = Counter(unit.component for unit in inside.unit_correlations)
    listed = [f"{found[name]} with {SHOWN[name]}" for name in SIGNALS if found[name]]
    rest = [f"{found[NOTHING]} with {NOTHING}"] if found[NOTHING] else []
    return f"Correlations of the {pluralize(len(inside.unit_correlations), 'unit')}: {', '.join([*listed, *rest])}."


def _times(calendar: Calendar, positions: npt.NDArray[np.int64]) -> list[str]:
    return [calendar.text(np.array([position]))[0] for position in positions.tolist()]


def signed(value: float) -> str:
    """A number with four significant digits and its sign."""
    return ("+" if value >= 0 else "−") + number(abs(value))
