"""Symbols said one after the other: the likeliest path that a beam finds, or one that is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lstmcast.nn import numpy_lstm
from lstmcast.nn.numpy_lstm import Network, State
from lstmcast.preprocessing.sequences import one_hot
from lstmcast.types import Array, Floats, Ints

BEAM = 8  # unfinished paths that are kept of each series


@dataclass(frozen=True)
class Path:
    """What is said of the next H steps of B series.

    Attributes:
        symbols: [B, H] codes.
        probabilities: [B, H] the probability of each, given the path before it.
    """

    symbols: Ints
    probabilities: Floats


@dataclass(frozen=True)
class AutoregressiveEnsemble:
    """Networks that say together what comes next: the mean of their probabilities, made as bold as they were right.

    Attributes:
        networks: one or several, which read and say V kinds.
        temperature: by which the logarithms of their probabilities are divided.
    """

    networks: tuple[Network, ...]
    temperature: float = 1.0

    @property
    def vocab_size(self) -> int:
        """V."""
        return len(self.networks[0].d)

    def encode_context(self, x: Array) -> tuple[list[State], Floats]:
        """Read [B, L, V]: what each network remembers, and the logarithms of what follows, [B, V]."""
        states = [numpy_lstm.zero_state(network, len(x)) for network in self.networks]
        raw = [
            numpy_lstm.dense(network, numpy_lstm.run_last(network, x, state), x[:, -1])
            for network, state in zip(self.networks, states, strict=True)
        ]
        return states, self.log_probs(raw)

    def decode_step(self, symbols: Ints, states: Sequence[State]) -> Floats:
        """Advance the states, in place, by [B] symbols; the logarithms of what follows, [B, V]."""
        x = one_hot(symbols, self.vocab_size)
        each = zip(self.networks, states, strict=True)
        return self.log_probs([numpy_lstm.step(network, x, state) for network, state in each])

    def step_log_probs(self, x: Array, steps: int) -> Floats:
        """Read [B, L, V]: the logarithms of what follows each of the last `steps` steps, [B, steps, V]."""
        raw = [
            numpy_lstm.dense(
                network, numpy_lstm.run(network, x, numpy_lstm.zero_state(network, len(x)))[:, -steps:], x[:, -steps:]
            )
            for network in self.networks
        ]
        return self.log_probs(raw)

    def log_probs(self, raw: Sequence[Array]) -> Floats:
        """What the networks say, […, V] each, as logarithms of their mean probabilities at the temperature."""
        logs = log_softmax(raw[0].astype(np.float64))
        for logits in raw[1:]:
            logs = np.logaddexp(logs, log_softmax(logits.astype(np.float64)))
        return log_softmax(logs / self.temperature)


def log_softmax(raw: Floats) -> Floats:
    """Logarithms of the probabilities exp(raw) / Σ exp(raw), along the last axis."""
    shifted = raw - raw.max(axis=-1, keepdims=True)
    logs: Floats = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return logs


def sample(
    ensemble: AutoregressiveEnsemble, x: Array, horizon: int, *, temperature: float, rng: np.random.Generator
) -> Path:
    """Draw one path for each series.

    Args:
        ensemble: what says the probabilities.
        x: [B, L, V] what came before.
        horizon: H.
        temperature: below 1, likely symbols become likelier; above 1, less likely.
        rng: the only source of chance.

    Returns:
        The paths; the probabilities are those of the speaker, whatever the temperature.
    """
    states, logs = ensemble.encode_context(x)
    symbols, probabilities = np.empty((len(x), horizon), dtype=np.int64), np.empty((len(x), horizon))
    for t in range(horizon):
        if t:
            logs = ensemble.decode_step(symbols[:, t - 1], states)
        cumulative = np.exp(log_softmax(logs / temperature)).cumsum(axis=1)
        ticks = rng.random((len(x), 1)) * cumulative[:, -1:]
        symbols[:, t] = np.minimum((cumulative <= ticks).sum(axis=1), ensemble.vocab_size - 1)
        probabilities[:, t] = np.exp(np.take_along_axis(logs, symbols[:, t, None], axis=1)[:, 0])
    return Path(symbols, probabilities)


def beam_search(ensemble: AutoregressiveEnsemble, x: Array, horizon: int, *, beam: int = BEAM) -> Path:
    """The likeliest path of each series among those that a beam search meets.

    Of all paths that go on from the `beam` best of the step before, the `beam` best are kept; a beam of 1 takes the
    likeliest symbol at each step.

    Args:
        ensemble: what says the probabilities.
        x: [B, L, V] what came before.
        horizon: H.
        beam: W, unfinished paths kept of each series.
    """
    rows, vocab_size = len(x), ensemble.vocab_size
    states, logs = ensemble.encode_context(x)
    states = [_select_states(state, np.repeat(np.arange(rows), beam)) for state in states]
    logs = np.repeat(logs, beam, axis=0).reshape(rows, beam, vocab_size)
    totals = np.full((rows, beam, 1), -np.inf)
    totals[:, 0] = 0.0  # all W are the same path still
    symbols, own = np.empty((rows, beam, 0), dtype=np.int64), np.empty((rows, beam, 0))
    for t in range(horizon):
        if t:
            logs = ensemble.decode_step(symbols[..., -1].ravel(), states).reshape(rows, beam, vocab_size)
        scores = (totals + logs).reshape(rows, -1)
        best = np.argsort(-scores, axis=1, kind="stable")[:, :beam]  # [B, W] of W·V ways to go on
        parents = best // vocab_size
        totals = np.take_along_axis(scores, best, axis=1)[..., None]
        log_probs = np.take_along_axis(logs.reshape(rows, -1), best, axis=1)
        symbols = _followed(symbols, parents, best % vocab_size)
        own = _followed(own, parents, log_probs)
        states = [_select_states(state, (np.arange(rows)[:, None] * beam + parents).ravel()) for state in states]
    return Path(symbols[:, 0], np.exp(own[:, 0]))


def _followed(paths: np.ndarray, parents: Ints, following: np.ndarray) -> np.ndarray:
    """[B, W, t] paths, those of the parents [B, W] each with what follows it: [B, W, t + 1]."""
    kept = np.take_along_axis(paths, parents[..., None], axis=1)
    return np.concatenate([kept, following[..., None]], axis=2)


def _select_states(state: State, rows: Ints) -> State:
    """The states of these rows."""
    return replace(state, h=[h[rows] for h in state.h], c=[c[rows] for c in state.c])
