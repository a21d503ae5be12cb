"""Beam search and sampling of symbols, compared with all possible paths and with expected frequencies."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from lstmcast.nn import numpy_lstm
from lstmcast.nn.beam_search import AutoregressiveEnsemble, beam_search, log_softmax, sample
from lstmcast.nn.numpy_lstm import Layer, Network
from lstmcast.preprocessing.sequences import one_hot

pytestmark = pytest.mark.kernel

VOCAB_SIZE = 3


def network(seed: int, units: int = 4) -> Network:
    """A network of chance's weights."""
    rng = np.random.default_rng(seed)

    def weights(*shape: int) -> np.ndarray:
        return rng.normal(0, 1.5, shape).astype(np.float32)

    return Network(
        (Layer(weights(VOCAB_SIZE, 4 * units), weights(units, 4 * units), weights(4 * units)),),
        weights(units, VOCAB_SIZE),
        weights(VOCAB_SIZE),
    )


@pytest.fixture
def ensemble() -> AutoregressiveEnsemble:
    """Two networks, a little shy."""
    return AutoregressiveEnsemble((network(0), network(1)), temperature=1.3)


@pytest.fixture
def x() -> np.ndarray:
    """The symbols of two series so far."""
    return one_hot(np.array([[0, 1, 2, 1], [-1, 2, 2, 0]]), VOCAB_SIZE)


def next_probabilities(ensemble: AutoregressiveEnsemble, codes: list[int]) -> np.ndarray:
    """[V] probabilities after the codes, computed from the first code on."""
    outputs = []
    for one in ensemble.networks:
        raw = numpy_lstm.forward(one, one_hot(np.array([codes]), VOCAB_SIZE))[0, -1].astype(float)
        outputs.append(np.exp(raw) / np.exp(raw).sum())
    powers = np.mean(outputs, axis=0) ** (1 / ensemble.temperature)
    return powers / powers.sum()


def test_every_step_equals_a_full_pass(ensemble: AutoregressiveEnsemble) -> None:
    """Reading all at once, step by step, or each prefix by itself: the same probabilities."""
    codes = [0, 1, 2, 1, 1, 0]
    read = one_hot(np.array([codes]), VOCAB_SIZE)
    every = np.exp(ensemble.step_log_probs(read, 4)[0])
    expected = [next_probabilities(ensemble, codes[: k + 1]) for k in range(2, 6)]
    assert every == pytest.approx(np.array(expected), abs=1e-5)
    states, logs = ensemble.encode_context(read[:, :3])
    assert np.exp(logs[0]) == pytest.approx(expected[0], abs=1e-5)
    assert np.exp(ensemble.decode_step(np.array([1]), states)[0]) == pytest.approx(expected[1], abs=1e-5)


def test_a_wide_beam_finds_the_most_likely_path(ensemble: AutoregressiveEnsemble, x: np.ndarray) -> None:
    """With a beam as wide as there are paths, the best of 81 paths is found, with its probabilities."""
    found = beam_search(ensemble, x, 4, beam=VOCAB_SIZE**3)
    for row, codes in enumerate(([0, 1, 2, 1], [-1, 2, 2, 0])):
        each = {}
        for path in product(range(VOCAB_SIZE), repeat=4):
            steps = [next_probabilities(ensemble, [*codes, *path[:t]])[path[t]] for t in range(4)]
            each[path] = steps
        best = max(each, key=lambda path: np.prod(each[path]))
        assert tuple(found.symbols[row].tolist()) == best
        assert found.probabilities[row] == pytest.approx(each[best], abs=1e-5)


def test_a_beam_of_one_takes_the_most_likely_symbol_at_each_step(
    ensemble: AutoregressiveEnsemble, x: np.ndarray
) -> None:
    """Greedy, written as a loop."""
    found = beam_search(ensemble, x, 5, beam=1)
    codes = [0, 1, 2, 1]
    for outputs in found.symbols[0].tolist():
        assert outputs == next_probabilities(ensemble, codes).argmax()
        codes.append(outputs)


@pytest.mark.parametrize("beam", [2, 3, 8])
def test_a_beam_keeps_the_best_paths_of_each_step(ensemble: AutoregressiveEnsemble, x: np.ndarray, beam: int) -> None:
    """Beam search as a loop over paths, each computed from the first symbol at each step."""
    found = beam_search(ensemble, x, 6, beam=beam)
    for row, codes in enumerate(([0, 1, 2, 1], [-1, 2, 2, 0])):
        paths: dict[tuple[int, ...], list[float]] = {(): []}
        for _ in range(6):
            longer = {
                (*path, code): [*steps, chance]
                for path, steps in paths.items()
                for code, chance in enumerate(next_probabilities(ensemble, [*codes, *path]))
            }
            paths = dict(sorted(longer.items(), key=lambda item: -np.prod(item[1]))[:beam])
        best, steps = next(iter(paths.items()))
        assert tuple(found.symbols[row].tolist()) == best
        assert found.probabilities[row] == pytest.approx(steps, abs=1e-5)


def test_no_beam_finds_a_likelier_path_than_the_exhaustive_one(ensemble: AutoregressiveEnsemble, x: np.ndarray) -> None:
    """The widest beam keeps every path. Sums of float32 may round differently in batches of other sizes."""
    exhaustive = beam_search(ensemble, x, 4, beam=VOCAB_SIZE**3).probabilities.prod(axis=1)
    for beam in (1, 2, 3, 8):
        assert (beam_search(ensemble, x, 4, beam=beam).probabilities.prod(axis=1) <= exhaustive + 1e-5).all()


def test_sampled_frequencies_match_the_probabilities(ensemble: AutoregressiveEnsemble) -> None:
    """The first symbol of 20,000 draws, at temperature ½: its probabilities squared, and made to sum to 1."""
    x = np.repeat(one_hot(np.array([[0, 1, 2]]), VOCAB_SIZE), 20_000, axis=0)
    path = sample(ensemble, x, 1, temperature=0.5, rng=np.random.default_rng(0))
    own = next_probabilities(ensemble, [0, 1, 2])
    frequencies = np.bincount(path.symbols[:, 0], minlength=VOCAB_SIZE) / 20_000
    assert frequencies == pytest.approx(own**2 / (own**2).sum(), abs=0.015)
    assert path.probabilities[:, 0] == pytest.approx(own[path.symbols[:, 0]], abs=1e-5)


def test_the_same_seed_draws_the_same(ensemble: AutoregressiveEnsemble, x: np.ndarray) -> None:
    """And another seed, sooner or later, something else."""
    one, two, other = (
        sample(ensemble, x, 30, temperature=1.0, rng=np.random.default_rng(seed)).symbols.tolist() for seed in (4, 4, 5)
    )
    assert one == two != other


def test_nothing_overflows() -> None:
    """Outputs of any size are probabilities."""
    logs = log_softmax(np.array([[1e4, 0.0, -1e4]]))
    assert np.exp(logs).tolist() == [[1.0, 0.0, 0.0]]
