"""The command `lstmcast backtest`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from lstmcast.cli.options import CONFIG, DATA, QUIET, READING, configure, fail_on, note_on_stderr
from lstmcast.errors import UsageError

METHODS = ("ets", "theta", "arima")
EACH = "each"  # origin


@click.command(short_help="Score forecasts from past origins")
@DATA
@CONFIG
@READING
@click.option("--horizon", "forecast_horizon", metavar="N", help="Horizon, in steps.")
@click.option("--seed", "train_seed", metavar="N", help="Seed of all random numbers.")
@click.option(
    "--n-origins",
    type=click.IntRange(1),
    metavar="N",
    help="Origins of each series.  [default: up to 10, in the last third]",
)
@click.option("--step-size", type=click.IntRange(1), metavar="N", help="Steps between origins.  [default: the horizon]")
@click.option(
    "--refit",
    is_flag=False,
    flag_value=EACH,
    metavar="[EVERY]",
    help="Train before every origin, on all cores; with EVERY (7d, or 24 steps), continue from the weights that often.",
)
@click.option(
    "--classical",
    type=click.Choice([*METHODS, "all"]),
    multiple=True,
    help="Add AutoETS, AutoTheta or AutoARIMA (needs lstmcast[baselines]); repeatable.",
)
@click.option("-o", "--output", metavar="FOLDER", help="Folder for scores.csv and forecasts.csv.")
@click.option("--figures", is_flag=True, help="Draw figures in the output folder.")
@click.option("--strict", is_flag=True, help="Exit with 8 if a series is left out or no baseline is beaten.")
@click.option("--json", "as_json", is_flag=True, help="Print all scores as JSON.")
@QUIET
def backtest(
    data: str,
    config_name: str | None,
    settings: tuple[str, ...],
    n_origins: int | None,
    step_size: int | None,
    classical: tuple[str, ...],
    refit: str | None,
    output: str | None,
    *,
    figures: bool,
    strict: bool,
    as_json: bool,
    quiet: bool,
    **flags: object,
) -> None:
    """Forecast from several past origins of DATA, and compare the forecasts with baselines.

    Each forecast uses only the steps before its origin. The model is trained once, on the steps before the first
    origin, or with --refit before each or every so often. No model is saved.
    """
    if figures and not output:
        raise UsageError("--figures: needs a folder; name one with -o FOLDER")
    config = configure(config_name, settings, flags)
    from lstmcast.nn.keras_backend import require_tensorflow
    from lstmcast.statistical.statsforecast_models import require

    selected = METHODS if "all" in classical else classical
    require_tensorflow()
    require(selected)
    from lstmcast.app import backtest_file
    from lstmcast.persistence.files import make_folder, write_files
    from lstmcast.report import console
    from lstmcast.report.views import backtest_files
    from lstmcast.tasks.base import BacktestOptions

    note = note_on_stderr(quiet=quiet)
    folder = make_folder(Path(output)) if output else None
    options = BacktestOptions(n_origins, step_size, refit == EACH or refit or False, selected)
    with console.progress(quiet=quiet) as on_progress:
        past, scores = backtest_file(data, config, options, note=note, on_progress=on_progress)
    note(scores)
    if folder:
        files = backtest_files(scores, figures=figures)
        write_files(folder, files)
        note(f"\nWrote {', '.join(str(folder / name) for name in files)}")
    if as_json:
        click.echo(json.dumps(scores.to_dict(), indent=1, allow_nan=False, ensure_ascii=False))
    if strict:
        fail_on(past, better=scores.better, also=scores.warnings)
