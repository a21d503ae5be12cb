"""Fits of the networks of an ensemble, before the hold-out and on all data, resumable."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from threading import Event
from typing import TYPE_CHECKING

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.evaluation.splits import MAX_VALIDATION_ORIGINS, evenly
from lstmcast.forecasting.ensemble.ensemble import BoundEnsemble, Ensemble
from lstmcast.forecasting.ensemble.members import LstmMember
from lstmcast.forecasting.ensemble.validation_errors import ValidationSet
from lstmcast.forecasting.ensemble.weights import EnsembleWeights
from lstmcast.forecasting.evaluate import library_versions
from lstmcast.forecasting.plans import Selection, TrainingPlan
from lstmcast.forecasting.warm_start import WarmStart, fine_tuning_recipe
from lstmcast.nn.keras_backend import Architecture
from lstmcast.nn.numpy_lstm import Network, to_tensors
from lstmcast.nn.specs import Recipe
from lstmcast.nn.trainer import Fit, FitState, Progress, fit, run_in_threads
from lstmcast.persistence.checkpoint import Checkpoint
from lstmcast.preprocessing.panel_scaling import BoundPanel, Preprocessing
from lstmcast.preprocessing.windows import BatchSource
from lstmcast.results import MemberName

if TYPE_CHECKING:
    from lstmcast.config import Config

SECTIONS = ("data", "model", "train", "forecast", "covariates")


def training_fingerprint(panel: Panel, config: Config, start: Sequence[Network] = ()) -> str:
    """sha256 over everything that the result of a training depends on: data, config, libraries, initial weights.

    Args:
        panel: the data.
        config: the settings; those of the store and of a job change no weight.
        start: networks with the initial weights, if any.
    """
    return identity_of(panel.fingerprint(), config, start)


def identity_of(data: str, config: Config, start: Sequence[Network] = ()) -> str:
    """Return the training fingerprint for data with this fingerprint."""
    requested = config.model_dump(mode="json", include=set(SECTIONS))
    digest = sha256(json.dumps([data, requested, library_versions()], sort_keys=True).encode())
    for network in start:
        for name, array in sorted(to_tensors(network).items()):
            digest.update(f"{name} {array.shape}".encode() + array.tobytes())
    return digest.hexdigest()


def load_fit_state(checkpoint: Checkpoint | None, fit: str) -> FitState | None:
    """Read the state of an interrupted fit; None: the fit has not begun."""
    part = checkpoint.part(fit) if checkpoint is not None else None
    return None if part is None else FitState.from_checkpoint(*part)


def save_fit_state(checkpoint: Checkpoint | None, fit: str, now: FitState) -> None:
    """Store the state of a fit."""
    if checkpoint is not None:
        checkpoint.keep(fit, now.to_checkpoint())


@dataclass(frozen=True)
class FitProgress:
    """Progress of a training run.

    Attributes:
        name: "fitting" or "fitting again on all the data".
        network: number of the network, from 1.
        networks: size of the ensemble.
        progress: of the fit of this network.
    """

    name: str
    network: int
    networks: int
    progress: Progress


ProgressCallback = Callable[[FitProgress], None]


@dataclass(frozen=True)
class FitStage:
    """Settings that all fits of one stage share.

    Attributes:
        name: of the stage.
        architecture: layers of every network.
        recipe: epochs, batches and optimizer of every fit.
        networks: number of networks.
        on_progress: called after every epoch of every fit.
        checkpoint: store of unfinished fits; None: nothing is stored.
        stop: set when a fit fails, so that the others end.
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
        """Fit network k, with early stopping if there is a validation error.

        Args:
            batches: source of the training batches.
            k: index of the network, from 0.
            variant: label that distinguishes it from other networks k of this stage.
            epochs: number of epochs; None: as in the recipe.
            validate: error of a network, after every epoch; None: no early stopping.
            start: network with the initial weights; None: random initialization.
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
        """Fit every network on the same batches, each for its own `epochs` if given."""
        epochs_by_network = epochs or [None] * self.networks
        return self.together(
            [partial(self.fit, batches, k, epochs=n, validate=validate) for k, n in enumerate(epochs_by_network)]
        )

    def together(self, fits: Sequence[Callable[[], Fit]]) -> list[Fit]:
        """Run fits of this stage in parallel."""
        return run_in_threads(fits, self.stop)


@dataclass(frozen=True)
class HoldoutFit:
    """The ensemble that is evaluated: its networks have not seen the hold-out.

    Attributes:
        selection: made on the validation origins.
        bound: the ensemble, bound to all the data.
        validation: the validation origins in its preprocessing; None: nothing stopped early.
    """

    selection: Selection
    bound: BoundEnsemble
    validation: ValidationSet | None = None


@dataclass(frozen=True)
class EnsembleFitter:
    """Fits of the networks of one training run, before the hold-out and on all the data.

    Attributes:
        plan: of the run.
        warm: networks to continue from; None: random initialization.
        on_progress: called after every epoch.
        checkpoint: store of unfinished fits.
    """

    plan: TrainingPlan
    warm: WarmStart | None
    on_progress: ProgressCallback
    checkpoint: Checkpoint | None

    def fit_before_holdout(self) -> HoldoutFit:
        """Fit all networks for each preprocessing variant, and select the variant with the smallest validation error.

        Raises:
            DataError: nothing was observed in the validation steps.
        """
        plan, split = self.plan, self.plan.split
        stage = self._stage("fitting", fine_tuning_recipe(plan.recipe) if self.warm else plan.recipe)
        starts: Sequence[Network | None] = self.warm.holdout_networks if self.warm else [None] * plan.networks
        bound = [variant.fit(split.past) for variant in plan.variants]
        fitted = [
            partial(stage.fit, panel.windows, variant=_label(plan, variant))
            for variant, panel in zip(plan.variants, bound, strict=True)
        ]
        if plan.recipe.patience is None:
            fits = stage.together([partial(fitted[0], k, start=start) for k, start in enumerate(starts)])
            return self._without_early_stopping(bound[0].preprocessing, fits)
        sets = [
            ValidationSet(panel.preprocessing.bind(split.validation.panel), plan.head, split.validation)
            for panel in bound
        ]
        each = [
            (fit, validation, k) for fit, validation in zip(fitted, sets, strict=True) for k in range(plan.networks)
        ]
        fits = stage.together([partial(fit, k, validate=errors.error, start=starts[k]) for fit, errors, k in each])
        results = []
        for n, (variant, validation) in enumerate(zip(plan.variants, sets, strict=True)):
            own = fits[n * plan.networks :][: plan.networks]
            kept = [self._keep_if_not_better(fit, validation, k) for k, fit in enumerate(own)]
            networks = [network for network, _ in kept]
            weight, error = validation.choose_smoothing_weight(networks, plan.smoothing_weight)
            results.append(
                (error, Selection(variant, tuple(epochs for _, epochs in kept), weight), networks, validation)
            )
        _, selection, networks, validation = min(results, key=lambda result: result[0])
        preprocessing = validation.bound.preprocessing
        return HoldoutFit(selection, self._bound(preprocessing.bind(split.panel), selection, networks), validation)

    def refit_all(self, holdout_fit: HoldoutFit) -> BoundEnsemble:
        """Fit the networks on all the data for as many epochs.

        They start from random weights, from those of `warm`, or, without early stopping, from those of the first fit.
        """
        plan, selection, ensemble = self.plan, holdout_fit.selection, holdout_fit.bound.ensemble
        epochs, no_early_stopping = selection.epochs, plan.recipe.patience is None
        starts: Sequence[Network | None] = self.warm.final_networks if self.warm else [None] * plan.networks
        recipe = fine_tuning_recipe(plan.recipe) if self.warm or no_early_stopping else plan.recipe
        if no_early_stopping and not self.warm:
            starts, epochs = ensemble.lstm.networks, (recipe.epochs,) * plan.networks
        stage = self._stage("fitting again on all the data", recipe)
        rest = (_refit(bound, plan.split.panel) for bound in holdout_fit.bound.panels[1:])
        panels = (selection.variant.fit(plan.split.panel), *rest)
        fit_network = partial(stage.fit, panels[0].windows, variant=_label(plan, selection.variant))
        each = [(k, n, start) for k, (n, start) in enumerate(zip(epochs, starts, strict=True))]
        fits = iter(stage.together([partial(fit_network, k, epochs=n, start=start) for k, n, start in each if n]))
        networks = [next(fits).network if n else start for _, n, start in each]
        return ensemble.refitted(panels, [network for network in networks if network])

    def _without_early_stopping(self, preprocessing: Preprocessing, fits: Sequence[Fit]) -> HoldoutFit:
        """Choose the weight of exponential smoothing at test origins, because nothing else was chosen there."""
        plan, networks, split = self.plan, [fit.network for fit in fits], self.plan.split
        selection = Selection(plan.variants[0], tuple(fit.epoch for fit in fits), plan.smoothing_weight or 0.0)
        bound = preprocessing.bind(split.panel)
        some = evenly(np.arange(len(split.test_origins)), MAX_VALIDATION_ORIGINS)
        origins = split.test_origins.take(some).observed()
        if plan.smoothing_weight is None and len(origins):
            weight, adaptive = ValidationSet(bound, plan.head, origins).search_smoothing_weight(networks)
            selection = replace(selection, smoothing_weight=weight, adaptive_weights=adaptive)
        return HoldoutFit(selection, self._bound(bound, selection, networks))

    def _bound(self, panel: BoundPanel, selection: Selection, networks: Sequence[Network]) -> BoundEnsemble:
        """The networks and exponential smoothing, bound to a panel."""
        lstm, smoothing = LstmMember(MemberName.TRAINED, tuple(networks), self.plan.head), selection.smoothing_weight
        weights = EnsembleWeights(
            (1 - smoothing, smoothing), self.plan.smoothing_half_length, selection.adaptive_weights
        )
        return BoundEnsemble(Ensemble.of_lstm(panel.preprocessing, lstm, weights), (panel,))

    def _keep_if_not_better(self, fit: Fit, validation: ValidationSet, k: int) -> tuple[Network, int]:
        """A network and its epochs; the warm one with no epochs, if it may stay and no epoch was better."""
        if (
            self.warm
            and self.warm.may_stay
            and not (fit.validation_error or 0.0) < validation.error(self.warm.holdout_networks[k])
        ):
            return self.warm.holdout_networks[k], 0
        return fit.network, fit.epoch

    def _stage(self, name: str, recipe: Recipe) -> FitStage:
        plan = self.plan
        return FitStage(name, plan.architecture, recipe, plan.networks, self.on_progress, self.checkpoint)


def _refit(bound: BoundPanel, panel: Panel) -> BoundPanel:
    """The preprocessing fitted to a panel, or the bound panel itself where no scales were fitted."""
    return bound.preprocessing.fit(panel) if bound.preprocessing.series_scales else bound


def _label(plan: TrainingPlan, variant: Preprocessing) -> str:
    """The part of a checkpoint's name that identifies the variant of a fit."""
    return f", way {plan.variants.index(variant) + 1}"
