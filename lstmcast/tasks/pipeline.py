"""The pipeline that trains and evaluates the models of every task."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

from lstmcast.forecasting.evaluate import common_report
from lstmcast.forecasting.fitting import FitStage, ProgressCallback
from lstmcast.forecasting.plans import NetworkPlan
from lstmcast.nn.keras_backend import check_forward, load_keras
from lstmcast.nn.numpy_lstm import Network
from lstmcast.nn.specs import Recipe
from lstmcast.preprocessing.windows import BatchSource
from lstmcast.tasks.base import ignore
from lstmcast.tasks.model import NetworkPipeline
from lstmcast.types import Array

if TYPE_CHECKING:
    from lstmcast.config import Config
    from lstmcast.data.labeled_panel import LabeledPanel
    from lstmcast.data.panel import Panel
    from lstmcast.persistence.checkpoint import Checkpoint

MAX_CHECKED_SERIES = 64  # series on which the NumPy forward pass is compared with that of Keras


@dataclass(frozen=True)
class FitOptions:
    """The progress callback and the checkpoint of all fits of a training run.

    Attributes:
        on_progress: called after every epoch.
        checkpoint: stores and restores the state of each fit; None: nothing is stored.
    """

    on_progress: ProgressCallback = ignore
    checkpoint: Checkpoint | None = None


DEFAULT_OPTIONS = FitOptions()


class HasNetworks(Protocol):
    """A pipeline: networks with the preprocessing of their inputs."""

    @property
    def networks(self) -> tuple[Network, ...]:
        """The fitted networks."""


P = TypeVar("P", bound=HasNetworks)
N = TypeVar("N", bound=NetworkPipeline)
F = TypeVar("F")
E = TypeVar("E")
M = TypeVar("M")


@dataclass(frozen=True)
class HoldoutFit(Generic[P]):
    """A pipeline fitted without the hold-out, and the epochs of each of its networks."""

    pipeline: P
    epochs: tuple[int, ...]


@dataclass(frozen=True)
class Training(ABC, Generic[F, P, E, M]):
    """One training run of a task: its plan, and the steps in the order in which `train` calls them.

    F is the fit before the hold-out, P the final pipeline, E the evaluation, M the trained model.

    Attributes:
        plan: the decisions made before the first fit.
    """

    plan: NetworkPlan

    @abstractmethod
    def fit(self, options: FitOptions) -> F:
        """Fit on the steps or series before the hold-out, with early stopping on the validation part."""

    @abstractmethod
    def evaluate(self, holdout: F) -> E:
        """Score on the test part of the hold-out, like the baselines."""

    @abstractmethod
    def finish(self, holdout: F, options: FitOptions) -> P:
        """Return the pipeline to save: refit on all data where the plan asks for it, and calibrated."""

    @abstractmethod
    def forward_inputs(self, pipeline: P) -> Array:
        """Return [B, L, F] inputs of the newest steps, on which the forward pass is checked."""

    @abstractmethod
    def model(self, pipeline: P, holdout: F, evaluation: E) -> M:
        """Assemble the trained model."""


def train(training: Training[F, P, E, M], options: FitOptions = DEFAULT_OPTIONS) -> M:
    """Fit before the hold-out, evaluate, refit on all data, check the forward pass and assemble the model.

    Raises:
        UsageError: TensorFlow is not installed.
        DataError: too little data.
        ModelError: training diverged, or the NumPy and Keras forward passes differ.
    """
    load_keras()
    holdout = training.fit(options)
    evaluation = training.evaluate(holdout)
    pipeline = training.finish(holdout, options)
    x = training.forward_inputs(pipeline)
    for network in pipeline.networks:
        check_forward(network, training.plan.architecture, x)
    return training.model(pipeline, holdout, evaluation)


def evaluate(training: Training[F, P, E, M], options: FitOptions = DEFAULT_OPTIONS) -> E:
    """Fit before the hold-out and score on it, without a refit or a model.

    Raises:
        UsageError: TensorFlow is not installed.
        ModelError: training diverged.
    """
    load_keras()
    return training.evaluate(training.fit(options))


@dataclass(frozen=True)
class NetworkTraining(Training[HoldoutFit[N], N, E, M], Generic[N, E, M]):
    """A training run of networks that all learn from the same batches and share one temperature."""

    always_validates: ClassVar[bool] = False  # whether the best epoch is kept even without early stopping

    @abstractmethod
    def untrained(self, *, refit: bool) -> tuple[N, BatchSource]:
        """Return a pipeline without networks, and the batches its networks learn from.

        Args:
            refit: use all data instead of the part before the hold-out.
        """

    @abstractmethod
    def validation_error(self, pipeline: N) -> float:
        """Return the error on the validation part of the hold-out."""

    @abstractmethod
    def calibrate(self, pipeline: N) -> N:
        """Set the temperature that fits the validation part best."""

    @abstractmethod
    def calibrate_final(self, pipeline: N, holdout: N) -> N:
        """Return the final pipeline with its temperature, given the one fitted before the hold-out."""

    def recipe(self, *, refit: bool) -> Recipe:  # noqa: ARG002
        """Return the recipe of a fit before the hold-out, or of the refit."""
        return self.plan.recipe

    def fit(self, options: FitOptions) -> HoldoutFit[N]:
        """Fit every network before the hold-out; calibrate them together."""
        bare, batches = self.untrained(refit=False)

        def error(network: Network) -> float:
            return self.validation_error(replace(bare, networks=(network,)))

        validates = self.always_validates or self.plan.recipe.patience is not None
        fits = self._stage(options, refit=False).each(batches, validate=error if validates else None)
        pipeline = replace(bare, networks=tuple(fit.network for fit in fits))
        return HoldoutFit(self.calibrate(pipeline), tuple(fit.epoch for fit in fits))

    def finish(self, holdout: HoldoutFit[N], options: FitOptions) -> N:
        """Refit every network on all data for the epochs of its first fit; calibrate the result."""
        pipeline = holdout.pipeline
        if self.plan.refit:
            bare, batches = self.untrained(refit=True)
            fits = self._stage(options, refit=True).each(batches, epochs=holdout.epochs)
            pipeline = replace(bare, networks=tuple(fit.network for fit in fits))
        return self.calibrate_final(pipeline, holdout.pipeline)

    def report_fields(
        self,
        data: Panel | LabeledPanel,
        config: Config,
        pipeline: N,
        holdout: HoldoutFit[N],
    ) -> dict[str, Any]:
        """Return the fields of the `TrainingReport` that all tasks share.

        Args:
            data: the training data.
            config: the settings.
            pipeline: the final one.
            holdout: the fit before the hold-out.
        """
        rejected = pipeline.networks is holdout.pipeline.networks
        common = common_report(data, config, self.plan, holdout.epochs, scores_saved=rejected)
        return {**common, "temperature": pipeline.temperature}

    def _stage(self, options: FitOptions, *, refit: bool) -> FitStage:
        name, plan = "fitting again on all the data" if refit else "fitting", self.plan
        recipe = self.recipe(refit=refit)
        return FitStage(name, plan.architecture, recipe, plan.networks, options.on_progress, options.checkpoint)
