"""Trained forecaster of symbols, and the networks it consists of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lstmcast.data.calendar import Calendar
from lstmcast.data.panel import Panel
from lstmcast.forecasting.actuals import tail
from lstmcast.forecasting.forecaster import check_same_calendar
from lstmcast.nn.beam_search import BEAM, AutoregressiveEnsemble, Path, beam_search, sample
from lstmcast.nn.multistep import CHUNK_SIZE
from lstmcast.preprocessing.sequences import SymbolDataset
from lstmcast.results import named_steps, rendered
from lstmcast.types import Array, Floats, Ints

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class SymbolPipeline:
    """What turns the past of any series into symbols to come.

    Attributes:
        ensemble: the networks.
        context: L, the window they learnt from.
    """

    ensemble: AutoregressiveEnsemble
    context: int

    @property
    def required_history(self) -> int:
        """How many past symbols a forecast depends on: two windows."""
        return 2 * self.context

    def bind(self, panel: Panel) -> SymbolDataset:
        """The panel as the networks read it."""
        return sequences(panel, self.context)

    def stretches(self, seen: SymbolDataset, series: Ints, firsts: Ints) -> Floats:
        """What is said after each of L steps.

        Args:
            seen: the series.
            series: [B].
            firsts: [B] the first of the L steps (−1: before anything was read); each knows between one window and two.

        Returns:
            [B, L, V] logarithms of the probabilities of the symbol that follows each.
        """
        reads = seen.inputs(series, firsts + self.context - 1, self.required_history)
        return _in_parts(lambda part: self.ensemble.step_log_probs(reads[part], self.context), reads)

    def path(self, seen: SymbolDataset, series: Ints, origins: Ints, say: Callable[[Array], Path]) -> Path:
        """Symbols of the steps ahead of [B] series and origins, as `say` finds them from [B, L, V]."""
        size = max(1, CHUNK_SIZE // (self.required_history * seen.vocab_size * BEAM))
        parts = []
        for k in range(0, len(series), size):
            part = slice(k, k + size)
            parts.append(say(seen.inputs(series[part], origins[part], self.required_history)))
        return Path(np.concatenate([p.symbols for p in parts]), np.concatenate([p.probabilities for p in parts]))


def sequences(panel: Panel, context: int) -> SymbolDataset:
    """The panel's codes, to be cut into windows of L steps."""
    return SymbolDataset(panel.values.astype(np.int64), panel.offsets, len(panel.symbols), context)


def _in_parts(predict: Callable[[slice], Floats], x: Array) -> Floats:
    """What is said of [B, …], a few rows at once."""
    size = max(1, CHUNK_SIZE // max(1, int(np.prod(x.shape[1:]))))
    parts = [predict(slice(k, k + size)) for k in range(0, len(x), size)]
    return np.concatenate(parts)


TEXT = ".txt"


@dataclass(frozen=True)
class SymbolForecast:
    """H symbols to come of S series.

    Attributes:
        calendar: the data's.
        time: what its time column is called.
        key_columns: what the parts of a key are called.
        keys: S keys.
        origins: [S] position on the calendar of each series' last known step.
        codes: [S, H] which symbols are said to come.
        symbols: [V] what the codes stand for.
        probabilities: [S, H] the probability of each, given those before it.
        joint: what stands between two symbols of a text.
    """

    calendar: Calendar
    time: str
    key_columns: tuple[str, ...]
    keys: tuple[tuple[str, ...], ...]
    origins: Ints
    codes: Ints
    symbols: tuple[str, ...]
    probabilities: Floats
    joint: str = "\n"

    @property
    def horizon(self) -> int:
        """H."""
        return int(self.codes.shape[1])

    @property
    def predicted_symbols(self) -> npt.NDArray[np.object_]:
        """[S, H] the symbols."""
        return np.array(self.symbols, dtype=object)[self.codes]

    @property
    def positions(self) -> Ints:
        """[S, H] where on the calendar each symbol lies."""
        return self.origins[:, None] + np.arange(1, self.horizon + 1)

    def to_frame(self) -> pd.DataFrame:
        """One row a series and step, in the input's own columns and times, with `forecast` and `probability`."""
        import pandas as pd

        columns = {"forecast": self.predicted_symbols.ravel(), "probability": self.probabilities.ravel().round(6)}
        rows = named_steps(self.calendar, self.positions, time=self.time, names=self.key_columns, keys=self.keys)
        return pd.DataFrame({**rows, **columns})

    def render(self, suffix: str) -> bytes:
        """The table; or, as `.txt`, the symbols of each series, joined, one series after the other."""
        if suffix != TEXT:
            return rendered(self.to_frame(), suffix)
        lines = [self.joint.join(row) for row in self.predicted_symbols.tolist()]
        return "".join(f"{line}\n" for line in lines).encode()


@dataclass(frozen=True)
class SymbolForecaster:
    """A trained model and all it needs to go on without the file it was trained on.

    Attributes:
        pipeline: the networks.
        holdout_pipeline: the same from before they learnt the held-out steps: what the scores belong to.
        context: the last steps of every series.
        horizon: H of training, the default of `predict`.
        report: what a person may want to know later.
    """

    pipeline: SymbolPipeline
    holdout_pipeline: SymbolPipeline
    context: Panel
    horizon: int
    report: Mapping[str, Any]

    @property
    def is_text(self) -> bool:
        """Whether each step is a character of a plain text."""
        return bool(self.report["config"]["data"]["text"])

    def context_probabilities(self, codes: Ints, steps: int) -> Floats:
        """How likely each symbol was, one step before each of the last `steps` of [T] codes: [steps, V]."""
        series = np.zeros(1, dtype=np.int64)
        seen = SymbolDataset(codes, np.array([0, len(codes)]), len(self.context.symbols), self.pipeline.context)
        read = seen.inputs(series, series + len(codes) - 2, steps + self.pipeline.required_history - 1)
        return np.asarray(np.exp(self.pipeline.ensemble.step_log_probs(read, steps)[0]), dtype=np.float64)

    def predict(
        self,
        panel: Panel | None = None,
        horizon: int | None = None,
        *,
        temperature: float | None = None,
        seed: int = 0,
    ) -> SymbolForecast:
        """Say what comes after the end of every series.

        Args:
            panel: the newest data, read with the symbols of training; None: the context kept from training.
            horizon: steps ahead; None: that of training.
            temperature: draw each symbol, below 1 more likely ones more often; None: the likeliest path.
            seed: of what is drawn.

        Raises:
            DataError: the panel's columns or frequency are not those of training.
        """
        panel = self.context if panel is None else panel
        check_same_calendar(self.context, panel)
        recent = tail(panel, self.pipeline.required_history)
        steps, ensemble = self.horizon if horizon is None else horizon, self.pipeline.ensemble
        rng = np.random.default_rng(seed)
        path = self.pipeline.path(
            self.pipeline.bind(recent),
            np.arange(recent.n_series),
            recent.lengths - 1,
            lambda x: (
                beam_search(ensemble, x, steps)
                if temperature is None
                else sample(ensemble, x, steps, temperature=temperature, rng=rng)
            ),
        )
        return SymbolForecast(
            calendar=panel.calendar,
            time=panel.columns.time or "step",
            key_columns=panel.key_columns,
            keys=panel.keys,
            origins=recent.ends,
            codes=path.symbols,
            symbols=panel.symbols,
            probabilities=path.probabilities,
            joint="" if self.is_text else "\n",
        )
