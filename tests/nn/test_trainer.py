"""Fitting: the first gradient by hand, the best epoch kept, the same seed the same bytes, and explosions refused."""

from __future__ import annotations

import hashlib
import math
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest

from lstmcast.errors import ModelError
from lstmcast.nn import numpy_lstm
from lstmcast.nn.heads import QuantileHead
from lstmcast.nn.keras_backend import Architecture
from lstmcast.nn.numpy_lstm import Network
from lstmcast.nn.specs import Recipe
from lstmcast.nn.trainer import Fit, FitState, Progress, StopRequested, fit, run_in_threads
from lstmcast.preprocessing.windows import WindowDataset, WindowSpec

pytestmark = pytest.mark.slow

SHAPE = WindowSpec(context=6, lags=2, level_window=1, burn_in=1)
SMALL = Architecture(context=6, lags=2, units=(3,))
DROPPING = replace(SMALL, dropout=0.2)
RECIPE = Recipe(epochs=2, batches=2, batch_size=4)
ONE_STEP = Recipe(epochs=1, batches=1, batch_size=4, optimizer="sgd", learning_rate=0.1, clip_norm=None)


def waves(shape: WindowSpec = SHAPE, *, last: float = 0.0, hidden: tuple[int, ...] = ()) -> WindowDataset:
    """Two series, waves with some noise, of 40 and 25 steps; `last` is added to the first one's last value."""
    rng = np.random.default_rng(11)
    z = np.concatenate([np.sin(np.arange(n) * 0.9) * 2 for n in (40, 25)]) + rng.normal(scale=0.1, size=65)
    z[39] += last
    observed = np.ones(65, bool)
    observed[list(hidden)] = False
    return WindowDataset.from_panel(z, observed, np.array([0, 40, 65]), shape)


def fingerprint(network: Network) -> str:
    """A hash over every weight."""
    tensors = numpy_lstm.to_tensors(network)
    return hashlib.sha256(b"".join(tensors[name].tobytes() for name in sorted(tensors))).hexdigest()


def validate_with(errors: list[float], seen: list[Network]) -> Callable[[Network], float]:
    """A validation function that returns one error an epoch and collects the networks."""

    def validate(network: Network) -> float:
        seen.append(network)
        return errors[len(seen) - 1]

    return validate


def batches(windows: WindowDataset, recipe: Recipe) -> list[tuple[np.ndarray, np.ndarray]]:
    """Targets and weights of the batches of this recipe's first epoch."""
    rng = np.random.default_rng(recipe.seed)
    batches_seen = windows.batches(rng, count=recipe.batches * recipe.batch_size, size=recipe.batch_size)
    return [(targets.astype(float), weights.astype(float)) for _, targets, weights in batches_seen]


@pytest.fixture(scope="module")
def plain() -> Fit:
    """A fit of two epochs with dropout, and nothing held out."""
    return fit(waves(), DROPPING, RECIPE)


@pytest.mark.parametrize(("loss", "cost"), [("mse", np.square), ("mae", np.abs)])
def test_the_first_loss_is_that_of_an_output_of_zero(loss: str, cost: Callable[[np.ndarray], np.ndarray]) -> None:
    """A network with output 0 has the mean cost of the known targets, averaged over the batches."""
    windows = waves(hidden=(5, 6, 7, 20, 21, 50))
    recipe = replace(ONE_STEP, loss=loss, batches=3, learning_rate=1e-12)
    parts = batches(windows, recipe)
    assert all(0 < (weights == 0).mean() < 0.5 for _, weights in parts)
    expected = np.mean([(cost(targets) * weights).sum() / weights.sum() for targets, weights in parts])
    assert fit(windows, SMALL, recipe).history[0].loss == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("loss", ["mse", "pinball"])
def test_extreme_targets_are_clipped(loss: str) -> None:
    """Cut at half a unit to both sides: the first loss is that of the targets so cut."""
    recipe, windows = replace(ONE_STEP, loss=loss, winsorize=0.5), waves()
    (targets, weights), *_ = batches(windows, recipe)
    cut = np.where(np.abs(targets) > 0.5, np.sign(targets) * 0.5, targets)
    assert (np.abs(targets) > 0.5).mean() > 0.2
    each = cut**2 if loss == "mse" else np.abs(cut) / 2
    assert fit(windows, SMALL, recipe).history[0].loss == pytest.approx(
        (each * weights).sum() / weights.sum(), rel=1e-5
    )


