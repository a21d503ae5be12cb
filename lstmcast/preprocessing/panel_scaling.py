"""How the values of a panel become z: the transform, and whose usual step is the unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.errors import DataError
from lstmcast.preprocessing.polyphase import NO_SPLIT, Polyphase
from lstmcast.preprocessing.scaling import ScaleMode, Scaling, TransformName, fit_scaling, valid_transforms
from lstmcast.preprocessing.windows import WindowDataset, WindowSpec
from lstmcast.types import Bools

Key = tuple[str, ...]


@dataclass(frozen=True)
class ScalingSpec:
    """How values become z: the transform, and whose step is the unit (see `fit_scaling`).

    Lenient: a series whose values the transform cannot take is not transformed; else it is refused.
    """

    transform: TransformName
    mode: ScaleMode = "local"
    allow_untransformed: bool = False


def fit_panel_scaling(
    panel: Panel, spec: ScalingSpec, level: int, *, typical_step: float | None = None, phases: Polyphase = NO_SPLIT
) -> Scaling:
    """The scaling of the panel's series from their own past, beside the usual step of others where that is given."""
    transform, parts = spec.transform, phases.split(panel)
    untransformed = np.repeat(untransformable(panel, transform), phases.count) if spec.allow_untransformed else None
    if untransformed is None and transform not in valid_transforms(panel.values):
        raise DataError(
            f"{panel.source}: holds {panel.values.min():g}, and the model's transform, {transform}, "
            "cannot take it; correct the file, or train again"
        )
    return phases.merge_scaling(
        fit_scaling(
            parts.values,
            parts.offsets,
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
    """The scaling with scale and floor of training, for the series that were there and are transformed as then."""
    pairs = zip(scaling.scale.tolist(), scaling.floor.tolist(), strict=True)
    is_untransformed = np.zeros(panel.n_series, np.bool_) if scaling.untransformed is None else scaling.untransformed
    each = zip(panel.keys, pairs, is_untransformed.tolist(), strict=True)
    found = [own if untransformed else scales.get(key, own) for key, own, untransformed in each]
    return replace(scaling, scale=np.array([f[0] for f in found]), floor=np.array([f[1] for f in found]))


def series_scales(panel: Panel, scaling: Scaling) -> dict[Key, tuple[float, float]]:
    """Scale and floor of each series but those not transformed: if they ever can be, these mean nothing."""
    pairs = zip(panel.keys, zip(scaling.scale.tolist(), scaling.floor.tolist(), strict=True), strict=True)
    if scaling.untransformed is None:
        return dict(pairs)
    return {
        key: pair
        for (key, pair), untransformed in zip(pairs, scaling.untransformed.tolist(), strict=True)
        if not untransformed
    }


def windows(panel: Panel, scaling: Scaling, shape: WindowSpec) -> WindowDataset:
    """The panel's values as z, ready to be cut."""
    owner = np.repeat(np.arange(panel.n_series), panel.lengths)
    return WindowDataset.from_panel(scaling.take(owner).forward(panel.values), panel.observed, panel.offsets, shape)
