"""`model.head: category`: which symbol comes at each of the next H steps, in columns of symbols and in plain text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lstmcast.classifier.category import saving
from lstmcast.classifier.category.report import fingerprint
from lstmcast.classifier.category.trained import TEXT, SymbolForecast, SymbolForecaster
from lstmcast.data.panel import Panel
from lstmcast.data.read import read
from lstmcast.data.records import ReadOptions
from lstmcast.data.symbols import symbols_of
from lstmcast.data.text import read_characters
from lstmcast.forecast import FORMATS, rendered
from lstmcast.forecaster.reading import lacking, pinned_options
from lstmcast.kinds.kind import BacktestOptions, Note, PlotOptions, PredictOptions, Tensors, refuse
from lstmcast.show import console, symbols

if TYPE_CHECKING:
    from lstmcast.classifier.category.rolling import SymbolBacktestResult
    from lstmcast.config import Config
    from lstmcast.forecaster.fits import Tell
    from lstmcast.store.checkpoint import Checkpoint

HEAD = "category"


@dataclass(frozen=True)
class CategoryBacktest:
    """A backtest of symbols."""

    rolled: SymbolBacktestResult

    @property
    def better(self) -> bool:
        """Whether the LSTM was better than the best baseline."""
        return self.rolled.better

    @property
    def short(self) -> tuple[str, ...]:
        """Series that could not be scored."""
        return self.rolled.short

    def told(self) -> str:
        """The table of scores."""
        return symbols.backtested(self.rolled)

    def files(self, *, figures: bool) -> dict[str, bytes]:
        """Two tables, and the figure."""
        tables = {"scores.csv": self.rolled.scores(), "symbols.csv": self.rolled.steps()}
        files = {name: rendered(table, ".csv") for name, table in tables.items()}
        if figures:
            from lstmcast.show import symbol_plot
            from lstmcast.show.plot import render

            files["scores.png"] = render(symbol_plot.scores(self.rolled.to_dict()), ".png")
        return files

    def to_dict(self) -> dict[str, Any]:
        """All scores."""
        return self.rolled.to_dict()


class CategoryTask:
    """The task; see `Task`."""

    formats = (*FORMATS, TEXT)

    def read(self, data: str, config: Config) -> Panel:
        """A panel of codes."""
        return _read(data, ReadOptions.of(config.data.model_dump()))

    def found(self, past: Panel, now: datetime) -> str:
        """Columns, frequency, gaps."""
        return console.found(past, now)

    def fingerprint(self, past: Panel) -> str:
        """Of keys, times and symbols."""
        return fingerprint(past)

    def train(
        self, past: Panel, config: Config, *, checkpoint: Checkpoint | None, tell: Tell, note: Note
    ) -> SymbolForecaster:
        """A teller of symbols."""
        from lstmcast.classifier.category.training import train

        return train(past, config, checkpoint=checkpoint, tell=tell, planned=lambda plan: note(console.planned(plan)))

    def judged(self, report: Mapping[str, Any]) -> str:
        """Bits, hits, hits among the likeliest."""
        return symbols.judged(report)

    def to_artifact(self, trained: SymbolForecaster) -> tuple[dict[str, Any], Tensors]:
        """Manifest and arrays."""
        return saving.to_artifact(trained)

    def from_artifact(self, manifest: Mapping[str, Any], tensors: Tensors) -> SymbolForecaster:
        """The teller."""
        return saving.from_artifact(manifest, tensors)

    def newest(self, trained: SymbolForecaster, data: str) -> tuple[Panel, tuple[str, ...]]:
        """The same columns, format and symbols; a text goes on wherever it likes."""
        context = trained.context
        panel = _read(data, pinned_options(context, trained.report["config"]["data"]), context.symbols)
        strange = int(np.count_nonzero(panel.observed & (panel.values < 0)))
        new = f"{panel.source}: {console.count(strange, 'step')} with a symbol that training never met: not known"
        return panel, (*(() if trained.is_text else lacking(context, panel)), *((new,) if strange else ()))

    def kept(self, trained: SymbolForecaster) -> Panel:
        """The last steps of every series."""
        return trained.context

    def predict(self, trained: SymbolForecaster, past: Panel, wish: PredictOptions) -> SymbolForecast:
        """H symbols of every series: the likeliest path, or one that is drawn."""
        if wish.temperature is None:
            refuse(wish, f"{HEAD}, unless a --temperature is given", "horizon")
        return trained.predict(past, wish.horizon, temperature=wish.temperature, seed=wish.seed or 0)

    def made(
        self, outcome: SymbolForecast, trained: SymbolForecaster, past: Panel, *, version: Path, target: str
    ) -> str:
        """Steps, series, span."""
        return symbols.made(outcome, version, target, trained.report, past.notes)

    def plot(self, trained: SymbolForecaster, past: Panel, view: PlotOptions) -> tuple[bytes, str]:
        """The last symbols and those to come, with what was thought likely; or the scores of what was held out."""
        from lstmcast.show import symbol_plot
        from lstmcast.show.plot import render

        if view.backtest:
            refuse(view, HEAD, "backtest")
            return render(symbol_plot.scores(trained.report), view.suffix), "held out"
        refuse(view, HEAD, "horizon", "series", "history")
        figure, shown = symbol_plot.ahead(trained, past, view.series, horizon=view.horizon, history=view.history)
        return render(figure, view.suffix), f"{shown} of {past.n_series} series"

    def backtest(
        self, past: Panel, config: Config, rolling: BacktestOptions, *, tell: Tell, note: Note
    ) -> CategoryBacktest:
        """Train on all but the last third, and score every step of that."""
        from lstmcast.classifier.category.rolling import roll

        refuse(rolling, HEAD)
        return CategoryBacktest(roll(past, config, tell=tell, planned=lambda plan: note(console.planned(plan))))


def _read(data: str, options: ReadOptions, known: tuple[str, ...] = ()) -> Panel:
    """A text, or a file with a column of symbols."""
    return read_characters(data, options, known) if options.text else read(data, options, symbols_of(known))
