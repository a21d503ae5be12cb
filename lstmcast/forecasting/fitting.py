"""Fits of the networks of an ensemble, before the hold-out and on all data, resumable."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from threading import Event
from typing import TYPE_CHECKING

from lstmcast.data.panel import Panel
from lstmcast.forecasting.pipeline import ForecastPipeline
from lstmcast.forecasting.planning import PreprocessingVariant, Selection, TrainingPlan
from lstmcast.forecasting.report import library_versions
from lstmcast.forecasting.validation_errors import ValidationSet
from lstmcast.forecasting.warm_start import WarmStart, fine_tuning_recipe
from lstmcast.nn.keras_backend import Architecture
from lstmcast.nn.numpy_lstm import Network, to_tensors
from lstmcast.nn.specs import Recipe
from lstmcast.nn.trainer import Fit, FitState, Progress, fit, run_in_threads
from lstmcast.persistence.checkpoint import Checkpoint
from lstmcast.preprocessing.panel_scaling import series_scales
from lstmcast.preprocessing.windows import BatchSource, WindowDataset

if TYPE_CHECKING:
    from lstmcast.config import Config

SECTIONS = ("data", "model", "train", "forecast")


def training_fingerprint(panel: Panel, config: Config, start: Sequence[Network] = ()) -> str:
    """sha256 over all that a training's result depends on: data, config, libraries, first weights.

    Args:
        panel: the past.
        config: how; its `store`, and what a job adds, change no weight.
        start: the networks it starts from, if any.
    """
    return identity_of(panel.fingerprint(), config, start)


def identity_of(data: str, config: Config, start: Sequence[Network] = ()) -> str:
    """The same of data that are known by their fingerprint."""
    requested = config.model_dump(mode="json", include=set(SECTIONS))
    digest = sha256(json.dumps([data, requested, library_versions()], sort_keys=True).encode())
    for network in start:
        for name, array in sorted(to_tensors(network).items()):
            digest.update(f"{name} {array.shape}".encode() + array.tobytes())
    return digest.hexdigest()


def load_fit_state(checkpoint: Checkpoint | None, fit: str) -> FitState | None:
    """Where a fit stood when the training was interrupted; None: it begins."""
    part = checkpoint.part(fit) if checkpoint is not None else None
    return None if part is None else FitState.from_checkpoint(*part)


def save_fit_state(checkpoint: Checkpoint | None, fit: str, now: FitState) -> None:
    """Remember where a fit stands."""
    if checkpoint is not None:
        checkpoint.keep(fit, now.to_checkpoint())


@dataclass(frozen=True)
class FitProgress:
    """Where a training run stands: what is fitted, and how far it is.

    Attributes:
        name: "fitting" or "fitting again on all the data".
        network: which of `networks`, from 1.
        progress: of that network.
    """

    name: str
    network: int
    networks: int
    progress: Progress


ProgressCallback = Callable[[FitProgress], None]


@dataclass(frozen=True)
class FitStage:
    """What all fits of one stage share.

    Attributes:
        name: of the stage.
        architecture: of every network. recipe: how each is fitted. networks: how many.
        on_progress: called after every epoch of each.
        checkpoint: where each leaves what it has reached, and goes on from.
        stop: set where one fails, so that the others end.
    """

    name: str
    architecture: Architecture
    recipe: Recipe
    networks: int
    on_progress: ProgressCallback
    checkpoint: Checkpoint | None
    stop: Event = field(default_factory=Event)

    def fit(
        self,
        batches: BatchSource,
        k: int,
        *,
        variant: str = "",
        epochs: int | None = None,
        validate: Callable[[Network], float] | None = None,
        start: Network | None = None,
    ) -> Fit:
        """Fit network k: with early stopping where there is a judge, else for all the epochs.

        Args:
            batches: what it learns from.
            k: which, from 0.
            variant: what tells it from another network k of this stage.
            epochs: for how many; None: as the recipe says.
            validate: of every epoch.
            start: the weights it starts from; None: chance's.
        """
        name, recipe = f"{self.name}{variant}, network {k + 1}", self.recipe
        seed, decay = (recipe.seed + k) % 2**32, recipe.decay or recipe.epochs
        return fit(
            batches,
            self.architecture,
            replace(recipe, seed=seed, decay=decay, epochs=epochs or recipe.epochs),
            validate=validate,
            start=start,
            stop=self.stop,
            resume=load_fit_state(self.checkpoint, name),
            keep=lambda now: save_fit_state(self.checkpoint, name, now),
            on_progress=lambda progress: self.on_progress(FitProgress(self.name, k + 1, self.networks, progress)),
        )

    def each(
        self,
        batches: BatchSource,
        *,
        validate: Callable[[Network], float] | None = None,
        epochs: Sequence[int | None] = (),
    ) -> list[Fit]:
        """Fit every network on the same lessons, each for its own `epochs`, where these are known."""
        epochs_by_network = epochs or [None] * self.networks
        return self.together(
            [partial(self.fit, batches, k, epochs=n, validate=validate) for k, n in enumerate(epochs_by_network)]
        )

    def together(self, fits: Sequence[Callable[[], Fit]]) -> list[Fit]:
        """Run fits of this stage at once."""
        return run_in_threads(fits, self.stop)


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
        plan: how.
        warm: the networks to go on from; None: from chance.
        on_progress: called after every epoch. checkpoint: where each fit leaves what it has reached.
    """

    plan: TrainingPlan
    warm: WarmStart | None
    on_progress: ProgressCallback
    checkpoint: Checkpoint | None

    def fit_before_holdout(self) -> HoldoutFit:
        """Fit every network on the past, in each way; keep what forecast the stopping origins of the panel best."""
        plan, past = self.plan, self.plan.split.past
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
        stops = [ValidationSet.of_validation(plan.split, pipeline) for pipeline in bare]
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
            stage.fit,
            _training_windows(self.plan.split.panel, plan, selection.variant),
            variant=_named(plan, selection.variant),
        )
        each = [(k, n, start) for k, (n, start) in enumerate(zip(epochs, starts, strict=True))]
        fits = iter(stage.together([partial(fit_network, k, epochs=n, start=start) for k, n, start in each if n]))
        networks = [next(fits).network if n else start for _, n, start in each]
        return _pipeline(self.plan.split.panel, plan, selection, [network for network in networks if network])

    def _without_early_stopping(self, past: Panel, variant: PreprocessingVariant, fits: Sequence[Fit]) -> HoldoutFit:
        """Of networks that nothing stopped: the share of smoothing is chosen where they are judged."""
        plan, networks = self.plan, [fit.network for fit in fits]
        selection = Selection(variant, tuple(fit.epoch for fit in fits), plan.smoothing_weight or 0.0)
        if plan.smoothing_weight is None:
            trial = ValidationSet.of_test(plan.split, _pipeline(past, plan, selection, ()))
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
