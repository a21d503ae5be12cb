"""A trained model of symbols: what it is made of, and what it says comes next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lstmcast.classifier.category.running import SymbolPipeline
from lstmcast.data.calendar import Calendar
from lstmcast.data.panel import Panel
from lstmcast.forecast import named_steps, rendered
from lstmcast.forecaster.trained import check_same_calendar
from lstmcast.forecaster.truth import tail
from lstmcast.model.paths import beam_search, sample
from lstmcast.model.sequences import SymbolDataset

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

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
