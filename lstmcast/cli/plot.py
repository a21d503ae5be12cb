"""The command `lstmcast plot`."""

from __future__ import annotations

from pathlib import Path

import click

from lstmcast.cli.options import MODEL, MODEL_DIR, QUIET, echo_err


@click.command(short_help="Draw history, forecast and intervals")
@click.argument("data", metavar="[DATA]", required=False)
@MODEL
@MODEL_DIR
@click.option("--horizon", type=click.IntRange(1), metavar="N", help="Horizon, in steps.  [default: as trained]")
@click.option(
    "--forecast",
    "forecast_file",
    metavar="FILE",
    help="Draw a forecast written by predict (CSV), with the actual values.",
)
@click.option("--backtest", is_flag=True, help="Draw the hold-out forecasts of the training.")
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
    horizon: int | None,
    forecast_file: str | None,
    keys: tuple[str, ...],
    history_steps: int | None,
    output: str,
    *,
    backtest: bool,
    quiet: bool,
) -> None:
    """Draw history, forecast, intervals, and actual values if they are known."""
    from lstmcast.app import load_model
    from lstmcast.errors import UsageError
    from lstmcast.persistence.files import write_atomically
    from lstmcast.tasks.base import PlotOptions

    if backtest and forecast_file:
        raise UsageError("--backtest and --forecast cannot be drawn together: choose one")
    options = PlotOptions(Path(output).suffix, horizon, forecast_file, backtest, keys, history_steps)
    loaded = load_model(model_dir, model, data)
    content, shown = loaded.task.plot(loaded.model, loaded.dataset, options)
    write_atomically(Path(output), content)
    if not quiet:
        echo_err(f"{output}: {shown}, {loaded.version}")
