"""Trained forecaster of values: forecasts with intervals, saving and loading."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

import numpy as np

from lstmcast.calibration.conformal import Calibration
from lstmcast.clock import system_clock
from lstmcast.data.drivers.ahead import require_ahead
from lstmcast.data.panel import Panel
from lstmcast.data.schema import DataNote, NoteCode
from lstmcast.errors import DataError, ModelError, UsageError
from lstmcast.forecasting.ensemble.ensemble import Ensemble
from lstmcast.forecasting.ensemble.intervals import intervals
from lstmcast.forecasting.split_data import tail
from lstmcast.forecasts import Forecast
from lstmcast.parallel import thread_map
from lstmcast.results import MemberName, ValueReport
from lstmcast.statistical.newest_value import damp_newest
from lstmcast.text import truncate_items
from lstmcast.types import Floats, Ints

if TYPE_CHECKING:
    from lstmcast.forecasting.evaluate import HoldoutForecasts


ForecastArrays = tuple[Floats, Floats, Floats]  # forecasts [B, H], lower and upper bounds [Q, B, H]

FIRST_UNSUPPORTED_TIME = np.datetime64("10000-01-01")
BLOCK = 2048  # forecasts of one block
Arrays = TypeVar("Arrays", bound=tuple[Floats, ...])


@dataclass(frozen=True)
class MemberForecasts:
    """Forecasts of an ensemble and of its members from B origins, or from N origins of S series.

    Attributes:
        values: [B, H] or [S, N, H], in the unit of the target.
        lower, upper: [Q, B, H] or [Q, S, N, H].
        members: values of each member by itself, and of exponential smoothing.
        weights: the median over the origins of the weight of each member.
    """

    values: Floats
    lower: Floats
    upper: Floats
    members: Mapping[MemberName, Floats]
    weights: Mapping[MemberName, float]


@dataclass(frozen=True)
class Forecaster:
    """A trained model that can forecast without the file of its training data.

    Attributes:
        ensemble: the members that forecast, refit on all the data.
        holdout_ensemble: the members before the refit, to which the scores belong.
        calibration: of the intervals.
        context: the last steps of every series.
        holdout: forecasts from the test origins.
        report: of the training.
    """

    ensemble: Ensemble
    holdout_ensemble: Ensemble
    calibration: Calibration
    context: Panel
    holdout: HoldoutForecasts
    report: ValueReport

    @property
    def horizon(self) -> int:
        """H of training, the default of `predict`."""
        return self.ensemble.horizon

    @property
    def context_length(self) -> int:
        """L, the steps that the network reads."""
        return self.ensemble.preprocessings[0].window_spec.context

    def predict(self, panel: Panel | None = None, horizon: int | None = None) -> Forecast:
        """Forecast from the end of every series.

        Args:
            panel: the newest data; None: the context kept from training. Series not seen in training are forecast from
                their own past.
            horizon: steps ahead; None: that of training.

        Raises:
            UsageError: horizon is below 1, or reaches beyond the year 9999.
            ModelError: a forecast overflows to infinity.
            DataError: the panel's columns or frequency are not those of training, its values cannot be transformed, or
                known covariates lack values ahead.
        """
        panel = self.context if panel is None else panel
        if horizon is not None and horizon < 1:
            raise UsageError(f"horizon: must be at least 1 (got {horizon})")
        check_same_calendar(self.context, panel)
        _check_horizon(panel, self.horizon if horizon is None else horizon)
        require_ahead(panel, self.horizon if horizon is None else horizon)

        def ends(part: slice) -> ForecastArrays:
            recent = tail(panel.select(np.arange(panel.n_series)[part]), self.ensemble.required_history)
            return self.at(recent, np.arange(recent.n_series), recent.lengths - 1, horizon)

        values, lower, upper = _in_blocks(ends, panel.n_series)
        finite = np.isfinite([values, *lower, *upper]).all(axis=(0, 2))  # [S]
        if not finite.all():
            worst = panel.keys[int(np.argmin(finite))]
            raise ModelError(f"the forecast of {' '.join(worst) or 'the series'} is not finite; train again")
        return Forecast(
            **Forecast.index_of(panel),
            values=values,
            levels=self.calibration.levels,
            lower=lower,
            upper=upper,
            notes=_newest_notes(panel),
        )

    def at(self, panel: Panel, series: Ints, origins: Ints, horizon: int | None = None) -> ForecastArrays:
        """Forecast from any origins, each from the values up to it.

        Args:
            panel: the data.
            series: [B] index of the series.
            origins: [B] last known step, counted from the first value of the series.
            horizon: H; None: that of training.

        Returns:
            The forecasts [B, H] and their bounds, lower [Q, B, H] and upper [Q, B, H], in the target's unit; infinite
            where they overflow.
        """
        steps = self.horizon if horizon is None else horizon
        running = self.ensemble.bind(panel.within(steps))

        def block(part: slice) -> ForecastArrays:
            which, last = series[part], origins[part]
            ahead = running.forecast(which, last, steps)
            bounds = intervals(running, ahead, self.calibration, which, last)
            return running.inverse_transform(ahead.z, which), *bounds

        return _in_blocks(block, len(series))

    def at_by_member(self, panel: Panel, series: Ints, origins: Ints) -> MemberForecasts:
        """Forecast from any origins over H steps, with the forecasts of each member by itself; arguments as in `at`."""
        running = self.ensemble.bind(panel.within(self.horizon))

        def block(part: slice) -> tuple[Floats, ...]:
            which, last = series[part], origins[part]
            ahead = running.forecast(which, last, self.horizon)
            members = running.member_values(ahead, which, last)
            bounds = intervals(running, ahead, self.calibration, which, last)
            return running.inverse_transform(ahead.z, which), *bounds, *(members[name] for name in running.member_names)

        values, lower, upper, *members = _in_blocks(block, len(series))
        by_name = dict(zip(running.member_names, members, strict=True))
        return MemberForecasts(values, lower, upper, by_name, running.median_weights(series, origins))

    def save(self, models: str | Path, name: str, *, keep: int = 10) -> Path:
        """Publish as the current version of a model, under its lock, and return the folder of the version.

        Raises:
            FileError: it cannot be written.
            BusyError: another run holds the lock.
        """
        from lstmcast.forecasting import codec
        from lstmcast.persistence.artifact import model_lock, prepare

        with model_lock(prepare(Path(models), name)):
            return codec.save(self, Path(models), name, data=None, now=system_clock(), keep=keep)

    @classmethod
    def load(cls, model: str | Path, models: str | Path = "models") -> Forecaster:
        """Read a model (its name, or the path of its folder or of a version's) after verifying every byte.

        Raises:
            ModelError: missing, damaged, or of another schema.
        """
        from lstmcast.forecasting import codec
        from lstmcast.persistence.registry import resolve

        return codec.load(resolve(Path(models), str(model)))


def _newest_notes(panel: Panel) -> tuple[DataNote, ...]:
    """A note that names the newest values that are damped."""
    found = damp_newest(panel.values, panel.offsets[:-1], panel.lengths - 1, panel.calendar.season)
    rows = np.flatnonzero(found.damped)
    if not rows.size:
        return ()
    newest = panel.values[panel.offsets[1:][rows] - 1].tolist()
    named = (
        f"{value:g}"
        + (f" of {', '.join(panel.keys[k])}" if panel.keys[k] else "")
        + f" at {time} (taken as {used:.4g})"
        for k, value, used, time in zip(
            rows.tolist(), newest, found.values[rows].tolist(), panel.calendar.text(panel.ends[rows]), strict=True
        )
    )
    text = f"the newest value is outside what the past makes likely: {truncate_items(named, len(rows))}; "
    return (DataNote(NoteCode.UNLIKELY_NEWEST, text + "the intervals include a forecast that takes it as it is"),)


def _check_horizon(panel: Panel, steps: int) -> None:
    """Refuse a forecast that reaches beyond the year 9999."""
    ahead = np.minimum(steps, np.array([10**5, 10**7, steps]))  # the nearer ones, for far ones may be beyond an int64
    last = panel.calendar.stamps(panel.ends.max() + ahead).astype("datetime64[us]")
    if panel.calendar.kind != "counter" and (last >= FIRST_UNSUPPORTED_TIME).any():
        raise UsageError(f"horizon: {steps} steps from the last one reach beyond the year 9999; ask for fewer")


def _in_blocks(forecast: Callable[[slice], Arrays], count: int) -> Arrays:
    """Make `count` forecasts in blocks, in parallel; the blocks do not depend on the number of cores."""
    if count <= BLOCK:
        return forecast(slice(count))
    parts = thread_map(forecast, [slice(k, k + BLOCK) for k in range(0, count, BLOCK)])
    return cast("Arrays", tuple(np.concatenate(part, axis=-2) for part in zip(*parts, strict=True)))


def check_same_calendar(old: Panel, new: Panel) -> None:
    """Check that new data continue the training data.

    Raises:
        DataError: the columns or the frequency are not those of training.
    """
    faults = []
    for part in ("time", "target", "series"):
        was, now = getattr(old.columns, part), getattr(new.columns, part)
        if was != now and not (part == "target" and set(now) <= set(was) and old.key_columns == new.key_columns):
            faults.append(f"{new.source}: the {part} column was {was!r} in training and is {now!r} here")
    if (was := old.calendar.to_dict()["grid"]) != (now := new.calendar.to_dict()["grid"]):
        same = old.calendar.name == new.calendar.name
        faults.append(
            f"{new.source}: the frequency was {old.calendar.name} in training and is {new.calendar.name} here"
            + (f" on another grid ({was} then, {now} now)" if same else "")
        )
    if faults:
        raise DataError([*faults, "train again on this file, or give the one the model was trained for"])
