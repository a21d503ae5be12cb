"""`lstmcast train`."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import click

from lstmcast.cli.options import CONFIG, DATA, MODEL_DIR, QUIET, READING, configure, fail_on, note_on_stderr


@click.command()
@DATA
@CONFIG
@READING
@click.option("--horizon", "forecast_horizon", metavar="N", help="Steps to forecast.")
@click.option("--init", "train_init", metavar="MODE", help="scratch, fine_tune (pretrained models), or auto.")
@click.option("--seed", "train_seed", metavar="N", help="Same seed, same data: the same bytes.")
@click.option("--name", "store_name", metavar="MODEL", help="The model's name.  [default: the file's]")
@MODEL_DIR
@click.option("--strict", is_flag=True, help="Exit 8 where a series had to be left out, or the LSTM is not better.")
@click.option("--json", "as_json", is_flag=True, help="The result as JSON on stdout.")
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
    """Fit a network on DATA, judge it on held-out origins, and save a version.

    DATA is a CSV (also .gz, .xz, .zst, .bz2, .zip), Parquet, with --config text a plain text, or - for stdin. Columns,
    frequency, season and horizon are inferred, and said.
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
        fail_on(result.dataset.dropped, better=report.evaluation.skill.better)


def _next(folder: Path) -> str:
    """Return the flags with which predict and plot find this model."""
    alone = sum((path / "current").exists() for path in folder.parent.iterdir()) == 1
    flags = [] if str(folder.parent) == "models" else ["--model-dir", str(folder.parent)]
    return shlex.join(flags + ([] if alone else ["--model", folder.name]))
