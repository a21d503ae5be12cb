"""A group of networks of one architecture, fitted twice: on what comes before the held-out steps, and on everything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from lstmcast.data.panel import Panel
from lstmcast.forecaster.fits import FitStage, ProgressCallback
from lstmcast.forecaster.measure import series_scales
from lstmcast.forecaster.plan import PreprocessingVariant, Selection, TrainingPlan
from lstmcast.forecaster.planning import train_panel
from lstmcast.forecaster.running import ForecastPipeline
from lstmcast.forecaster.trial import ValidationSet
from lstmcast.forecaster.warm import WarmStart, fine_tuning_recipe
from lstmcast.model.lstm import Network
from lstmcast.model.recipe import Recipe
from lstmcast.model.training import Fit
from lstmcast.model.windows import WindowDataset
from lstmcast.store.checkpoint import Checkpoint


@dataclass(frozen=True)
class HoldoutFit:
    """A group as it is judged: what was chosen, and what forecasts."""

    selection: Selection
    pipeline: ForecastPipeline

    def with_smoothing_weight(self, weight: float) -> HoldoutFit:
        """With another share of exponential smoothing."""
        return HoldoutFit(
            replace(self.selection, smoothing_weight=weight), replace(self.pipeline, smoothing_weight=weight)
        )


@dataclass(frozen=True)
class EnsembleFitter:
    """What both fits of a group share.

    Attributes:
        panel: all the data. plan: how.
        warm: the networks to go on from; None: from chance.
        on_progress: called after every epoch. checkpoint: where each fit leaves what it has reached.
    """

    panel: Panel
    plan: TrainingPlan
    warm: WarmStart | None
    on_progress: ProgressCallback
    checkpoint: Checkpoint | None

    def fit_before_holdout(self) -> HoldoutFit:
        """Fit every network on the past, in each way; keep what forecast the stopping origins of the panel best."""
        plan, past = self.plan, train_panel(self.panel, self.plan.holdout.total)
        stage = self._stage("fitting", fine_tuning_recipe(plan.recipe) if self.warm else plan.recipe)
        starts: Sequence[Network | None] = self.warm.holdout_networks if self.warm else [None] * plan.networks
        fitted = [
            partial(stage.fit, _training_windows(past, plan, variant), variant=_named(plan, variant))
            for variant in plan.variants
        ]
        if plan.recipe.patience is None:
            (variant,), (fit_network,) = plan.variants, fitted
            fits = stage.together([partial(fit_network, k, start=start) for k, start in enumerate(starts)])
            return self._without_early_stopping(past, variant, fits)
        bare = [_pipeline(past, plan, Selection(variant, (), 0.0), ()) for variant in plan.variants]
        stops = [ValidationSet.of_validation(self.panel, plan.holdout, pipeline) for pipeline in bare]
        each = [
            (fit_network, stop, k)
            for fit_network, stop in zip(fitted, stops, strict=True)
            for k in range(plan.networks)
        ]
        fits = stage.together(
            [partial(fit_network, k, validate=stop.error, start=starts[k]) for fit_network, stop, k in each]
        )
        found = []
        for n, (variant, stop) in enumerate(zip(plan.variants, stops, strict=True)):
            own = [
                self._keep_if_not_better(fit, stop, k)
                for k, fit in enumerate(fits[n * plan.networks :][: plan.networks])
            ]
            networks = [network for network, _ in own]
            weight, error = stop.choose_smoothing_weight(networks, plan.smoothing_weight)
            found.append((error, Selection(variant, tuple(epochs for _, epochs in own), weight), networks))
        _, selection, networks = min(found, key=lambda item: item[0])
        return HoldoutFit(selection, _pipeline(past, plan, selection, networks))

    def refit_all(self, holdout_fit: HoldoutFit) -> ForecastPipeline:
        """Learn from all the data, as many epochs: from the start, or on from those of before, or after a long fit."""
        plan, selection = self.plan, holdout_fit.selection
        epochs, no_early_stopping = selection.epochs, plan.recipe.patience is None
        starts: Sequence[Network | None] = self.warm.final_networks if self.warm else [None] * plan.networks
        recipe = fine_tuning_recipe(plan.recipe) if self.warm or no_early_stopping else plan.recipe
        if no_early_stopping and not self.warm:
            starts, epochs = holdout_fit.pipeline.networks, (recipe.epochs,) * plan.networks
        stage = self._stage("fitting again on all the data", recipe)
        fit_network = partial(
            stage.fit, _training_windows(self.panel, plan, selection.variant), variant=_named(plan, selection.variant)
        )
        each = [(k, n, start) for k, (n, start) in enumerate(zip(epochs, starts, strict=True))]
        fits = iter(stage.together([partial(fit_network, k, epochs=n, start=start) for k, n, start in each if n]))
        networks = [next(fits).network if n else start for _, n, start in each]
        return _pipeline(self.panel, plan, selection, [network for network in networks if network])

    def _without_early_stopping(self, past: Panel, variant: PreprocessingVariant, fits: Sequence[Fit]) -> HoldoutFit:
        """Of networks that nothing stopped: the share of smoothing is chosen where they are judged."""
        plan, networks = self.plan, [fit.network for fit in fits]
        selection = Selection(variant, tuple(fit.epoch for fit in fits), plan.smoothing_weight or 0.0)
        if plan.smoothing_weight is None:
            trial = ValidationSet.of_test(self.panel, plan.holdout, _pipeline(past, plan, selection, ()))
            weight, adaptive_weights = trial.search_smoothing_weight(networks) if trial else (0.0, False)
            selection = replace(selection, smoothing_weight=weight, adaptive_weights=adaptive_weights)
        return HoldoutFit(selection, _pipeline(past, plan, selection, networks))

    def _keep_if_not_better(self, fit: Fit, stop: ValidationSet, k: int) -> tuple[Network, int]:
        """A network and its epochs; that of before with none, where it may stay and no epoch was better."""
        if (
            self.warm
            and self.warm.may_stay
            and not (fit.validation_error or 0.0) < stop.error(self.warm.holdout_networks[k])
        ):
            return self.warm.holdout_networks[k], 0
        return fit.network, fit.epoch

    def _stage(self, name: str, recipe: Recipe) -> FitStage:
        plan = self.plan
        return FitStage(name, plan.architecture, recipe, plan.networks, self.on_progress, self.checkpoint)


def _training_windows(panel: Panel, plan: TrainingPlan, variant: PreprocessingVariant) -> WindowDataset:
    """The panel as it is learnt from."""
    return _pipeline(panel, plan, Selection(variant, (), 0.0), ()).bind(panel).windows


def _named(plan: TrainingPlan, variant: PreprocessingVariant) -> str:
    """What tells the fits of one way from those of another."""
    return f", way {plan.variants.index(variant) + 1}"


def _pipeline(panel: Panel, plan: TrainingPlan, selection: Selection, networks: Sequence[Network]) -> ForecastPipeline:
    """The fitted networks with the scales of the data they learnt from."""
    variant = selection.variant
    seen = ForecastPipeline(
        (),
        plan.head,
        variant.window_spec,
        variant.scaling_spec,
        {},
        typical_step=variant.typical_step,
        phases=variant.phases,
    )
    scaling = seen.bind(panel).scaling
    return replace(
        seen,
        networks=tuple(networks),
        scales=series_scales(panel, scaling),
        typical_step=scaling.typical_step if variant.typical_step is None else variant.typical_step,
        smoothing_weight=selection.smoothing_weight,
        adaptive_weights=selection.adaptive_weights,
        smoothing_half_length=plan.smoothing_half_length,
        horizon=plan.holdout.horizon,
    )
