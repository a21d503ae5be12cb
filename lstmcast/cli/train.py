"""The command `lstmcast train`."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import click

from lstmcast.cli.options import CONFIG, DATA, MODEL_DIR, QUIET, READING, configure, fail_on, note_on_stderr


@click.command(short_help="Fit, score and save a model")
@DATA
@CONFIG
@READING
@click.option("--horizon", "forecast_horizon", metavar="N", help="Horizon, in steps.")
@click.option("--init", "train_init", metavar="MODE", help="Initial weights: scratch, fine_tune, ensemble or auto.")
@click.option("--seed", "train_seed", metavar="N", help="Seed of all random numbers.")
@click.option("--name", "store_name", metavar="MODEL", help="Name of the model.  [default: that of the file]")
@MODEL_DIR
@click.option("--strict", is_flag=True, help="Exit with 8 if a series is left out or no baseline is beaten.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@QUIET
def train(
    data: str,
    config_name: str | None,
    settings: tuple[str, ...],
    model_dir: str | None,
    *,
    strict: bool,
    as_json: bool,
    quiet: bool,
    **flags: object,
) -> None:
    """Fit a model of DATA, compare it with naive baselines on held-out origins, and save a version.

    DATA is a CSV file (also .gz, .xz, .zst, .bz2, .zip), a Parquet file, plain text with --config text, or - for stdin.
    Columns, frequency, season and horizon are inferred and printed.
    """
    config = configure(config_name, settings, {**flags, "store_models": model_dir})
    from lstmcast.nn.keras_backend import require_tensorflow

    require_tensorflow()
    from lstmcast.app import train_and_publish
    from lstmcast.report import console

    note = note_on_stderr(quiet=quiet)
    with console.progress(quiet=quiet) as on_progress:
        result = train_and_publish(data, config, note=note, on_progress=on_progress)
    report, folder = result.model.report, result.version.parent
    note(console.format_saved(result.version, result.seconds, flags=_next(folder)))
    if as_json:
        names = {"model": folder.name, "version": result.version.name, "seconds": round(result.seconds, 1)}
        click.echo(json.dumps({**report.to_dict(), **names}, indent=1, allow_nan=False, ensure_ascii=False))
    if strict:
        fail_on(result.dataset, better=report.evaluation.skill.better)


def _next(folder: Path) -> str:
    """Return the flags with which predict and plot find this model."""
    alone = sum((path / "current").exists() for path in folder.parent.iterdir()) == 1
    flags = [] if str(folder.parent) == "models" else ["--model-dir", str(folder.parent)]
    return shlex.join(flags + ([] if alone else ["--model", folder.name]))
