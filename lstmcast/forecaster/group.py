"""A group of networks of one architecture, fitted twice: on what comes before the held-out steps, and on everything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from lstmcast.data.panel import Panel
from lstmcast.forecaster.fits import FitStage, Tell
from lstmcast.forecaster.measure import scales_of
from lstmcast.forecaster.plan import PreprocessingVariant, Selection, TrainingPlan
from lstmcast.forecaster.planning import learnable
from lstmcast.forecaster.running import ForecastPipeline
from lstmcast.forecaster.trial import ValidationSet
from lstmcast.forecaster.warm import WarmStart, further
from lstmcast.model.lstm import Network
from lstmcast.model.recipe import Recipe
from lstmcast.model.training import Fit
from lstmcast.model.windows import WindowDataset
from lstmcast.store.checkpoint import Checkpoint


@dataclass(frozen=True)
class HoldoutFit:
    """A group as it is judged: what was chosen, and what forecasts."""

    chosen: Selection
    runner: ForecastPipeline

    def smoothed(self, share: float) -> HoldoutFit:
        """With another share of exponential smoothing."""
        return HoldoutFit(replace(self.chosen, smoothing=share), replace(self.runner, smoothing=share))


@dataclass(frozen=True)
class EnsembleFitter:
    """What both fits of a group share.

    Attributes:
        panel: all the data. plan: how.
        warm: the networks to go on from; None: from chance.
        tell: called after every epoch. checkpoint: where each fit leaves what it has reached.
    """

    panel: Panel
    plan: TrainingPlan
    warm: WarmStart | None
    tell: Tell
    checkpoint: Checkpoint | None

    def judged(self) -> HoldoutFit:
        """Fit every network on the past, in each way; keep what forecast the stopping origins of the panel best."""
        plan, past = self.plan, learnable(self.panel, self.plan.hold_out.total)
        stage = self._stage("fitting", further(plan.recipe) if self.warm else plan.recipe)
        starts: Sequence[Network | None] = self.warm.judged if self.warm else [None] * plan.networks
        fitted = [partial(stage.fit, _lessons(past, plan, way), way=_named(plan, way)) for way in plan.ways]
        if plan.recipe.patience is None:
            (way,), (fit_one,) = plan.ways, fitted
            fits = stage.together([partial(fit_one, k, start=start) for k, start in enumerate(starts)])
            return self._lasting(past, way, fits)
        bare = [_runner(past, plan, Selection(way, (), 0.0), ()) for way in plan.ways]
        stops = [ValidationSet.stopping(self.panel, plan.hold_out, runner) for runner in bare]
        each = [(fit_one, stop, k) for fit_one, stop in zip(fitted, stops, strict=True) for k in range(plan.networks)]
        fits = stage.together([partial(fit_one, k, judge=stop.error, start=starts[k]) for fit_one, stop, k in each])
        found = []
        for n, (way, stop) in enumerate(zip(plan.ways, stops, strict=True)):
            own = [self._or_as_it_was(fit, stop, k) for k, fit in enumerate(fits[n * plan.networks :][: plan.networks])]
            networks = [network for network, _ in own]
            share, error = stop.smoothing(networks, plan.smoothing)
            found.append((error, Selection(way, tuple(epochs for _, epochs in own), share), networks))
        _, chosen, networks = min(found, key=lambda one: one[0])
        return HoldoutFit(chosen, _runner(past, plan, chosen, networks))

    def whole(self, judged: HoldoutFit) -> ForecastPipeline:
        """Learn from all the data, as many epochs: from the start, or on from those of before, or after a long fit."""
        plan, chosen = self.plan, judged.chosen
        epochs, lasting = chosen.epochs, plan.recipe.patience is None
        starts: Sequence[Network | None] = self.warm.whole if self.warm else [None] * plan.networks
        recipe = further(plan.recipe) if self.warm or lasting else plan.recipe
        if lasting and not self.warm:
            starts, epochs = judged.runner.networks, (recipe.epochs,) * plan.networks
        stage = self._stage("fitting again on all the data", recipe)
        fit_one = partial(stage.fit, _lessons(self.panel, plan, chosen.way), way=_named(plan, chosen.way))
        each = [(k, n, start) for k, (n, start) in enumerate(zip(epochs, starts, strict=True))]
        fits = iter(stage.together([partial(fit_one, k, epochs=n, start=start) for k, n, start in each if n]))
        networks = [next(fits).network if n else start for _, n, start in each]
        return _runner(self.panel, plan, chosen, [network for network in networks if network])

    def _lasting(self, past: Panel, way: PreprocessingVariant, fits: Sequence[Fit]) -> HoldoutFit:
        """Of networks that nothing stopped: the share of smoothing is chosen where they are judged."""
        plan, networks = self.plan, [fit.network for fit in fits]
        chosen = Selection(way, tuple(fit.epoch for fit in fits), plan.smoothing or 0.0)
        if plan.smoothing is None:
            trial = ValidationSet.judging(self.panel, plan.hold_out, _runner(past, plan, chosen, ()))
            share, tried = trial.best_smoothing(networks) if trial else (0.0, False)
            chosen = replace(chosen, smoothing=share, tried=tried)
        return HoldoutFit(chosen, _runner(past, plan, chosen, networks))

    def _or_as_it_was(self, fit: Fit, stop: ValidationSet, k: int) -> tuple[Network, int]:
        """A network and its epochs; that of before with none, where it may stay and no epoch was better."""
        if self.warm and self.warm.may_stay and not (fit.held_out or 0.0) < stop.error(self.warm.judged[k]):
            return self.warm.judged[k], 0
        return fit.network, fit.epoch

    def _stage(self, name: str, recipe: Recipe) -> FitStage:
        plan = self.plan
        return FitStage(name, plan.architecture, recipe, plan.networks, self.tell, self.checkpoint)


def _lessons(panel: Panel, plan: TrainingPlan, way: PreprocessingVariant) -> WindowDataset:
    """The panel as it is learnt from."""
    return _runner(panel, plan, Selection(way, (), 0.0), ()).on(panel).windows


def _named(plan: TrainingPlan, way: PreprocessingVariant) -> str:
    """What tells the fits of one way from those of another."""
    return f", way {plan.ways.index(way) + 1}"


def _runner(panel: Panel, plan: TrainingPlan, chosen: Selection, networks: Sequence[Network]) -> ForecastPipeline:
    """The fitted networks with the scales of the data they learnt from."""
    way = chosen.way
    seen = ForecastPipeline((), plan.head, way.shape, way.measure, {}, usual=way.usual, phases=way.phases)
    scaling = seen.on(panel).scaling
    return replace(
        seen,
        networks=tuple(networks),
        scales=scales_of(panel, scaling),
        usual=scaling.usual if way.usual is None else way.usual,
        smoothing=chosen.smoothing,
        tried=chosen.tried,
        half=plan.half,
        horizon=plan.hold_out.horizon,
    )
