"""A training run, decided: what `planning` makes of data and config."""

from __future__ import annotations

from dataclasses import dataclass

from lstmcast.data.records import InferredSetting
from lstmcast.evaluation.origins import HoldoutSplit
from lstmcast.forecaster.footing import PreprocessingSpec
from lstmcast.forecaster.measure import ScalingSpec
from lstmcast.forecaster.phases import NO_SPLIT, Polyphase
from lstmcast.model.heads import QuantileHead
from lstmcast.model.network import Architecture
from lstmcast.model.recipe import Recipe
from lstmcast.model.windows import WindowSpec


@dataclass(frozen=True)
class PreprocessingVariant:
    """One way to see the series.

    Attributes:
        scaling_spec: how values become z.
        window_spec: what the network reads (see `footing`).
        typical_step: the usual step that such networks know; None: that of the series at hand.
        phases: how steps of the data are those that such networks know.
    """

    scaling_spec: ScalingSpec
    window_spec: WindowSpec
    typical_step: float | None = None
    phases: Polyphase = NO_SPLIT

    def __str__(self) -> str:
        shape = self.window_spec
        transform = self.scaling_spec.transform
        return f"{transform}, {PreprocessingSpec(transform, shape.level, shape.season, shape.seasons)}"


@dataclass(frozen=True)
class Selection:
    """What the stopping origins chose.

    Attributes:
        variant: how the series are seen. epochs: how long each network learns.
        smoothing_weight: how much of each forecast is exponential smoothing's, 0 to 1.
        adaptive_weights: whether the last horizon of each series makes that its own (see `ForecastPipeline`).
    """

    variant: PreprocessingVariant
    epochs: tuple[int, ...]
    smoothing_weight: float
    adaptive_weights: bool = False


@dataclass(frozen=True)
class TrainingPlan:
    """A training run, decided.

    Attributes:
        holdout: the steps that stop and judge; its horizon is H.
        variants: one or two ways to see the series; the stopping origins choose. Both read windows of one size.
        architecture: the network's layers.
        head: what its outputs mean.
        recipe: how it is fitted.
        networks: how many.
        smoothing_weight: how much of each forecast is exponential smoothing's, 0 to 1; None: origins not learnt from
            say it.
        smoothing_half_length: known values from which that is half of it; 0: it is always all (see `ForecastPipeline`).
        refit: whether the saved ones have learnt from all the data.
        levels: of the intervals, in percent.
        findings: what was decided, and why.
    """

    holdout: HoldoutSplit
    variants: tuple[PreprocessingVariant, ...]
    architecture: Architecture
    head: QuantileHead
    recipe: Recipe
    networks: int
    smoothing_weight: float | None
    refit: bool
    levels: tuple[float, ...]
    findings: tuple[InferredSetting, ...]
    smoothing_half_length: int = 0
