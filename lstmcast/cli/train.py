"""`lstmcast train`."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import click

from lstmcast.cli.options import CONFIG, DATA, MODELS, QUIET, READING, configure, echo_err, fail_on
from lstmcast.clock import system_clock


@click.command()
@DATA
@CONFIG
@READING
@click.option("--horizon", "forecast_horizon", metavar="N", help="Steps to forecast.")
@click.option("--start", "train_start", metavar="HOW", help="scratch, pretrained (learn on), or auto (both).")
@click.option("--seed", "train_seed", metavar="N", help="Same seed, same data: the same bytes.")
@click.option("--name", "store_name", metavar="MODEL", help="The model's name.  [default: the file's]")
@MODELS
@click.option("--strict", is_flag=True, help="Exit 8 where a series had to be left out, or the LSTM is not better.")
@click.option("--json", "as_json", is_flag=True, help="The result as JSON on stdout.")
@QUIET
def train(
    data: str,
    config_name: str | None,
    settings: tuple[str, ...],
    models: str | None,
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
    import time

    config = configure(config_name, settings, {**flags, "store_models": models})
    from lstmcast.nn.keras_backend import require_tensorflow

    require_tensorflow()
    from lstmcast.forecasting.codec import publish
    from lstmcast.forecasting.fitting import identity_of
    from lstmcast.persistence.artifact import model_lock, prepare
    from lstmcast.persistence.checkpoint import checkpoint
    from lstmcast.persistence.registry import model_name
    from lstmcast.report import console
    from lstmcast.results import output_suffix
    from lstmcast.tasks import get_task

    def note(text: str) -> None:
        if not quiet:
            echo_err(text)

    folder = Path(config.store.models)
    name = config.store.name or model_name(data)
    task = get_task(config.model.head)
    output_suffix(config.forecast.output, task.formats)
    past = task.read(data, config)
    note(task.describe_data(past, system_clock()))
    training = identity_of(past.fingerprint(), config)
    began = time.monotonic()
    with model_lock(prepare(folder, name)), checkpoint(folder / name, training) as kept:
        if kept.resumed:
            note("going on where the same training was interrupted")
        with console.progress(quiet=quiet) as on_progress:
            trained = task.train(past, config, checkpoint=kept, on_progress=on_progress, note=note)
        parts = task.to_artifact(trained)
        version = publish(parts, folder, name, data=data, now=system_clock(), keep=config.store.keep)
    seconds = time.monotonic() - began
    note(task.describe_scores(trained.report))
    note(console.format_saved(version, seconds, flags=_next(folder, name)))
    if as_json:
        result = {**trained.report, "model": name, "version": version.name, "seconds": round(seconds, 1)}
        click.echo(json.dumps(result, indent=1, allow_nan=False, ensure_ascii=False))
    if strict:
        fail_on(past.dropped, better=trained.report["skill"]["better"])


def _next(folder: Path, name: str) -> str:
    """The flags with which predict and plot find this model."""
    alone = sum((path / "current").exists() for path in folder.iterdir()) == 1
    flags = [] if str(folder) == "models" else ["--models", str(folder)]
    return shlex.join(flags + ([] if alone else ["--model", name]))
