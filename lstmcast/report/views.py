"""Rendering of results by their type, as text, figures and files. Every entry is imported on demand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from lstmcast.forecasts import rendered

if TYPE_CHECKING:
    from lstmcast.tasks.base import Backtest, PlotOptions, TrainedModel

TEXTS: Mapping[str, str] = {
    "Panel": "console.format_data",
    "LabeledPanel": "task_tables.format_labeled_data",
    "NetworkPlan": "console.format_plan",
    "LabelPlan": "task_tables.format_label_plan",
    "ValueReport": "console.format_scores",
    "EventReport": "task_tables.format_event_scores",
    "CategoryReport": "task_tables.format_category_scores",
    "LabelReport": "task_tables.format_label_scores",
    "WrittenForecast": "console.format_written",
    "BacktestResult": "tables.format_backtest",
    "EventBacktest": "task_tables.format_event_backtest",
    "SymbolBacktest": "task_tables.format_category_backtest",
    "LabelBacktest": "task_tables.format_label_backtest",
    "Explanation": "explanation_text.format_explanation",
    "DriverEffects": "explanation_text.format_effects",
}
"""The type of a result to a function of this package that formats it; a base class stands for its subclasses."""

PLOTS: Mapping[str, str] = {
    "Forecaster": "figures.forecast.plot_model",
    "EventForecaster": "figures.events.plot_events",
    "SymbolForecaster": "figures.categories.plot_model",
    "SeriesClassifier": "figures.labels.plot_labels",
}
"""The type of a model to the function that draws its forecast or its hold-out."""

BACKTEST_FIGURES: Mapping[str, str] = {
    "BacktestResult": "figures.backtest.pictures",
    "EventBacktest": "figures.events.event_backtest",
    "SymbolBacktest": "figures.categories.backtest",
    "LabelBacktest": "figures.labels.label_backtest",
}
"""The type of a backtest to the function that draws it."""

EXPLANATION_VALUES: Mapping[str, str] = {
    "Explanation": "explanation_text.to_dict",
    "DriverEffects": "explanation_text.effects_to_dict",
}
"""The type of an explanation to the function that turns it into JSON values."""

EXPLANATION_FIGURES: Mapping[str, str] = {
    "Explanation": "figures.explanation.render_explanation",
    "DriverEffects": "figures.components.effects_figure",
}
"""The type of an explanation to the function that draws it."""


def text(result: object) -> str:
    """Return a result as text for the console; a string is a line of progress and stays as it is."""
    if isinstance(result, str):
        return result
    formatted: str = _renderer(TEXTS, result)(result)
    return formatted


def plot(model: TrainedModel, dataset: Any, options: PlotOptions) -> tuple[bytes, str]:
    """Draw a forecast, a hold-out or a forecast file.

    Returns:
        The contents of the figure, and a short description: `1 of 1 series`.

    Raises:
        UsageError: a flag has no meaning for the task, or there is no such series.
    """
    content, description = _renderer(PLOTS, model)(model, dataset, options)
    return content, description


def explanation_values(explained: object) -> dict[str, Any]:
    """Return an explanation as JSON values."""
    values: dict[str, Any] = _renderer(EXPLANATION_VALUES, explained)(explained)
    return values


def explanation_figure(explained: object, target: str, suffix: str) -> bytes:
    """Draw an explanation of the forecast of a target."""
    content: bytes = _renderer(EXPLANATION_FIGURES, explained)(explained, target, suffix)
    return content


def backtest_files(result: Backtest, *, figures: bool) -> dict[str, bytes]:
    """Return the files of a backtest by name: two tables and, if requested, the figures."""
    tables = {"scores.csv": result.to_frame(), "forecasts.csv": result.forecasts()}
    files = {name: rendered(table, ".csv") for name, table in tables.items()}
    return files | (_renderer(BACKTEST_FIGURES, result)(result) if figures else {})


def _renderer(table: Mapping[str, str], result: object) -> Callable[..., Any]:
    """The function of the table for the type of a result, or for the nearest of its base classes."""
    path = next(table[kind.__name__] for kind in type(result).__mro__ if kind.__name__ in table)
    module, _, name = path.rpartition(".")
    renderer: Callable[..., Any] = getattr(import_module(f"lstmcast.report.{module}"), name)
    return renderer
