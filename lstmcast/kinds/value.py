"""`model.head: value`: numbers with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lstmcast.data.panel import Panel
from lstmcast.data.read import read
from lstmcast.data.records import ReadOptions
from lstmcast.forecast import FORMATS, Forecast
from lstmcast.forecaster import saving
from lstmcast.forecaster.reading import lacking, pinned
from lstmcast.forecaster.trained import Forecaster, fingerprint
from lstmcast.kinds.kind import BacktestOptions, Note, PlotOptions, PredictOptions, Tensors, refuse
from lstmcast.show import console

if TYPE_CHECKING:
    from lstmcast.config import Config
    from lstmcast.evaluation.scores import BacktestResult
    from lstmcast.forecaster.fits import Tell
    from lstmcast.store.checkpoint import Checkpoint


@dataclass(frozen=True)
class ValueBacktest:
    """A backtest of values."""

    scores: BacktestResult

    @property
    def better(self) -> bool:
        """Whether the LSTM was better than the best baseline."""
        return self.scores.skill.better

    @property
    def short(self) -> tuple[str, ...]:
        """Series that could not be scored."""
        left_out = self.scores.left_out
        return (f"left out: {left_out:,} series too short for so many origins",) if left_out else ()

    def told(self) -> str:
        """The table of scores."""
        from lstmcast.show.score_table import backtested

        return backtested(self.scores)

    def files(self, *, figures: bool) -> dict[str, bytes]:
        """Two tables, and the figures."""
        tables = {"scores.csv": self.scores.to_frame(), "forecasts.csv": self.scores.forecasts()}
        files = {name: table.to_csv(index=False, lineterminator="\n").encode() for name, table in tables.items()}
        if figures:
            from lstmcast.show.scores import pictures

            files |= pictures(self.scores)
        return files

    def to_dict(self) -> dict[str, Any]:
        """All scores."""
        return self.scores.to_dict()


class ValueTask:
    """The task; see `Task`."""

    formats = FORMATS

    def read(self, data: str, config: Config) -> Panel:
        """A panel."""
        return read(data, ReadOptions.of(config.data.model_dump()))

    def found(self, past: Panel, now: datetime) -> str:
        """Columns, frequency, gaps."""
        return console.found(past, now)

    def fingerprint(self, past: Panel) -> str:
        """Of keys, times and values."""
        return fingerprint(past)

    def train(
        self, past: Panel, config: Config, *, checkpoint: Checkpoint | None, tell: Tell, note: Note
    ) -> Forecaster:
        """A forecaster."""
        from lstmcast.forecaster.training import train

        return train(past, config, checkpoint=checkpoint, tell=tell, planned=lambda plan: note(console.planned(plan)))

    def judged(self, report: Mapping[str, Any]) -> str:
        """MAE, RMSE, sMAPE, MASE and coverage."""
        return console.judged(report)

    def to_artifact(self, trained: Forecaster) -> tuple[dict[str, Any], Tensors]:
        """Manifest and arrays."""
        return saving.to_artifact(trained)

    def from_artifact(self, manifest: Mapping[str, Any], tensors: Tensors) -> Forecaster:
        """The forecaster."""
        return saving.from_artifact(manifest, tensors)

    def newest(self, trained: Forecaster, data: str) -> tuple[Panel, tuple[str, ...]]:
        """The same columns and format."""
        panel = read(data, pinned(trained))
        return panel, tuple(lacking(trained.context, panel))

    def kept(self, trained: Forecaster) -> Panel:
        """The last steps of every series."""
        return trained.context

    def predict(self, trained: Forecaster, past: Panel, wish: PredictOptions) -> Forecast:
        """H steps of every series."""
        refuse(wish, "value", "horizon")
        return trained.predict(past, wish.horizon)

    def made(self, outcome: Forecast, trained: Forecaster, past: Panel, *, version: Path, target: str) -> str:
        """Steps, series, span."""
        return console.made(outcome, version, target, trained.report, past.notes)

    def plot(self, trained: Forecaster, past: Panel, view: PlotOptions) -> tuple[bytes, str]:
        """History, forecast and intervals; or what was held out; or a file of before."""
        from lstmcast.show import figures

        if view.backtest:
            strips = figures.backtest_strips(past, trained, view.series)
        elif view.forecast:
            strips = figures.file_strips(past, view.forecast, view.series)
        else:
            strips = figures.forecast_strips(past, trained.predict(past, view.horizon), view.series)
        content = figures.picture(strips, trained, view.suffix, backtest=view.backtest, history=view.history)
        return content, f"{len(strips)} of {past.n_series} series"

    def backtest(
        self, past: Panel, config: Config, rolling: BacktestOptions, *, tell: Tell, note: Note
    ) -> ValueBacktest:
        """Rolling origins."""
        from lstmcast.backtesting.run import backtest

        return ValueBacktest(
            backtest(
                past,
                config,
                origins=rolling.origins,
                step=rolling.step,
                refit=rolling.refit,
                classical=rolling.classical,
                tell=tell,
                note=note,
            )
        )
