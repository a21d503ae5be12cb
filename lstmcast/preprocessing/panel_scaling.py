"""Scaling of a panel: transform, scale of each series, and polyphase decomposition.

Half-hourly data become two hourly series. Each is forecast from its own past, and the forecasts are interleaved. So
networks trained on days of 24 steps forecast days of 48, 96 or 288 steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.errors import DataError
from lstmcast.preprocessing.driver_features import DriverInputs, DriverSpec
from lstmcast.preprocessing.scaling import ScaleMode, Scaling, TransformName, fit_scaling, valid_transforms
from lstmcast.preprocessing.windows import WindowDataset, WindowSpec
from lstmcast.types import Bools, Floats, Ints


@dataclass(frozen=True)
class Polyphase:
    """Number K of series that each one is split into.

    The first value is repeated K - 1 times before a series, as not observed: every phase has a value at every origin.
    """

    count: int = 1

    def steps(self, horizon: int) -> int:
        """Steps of a phase that cover H steps of the series."""
        return -(-horizon // self.count)

    def split(self, panel: Panel) -> Panel:
        """Split S series into S · K phases, those of one series together."""
        K = self.count
        if K == 1:
            return panel
        lengths = ((panel.lengths[:, None] + 2 * (K - 1) - np.arange(K)) // K).ravel()  # [S · K]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
        phase = np.repeat(np.tile(np.arange(K), panel.n_series), lengths)
        step = K * within + phase - (K - 1)  # of the series
        rows = np.repeat(np.repeat(panel.offsets[:-1], K), lengths) + np.maximum(step, 0)
        return replace(
            panel,
            keys=tuple(key for key in panel.keys for _ in range(K)),
            values=panel.values[rows],
            observed=panel.observed[rows] & (step >= 0),
            offsets=offsets,
            starts=np.repeat(panel.starts, K),
            covariates=panel.covariates and panel.covariates.take(np.repeat(np.arange(panel.n_series), K)),
        )

    def merge_scaling(self, scaling: Scaling) -> Scaling:
        """Merge the scaling of phases into that of S series: same offset, mean of the scales."""
        if self.count == 1:
            return scaling
        first = scaling.take(np.arange(0, len(scaling.scale), self.count))
        return replace(
            first,
            scale=scaling.scale.reshape(-1, self.count).mean(axis=1),
            floor=scaling.floor.reshape(-1, self.count).min(axis=1),
        )

    def origins(self, series: Ints, origins: Ints) -> tuple[Ints, Ints]:
        """Return phases and their origins, [B · K], for [B] series and origins; the phase of the next step first."""
        ahead = origins[:, None] + self.count + np.arange(self.count)  # the next K steps, from the padding's first
        return (series[:, None] * self.count + ahead % self.count).ravel(), (ahead // self.count - 1).ravel()

    def mean(self, numbers: Floats) -> Floats:
        """Average [B · K] numbers of phases, ordered as by `origins`, to [B]."""
        return np.asarray(numbers.reshape(-1, self.count).mean(axis=1))

    def interleave(self, parts: Floats, horizon: int) -> Floats:
        """Interleave [..., B · K, steps] of phases, ordered as by `origins`, to [..., B, H] of series."""
        if self.count == 1:
            return parts
        turned = parts.reshape(*parts.shape[:-2], -1, self.count, parts.shape[-1]).swapaxes(-1, -2)
        return np.ascontiguousarray(turned.reshape(*turned.shape[:-2], -1)[..., :horizon])


NO_SPLIT = Polyphase()

Key = tuple[str, ...]

MIN_DISPERSION = 1e-6  # z; smaller errors of a series that hardly moves measure nothing


@dataclass(frozen=True)
class ScalingSpec:
    """Transform and scale of z (see `fit_scaling`).

    Attributes:
        transform: log, sqrt or none.
        mode: the series whose typical step is the unit of z.
        allow_untransformed: leave a series untransformed if the transform cannot take its values, instead of refusing.
    """

    transform: TransformName
    mode: ScaleMode = "local"
    allow_untransformed: bool = False


@dataclass(frozen=True)
class Preprocessing:
    """The steps from the values of a panel to z and windows, shared by all methods that read them.

    Attributes:
        scaling_spec: transform and scale.
        window_spec: level, seasonal profile, and size of the windows.
        horizon: H of training.
        typical_step: typical step of the training series, for series that were not among them; None: not measured.
        polyphase: split of each series into coarser ones.
        series_scales: scale and floor of each training series, by key.
        drivers: inputs of a network other than past values, for series that are not split; None: there are none.
    """

    scaling_spec: ScalingSpec
    window_spec: WindowSpec
    horizon: int = 1
    typical_step: float | None = None
    polyphase: Polyphase = NO_SPLIT
    series_scales: Mapping[Key, tuple[float, float]] = field(default_factory=dict)
    drivers: DriverSpec | None = None

    def __str__(self) -> str:
        return f"{self.scaling_spec.transform}, {self.window_spec.baseline}"

    @property
    def features(self) -> int:
        """F, the inputs of each step."""
        return self.window_spec.lags + (self.drivers.width if self.drivers else 0)

    @property
    def required_history(self) -> int:
        """Past steps of a coarser series that windows and dispersion depend on."""
        return self.window_spec.required_history + dispersion_window(self.window_spec)

    def bind(self, panel: Panel) -> BoundPanel:
        """Scale and window a panel.

        Raises:
            DataError: the transform cannot take its values.
        """
        level, split = self.window_spec.level_window, self.polyphase.split(panel)
        scaling = _fit(panel, split, self.scaling_spec, level, self.typical_step, self.polyphase)
        scaling = with_training_scales(scaling, panel, self.series_scales)
        owner = np.repeat(np.arange(panel.n_series), self.polyphase.count)
        drivers = None if self.drivers is None else self.drivers.bind(split)
        read = windows(split, scaling.take(owner), self.window_spec, drivers)
        return BoundPanel(self, scaling, read, panel)

    def fit(self, panel: Panel) -> BoundPanel:
        """Scale and window the training data; the preprocessing of the result stores their scales."""
        bound = replace(self, series_scales={}).bind(panel)
        step = bound.scaling.typical_step if self.typical_step is None else self.typical_step
        fitted = replace(self, series_scales=series_scales(panel, bound.scaling), typical_step=step)
        return replace(bound, preprocessing=fitted)


@dataclass(frozen=True)
class BoundPanel:
    """A panel after preprocessing: S series, each split into K coarser ones.

    Attributes:
        preprocessing: its steps.
        scaling: of the S series.
        windows: the S · K coarser series in z.
        panel: the S series.
    """

    preprocessing: Preprocessing
    scaling: Scaling
    windows: WindowDataset
    panel: Panel = field(repr=False)

    def with_profile(self, preprocessing: Preprocessing) -> BoundPanel:
        """The panel after a preprocessing that differs in its seasonal profile alone; z is not computed again."""
        return replace(self, preprocessing=preprocessing, windows=self.windows.with_profile(preprocessing.window_spec))

    @cached_property
    def crosses_zero(self) -> Bools:
        """[S] the series with values on both sides of 0."""
        values, begins = self.panel.values, self.panel.offsets[:-1]
        return (np.minimum.reduceat(values, begins) < 0) & (np.maximum.reduceat(values, begins) > 0)

    @property
    def trial_steps(self) -> int:
        """Steps of a coarser series in the horizon of training."""
        return self.preprocessing.polyphase.steps(self.preprocessing.horizon)

    def known_steps(self, series: Ints, origins: Ints) -> Ints:
        """[B] values known at each origin, of the coarser series that the next step belongs to."""
        polyphase = self.preprocessing.polyphase
        return polyphase.origins(series, origins)[1][:: polyphase.count] + 1

    def level_and_profile(self, series: Ints, origins: Ints, horizon: int) -> Floats:
        """[B, H] z forecast by level and seasonal profile alone."""
        polyphase = self.preprocessing.polyphase
        z = self.windows.level_and_profile(*polyphase.origins(series, origins), polyphase.steps(horizon))
        return polyphase.interleave(z, horizon)

    def transform(self, values: Floats, series: Ints) -> Floats:
        """[B, …] values to z."""
        return self.scaling.take(series).forward(values)

    def inverse_transform(self, z: Floats, series: Ints) -> Floats:
        """[B, …] z to values."""
        return self.scaling.take(series).inverse(z)

    def upper_bound(self, z: Floats, above: Floats, series: Ints) -> Floats:
        """[B, …] upper bounds in the unit of the target; see `Scaling.upper_bound`."""
        return self.scaling.take(series).upper_bound(z, above)

    def slope(self, z: Floats, series: Ints) -> Floats:
        """[B, …] derivative of the values by z."""
        return self.scaling.take(series).derivative(z)

    def recent_dispersion(self, series: Ints, origins: Ints, horizon: int) -> Floats:
        """[B, H] mean |z − level − profile| over recent steps; positive, and 1 where a single value is known."""
        series, origins = self.preprocessing.polyphase.origins(series, origins)
        measured = self.windows.recent_mad(series, origins, dispersion_window(self.windows.spec))
        return self._interleave(np.where(origins > 0, np.maximum(measured, MIN_DISPERSION), 1.0), horizon)

    def actual(self, series: Ints, origins: Ints, horizon: int) -> Floats:
        """[B, H] z after [B] origins; NaN where not observed or after the end of the series."""
        panel = self.panel
        at = (panel.offsets[series] + origins)[:, None] + np.arange(1, horizon + 1)
        inside = np.minimum(at, len(panel.values) - 1)
        known = (at < panel.offsets[series + 1][:, None]) & panel.observed[inside]
        return np.where(known, self.transform(panel.values[inside], series), np.nan)

    def _interleave(self, values: Floats, horizon: int) -> Floats:
        """[B · K] constants of coarser series to [B, H]."""
        polyphase = self.preprocessing.polyphase
        steps = polyphase.steps(horizon)
        return polyphase.interleave(np.broadcast_to(values[:, None], (len(values), steps)), horizon)


def fit_panel_scaling(panel: Panel, spec: ScalingSpec, level: int, *, typical_step: float | None = None) -> Scaling:
    """Scaling of the series of a panel, fitted to their own past.

    Args:
        panel: the series.
        spec: transform and scale.
        level: steps of the level.
        typical_step: of other series; None: measured on these.

    Raises:
        DataError: the transform cannot take their values.
    """
    return _fit(panel, panel, spec, level, typical_step, NO_SPLIT)


def _fit(
    panel: Panel, split: Panel, spec: ScalingSpec, level: int, typical_step: float | None, polyphase: Polyphase
) -> Scaling:
    """Scaling of the series of `panel`, fitted to their coarser series `split`."""
    transform = spec.transform
    untransformed = untransformable(panel, transform).repeat(polyphase.count) if spec.allow_untransformed else None
    if untransformed is None and transform not in valid_transforms(panel.values):
        raise DataError(
            f"{panel.source}: contains {panel.values.min():g}, which the model's transform, {transform}, cannot take; "
            "correct the file, or train again"
        )
    return polyphase.merge_scaling(
        fit_scaling(
            split.values,
            split.offsets,
            transform=transform,
            level=level,
            mode=spec.mode,
            typical_step=typical_step,
            untransformed=untransformed,
        )
    )


def untransformable(panel: Panel, transform: TransformName) -> Bools:
    """[S] the series with a value that the transform cannot take."""
    smallest = np.minimum.reduceat(panel.values, panel.offsets[:-1])
    return {"log": smallest <= 0, "sqrt": smallest < 0, "none": np.zeros(panel.n_series, np.bool_)}[transform]


def with_training_scales(scaling: Scaling, panel: Panel, scales: Mapping[Key, tuple[float, float]]) -> Scaling:
    """Replace scale and floor by those of training, for known series that are transformed as they were then."""
    pairs = zip(scaling.scale.tolist(), scaling.floor.tolist(), strict=True)
    each = zip(panel.keys, pairs, _untransformed(scaling).tolist(), strict=True)
    found = [fitted if untransformed else scales.get(key, fitted) for key, fitted, untransformed in each]
    return replace(scaling, scale=np.array([f[0] for f in found]), floor=np.array([f[1] for f in found]))


def series_scales(panel: Panel, scaling: Scaling) -> dict[Key, tuple[float, float]]:
    """Scale and floor of each transformed series, by key."""
    each = zip(
        panel.keys, scaling.scale.tolist(), scaling.floor.tolist(), _untransformed(scaling).tolist(), strict=True
    )
    return {key: (scale, floor) for key, scale, floor, untransformed in each if not untransformed}


def _untransformed(scaling: Scaling) -> Bools:
    """[S] the series that are not transformed."""
    return np.zeros(len(scaling.scale), np.bool_) if scaling.untransformed is None else scaling.untransformed


def windows(panel: Panel, scaling: Scaling, spec: WindowSpec, drivers: DriverInputs | None = None) -> WindowDataset:
    """The values of a panel as z, with level and profile."""
    owner = np.repeat(np.arange(panel.n_series), panel.lengths)
    z = scaling.take(owner).forward(panel.values)
    return WindowDataset.from_panel(z, panel.observed, panel.offsets, spec, drivers)


def dispersion_window(spec: WindowSpec) -> int:
    """Number of recent steps that measure the dispersion of a series: three seasons, between 30 and 500."""
    return int(np.clip(3 * spec.season_length, 30, 500))