def test_the_first_step_of_descent_by_hand() -> None:
    """From an output of 0 the squared loss falls along d += η · 2 · mean target; clipping keeps its direction."""
    windows = waves()
    targets, weights = batches(windows, ONE_STEP)[0]
    mean = (targets * weights).sum() / weights.sum()
    assert fit(windows, SMALL, ONE_STEP).network.d[0] == pytest.approx(0.1 * 2 * mean, rel=1e-4)
    clipped = fit(windows, SMALL, replace(ONE_STEP, clip_norm=0.001)).network.d[0]
    assert clipped == pytest.approx(0.1 * 0.001 * math.copysign(1, mean), rel=1e-4)


def test_several_steps_are_predicted_at_every_step() -> None:
    """A horizon of 3 has three outputs, each from its own targets: its first step of descent is that of its mean."""
    windows = waves(replace(SHAPE, horizon=3), hidden=(5, 6, 20, 50))
    targets, weights = batches(windows, ONE_STEP)[0]
    fitted = fit(windows, replace(SMALL, head=QuantileHead(3)), ONE_STEP)
    assert fitted.history[0].loss == pytest.approx((targets**2 * weights).sum() / weights.sum(), rel=1e-5)
    expected = 0.1 * 2 * (targets * weights).sum(axis=(0, 1)) / weights.sum()
    np.testing.assert_allclose(fitted.network.d, expected, rtol=1e-4)


def pinball(raw: np.ndarray, targets: np.ndarray, weights: np.ndarray, head: QuantileHead) -> float:
    """The mean loss of a batch [B, L, O], of quantiles read from the outputs one by one."""

    def rho(off: np.ndarray, quantile: float) -> np.ndarray:
        return np.where(off > 0, quantile * off, (quantile - 1) * off)

    h, n, total = head.steps, len(head.levels), np.zeros_like(targets)
    values, gaps = raw[..., :h], np.log1p(np.exp(raw[..., h:]))
    below, above = np.zeros_like(values), np.zeros_like(values)
    for q, level in enumerate(head.levels):
        below = below + gaps[..., q * h : (q + 1) * h]
        above = above + gaps[..., (n + q) * h : (n + q + 1) * h]
        tail = (1 - level / 100) / 2
        total = total + (rho(targets - values + below, tail) + rho(targets - values - above, 1 - tail)) / (2 * n)
    return float(((total + rho(targets - values, 0.5)) * weights).sum() / weights.sum())


def test_the_first_step_of_descent_on_quantiles() -> None:
    """From outputs of 0 each bias falls along the slope of the pinball, measured by a small change of it alone."""
    head = QuantileHead(2, (50.0, 90.0))
    windows = waves(replace(SHAPE, horizon=2), hidden=(5, 6, 20, 50))
    targets, weights = batches(windows, ONE_STEP)[0]
    fitted = fit(windows, replace(SMALL, head=head), replace(ONE_STEP, loss="pinball"))
    raw = np.zeros((*targets.shape[:2], head.outputs))
    assert fitted.history[0].loss == pytest.approx(pinball(raw, targets, weights, head), rel=1e-5)
    small = 1e-5 * np.eye(head.outputs)
    slope = [
        (pinball(raw + one, targets, weights, head) - pinball(raw - one, targets, weights, head)) / 2e-5
        for one in small
    ]
    np.testing.assert_allclose(fitted.network.d, -0.1 * np.array(slope), rtol=1e-3, atol=1e-6)


def test_quantiles_of_noise_are_learned() -> None:
    """Steps that are +1 or, one in four times, −3: the median is near 1, and 50 % reach from −3 or so up to 1."""
    rng = np.random.default_rng(2)
    z = np.cumsum(np.where(rng.random(3000) < 0.25, -3.0, 1.0) + rng.normal(scale=0.05, size=3000))
    windows = WindowDataset.from_panel(z, np.ones(3000, bool), np.array([0, 3000]), SHAPE)
    head = QuantileHead(1, (40.0, 80.0))
    recipe = Recipe(
        epochs=12, batches=20, batch_size=16, loss="pinball", learning_rate=0.05, schedule="cosine", patience=None
    )
    fitted = fit(windows, replace(SMALL, head=head, units=(2,)), recipe)
    inputs, targets, _ = windows.batch(np.zeros(100, np.int64), np.arange(0, 2900, 29))
    values, below, above = head.decode(numpy_lstm.forward(fitted.network, inputs).reshape(-1, head.outputs))
    y = targets.reshape(-1, 1)
    for bound, expected in ((values, 0.5), (values - below[1], 0.1), (values + above[1], 0.9)):
        assert np.mean(y <= bound) == pytest.approx(expected, abs=0.1)
    assert np.median(values) == pytest.approx(1.0, abs=0.1)
    assert np.median(values - below[1]) == pytest.approx(-3.0, abs=0.2)


