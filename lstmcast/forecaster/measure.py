"""How the values of a panel become z: the transform, and whose usual step is the unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from lstmcast.data.panel import Panel
from lstmcast.errors import DataError
from lstmcast.forecaster.phases import WHOLE, Polyphase
from lstmcast.model.scaling import Kind, Scaling, Share, fit_scaling, possible_kinds
from lstmcast.model.windows import WindowDataset, WindowSpec

Bools = npt.NDArray[np.bool_]
Key = tuple[str, ...]


@dataclass(frozen=True)
class ScalingSpec:
    """How values become z: the transform, and whose step is the unit (see `fit_scaling`).

    Lenient: a series whose values the transform cannot take is not transformed; else it is refused.
    """

    kind: Kind
    share: Share = "own"
    lenient: bool = False


def scale(
    panel: Panel, measure: ScalingSpec, level: int, *, usual: float | None = None, phases: Polyphase = WHOLE
) -> Scaling:
    """The scaling of the panel's series from their own past, beside the usual step of others where that is given."""
    kind, parts = measure.kind, phases.parted(panel)
    plain = np.repeat(untransformable(panel, kind), phases.count) if measure.lenient else None
    if plain is None and kind not in possible_kinds(panel.values):
        raise DataError(
            f"{panel.source}: holds {panel.values.min():g}, and the model's transform, {kind}, "
            "cannot take it; correct the file, or train again"
        )
    return phases.joined(
        fit_scaling(parts.values, parts.offsets, kind=kind, level=level, share=measure.share, usual=usual, plain=plain)
    )


def untransformable(panel: Panel, kind: Kind) -> Bools:
    """[S] the series with a value that the transform cannot take."""
    smallest = np.minimum.reduceat(panel.values, panel.offsets[:-1])
    return {"log": smallest <= 0, "sqrt": smallest < 0, "none": np.zeros(panel.n_series, np.bool_)}[kind]


def as_known(scaling: Scaling, panel: Panel, scales: Mapping[Key, tuple[float, float]]) -> Scaling:
    """The scaling with scale and floor of training, for the series that were there and are transformed as then."""
    pairs = zip(scaling.scale.tolist(), scaling.floor.tolist(), strict=True)
    plain = np.zeros(panel.n_series, np.bool_) if scaling.plain is None else scaling.plain
    each = zip(panel.keys, pairs, plain.tolist(), strict=True)
    found = [own if untransformed else scales.get(key, own) for key, own, untransformed in each]
    return replace(scaling, scale=np.array([f[0] for f in found]), floor=np.array([f[1] for f in found]))


def scales_of(panel: Panel, scaling: Scaling) -> dict[Key, tuple[float, float]]:
    """Scale and floor of each series but those not transformed: if they ever can be, these mean nothing."""
    pairs = zip(panel.keys, zip(scaling.scale.tolist(), scaling.floor.tolist(), strict=True), strict=True)
    if scaling.plain is None:
        return dict(pairs)
    return {key: pair for (key, pair), plain in zip(pairs, scaling.plain.tolist(), strict=True) if not plain}


def windows(panel: Panel, scaling: Scaling, shape: WindowSpec) -> WindowDataset:
    """The panel's values as z, ready to be cut."""
    owner = np.repeat(np.arange(panel.n_series), panel.lengths)
    return WindowDataset.over(scaling.of(owner).forward(panel.values), panel.observed, panel.offsets, shape)
