"""`lstmcast plot` and `lstmcast explain`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from lstmcast.cli.options import CONFIG, MODEL, MODEL_DIR, QUIET, READING, echo_err, given_data_keys


@click.command(short_help="Draw history, forecast and intervals")
@click.argument("data", metavar="[DATA]", required=False)
@MODEL
@MODEL_DIR
@CONFIG
@READING
@click.option("--horizon", type=click.IntRange(1), metavar="N", help="Horizon, in steps.  [default: as trained]")
@click.option(
    "--forecast",
    "forecast_file",
    metavar="FILE",
    help="Draw a forecast written by predict (CSV), with the actual values.",
)
@click.option("--backtest", is_flag=True, help="Draw the hold-out forecasts of the training.")
@click.option("--components", is_flag=True, help="Draw one forecast with level, season, holidays and covariates.")
@click.option(
    "--series",
    "keys",
    multiple=True,
    metavar="KEY",
    help="Key of a series, parts joined by '/'; repeatable.  [default: the first 9]",
)
@click.option("--history-steps", type=click.IntRange(1), metavar="N", help="Past steps to show.")
@click.option(
    "-o",
    "--output",
    default="forecast.png",
    metavar="FILE",
    help="Figure: .png, .svg or .pdf.  [default: forecast.png]",
)
@QUIET
def plot(
    data: str | None,
    model: str | None,
    model_dir: str | None,
    config_name: str | None,
    settings: tuple[str, ...],
    horizon: int | None,
    forecast_file: str | None,
    keys: tuple[str, ...],
    history_steps: int | None,
    output: str,
    *,
    backtest: bool,
    components: bool,
    quiet: bool,
    **reading: object,
) -> None:
    """Draw history, forecast, intervals, and actual values if they are known."""
    from lstmcast.app import load_model
    from lstmcast.errors import UsageError
    from lstmcast.persistence.files import write_atomically
    from lstmcast.report import views
    from lstmcast.tasks.base import PlotOptions

    if bool(forecast_file) + backtest + components > 1:
        raise UsageError("--backtest, --components and --forecast cannot be drawn together: choose one")
    options = PlotOptions(Path(output).suffix, horizon, forecast_file, backtest, keys, history_steps, components)
    loaded = load_model(model_dir, model, data, given_data_keys(config_name, settings, reading))
    content, shown = views.plot(loaded.model, loaded.dataset, options)
    write_atomically(Path(output), content)
    if not quiet:
        echo_err(f"{output}: {shown}, {loaded.version}")


@click.command(short_help="Show which past values made a forecast")
@click.argument("data", metavar="[DATA]", required=False)
@MODEL
@MODEL_DIR
@CONFIG
@READING
@click.option("--series", "key", metavar="KEY", help="Key of the series, parts joined by '/'.  [default: the first]")
@click.option("--origin", metavar="TIME", help="Time of the last step before the forecast.  [default: the last one]")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Figure: .png, .svg or .pdf.  [default: explanation.png; none with --json]",
)
@click.option("--drivers", is_flag=True, help="Explain by level, season, holidays and covariates alone.")
@click.option("--json", "as_json", is_flag=True, help="Print all numbers as JSON instead of the text.")
@QUIET
def explain(
    data: str | None,
    model: str | None,
    model_dir: str | None,
    config_name: str | None,
    settings: tuple[str, ...],
    key: str | None,
    origin: str | None,
    output: str | None,
    *,
    drivers: bool,
    as_json: bool,
    quiet: bool,
    **reading: object,
) -> None:
    """Explain a forecast: past values, covariates and holidays that made it, memory and gates of the network.

    The forecast is the current one, or that of a given series and origin. TensorFlow is not needed. With --drivers, it
    is divided into level, season, holidays and covariates alone; their responses are drawn.
    """
    from lstmcast import app
    from lstmcast.persistence.files import write_atomically
    from lstmcast.report import views

    loaded = app.load_model(model_dir, model, data, given_data_keys(config_name, settings, reading))
    series, explained = app.explain(loaded, key, origin, drivers=drivers)
    panel, target = loaded.dataset, output or (None if as_json else "explanation.png")
    if target:
        content = views.explanation_figure(explained, ", ".join(panel.columns.target), Path(target).suffix)
        write_atomically(Path(target), content)
    if as_json:
        click.echo(json.dumps(views.explanation_values(explained), indent=1, allow_nan=False, ensure_ascii=False))
    else:
        click.echo(views.text(explained))
    for warning in loaded.warnings:
        echo_err(f"lstmcast: {warning}")
    if target and not quiet:
        echo_err(f"{target}: series {series + 1} of {panel.n_series}, {loaded.version}")
