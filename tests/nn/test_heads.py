"""Output heads compared with scalar loops, a pinball loss worked by hand, and bounds that cannot cross."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lstmcast.errors import ModelError
from lstmcast.nn import heads, numpy_lstm
from lstmcast.nn.heads import BernoulliHead, CategoricalHead, OutputHead, QuantileHead
from lstmcast.nn.keras_backend import Architecture, build, check_forward, load_keras, to_numpy
from lstmcast.nn.specs import Recipe
from lstmcast.nn.trainer import fit

HEADS = [
    QuantileHead(),
    QuantileHead(4),
    QuantileHead(1, (80.0,)),
    QuantileHead(3, (80.0, 95.0)),
    QuantileHead(2, (10.0, 50.0, 99.0)),
]


def softplus(a: float) -> float:
    """ln(1 + eᵃ)."""
    return math.log1p(math.exp(-abs(a))) + max(a, 0.0)


def rho(off: float, quantile: float) -> float:
    """The pinball: what lies above costs its quantile, what lies below the rest."""
    return quantile * off if off > 0 else (quantile - 1) * off


def decode_by_loop(head: QuantileHead, row: list[float]) -> tuple[list[float], list[list[float]], list[list[float]]]:
    """One row of outputs, number by number: values [H], distances [Q][H] below and above."""
    h, n = head.steps, len(head.levels)
    below, above = ([[0.0] * h for _ in range(n)] for _ in range(2))
    for step in range(h):
        for start, side in ((h, below), (h + n * h, above)):
            far = 0.0
            for q in range(n):
                far += softplus(row[start + q * h + step])
                side[q][step] = far
    return row[:h], below, above


def loss_by_loop(head: QuantileHead, row: list[float], targets: list[float]) -> list[float]:
    """The pinball of one row: of the median, and the mean over all the bounds."""
    values, below, above = decode_by_loop(head, row)
    total = []
    for step, y in enumerate(targets):
        bounds = []
        for q, level in enumerate(head.levels):
            tail = (100 - level) / 200
            bounds.append(rho(y - (values[step] - below[q][step]), tail))
            bounds.append(rho(y - (values[step] + above[q][step]), 1 - tail))
        total.append(rho(y - values[step], 0.5) + (sum(bounds) / len(bounds) if bounds else 0.0))
    return total


@pytest.mark.parametrize(
    ("head", "outputs", "tails"),
    [
        (QuantileHead(), 1, ()),
        (QuantileHead(12), 12, ()),
        (QuantileHead(1, (80.0,)), 3, (0.1,)),
        (QuantileHead(7, (50.0, 95.0)), 35, (0.25, 0.025)),
    ],
)
def test_outputs_and_tails_by_hand(head: QuantileHead, outputs: int, tails: tuple[float, ...]) -> None:
    """A value and two bounds a level at each step; half of what a level leaves out lies below."""
    assert head.outputs == outputs
    assert head.tails == pytest.approx(tails)


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("rows", [0, 1, 6])
def test_decoded_values_equal_those_of_a_loop(head: QuantileHead, rows: int) -> None:
    """Values first, then the distances below from the innermost on, then those above, each further by a softplus."""
    raw = np.random.default_rng(rows).normal(scale=3, size=(rows, head.outputs)).astype(np.float32)
    values, below, above = head.decode(raw)
    assert values.shape == (rows, head.steps)
    assert below.shape == above.shape == (len(head.levels), rows, head.steps)
    for b, row in enumerate(raw.tolist()):
        expected = decode_by_loop(head, row)
        np.testing.assert_array_equal(values[b], expected[0])
        np.testing.assert_allclose(below[:, b], np.reshape(expected[1], below[:, b].shape), rtol=1e-12)
        np.testing.assert_allclose(above[:, b], np.reshape(expected[2], above[:, b].shape), rtol=1e-12)


def test_decoded_values_by_hand() -> None:
    """Two steps, two levels: outputs of 0 lie ln 2 further each, and ln(eᵏ − 1) lies k further."""
    one, two = math.log(math.e - 1), math.log(math.e**2 - 1)
    raw = np.array([[5, -5, 0, one, 0, two, one, one, two, 0]], np.float32)
    values, below, above = QuantileHead(2, (80.0, 95.0)).decode(raw)
    ln2 = math.log(2)
    np.testing.assert_array_equal(values, [[5, -5]])
    np.testing.assert_allclose(below[:, 0], [[ln2, 1], [2 * ln2, 3]], rtol=1e-6)
    np.testing.assert_allclose(above[:, 0], [[1, 1], [3, 1 + ln2]], rtol=1e-6)


@settings(deadline=None, max_examples=100)
@given(hnp.arrays(np.float32, (3, 2 * 7), elements=st.floats(-(2.0**100), 2.0**100, width=32)))
def test_bounds_never_cross(raw: np.ndarray) -> None:
    """Whatever the outputs: finite distances, none below 0, and an outer one never nearer than an inner one."""
    _, below, above = QuantileHead(2, (50.0, 80.0, 95.0)).decode(raw)
    for gaps in (below, above):
        assert np.isfinite(gaps).all()
        assert (gaps >= 0).all()
        assert (np.diff(gaps, axis=0) >= 0).all()


def test_the_loss_by_hand() -> None:
    """Value 2, bounds 2 − ln 2 and 5, truth 7: 0.5 · 5 + ½ (0.1 · (5 + ln 2) + 0.9 · 2) = 3.684657."""
    load_keras()
    raw = np.array([[[2.0, 0.0, math.log(math.e**3 - 1)]]], np.float32)
    losses = np.asarray(QuantileHead(1, (80.0,)).loss(raw, np.array([[[7.0]]], np.float32)))
    np.testing.assert_allclose(losses, [[[3.684657]]], rtol=1e-6)


@pytest.mark.parametrize("head", HEADS)
def test_the_loss_agrees_with_a_loop(head: QuantileHead) -> None:
    """Every window, step and step ahead by itself, against the pinball of quantiles read from the loop."""
    load_keras()
    rng = np.random.default_rng(3)
    raw = rng.normal(scale=2, size=(4, 5, head.outputs)).astype(np.float32)
    targets = rng.normal(scale=3, size=(4, 5, head.steps)).astype(np.float32)
    losses = np.asarray(head.loss(raw, targets))
    assert losses.shape == targets.shape
    expected = [[loss_by_loop(head, raw[b, t].tolist(), targets[b, t].tolist()) for t in range(5)] for b in range(4)]
    np.testing.assert_allclose(losses, expected, rtol=1e-5, atol=1e-6)


def test_softplus_where_an_exponential_overflows() -> None:
    """log(1 + e^a) is e^a far below 0 and a far above; log 2 at 0."""
    found = heads.softplus(np.array([-800.0, -30.0, 0.0, 30.0, 800.0]))
    np.testing.assert_allclose(found, [0.0, math.log1p(math.exp(-30)), math.log(2), 30.0, 800.0], rtol=1e-14)


BOTH = Architecture(5, 3, units=(4, 3), head=CategoricalHead(4), hidden=(6, 5), skip=True, every_step=False)


def test_probabilities_are_sigmoids() -> None:
    """1 / (1 + exp(−a)), and numbers of any size overflow nowhere."""
    losses = BernoulliHead(3).decode(np.array([[0.0, 2.0, -1000.0]], np.float32))
    assert losses[0] == pytest.approx([0.5, 1 / (1 + np.exp(-2.0)), 0.0])


def test_symbols_are_softmaxes() -> None:
    """exp(a) over the sum of all, and numbers of any size overflow nowhere."""
    losses = CategoricalHead(3).decode(np.array([[1.0, 2.0, 3.0], [1000.0, 0.0, -1000.0]], np.float32))
    weights = np.exp([1.0, 2.0, 3.0])
    assert losses[0] == pytest.approx(weights / weights.sum())
    assert losses[1] == pytest.approx([1.0, 0.0, 0.0])


@pytest.mark.parametrize("head", [BernoulliHead(2), CategoricalHead(2)])
def test_the_loss_is_minus_the_log_probability_of_the_outcome(head: OutputHead) -> None:
    """Both losses, on logits, are −log of the decoded probability of the outcome."""
    load_keras()
    raw = np.array([[[0.3, -1.2], [4.0, 0.5]]], np.float32)
    came = (
        np.array([[[1.0, 0.0], [0.0, 1.0]]], np.float32)
        if isinstance(head, BernoulliHead)
        else np.array([[[1.0], [0.0]]])
    )
    losses = head.decode(raw[0])
    if isinstance(head, BernoulliHead):
        expected = -np.log(np.where(came[0] == 1, losses, 1 - losses))
    else:
        expected = -np.log([[losses[0, 1]], [losses[1, 0]]])
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


def test_hidden_layers_are_the_same_in_numpy() -> None:
    """Two LSTMs, two hidden layers and a path around them: NumPy and Keras agree, and a wrong weight is found."""
    load_keras()
    model = build(BOTH, every_step=False)
    rng = np.random.default_rng(3)
    model.set_weights([rng.normal(scale=0.5, size=w.shape).astype(np.float32) for w in model.get_weights()])
    network, x = to_numpy(model, BOTH), rng.normal(size=(7, 5, 3)).astype(np.float32)
    assert check_forward(network, BOTH, x) < 1e-5
    kept = numpy_lstm.from_tensors(numpy_lstm.to_tensors(network), activation="tanh", skip=True, features=3, outputs=4)
    assert np.array_equal(numpy_lstm.forward(kept, x), numpy_lstm.forward(network, x))
    assert numpy_lstm.forward(network, x)[:, -1] == pytest.approx(np.asarray(model(x)), abs=1e-5)


def test_a_hidden_layer_that_does_not_fit_is_refused() -> None:
    """Shapes of adjacent layers must agree, and no layer may be left over."""
    layer = numpy_lstm.Layer(*(np.zeros(shape, np.float32) for shape in ((2, 12), (3, 12), (12,))))
    hidden = numpy_lstm.Dense(np.zeros((3, 4), np.float32), np.zeros(4, np.float32))
    network = numpy_lstm.Network((layer,), np.zeros((4, 1), np.float32), np.zeros(1, np.float32), hidden=(hidden,))
    tensors = numpy_lstm.to_tensors(network)
    assert numpy_lstm.from_tensors(tensors, activation="tanh", skip=False, features=2).hidden[0].V.shape == (3, 4)
    with pytest.raises(ModelError, match=r"hidden_0\.V must have shape \(3, 4\)"):
        numpy_lstm.from_tensors(
            {**tensors, "hidden_0.V": tensors["dense.V"]}, activation="tanh", skip=False, features=2
        )
    with pytest.raises(ModelError, match="do not form a network"):
        numpy_lstm.from_tensors(
            {**tensors, "hidden_2.V": tensors["dense.V"]}, activation="tanh", skip=False, features=2
        )


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
            targets = yes if self.every_step else yes[:, -1]
            yield x, targets, np.ones_like(targets)


@pytest.mark.slow
@pytest.mark.parametrize("head", [BernoulliHead(1), CategoricalHead(2)])
@pytest.mark.parametrize("every_step", [True, False])
def test_a_separable_target_is_learned(head: OutputHead, every_step: bool) -> None:
    """Both heads learn the sign of a sum at each step or at the last one, from any source of batches."""
    architecture = Architecture(4, 1, units=(8,), head=head, hidden=(8,), every_step=every_step)
    recipe = Recipe(epochs=12, batches=20, batch_size=32, loss=head.loss_name, learning_rate=0.02)
    network = fit(Signs(every_step), architecture, recipe).network
    x, came, _ = next(Signs(every_step=False).batches(np.random.default_rng(9), count=500, size=500))
    losses = head.decode(numpy_lstm.forward(network, x)[:, -1])[:, -1]  # of a yes
    assert ((losses > 0.5) == (came[:, 0] == 1)).mean() > 0.9


def test_values_are_heads_too() -> None:
    """The value head meets the protocol: as many targets as steps, no activation, the loss of quantiles."""
    head: OutputHead = QuantileHead(3, (80.0,))
    assert (head.outputs, head.targets, head.activation, head.loss_name) == (9, 3, "linear", "pinball")
