"""A training run, decided: what `planning` makes of data and config."""

from __future__ import annotations

from dataclasses import dataclass

from lstmcast.data.records import InferredSetting
from lstmcast.evaluation.origins import HoldoutSplit
from lstmcast.forecaster.footing import PreprocessingSpec
from lstmcast.forecaster.measure import ScalingSpec
from lstmcast.forecaster.phases import WHOLE, Polyphase
from lstmcast.model.heads import QuantileHead
from lstmcast.model.network import Architecture
from lstmcast.model.recipe import Recipe
from lstmcast.model.windows import WindowSpec


@dataclass(frozen=True)
class PreprocessingVariant:
    """One way to see the series.

    Attributes:
        measure: how values become z.
        shape: what the network reads (see `footing`).
        usual: the usual step that such networks know; None: that of the series at hand.
        phases: how steps of the data are those that such networks know.
    """

    measure: ScalingSpec
    shape: WindowSpec
    usual: float | None = None
    phases: Polyphase = WHOLE

    def __str__(self) -> str:
        shape = self.shape
        kind = self.measure.kind
        return f"{kind}, {PreprocessingSpec(kind, shape.level, shape.season, shape.seasons)}"


@dataclass(frozen=True)
class Selection:
    """What the stopping origins chose.

    Attributes:
        way: how the series are seen. epochs: how long each network learns.
        smoothing: how much of each forecast is exponential smoothing's, 0 to 1.
        tried: whether the last horizon of each series makes that its own (see `ForecastPipeline`).
    """

    way: PreprocessingVariant
    epochs: tuple[int, ...]
    smoothing: float
    tried: bool = False


@dataclass(frozen=True)
class TrainingPlan:
    """A training run, decided.

    Attributes:
        hold_out: the steps that stop and judge; its horizon is H.
        ways: one or two ways to see the series; the stopping origins choose. Both read windows of one size.
        architecture: the network's layers.
        head: what its outputs mean.
        recipe: how it is fitted.
        networks: how many.
        smoothing: how much of each forecast is exponential smoothing's, 0 to 1; None: origins not learnt from say it.
        half: known values from which that is half of it; 0: it is always all (see `ForecastPipeline`).
        refit: whether the saved ones have learnt from all the data.
        levels: of the intervals, in percent.
        findings: what was decided, and why.
    """

    hold_out: HoldoutSplit
    ways: tuple[PreprocessingVariant, ...]
    architecture: Architecture
    head: QuantileHead
    recipe: Recipe
    networks: int
    smoothing: float | None
    refit: bool
    levels: tuple[float, ...]
    findings: tuple[InferredSetting, ...]
    half: int = 0
