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
from lstmcast.forecaster.trained import refuse_change
from lstmcast.forecaster.truth import last_steps
from lstmcast.model.paths import drawn, likeliest
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
        chances: [S, H] the probability of each, given those before it.
        joint: what stands between two symbols of a text.
    """

    calendar: Calendar
    time: str
    key_columns: tuple[str, ...]
    keys: tuple[tuple[str, ...], ...]
    origins: Ints
    codes: Ints
    symbols: tuple[str, ...]
    chances: Floats
    joint: str = "\n"

    @property
    def horizon(self) -> int:
        """H."""
        return int(self.codes.shape[1])

    @property
    def said(self) -> npt.NDArray[np.object_]:
        """[S, H] the symbols."""
        return np.array(self.symbols, dtype=object)[self.codes]

    @property
    def positions(self) -> Ints:
        """[S, H] where on the calendar each symbol lies."""
        return self.origins[:, None] + np.arange(1, self.horizon + 1)

    def to_frame(self) -> pd.DataFrame:
        """One row a series and step, in the input's own columns and times, with `forecast` and `probability`."""
        import pandas as pd

        said = {"forecast": self.said.ravel(), "probability": self.chances.ravel().round(6)}
        rows = named_steps(self.calendar, self.positions, time=self.time, names=self.key_columns, keys=self.keys)
        return pd.DataFrame({**rows, **said})

    def render(self, suffix: str) -> bytes:
        """The table; or, as `.txt`, the symbols of each series, joined, one series after the other."""
        if suffix != TEXT:
            return rendered(self.to_frame(), suffix)
        lines = [self.joint.join(row) for row in self.said.tolist()]
        return "".join(f"{line}\n" for line in lines).encode()


@dataclass(frozen=True)
class SymbolForecaster:
    """A trained model and all it needs to go on without the file it was trained on.

    Attributes:
        reader: the networks.
        judged: the same from before they learnt the held-out steps: what the scores belong to.
        context: the last steps of every series.
        horizon: H of training, the default of `predict`.
        report: what a person may want to know later.
    """

    reader: SymbolPipeline
    judged: SymbolPipeline
    context: Panel
    horizon: int
    report: Mapping[str, Any]

    @property
    def is_text(self) -> bool:
        """Whether each step is a character of a plain text."""
        return bool(self.report["config"]["data"]["text"])

    def thought(self, codes: Ints, steps: int) -> Floats:
        """How likely each symbol was, one step before each of the last `steps` of [T] codes: [steps, V]."""
        series = np.zeros(1, dtype=np.int64)
        seen = SymbolDataset(codes, np.array([0, len(codes)]), len(self.context.symbols), self.reader.context)
        read = seen.inputs(series, series + len(codes) - 2, steps + self.reader.reach - 1)
        return np.asarray(np.exp(self.reader.speaker.every(read, steps)[0]), dtype=np.float64)

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
        refuse_change(self.context, panel)
        recent = last_steps(panel, self.reader.reach)
        steps, speaker = self.horizon if horizon is None else horizon, self.reader.speaker
        rng = np.random.default_rng(seed)
        path = self.reader.path(
            self.reader.on(recent),
            np.arange(recent.n_series),
            recent.lengths - 1,
            lambda x: (
                likeliest(speaker, x, steps)
                if temperature is None
                else drawn(speaker, x, steps, temperature=temperature, rng=rng)
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
            chances=path.chances,
            joint="" if self.is_text else "\n",
        )
