"""Chances and symbols: what they say and how they learn, against sums written out and a network of many layers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from lstmcast.errors import ModelError
from lstmcast.model import lstm
from lstmcast.model.heads import BernoulliHead, CategoricalHead, OutputHead, QuantileHead
from lstmcast.model.network import Architecture, build, check_forward, load_keras, to_numpy
from lstmcast.model.recipe import Recipe
from lstmcast.model.training import fit

BOTH = Architecture(5, 3, units=(4, 3), head=CategoricalHead(4), hidden=(6, 5), skip=True, every_step=False)


def test_chances_are_sigmoids() -> None:
    """1 / (1 + exp(−a)), and numbers of any size overflow nowhere."""
    said = BernoulliHead(3).decode(np.array([[0.0, 2.0, -1000.0]], np.float32))
    assert said[0] == pytest.approx([0.5, 1 / (1 + np.exp(-2.0)), 0.0])


def test_symbols_are_softmaxes() -> None:
    """exp(a) over the sum of all, and numbers of any size overflow nowhere."""
    said = CategoricalHead(3).decode(np.array([[1.0, 2.0, 3.0], [1000.0, 0.0, -1000.0]], np.float32))
    weights = np.exp([1.0, 2.0, 3.0])
    assert said[0] == pytest.approx(weights / weights.sum())
    assert said[1] == pytest.approx([1.0, 0.0, 0.0])


@pytest.mark.parametrize("head", [BernoulliHead(2), CategoricalHead(2)])
def test_the_loss_is_minus_the_log_of_what_was_said_of_what_came(head: OutputHead) -> None:
    """Both losses, on logits, are −log of the probability that `said` gives to what came."""
    load_keras()
    raw = np.array([[[0.3, -1.2], [4.0, 0.5]]], np.float32)
    came = (
        np.array([[[1.0, 0.0], [0.0, 1.0]]], np.float32)
        if isinstance(head, BernoulliHead)
        else np.array([[[1.0], [0.0]]])
    )
    said = head.decode(raw[0])
    if isinstance(head, BernoulliHead):
        expected = -np.log(np.where(came[0] == 1, said, 1 - said))
    else:
        expected = -np.log([[said[0, 1]], [said[1, 0]]])
    assert np.asarray(head.loss(raw, came.astype(np.float32)))[0] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("architecture", "text"),
    [
        (
            Architecture(24, 9, head=BernoulliHead(1)),
            "Sequential([Input((24, 9)), LSTM(50), Dense(1, activation=sigmoid)])",
        ),
        (
            Architecture(8, 8, units=(128,), head=CategoricalHead(10), hidden=(128,)),
            "Sequential([Input((8, 8)), LSTM(128), Dense(128, activation=relu), Dense(10, activation=softmax)])",
        ),
    ],
)
def test_the_network_is_shown_as_it_is_written(architecture: Architecture, text: str) -> None:
    """The activation of the last layer is part of what a user is shown, and Keras counts as many weights."""
    load_keras()
    assert str(architecture) == text
    assert build(architecture, every_step=False).count_params() == architecture.parameters


@pytest.mark.slow
def test_hidden_layers_are_the_same_in_numpy() -> None:
    """Two LSTMs, two hidden layers and a path around them: NumPy and Keras agree, and a wrong weight is found."""
    load_keras()
    model = build(BOTH, every_step=False)
    rng = np.random.default_rng(3)
    model.set_weights([rng.normal(scale=0.5, size=w.shape).astype(np.float32) for w in model.get_weights()])
    network, x = to_numpy(model, BOTH), rng.normal(size=(7, 5, 3)).astype(np.float32)
    assert check_forward(network, BOTH, x) < 1e-5
    kept = lstm.from_tensors(lstm.to_tensors(network), activation="tanh", skip=True, features=3, outputs=4)
    assert np.array_equal(lstm.forward(kept, x), lstm.forward(network, x))
    assert lstm.forward(network, x)[:, -1] == pytest.approx(np.asarray(model(x)), abs=1e-5)


def test_a_hidden_layer_that_does_not_fit_is_refused() -> None:
    """Shapes of neighbours must agree, and no layer may be left over."""
    layer = lstm.Layer(*(np.zeros(shape, np.float32) for shape in ((2, 12), (3, 12), (12,))))
    hidden = lstm.Dense(np.zeros((3, 4), np.float32), np.zeros(4, np.float32))
    network = lstm.Network((layer,), np.zeros((4, 1), np.float32), np.zeros(1, np.float32), hidden=(hidden,))
    tensors = lstm.to_tensors(network)
    assert lstm.from_tensors(tensors, activation="tanh", skip=False, features=2).hidden[0].V.shape == (3, 4)
    with pytest.raises(ModelError, match=r"hidden_0\.V must have shape \(3, 4\)"):
        lstm.from_tensors({**tensors, "hidden_0.V": tensors["dense.V"]}, activation="tanh", skip=False, features=2)
    with pytest.raises(ModelError, match="do not make a network"):
        lstm.from_tensors({**tensors, "hidden_2.V": tensors["dense.V"]}, activation="tanh", skip=False, features=2)


@dataclass(frozen=True)
class Signs:
    """Random walks: is the sum of the window above 0? At the last step, or at each."""

    every_step: bool

    def batches(
        self, rng: np.random.Generator, *, count: int, size: int
    ) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Windows of 4 steps of one number."""
        for _ in range(count // size):
            x = rng.normal(size=(size, 4, 1)).astype(np.float32)
            yes = (np.cumsum(x, axis=1) > 0).astype(np.float32)
            told = yes if self.every_step else yes[:, -1]
            yield x, told, np.ones_like(told)


@pytest.mark.slow
@pytest.mark.parametrize("head", [BernoulliHead(1), CategoricalHead(2)])
@pytest.mark.parametrize("every_step", [True, False])
def test_what_can_be_told_is_learnt(head: OutputHead, every_step: bool) -> None:
    """Both heads learn the sign of a sum, told at each step or only at the last, from lessons that are no windows."""
    architecture = Architecture(4, 1, units=(8,), head=head, hidden=(8,), every_step=every_step)
    recipe = Recipe(epochs=12, batches=20, batch_size=32, loss=head.loss_name, learning_rate=0.02)
    network = fit(Signs(every_step), architecture, recipe).network
    x, came, _ = next(Signs(every_step=False).batches(np.random.default_rng(9), count=500, size=500))
    said = head.decode(lstm.forward(network, x)[:, -1])[:, -1]  # of a yes
    assert ((said > 0.5) == (came[:, 0] == 1)).mean() > 0.9


def test_values_are_heads_too() -> None:
    """The value head meets the protocol: as many targets as steps, no activation, the loss of quantiles."""
    head: OutputHead = QuantileHead(3, (80.0,))
    assert (head.outputs, head.targets, head.activation, head.loss_name) == (9, 3, "linear", "pinball")
