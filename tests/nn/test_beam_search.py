"""Symbols said one after the other: against every path there is, and against what chance should draw."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from lstmcast.nn import numpy_lstm
from lstmcast.nn.beam_search import AutoregressiveEnsemble, beam_search, log_softmax, sample
from lstmcast.nn.numpy_lstm import Layer, Network
from lstmcast.preprocessing.sequences import one_hot

pytestmark = pytest.mark.kernel

KINDS = 3


def network(seed: int, units: int = 4) -> Network:
    """A network of chance's weights."""
    rng = np.random.default_rng(seed)

    def weights(*shape: int) -> np.ndarray:
        return rng.normal(0, 1.5, shape).astype(np.float32)

    return Network(
        (Layer(weights(KINDS, 4 * units), weights(units, 4 * units), weights(4 * units)),),
        weights(units, KINDS),
        weights(KINDS),
    )


@pytest.fixture
def speaker() -> AutoregressiveEnsemble:
    """Two networks, a little shy."""
    return AutoregressiveEnsemble((network(0), network(1)), temperature=1.3)


@pytest.fixture
def x() -> np.ndarray:
    """What two series said so far."""
    return one_hot(np.array([[0, 1, 2, 1], [-1, 2, 2, 0]]), KINDS)


def chances(speaker: AutoregressiveEnsemble, codes: list[int]) -> np.ndarray:
    """[V] what follows some codes, by running over all of them anew."""
    said = []
    for one in speaker.networks:
        raw = numpy_lstm.forward(one, one_hot(np.array([codes]), KINDS))[0, -1].astype(float)
        said.append(np.exp(raw) / np.exp(raw).sum())
    powers = np.mean(said, axis=0) ** (1 / speaker.temperature)
    return powers / powers.sum()


def test_every_step_is_what_running_anew_says(speaker: AutoregressiveEnsemble) -> None:
    """Reading all at once, step by step, or each prefix by itself: the same probabilities."""
    codes = [0, 1, 2, 1, 1, 0]
    read = one_hot(np.array([codes]), KINDS)
    every = np.exp(speaker.step_log_probs(read, 4)[0])
    expected = [chances(speaker, codes[: k + 1]) for k in range(2, 6)]
    assert every == pytest.approx(np.array(expected), abs=1e-5)
    states, logs = speaker.encode_context(read[:, :3])
    assert np.exp(logs[0]) == pytest.approx(expected[0], abs=1e-5)
    assert np.exp(speaker.decode_step(np.array([1]), states)[0]) == pytest.approx(expected[1], abs=1e-5)


def test_a_wide_beam_finds_the_likeliest_of_all_paths(speaker: AutoregressiveEnsemble, x: np.ndarray) -> None:
    """With a beam as wide as there are paths, the best of 81 paths is found, with its probabilities."""
    found = beam_search(speaker, x, 4, beam=KINDS**3)
    for row, codes in enumerate(([0, 1, 2, 1], [-1, 2, 2, 0])):
        each = {}
        for path in product(range(KINDS), repeat=4):
            steps = [chances(speaker, [*codes, *path[:t]])[path[t]] for t in range(4)]
            each[path] = steps
        best = max(each, key=lambda path: np.prod(each[path]))
        assert tuple(found.symbols[row].tolist()) == best
        assert found.probabilities[row] == pytest.approx(each[best], abs=1e-5)


def test_a_beam_of_one_takes_the_likeliest_symbol_at_each_step(speaker: AutoregressiveEnsemble, x: np.ndarray) -> None:
    """Greedy, written as a loop."""
    found = beam_search(speaker, x, 5, beam=1)
    codes = [0, 1, 2, 1]
    for said in found.symbols[0].tolist():
        assert said == chances(speaker, codes).argmax()
        codes.append(said)


@pytest.mark.parametrize("beam", [2, 3, 8])
def test_a_beam_keeps_the_best_paths_of_each_step(speaker: AutoregressiveEnsemble, x: np.ndarray, beam: int) -> None:
    """Beam search, written as a loop over paths that are read anew at each step."""
    found = beam_search(speaker, x, 6, beam=beam)
    for row, codes in enumerate(([0, 1, 2, 1], [-1, 2, 2, 0])):
        paths: dict[tuple[int, ...], list[float]] = {(): []}
        for _ in range(6):
            longer = {
                (*path, code): [*steps, chance]
                for path, steps in paths.items()
                for code, chance in enumerate(chances(speaker, [*codes, *path]))
            }
            paths = dict(sorted(longer.items(), key=lambda item: -np.prod(item[1]))[:beam])
        best, steps = next(iter(paths.items()))
        assert tuple(found.symbols[row].tolist()) == best
        assert found.probabilities[row] == pytest.approx(steps, abs=1e-5)


def test_no_beam_finds_a_likelier_path_than_the_exhaustive_one(speaker: AutoregressiveEnsemble, x: np.ndarray) -> None:
    """The widest beam keeps every path. Sums of float32 may round differently in batches of other sizes."""
    exhaustive = beam_search(speaker, x, 4, beam=KINDS**3).probabilities.prod(axis=1)
    for beam in (1, 2, 3, 8):
        assert (beam_search(speaker, x, 4, beam=beam).probabilities.prod(axis=1) <= exhaustive + 1e-5).all()


def test_what_is_drawn_is_as_frequent_as_it_is_likely(speaker: AutoregressiveEnsemble) -> None:
    """The first symbol of 20,000 draws, at temperature ½: its probabilities squared, and made to sum to 1."""
    x = np.repeat(one_hot(np.array([[0, 1, 2]]), KINDS), 20_000, axis=0)
    path = sample(speaker, x, 1, temperature=0.5, rng=np.random.default_rng(0))
    own = chances(speaker, [0, 1, 2])
    shares = np.bincount(path.symbols[:, 0], minlength=KINDS) / 20_000
    assert shares == pytest.approx(own**2 / (own**2).sum(), abs=0.015)
    assert path.probabilities[:, 0] == pytest.approx(own[path.symbols[:, 0]], abs=1e-5)


def test_the_same_seed_draws_the_same(speaker: AutoregressiveEnsemble, x: np.ndarray) -> None:
    """And another seed, sooner or later, something else."""
    one, two, other = (
        sample(speaker, x, 30, temperature=1.0, rng=np.random.default_rng(seed)).symbols.tolist() for seed in (4, 4, 5)
    )
    assert one == two != other


def test_nothing_overflows() -> None:
    """Outputs of any size are probabilities."""
    logs = log_softmax(np.array([[1e4, 0.0, -1e4]]))
    assert np.exp(logs).tolist() == [[1.0, 0.0, 0.0]]
