"""The fits of one stage of a training: every network from its own seed, remembered by its own name, all at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from threading import Event

from lstmcast.forecaster.resuming import load_fit_state, save_fit_state
from lstmcast.model.lstm import Network
from lstmcast.model.network import Architecture
from lstmcast.model.recipe import Recipe
from lstmcast.model.training import Fit, Progress, fit, run_in_threads
from lstmcast.model.windows import BatchSource
from lstmcast.store.checkpoint import Checkpoint


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
