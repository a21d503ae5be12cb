"""Figures of symbols: past and forecast symbols with their probabilities, and bits per symbol by method.

Plain values in, a matplotlib Figure out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lstmcast.report.figures.forecast import selected_series
from lstmcast.report.figures.frame import EDGE, Frame
from lstmcast.report.figures.panels import render
from lstmcast.report.figures.style import QUIET, house_style, literal, shorten
from lstmcast.report.verdict import label, verdict
from lstmcast.results import LSTMCAST
from lstmcast.tasks.base import PlotOptions, reject_flags
from lstmcast.types import Floats, Ints

if TYPE_CHECKING:
    from lstmcast.data.panel import Panel
    from lstmcast.tasks.category.model import SymbolForecaster, SymbolScores
    from lstmcast.tasks.category.scores import SymbolBacktest


ROWS = 12  # symbols that a panel names, at most
PAST, AHEAD = 40, 24  # steps shown by default
FAR = 6  # steps from one time to the next that is written
WIDTH = 10.0  # inches
ROW, GAP = 0.21, 0.55  # inches of a symbol, between two panels
ACTUAL_COLOR, PREDICTED_COLOR = "#111111", "#d55e00"
NAMES = {" ": "␣ space", "\n": "↵ line end", "\t": "⇥ tab"}
LOOKS: Mapping[bool, Mapping[str, Any]] = {
    True: {"facecolor": ACTUAL_COLOR, "edgecolor": "white", "label": "actual"},
    False: {"facecolor": "none", "edgecolor": PREDICTED_COLOR, "linewidth": 1.6, "label": "forecast"},
}


@dataclass(frozen=True)
class SymbolTimeline:
    """One series: the probabilities at each step, and the symbols.

    Attributes:
        name: of the series.
        ticks: [T] what stands below each step.
        probabilities: [T, V] one-step-ahead probabilities.
        codes: [T] actual or forecast symbols; −1 where not known.
        known: how many of the T steps are past.
        symbols: [V] what the codes stand for.
    """

    name: str
    ticks: Sequence[str]
    probabilities: Floats
    codes: Ints
    known: int
    symbols: tuple[str, ...]

    @property
    def rows(self) -> Ints:
        """The codes to draw, in their order: the actual and forecast symbols, then the most likely ones."""
        weight = self.probabilities.sum(axis=0)
        shown = self.codes[self.codes >= 0]
        weight[shown] += len(self.codes)
        return np.sort(np.argsort(-weight, kind="stable")[:ROWS])


def plot_model(model: SymbolForecaster, panel: Panel, options: PlotOptions) -> tuple[bytes, str]:
    """Draw the last and the next symbols with probabilities, or the scores on the hold-out."""
    if options.backtest:
        reject_flags(options, "category", "backtest")
        return render(scores(model.report.evaluation), options.suffix), "hold-out"
    reject_flags(options, "category", "horizon", "series", "history_steps")
    figure, shown = ahead(model, panel, options.series, horizon=options.horizon, history=options.history_steps)
    return render(figure, options.suffix), f"{shown} of {panel.n_series} series"


def backtest(result: SymbolBacktest) -> dict[str, bytes]:
    """Draw the scores of a backtest; return the figures by file name."""
    return {"scores.png": render(scores(result.evaluation.summary), ".png")}


def ahead(
    model: SymbolForecaster, panel: Panel, keys: Sequence[str], *, horizon: int | None, history: int | None
) -> tuple[Figure, int]:
    """Draw the last symbols and the most likely path ahead.

    Args:
        model: the model.
        panel: the newest data.
        keys: which series, parts joined by '/'; empty: the first few.
        horizon: steps ahead; None: those of training, but no more than can be read.
        history: past steps; None: 40.

    Returns:
        The figure, and how many series it shows.

    Raises:
        UsageError: an unknown series, or too many.
    """
    steps = min(model.horizon, AHEAD) if horizon is None else horizon
    panel = panel.recode(model.context.symbols)
    forecast = model.predict(panel, steps)
    timelines = [
        _timeline(model, panel, k, forecast.codes[k], history or PAST)
        for k in selected_series(panel, keys, range(panel.n_series))
    ]
    source = PurePath(model.report.data.source).name
    title = f"Most likely {panel.columns.target[0] if len(panel.columns.target) == 1 else 'symbols'} ahead ({source})"
    return _draw(timelines, title, verdict(model.report.evaluation)), len(timelines)


def _timeline(model: SymbolForecaster, panel: Panel, k: int, path: Ints, history: int) -> SymbolTimeline:
    """Series k: its last steps and the forecast path, with the probabilities of each step."""
    known = min(history, int(panel.lengths[k]))
    codes = np.concatenate([panel.series(k).astype(np.int64), path])
    positions = panel.ends[k] + np.arange(1 - known, len(path) + 1)
    shown = codes[-known - len(path) :]
    ticks = panel.calendar.text(positions)
    if model.is_text:
        ticks = [_name(panel.symbols[code])[:1] if code >= 0 else "" for code in shown.tolist()]
    return SymbolTimeline(
        "/".join(panel.keys[k]), ticks, model.context_probabilities(codes, len(shown)), shown, known, panel.symbols
    )


def _name(symbol: str) -> str:
    return NAMES.get(symbol, literal(symbol))


def _draw(timelines: Sequence[SymbolTimeline], title: str, caption: str) -> Figure:
    """A panel for each board, from top to bottom."""
    heights = [ROW * len(timeline.rows) + GAP * (1 + _is_long(timeline)) for timeline in timelines]
    with house_style():
        frame = Frame.of(title, caption, WIDTH)
        head, foot = frame.head + 0.3, frame.foot + EDGE
        height = head + sum(heights) + foot
        figure = Figure(figsize=(WIDTH, height))
        frame.write(figure)
        figure.set_layout_engine("constrained", rect=(0.01, foot / height, 0.98, 1 - (head + foot) / height))
        grid = figure.add_gridspec(len(timelines), 1, height_ratios=heights)
        for row, timeline in enumerate(timelines):
            axes = figure.add_subplot(grid[row])
            _draw_timeline(axes, timeline)
        handles, labels = figure.axes[0].get_legend_handles_labels()
        title_position = EDGE / WIDTH, 1 - frame.head / height
        figure.legend(
            handles, labels, loc="upper left", bbox_to_anchor=title_position, ncols=2, frameon=False, borderaxespad=0
        )
        figure.colorbar(figure.axes[0].images[0], ax=figure.axes, label="probability", pad=0.01)
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
    return figure


def _is_long(timeline: SymbolTimeline) -> bool:
    """Return True if the tick labels are rotated."""
    return max(map(len, timeline.ticks)) > 1


def _draw_timeline(axes: Axes, timeline: SymbolTimeline) -> None:
    """Probabilities as shades, actual symbols as dots, forecast symbols as rings."""
    rows = timeline.rows
    axes.imshow(timeline.probabilities[:, rows].T, cmap="Blues", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    steps, rows_of_codes = np.arange(len(timeline.codes)), np.searchsorted(rows, timeline.codes)
    visible = np.isin(timeline.codes, rows)
    for past in (True, False):
        own = visible & ((steps < timeline.known) == past)
        axes.scatter(steps[own], rows_of_codes[own], s=22, zorder=3, **LOOKS[past])
    axes.axvline(timeline.known - 0.5, color=QUIET, linewidth=0.8)
    axes.set_yticks(
        range(len(rows)), [shorten(_name(timeline.symbols[code]), size=8, width=110) for code in rows], size=8
    )
    every = max(FAR if _is_long(timeline) else 1, -(-len(timeline.ticks) // (PAST + AHEAD)))
    axes.set_xticks(steps[::every], list(timeline.ticks)[::every], size=7, rotation=90 if _is_long(timeline) else 0)
    axes.tick_params(length=0)
    axes.set_title(shorten(timeline.name, size=9, width=600), loc="left", size=9)


def scores(evaluation: SymbolScores) -> Figure:
    """Bits per symbol of lstmcast and of each baseline, as bars: shorter is better."""
    rows = {name: row["bits"] for name, row in evaluation.scores.items() if not np.isnan(row["bits"])}
    order = sorted(rows, key=lambda name: -rows[name])
    with house_style():
        figure = Figure(figsize=(WIDTH, 1.5 + 0.3 * len(order)), layout="constrained")
        axes = figure.add_subplot()
        colors = ["#0072b2" if name == LSTMCAST else "#c9c9c9" for name in order]
        bars = axes.barh([label(name) for name in order], [rows[name] for name in order], color=colors)
        axes.bar_label(bars, fmt="%.3f", padding=3, size=8)
        axes.set_xlabel("bits per symbol (cross-entropy of held-out symbols; lower is better)")
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
        figure.suptitle("Held-out symbols", x=0.015, ha="left", size=13, weight="bold")
        caption = Frame.of("", verdict(evaluation), WIDTH).caption
        figure.supxlabel("\n".join(caption), x=0.015, ha="left", size=8, color=QUIET)
    return figure
