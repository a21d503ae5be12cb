"""New data for a trained model: reading, data warnings, and lookup of series and steps."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lstmcast.data.aggregation import COUNT
from lstmcast.data.drivers.options import NO_COVARIATES, CovariateOptions
from lstmcast.data.panel import Panel
from lstmcast.data.schema import ReadOptions
from lstmcast.data.time.calendar import Calendar
from lstmcast.data.time.text.patterns import has_utc_offset
from lstmcast.errors import UsageError
from lstmcast.forecasting.forecaster import Forecaster
from lstmcast.text import truncate_list

MODEL_KEYS = ("time", "target", "id_columns", "features", "frequency", "closed", "season_length", "aggregate", "format")
"""Keys of the section `data` that a model fixes; the others describe how one file is written."""
COVARIATE_KEYS = ("known", "past", "static", "calendar", "holidays", "known_as_of")
"""Keys of the section `covariates` that a model fixes."""


def training_read_options(forecaster: Forecaster, given: Mapping[str, Any] | None = None) -> ReadOptions:
    """Return the read options of training: columns, time format, season and closed steps are not inferred again."""
    return pinned_options(forecaster.context, forecaster.report.config.read_options, given)


def pinned_options(context: Panel, configured: ReadOptions, given: Mapping[str, Any] | None = None) -> ReadOptions:
    """Return the read options that fix columns, time format, season and closed steps of a stored panel.

    Args:
        context: the stored panel.
        configured: by the config of training.
        given: keys of `data` for the newest file; see `merge_given`.
    """
    columns = context.columns
    found = replace(
        configured,
        time=columns.time or configured.time,
        target=columns.target,
        id_columns=columns.series or configured.id_columns,
        covariates=_covariates_of(context, configured.covariates),
    )
    return merge_given(configured, found, context.calendar, given)


def merge_given(
    configured: ReadOptions, found: ReadOptions, calendar: Calendar, given: Mapping[str, Any] | None
) -> ReadOptions:
    """Return the read options of training, with those given for the newest file.

    Args:
        configured: by the config of training.
        found: the same with the columns that training found.
        calendar: of the training data.
        given: keys of `data` for the newest file.

    Raises:
        UsageError: a key that the model fixes differs from training.
    """
    given = given or {}
    style = calendar.style.pattern if calendar.style else None
    zone = configured.timezone or _zone_of_offsets(calendar)
    pinned = replace(found, time_format=style, season_length=calendar.season, timezone=zone, closed=calendar.closed)
    if configured.aggregate == COUNT or calendar.grid.mask or calendar.grid.years:
        pinned = replace(pinned, frequency=calendar.name)
    options, of_covariates = configured.updated(given), given.get("covariates", {})
    trained = replace(pinned, frequency=configured.frequency or calendar.name)
    faults = _contradictions("data", MODEL_KEYS, given, (trained, configured, options))
    parts = (trained.covariates, configured.covariates, options.covariates)
    faults += _contradictions("covariates", COVARIATE_KEYS, of_covariates, parts)
    if "future" in of_covariates and not trained.covariates.drivers:
        faults.append("covariates.future: the model was trained without covariates; leave it out, or train another")
    if faults:
        raise UsageError(faults)
    rest = {key: value for key, value in given.items() if key not in MODEL_KEYS}
    future = {key: value for key, value in of_covariates.items() if key not in COVARIATE_KEYS}
    return pinned.updated({**rest, "covariates": future})


def _covariates_of(context: Panel, configured: CovariateOptions) -> CovariateOptions:
    """Return the settings that fix the columns, categories and holidays of a stored panel."""
    kept = replace(NO_COVARIATES, calendar=configured.calendar, holidays=configured.holidays)
    found = kept if context.covariates is None else replace(configured, **context.covariates.pinned)
    future = found.future if isinstance(found.future, str) and Path(found.future).exists() else None
    return replace(found, dates=context.holidays, future=future)


def _contradictions(
    section: str, keys: Sequence[str], given: Mapping[str, Any], options: tuple[object, object, object]
) -> list[str]:
    """Messages about given keys; `options` are those of training, of its config, and with the given keys."""
    trained, configured, now = ([getattr(part, key) for key in keys] for part in options)
    each = zip(keys, trained, configured, now, strict=True)
    return [
        _contradiction(f"{section}.{key}", was, new)
        for key, was, requested, new in each
        if key in given and new not in (was, requested)
    ]


def _contradiction(key: str, trained: object, given: object) -> str:
    """Message about a key that differs from training; lists are shown by their items, None as `none`."""
    shown = [truncate_list(value) if isinstance(value, tuple) else value for value in (trained, given)]
    was, now = (value or "none" for value in shown)
    return f"{key}: the model was trained with {was} (got {now}); leave it out, or train a model of this file"


def _zone_of_offsets(calendar: Calendar) -> str | None:
    """Zone of times with UTC offsets, which new data may not show."""
    return calendar.timezone if calendar.style and has_utc_offset(calendar.style.pattern) else None


def data_warnings(before: Panel, now: Panel) -> Iterator[str]:
    """Yield warnings about series and values of the training data that the new data lack."""
    yield from (f"left out: {reason}" for reason in now.dropped)
    lost = sorted(set(before.keys) - set(now.keys))
    if lost:
        names = ", ".join("/".join(key) for key in lost[:5]) + (" …" if len(lost) > 5 else "")
        yield f"{now.source}: {len(lost)} of the series of training are not there: {names}"
    if now.ends.max() < before.ends.max():
        ends = " and ".join(panel.calendar.text(panel.ends[[panel.ends.argmax()]])[0] for panel in (now, before))
        yield f"{now.source}: ends before the data of training did ({ends})"
    yield from _changed_values_warning(before, now)


def _changed_values_warning(before: Panel, now: Panel) -> Iterator[str]:
    """Yield a warning if most values of known steps have changed: another column, unit or file."""
    now = now.recode(before.symbols)
    number = {key: k for k, key in enumerate(now.keys)}
    which = np.array([number.get(key, -1) for key in before.keys]).repeat(before.lengths)
    positions = before.starts.repeat(before.lengths) + np.arange(len(before.values))
    positions -= before.offsets[:-1].repeat(before.lengths)
    steps = positions - now.starts[which]
    there = np.flatnonzero((which >= 0) & (steps >= 0) & (steps < now.lengths[which]) & before.observed)
    same_steps = now.offsets[which[there]] + steps[there]
    there, same_steps = there[now.observed[same_steps]], same_steps[now.observed[same_steps]]
    other = ~np.isclose(now.values[same_steps], before.values[there], rtol=1e-9, atol=0)
    if not 2 * other.sum() > len(there):
        return
    k = there[other][-1]
    time = before.calendar.text(positions[[k]])[0]
    was, is_now = before.values[k], now.values[same_steps[other][-1]]
    yield (
        f"{now.source}: {other.sum():,} of {len(there):,} values known at training have changed "
        f"({time}: {before.value_text(was)} before, {now.value_text(is_now)} now); are these the data of the model?"
    )


def find_series(panel: Panel, key: str | None) -> int:
    """Return the index of the series with this key, its parts joined by '/'; None: the first.

    Raises:
        UsageError: there is none.
    """
    names = ["/".join(parts) for parts in panel.keys]
    if key is None:
        return 0
    if key not in names:
        close = difflib.get_close_matches(key, names, n=1)
        guess = f"did you mean '{close[0]}'? " if close else ""
        listed = truncate_list(names) if any(names) else "one without a name: leave --series out"
        raise UsageError(f"--series {key}: no such series; {guess}there are: {listed}")
    return names.index(key)


def find_step(panel: Panel, series: int, time: str | None) -> int:
    """Return the step of a series at a time, written as in the file or as ISO 8601 local time; None: the last step.

    Returns:
        Steps from the series' first value, at least 1: a forecast needs two values.

    Raises:
        UsageError: the time is not a step of the series, or is its first step.
    """
    if time is None:
        return int(panel.lengths[series]) - 1
    positions = panel.starts[series] + np.arange(panel.lengths[series])
    found = np.flatnonzero(np.array(panel.calendar.text(positions)) == time)
    if not len(found):
        found = np.flatnonzero(panel.calendar.wall(positions) == _iso(time, counter=panel.calendar.kind == "counter"))
    if not len(found) or not found[0]:
        second, last = panel.calendar.text(positions[[1, -1]]) if len(positions) > 1 else ("", "")
        span = f"from {second} to {last}" if second else "(it has too few)"
        raise UsageError(f"--origin {time}: must be a step of the series {span}, written as in the file")
    return int(found[0])


def _iso(time: str, *, counter: bool) -> np.datetime64:
    """Parse a local time; NaT if it is none."""
    try:
        return np.datetime64("NaT" if counter else time, "us")
    except ValueError:
        return np.datetime64("NaT", "us")
