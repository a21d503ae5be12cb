"""Autoregressive symbol forecasts: beam search and sampling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lstmcast.nn import numpy_lstm
from lstmcast.nn.numpy_lstm import Network, State
from lstmcast.preprocessing.sequences import one_hot
from lstmcast.types import Array, Floats, Ints

BEAM_WIDTH = 8  # paths per series


@dataclass(frozen=True)
class Path:
    """Symbol codes of the next H steps of B series, and the conditional probability of each, [B, H]."""

    symbols: Ints
    probabilities: Floats


@dataclass(frozen=True)
class AutoregressiveEnsemble:
    """Networks whose mean probabilities of the next symbol are scaled by a temperature."""

    networks: tuple[Network, ...]
    temperature: float = 1.0

    @property
    def vocab_size(self) -> int:
        """V."""
        return len(self.networks[0].d)

    def encode_context(self, x: Array) -> tuple[list[State], Floats]:
        """Read contexts [B, L, V]; returns the states and the log probabilities of the next symbol [B, V]."""
        states = [numpy_lstm.zero_state(network, len(x)) for network in self.networks]
        pairs = zip(self.networks, states, strict=True)
        hidden = [(network, numpy_lstm.run_last(network, x, state)) for network, state in pairs]
        return states, self.log_probs([numpy_lstm.dense(network, h, x[:, -1]) for network, h in hidden])

    def decode_step(self, symbols: Ints, states: Sequence[State]) -> Floats:
        """Advance the states, in place, by symbols [B]; returns the log probabilities of the next one [B, V]."""
        x = one_hot(symbols, self.vocab_size)
        pairs = zip(self.networks, states, strict=True)
        return self.log_probs([numpy_lstm.step(network, x, state) for network, state in pairs])

    def step_log_probs(self, x: Array, steps: int) -> Floats:
        """Log probabilities of the next symbol after each of the last `steps` steps of [B, L, V], [B, steps, V]."""
        hidden = [
            (network, numpy_lstm.run(network, x, numpy_lstm.zero_state(network, len(x)))) for network in self.networks
        ]
        return self.log_probs([numpy_lstm.dense(network, h[:, -steps:], x[:, -steps:]) for network, h in hidden])

    def log_probs(self, raw: Sequence[Array]) -> Floats:
        """Log of the mean probabilities of logits […, V], at the temperature."""
        logs = log_softmax(raw[0].astype(np.float64))
        for logits in raw[1:]:
            logs = np.logaddexp(logs, log_softmax(logits.astype(np.float64)))
        return log_softmax(logs / self.temperature)


def log_softmax(raw: Floats) -> Floats:
    """Log softmax along the last axis."""
    shifted = raw - raw.max(axis=-1, keepdims=True)
    logs: Floats = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return logs


def sample(
    ensemble: AutoregressiveEnsemble, x: Array, horizon: int, *, temperature: float, rng: np.random.Generator
) -> Path:
    """Sample one path for each of the contexts x [B, L, V] at a temperature.

    The returned probabilities are those of the ensemble, at its own temperature.
    """
    states, logs = ensemble.encode_context(x)
    symbols, probabilities = np.empty((len(x), horizon), dtype=np.int64), np.empty((len(x), horizon))
    for t in range(horizon):
        if t:
            logs = ensemble.decode_step(symbols[:, t - 1], states)
        cumulative = np.exp(log_softmax(logs / temperature)).cumsum(axis=1)
        draws = rng.random((len(x), 1)) * cumulative[:, -1:]
        symbols[:, t] = np.minimum((cumulative <= draws).sum(axis=1), ensemble.vocab_size - 1)
        probabilities[:, t] = np.exp(np.take_along_axis(logs, symbols[:, t, None], axis=1)[:, 0])
    return Path(symbols, probabilities)


def beam_search(ensemble: AutoregressiveEnsemble, x: Array, horizon: int, *, beam: int = BEAM_WIDTH) -> Path:
    """Search the most likely path for each of the contexts x [B, L, V], with W = `beam` paths per series."""
    rows, vocab_size = len(x), ensemble.vocab_size
    states, logs = ensemble.encode_context(x)
    states = [_select_states(state, np.repeat(np.arange(rows), beam)) for state in states]
    logs = np.repeat(logs, beam, axis=0).reshape(rows, beam, vocab_size)
    totals = np.full((rows, beam, 1), -np.inf)
    totals[:, 0] = 0.0  # all W paths start equal; only one may be extended
    symbols, own = np.empty((rows, beam, 0), dtype=np.int64), np.empty((rows, beam, 0))
    for t in range(horizon):
        if t:
            logs = ensemble.decode_step(symbols[..., -1].ravel(), states).reshape(rows, beam, vocab_size)
        scores = (totals + logs).reshape(rows, -1)
        best = np.argsort(-scores, axis=1, kind="stable")[:, :beam]  # [B, W] of W·V extensions
        parents = best // vocab_size
        totals = np.take_along_axis(scores, best, axis=1)[..., None]
        log_probs = np.take_along_axis(logs.reshape(rows, -1), best, axis=1)
        symbols = _extend(symbols, parents, best % vocab_size)
        own = _extend(own, parents, log_probs)
        states = [_select_states(state, (np.arange(rows)[:, None] * beam + parents).ravel()) for state in states]
    return Path(symbols[:, 0], np.exp(own[:, 0]))


def _extend(paths: np.ndarray, parents: Ints, values: np.ndarray) -> np.ndarray:
    """Append values [B, W] to the parents' paths [B, W, t]."""
    return np.concatenate([np.take_along_axis(paths, parents[..., None], axis=1), values[..., None]], axis=2)


def _select_states(state: State, rows: Ints) -> State:
    return replace(state, h=[h[rows] for h in state.h], c=[c[rows] for c in state.c])
