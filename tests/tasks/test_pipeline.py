"""The steps of a training run: their order, and what each of them receives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, cast

import numpy as np
import pytest

from lstmcast.errors import DataError
from lstmcast.forecasting.fitting import FitStage
from lstmcast.forecasting.plans import NetworkPlan
from lstmcast.nn.heads import CategoricalHead
from lstmcast.nn.keras_backend import Architecture
from lstmcast.nn.numpy_lstm import Network
from lstmcast.nn.specs import Recipe
from lstmcast.nn.trainer import Fit
from lstmcast.preprocessing.windows import BatchSource
from lstmcast.tasks import pipeline
from lstmcast.tasks.backtest import BacktestPlan, FitCall, backtest, train_before_origins
from lstmcast.tasks.model import NetworkPipeline
from lstmcast.tasks.pipeline import FitOptions, HoldoutFit, NetworkTraining, evaluate, train
from lstmcast.types import Array

ARCHITECTURE = Architecture(context=4, lags=1, units=(2,), head=CategoricalHead(2))
PLAN = NetworkPlan(architecture=ARCHITECTURE, recipe=Recipe(9, 1, 1), networks=2, refit=True, inferred=())


@dataclass(frozen=True)
class Recorder(NetworkTraining[NetworkPipeline, str, tuple[Any, ...]]):
    """A training whose networks are texts, which records its steps."""

    steps: list[str] = field(default_factory=list)

    def untrained(self, *, refit: bool) -> tuple[NetworkPipeline, BatchSource]:
        """All data, or those before the hold-out."""
        return NetworkPipeline(), cast("BatchSource", "all" if refit else "past")

    def validation_error(self, pipeline: NetworkPipeline) -> float:
        """The number of networks."""
        return float(len(pipeline.networks))

    def calibrate(self, pipeline: NetworkPipeline) -> NetworkPipeline:
        """Temperature 2."""
        self.steps.append(f"calibrate {', '.join(map(str, pipeline.networks))}")
        return replace(pipeline, temperature=2.0)

    def evaluate(self, holdout: HoldoutFit[NetworkPipeline]) -> str:
        """The epochs and the temperature."""
        self.steps.append("evaluate")
        return f"{holdout.epochs} at {holdout.pipeline.temperature}"

    def calibrate_final(self, pipeline: NetworkPipeline, holdout: NetworkPipeline) -> NetworkPipeline:
        """One more than before the hold-out."""
        self.steps.append(f"calibrate {', '.join(map(str, pipeline.networks))} again")
        return replace(pipeline, temperature=holdout.temperature + 1)

    def forward_inputs(self, pipeline: NetworkPipeline) -> Array:
        """Zeros."""
        return np.zeros((1, 4, len(pipeline.networks)), np.float32)

    def model(
        self, pipeline: NetworkPipeline, holdout: HoldoutFit[NetworkPipeline], evaluation: str
    ) -> tuple[Any, ...]:
        """All parts."""
        return pipeline.networks, pipeline.temperature, holdout.pipeline.networks, evaluation


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The recorded steps; fits return names as networks, and epochs 5 and 6."""
    recorded: list[str] = []

    def each(stage: FitStage, batches: Any, *, validate: Any = None, epochs: Any = ()) -> list[Fit]:
        error = None if validate is None else validate(cast("Network", "a"))
        recorded.append(f"fit {batches}, error {error}, epochs {tuple(epochs)}")
        return [Fit(cast("Network", f"{batches}{k}"), 5 + k, error, ()) for k in range(stage.networks)]

    def check(network: Network, architecture: Architecture, x: Array) -> None:
        assert (architecture, x.shape) == (ARCHITECTURE, (1, 4, 2))
        recorded.append(f"check {network}")

    monkeypatch.setattr(FitStage, "each", each)
    monkeypatch.setattr(pipeline, "check_forward", check)
    monkeypatch.setattr(pipeline, "load_keras", lambda: None)
    return recorded


def test_scores_come_before_the_refit(steps: list[str]) -> None:
    """Fit, calibrate and evaluate before the hold-out; then refit for as many epochs, calibrate, check, assemble."""
    model = train(Recorder(PLAN, steps))
    assert steps == [
        "fit past, error 1.0, epochs ()",
        "calibrate past0, past1",
        "evaluate",
        "fit all, error None, epochs (5, 6)",
        "calibrate all0, all1 again",
        "check all0",
        "check all1",
    ]
    assert model == (("all0", "all1"), 3.0, ("past0", "past1"), "(5, 6) at 2.0")


def test_without_a_refit_the_evaluated_networks_are_saved(steps: list[str]) -> None:
    """They are calibrated again and checked."""
    model = train(Recorder(replace(PLAN, refit=False), steps))
    assert steps[2:] == ["evaluate", "calibrate past0, past1 again", "check past0", "check past1"]
    assert model[:3] == (("past0", "past1"), 3.0, ("past0", "past1"))


def test_without_early_stopping_nothing_is_validated(steps: list[str]) -> None:
    """Unless the task keeps the best epoch of all."""
    plan = replace(PLAN, recipe=replace(PLAN.recipe, patience=None))
    evaluate(Recorder(plan, steps))
    assert steps[0] == "fit past, error None, epochs ()"

    class KeepsBest(Recorder):
        always_validates = True

    evaluate(KeepsBest(plan, steps))
    assert steps[3] == "fit past, error 1.0, epochs ()"


def test_an_evaluation_needs_one_fit(steps: list[str]) -> None:
    """Nothing is refit, checked or assembled."""
    assert evaluate(Recorder(PLAN, steps)) == "(5, 6) at 2.0"
    assert steps[1:] == ["calibrate past0, past1", "evaluate"]


def test_too_little_data_before_the_first_origin(steps: list[str]) -> None:
    """The message names the origins."""

    def plan() -> Recorder:
        raise DataError("data.csv: too short")

    with pytest.raises(DataError, match=r"^before the first origin: data.csv: too short; or give fewer --"):
        train_before_origins(plan)
    assert steps == []


@dataclass(frozen=True)
class Parts(BacktestPlan[str, str]):
    """A backtest of three fits, which return their number."""

    plan: NetworkPlan | None = None
    in_processes: bool = False

    @property
    def in_parallel(self) -> bool:
        """As given."""
        return self.in_processes

    @property
    def decisions(self) -> NetworkPlan | None:
        """As given."""
        return self.plan

    @property
    def fits(self) -> list[FitCall[str]]:
        """Three."""
        return [partial(fit, k) for k in range(3)]

    def score(self, found: Sequence[str], note: Callable[[object], None]) -> str:
        """The numbers, after a note."""
        note("scored")
        return "".join(found)


def fit(k: int, options: FitOptions) -> str:
    """The number of a fit, which reports its progress."""
    options.on_progress(cast("Any", k))
    return str(k)


def test_a_backtest_scores_all_fits_together() -> None:
    """The decisions come first, where the fits share them; the progress of each fit is passed on."""
    notes: list[object] = []
    progress: list[object] = []
    options = FitOptions(progress.append)
    assert backtest(Parts(PLAN), options, notes.append) == "012"
    assert notes == [PLAN, "scored"]
    assert progress == [0, 1, 2]
    assert backtest(Parts(), options) == "012"


def test_fits_in_processes_report_how_many_are_done() -> None:
    """In the order of the fits."""
    notes: list[object] = []
    assert backtest(Parts(in_processes=True), note=notes.append) == "012"
    assert notes == ["trained 1 of 3", "trained 2 of 3", "trained 3 of 3", "scored"]
