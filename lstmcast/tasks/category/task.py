"""`model.head: category`: which symbol comes at each of the next H steps, in columns of symbols and in plain text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.data.schema import ReadOptions
from lstmcast.data.targets import read_characters, symbols_of
from lstmcast.forecasting.new_data import data_warnings, pinned_options
from lstmcast.report import console, task_tables
from lstmcast.results import FORMATS, rendered
from lstmcast.tasks.base import BacktestOptions, Note, PlotOptions, PredictOptions, Tensors, reject_flags
from lstmcast.tasks.category import codec
from lstmcast.tasks.category.model import TEXT, SymbolForecast, SymbolForecaster
from lstmcast.tasks.category.train import fingerprint

if TYPE_CHECKING:
    from lstmcast.config import Config
    from lstmcast.forecasting.fitting import ProgressCallback
    from lstmcast.persistence.checkpoint import Checkpoint
    from lstmcast.tasks.category.backtest import SymbolBacktestResult

HEAD = "category"


@dataclass(frozen=True)
class CategoryBacktest:
    """A backtest of symbols."""

    result: SymbolBacktestResult

    @property
    def better(self) -> bool:
        """Whether the LSTM was better than the best baseline."""
        return self.result.better

    @property
    def warnings(self) -> tuple[str, ...]:
        """Series that could not be scored."""
        return self.result.warnings

    def summary(self) -> str:
        """The table of scores."""
        return task_tables.format_category_backtest(self.result)

    def files(self, *, figures: bool) -> dict[str, bytes]:
        """Two tables, and the figure."""
        tables = {"scores.csv": self.result.scores(), "symbols.csv": self.result.steps()}
        files = {name: rendered(table, ".csv") for name, table in tables.items()}
        if figures:
            from lstmcast.report.figures import categories
            from lstmcast.report.figures.panels import render

            files["scores.png"] = render(categories.scores(self.result.to_dict()), ".png")
        return files

    def to_dict(self) -> dict[str, Any]:
        """All scores."""
        return self.result.to_dict()


class CategoryTask:
    """The task; see `Task`."""

    formats = (*FORMATS, TEXT)

    def read(self, data: str, config: Config) -> Panel:
        """A panel of codes."""
        return _read(data, ReadOptions.of(config.data.model_dump()))

    def describe_data(self, past: Panel, now: datetime) -> str:
        """Columns, frequency, gaps."""
        return console.format_data(past, now)

    def fingerprint(self, past: Panel) -> str:
        """Of keys, times and symbols."""
        return fingerprint(past)

    def train(
        self, past: Panel, config: Config, *, checkpoint: Checkpoint | None, on_progress: ProgressCallback, note: Note
    ) -> SymbolForecaster:
        """A teller of symbols."""
        from lstmcast.tasks.category.train import train

        return train(
            past,
            config,
            checkpoint=checkpoint,
            on_progress=on_progress,
            planned=lambda plan: note(console.format_plan(plan)),
        )

    def describe_scores(self, report: Mapping[str, Any]) -> str:
        """Bits, hits, hits among the likeliest."""
        return task_tables.format_category_scores(report)

    def to_artifact(self, trained: SymbolForecaster) -> tuple[dict[str, Any], Tensors]:
        """Manifest and arrays."""
        return codec.to_artifact(trained)

    def from_artifact(self, manifest: Mapping[str, Any], tensors: Tensors) -> SymbolForecaster:
        """The teller."""
        return codec.from_artifact(manifest, tensors)

    def read_new_data(self, trained: SymbolForecaster, data: str) -> tuple[Panel, tuple[str, ...]]:
        """The same columns, format and symbols; a text goes on wherever it likes."""
        context = trained.context
        panel = _read(data, pinned_options(context, trained.report["config"]["data"]), context.symbols)
        strange = int(np.count_nonzero(panel.observed & (panel.values < 0)))
        new = f"{panel.source}: {console.count(strange, 'step')} with a symbol that training never met: not known"
        return panel, (*(() if trained.is_text else data_warnings(context, panel)), *((new,) if strange else ()))

    def stored_context(self, trained: SymbolForecaster) -> Panel:
        """The last steps of every series."""
        return trained.context

    def predict(self, trained: SymbolForecaster, past: Panel, options: PredictOptions) -> SymbolForecast:
        """H symbols of every series: the likeliest path, or one that is drawn."""
        if options.temperature is None:
            reject_flags(options, f"{HEAD}, unless a --temperature is given", "horizon")
        return trained.predict(past, options.horizon, temperature=options.temperature, seed=options.seed or 0)

    def describe_prediction(
        self, outcome: SymbolForecast, trained: SymbolForecaster, past: Panel, *, version: Path, target: str
    ) -> str:
        """Steps, series, span."""
        return task_tables.format_category_forecast(outcome, version, target, trained.report, past.notes)

    def plot(self, trained: SymbolForecaster, past: Panel, options: PlotOptions) -> tuple[bytes, str]:
        """The last symbols and those to come, with what was thought likely; or the scores of what was held out."""
        from lstmcast.report.figures import categories
        from lstmcast.report.figures.panels import render

        if options.backtest:
            reject_flags(options, HEAD, "backtest")
            return render(categories.scores(trained.report), options.suffix), "held out"
        reject_flags(options, HEAD, "horizon", "series", "history")
        figure, shown = categories.ahead(
            trained, past, options.series, horizon=options.horizon, history=options.history
        )
        return render(figure, options.suffix), f"{shown} of {past.n_series} series"

    def backtest(
        self, past: Panel, config: Config, options: BacktestOptions, *, on_progress: ProgressCallback, note: Note
    ) -> CategoryBacktest:
        """Train on all but the last third, and score every step of that."""
        from lstmcast.tasks.category.backtest import backtest

        reject_flags(options, HEAD)
        return CategoryBacktest(
            backtest(past, config, on_progress=on_progress, planned=lambda plan: note(console.format_plan(plan)))
        )


def _read(data: str, options: ReadOptions, known: tuple[str, ...] = ()) -> Panel:
    """A text, or a file with a column of symbols."""
    return read_characters(data, options, known) if options.text else read(data, options, symbols_of(known))