def test_a_cosine_schedule_ends_at_a_hundredth() -> None:
    """After one epoch of decay the second epoch moves a hundredth of what it would at a constant rate."""
    moves = []
    for schedule in ("constant", "cosine"):
        seen: list[Network] = []
        recipe = replace(ONE_STEP, epochs=2, schedule=schedule, decay=1)
        fit(waves(), SMALL, recipe, validate=validate_with([2, 1], seen))
        moves.append(seen[1].d - seen[0].d)
    np.testing.assert_allclose(moves[1], moves[0] / 100, rtol=0.01)


def test_the_same_seed_gives_the_same_bytes(plain: Fit, tmp_path: Path) -> None:
    """In this process again, and in another one."""
    assert fingerprint(fit(waves(), DROPPING, RECIPE).network) == fingerprint(plain.network)
    script = tmp_path / "again.py"
    script.write_text(
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from test_trainer import DROPPING, RECIPE, fingerprint, fit, waves\n"
        "print(fingerprint(fit(waves(), DROPPING, RECIPE).network))\n"
    )
    ran = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True, timeout=120)
    assert ran.stdout.strip() == fingerprint(plain.network)


def test_quantiles_are_the_same_bytes_too() -> None:
    """Four fits of a linear path and three levels, whose loss is a sum of many parts, are one."""
    shape = replace(SHAPE, context=24, lags=24, horizon=5)
    architecture = Architecture(24, 24, units=(4,), head=QuantileHead(5, (50.0, 80.0, 95.0)), skip=True)
    recipe = replace(RECIPE, epochs=3, batches=6, batch_size=32, loss="pinball")
    assert len({fingerprint(fit(waves(shape), architecture, recipe).network) for _ in range(4)}) == 1


def test_another_seed_begins_elsewhere_and_draws_other_windows() -> None:
    """Almost no learning rate leaves the first weights as they were, and the loss is that of the windows alone."""
    one, two = (fit(waves(), SMALL, replace(RECIPE, learning_rate=1e-9, seed=seed)) for seed in (0, 1))
    assert np.abs(one.network.layers[0].W - two.network.layers[0].W).max() > 0.01
    assert abs(one.history[0].loss - two.history[0].loss) > 1e-4


def test_dropout_is_on_while_training() -> None:
    """With the same first weights and windows, the fit with dropout ends elsewhere."""
    still, without, dropped = (
        fit(waves(), architecture, replace(RECIPE, learning_rate=rate)).network.layers[0].W
        for architecture, rate in ((DROPPING, 1e-9), (SMALL, 0.01), (DROPPING, 0.01))
    )
    assert np.abs(still - without).max() < 0.05
    assert np.abs(dropped - without).max() > 1e-3


def test_without_validation_every_epoch_is_run_and_the_last_is_kept(plain: Fit) -> None:
    """Nothing is held out, so nothing stops it."""
    assert (plain.epoch, plain.validation_error, len(plain.history)) == (2, None, 2)
    assert [(p.epoch, p.epochs, p.validation_error) for p in plain.history] == [(1, 2, None), (2, 2, None)]


def test_the_best_epoch_is_kept_and_patience_ends_the_fit() -> None:
    """The best epoch is 2, followed by three without improvement; progress equals the history."""
    seen: list[Network] = []
    progress: list[Progress] = []
    recipe = replace(RECIPE, epochs=50, patience=3)
    fitted = fit(
        waves(), SMALL, recipe, validate=validate_with([3, 1, 2, 1, 1.5, 0], seen), on_progress=progress.append
    )
    assert (fitted.epoch, fitted.validation_error, len(seen)) == (2, 1, 5)
    assert fingerprint(fitted.network) == fingerprint(seen[1])
    assert len({fingerprint(network) for network in seen}) == 5
    assert tuple(progress) == fitted.history
    assert [p.validation_error for p in progress] == [3, 1, 2, 1, 1.5]
    assert [p.epoch for p in progress] == [1, 2, 3, 4, 5]
    assert all(a.seconds <= b.seconds for a, b in pairwise(progress))


