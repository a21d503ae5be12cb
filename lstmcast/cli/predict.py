"""The command `lstmcast predict`."""

from __future__ import annotations

from pathlib import Path

import click

from lstmcast.cli.options import CONFIG, MODEL, MODEL_DIR, QUIET, READING, echo_err, given_data_keys


@click.command(short_help="Forecast the next steps")
@click.argument("data", metavar="[DATA]", required=False)
@MODEL
@MODEL_DIR
@CONFIG
@READING
@click.option("--horizon", type=click.IntRange(1), metavar="N", help="Horizon, in steps.  [default: as trained]")
@click.option(
    "--temperature",
    type=click.FloatRange(0, min_open=True),
    metavar="T",
    help="Sample symbols at this softmax temperature (model.task: category).",
)
@click.option("--seed", type=click.IntRange(0), metavar="N", help="Seed of the samples.  [default: 0]")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="File (.csv, .jsonl, .parquet; text: .txt), or - for stdout.  [default: forecast.csv]",
)
@click.option("--strict", is_flag=True, help="Exit with 8 if a series is left out or missing, or the data are old.")
@QUIET
def predict(
    data: str | None,
    model: str | None,
    model_dir: str | None,
    config_name: str | None,
    settings: tuple[str, ...],
    horizon: int | None,
    temperature: float | None,
    seed: int | None,
    output: str | None,
    *,
    strict: bool,
    quiet: bool,
    **reading: object,
) -> None:
    """Forecast with the current version and the newest data, or with pretrained models if none was trained.

    DATA is the newest file; without it, the file of the training is read again, or, if that is gone, the stored context
    is used. TensorFlow is not needed. Settings and flags describe DATA (--set data.missing=zero). A trained model reads
    a file as in training: columns, frequency and season cannot differ.
    """
    from lstmcast.parallel import limit_blas_threads

    limit_blas_threads()
    from lstmcast.app import leave_out_ended, load_model
    from lstmcast.errors import ConditionError, UsageError
    from lstmcast.forecasts import output_suffix
    from lstmcast.persistence.files import is_same, write_atomically
    from lstmcast.report.views import text
    from lstmcast.tasks.base import PredictOptions

    given = given_data_keys(config_name, settings, reading)
    loaded = leave_out_ended(load_model(model_dir, model, data, given), given)
    outcome = loaded.predict(PredictOptions(horizon, temperature, seed))
    default_output = loaded.model.report.config.output
    target = output or default_output
    content = outcome.render(output_suffix(default_output if target == "-" else target, loaded.task.formats))
    if is_same(target, loaded.dataset.source):
        raise UsageError(f"{target}: is the data file; choose another --output")
    if target == "-":
        click.echo(content, nl=False)
    else:
        write_atomically(Path(target), content)
    if not quiet:
        for result in loaded.written(outcome, target):
            echo_err(text(result))
    if strict and loaded.warnings:
        raise ConditionError(loaded.warnings)
    for warning in loaded.warnings:
        echo_err(f"lstmcast: {warning}")