def test_without_patience_all_epochs_are_run() -> None:
    """Never better than at first, and yet not stopped; the best is kept all the same."""
    seen: list[Network] = []
    recipe = replace(RECIPE, epochs=6, patience=None)
    fitted = fit(waves(), SMALL, recipe, validate=validate_with([1, 2, 3, 4, 5, 6], seen))
    assert (len(fitted.history), len(seen), fitted.epoch, fitted.validation_error) == (6, 6, 1, 1)
    assert fingerprint(fitted.network) == fingerprint(seen[0])


def test_a_fit_may_start_from_other_weights() -> None:
    """The first loss is that of the given network, which is returned if training does not improve it."""
    first = fit(waves(), SMALL, replace(RECIPE, epochs=4, learning_rate=0.05)).network
    recipe, windows = replace(ONE_STEP, learning_rate=1e-12, seed=3), waves()
    fitted = fit(windows, SMALL, recipe, start=first)
    rng = np.random.default_rng(recipe.seed)
    (inputs, targets, weights), *_ = windows.batches(rng, count=4, size=4)
    off = (numpy_lstm.forward(first, inputs) - targets) ** 2 * weights
    assert fitted.history[0].loss == pytest.approx(off.sum() / weights.sum(), rel=1e-4)
    for name, tensor in numpy_lstm.to_tensors(fitted.network).items():
        np.testing.assert_allclose(tensor, numpy_lstm.to_tensors(first)[name], atol=1e-7)


def test_fits_at_once_are_those_one_after_the_other() -> None:
    """Three fits with dropout, each from its own seed: the same bytes, in their order."""
    fits = [partial(fit, waves(), DROPPING, replace(RECIPE, seed=seed)) for seed in (0, 1, 2)]
    at_once = [fingerprint(one.network) for one in run_in_threads(fits, Event())]
    assert at_once == [fingerprint(one().network) for one in fits]
    assert len(set(at_once)) == 3


def test_a_fit_goes_on_from_any_epoch_to_the_same_bytes() -> None:
    """Dropout, momenta and a falling rate: from each epoch's standing, taken apart and put together."""
    stands: list[FitState] = []
    recipe = replace(RECIPE, epochs=4, patience=2, schedule="cosine")
    errors = {1: 3.0, 2: 1.0, 3: 2.0, 4: 4.0}
    whole = fit(waves(), DROPPING, recipe, validate=validate_with([*errors.values()], []), keep=stands.append)
    assert [stand.finished for stand in stands] == [False, False, False, True]
    for epoch, stand in enumerate(stands, 1):
        rest = validate_with([*errors.values()][epoch:], [])
        again = fit(waves(), DROPPING, recipe, validate=rest, resume=FitState.from_checkpoint(*stand.to_checkpoint()))
        assert fingerprint(again.network) == fingerprint(whole.network)
        assert (again.epoch, again.validation_error) == (whole.epoch, whole.validation_error) == (2, 1.0)
        assert [(p.loss, p.validation_error) for p in again.history] == [
            (p.loss, p.validation_error) for p in whole.history
        ]


def test_a_stopped_fit_ends_before_its_next_batch() -> None:
    """Not after its epoch, which may be long: nothing is kept of the one it was in."""
    stop, stands, batches_seen = Event(), [], []

    class Watched(WindowDataset):
        def batches(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
            for batch in super().batches(*args, **kwargs):
                batches_seen.append(batch)
                if len(batches_seen) == 3:
                    stop.set()
                yield batch

    plain = waves()
    watched = Watched(**{field.name: getattr(plain, field.name) for field in fields(plain)})
    with pytest.raises(StopRequested):
        fit(watched, SMALL, RECIPE, stop=stop, keep=stands.append)
    assert (len(batches_seen), len(stands)) == (3, 1)


def test_a_failed_fit_stops_other_fits() -> None:
    """The failure is raised, and a parallel fit of a thousand epochs ends before its next batch."""
    stop, progress = Event(), []

    def fail() -> Fit:
        while not progress:
            time.sleep(0.01)
        raise ModelError("exploded")

    long = partial(fit, waves(), SMALL, replace(RECIPE, epochs=1000), stop=stop, on_progress=progress.append)
    with pytest.raises(ModelError, match="exploded"):
        run_in_threads([fail, long], stop)
    assert stop.is_set()
    assert 1 <= len(progress) < 1000


def test_an_epoch_whose_forecasts_overflow_is_never_the_best() -> None:
    """Not a number in the first epoch does not keep later ones from being better."""
    seen: list[Network] = []
    recipe = replace(RECIPE, epochs=4, patience=9)
    fitted = fit(waves(), SMALL, recipe, validate=validate_with([math.nan, 5, math.inf, math.nan], seen))
    assert (fitted.epoch, fitted.validation_error) == (2, 5)
    assert fingerprint(fitted.network) == fingerprint(seen[1])


def test_a_network_that_never_forecasts_numbers_is_refused() -> None:
    """The message names the keys to change."""
    with pytest.raises(ModelError, match=r"validation forecasts.*Nothing was saved\. Lower train\.learning_rate"):
        fit(waves(), SMALL, RECIPE, validate=lambda _: math.nan)


def test_a_predictable_target_is_learned() -> None:
    """On a wave the loss falls far below that of an output of 0, and the outputs follow the targets."""
    windows = waves()
    fitted = fit(windows, replace(SMALL, units=(8,)), Recipe(epochs=25, batches=6, batch_size=8, learning_rate=0.02))
    assert fitted.history[-1].loss < 0.1 * fitted.history[0].loss
    inputs, targets, _ = windows.batch(np.array([0]), np.array([20]))
    outputs = numpy_lstm.forward(fitted.network, inputs)
    assert np.corrcoef(outputs[0, 2:, 0], targets[0, 2:, 0])[0, 1] > 0.95


@pytest.mark.parametrize("units", [(3,), (8, 8)])
def test_an_explosion_is_refused(units: tuple[int, ...]) -> None:
    """Relu, a learning rate of 10 and no clipping: the message names the keys, and what they are now."""
    recipe = Recipe(epochs=40, batches=4, batch_size=4, optimizer="sgd", learning_rate=10.0, clip_norm=None)
    with pytest.raises(ModelError) as refused:
        fit(waves(), replace(SMALL, activation="relu", units=units), recipe)
    assert "training diverged: the loss of epoch " in str(refused.value)
    for part in ("train.learning_rate (now 10)", "train.clip_norm: 1.0", "model.activation: tanh", "Nothing was saved"):
        assert part in str(refused.value)


def test_a_loss_that_is_not_a_number_is_refused_at_once() -> None:
    """In the first epoch there is no loss that it began at; where gradients are clipped, clipping is no advice."""
    windows = waves(last=math.nan)
    with pytest.raises(
        ModelError, match=r"the loss of epoch 1 is nan\. Nothing was saved\. Lower .*\(now 0\.001\), or use"
    ):
        fit(windows, SMALL, replace(RECIPE, batch_size=64))


def test_unknown_values_do_not_count() -> None:
    """With a rise of one a step and every third value filled, the loss ignores the filled steps."""
    observed = np.arange(60) % 3 != 0
    windows = WindowDataset.from_panel(np.arange(60.0), observed, np.array([0, 60]), SHAPE)
    fitted = fit(windows, SMALL, Recipe(epochs=10, batches=10, batch_size=4, learning_rate=0.05))
    inputs, _, _ = windows.batch(np.array([0]), np.array([30]))
    np.testing.assert_allclose(numpy_lstm.forward(fitted.network, inputs)[0, 3:, 0], 1.0, atol=0.05)
    assert fitted.history[-1].loss < 0.01


def test_a_value_that_was_filled_teaches_nothing() -> None:
    """A last value that was not observed may be anything: the same bytes; one that was observed does teach."""
    recipe = replace(RECIPE, batch_size=64)  # so that the last value is drawn
    filled = [fingerprint(fit(waves(last=last, hidden=(39,)), SMALL, recipe).network) for last in (0.0, 50.0)]
    known = [fingerprint(fit(waves(last=last), SMALL, recipe).network) for last in (0.0, 50.0)]
    assert filled[0] == filled[1]
    assert known[0] != known[1]
