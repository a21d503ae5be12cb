"""`lstmcast predict`."""

from __future__ import annotations

from pathlib import Path

import click

from lstmcast.cli.options import MODEL, MODEL_DIR, QUIET, READING, echo_err, read_options


@click.command()
@click.argument("data", metavar="[DATA]", required=False)
@MODEL
@MODEL_DIR
@READING
@click.option("--horizon", type=click.IntRange(1), metavar="N", help="Steps to forecast.  [default: as trained]")
@click.option(
    "--temperature",
    type=click.FloatRange(0, min_open=True),
    metavar="T",
    help="Draw symbols instead of saying the likeliest: the lower, the likelier (model.task: category).",
)
@click.option(
    "--seed", type=click.IntRange(0), metavar="N", help="Of what is drawn: same seed, same symbols.  [default: 0]"
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help=".csv, .jsonl, .parquet (text: .txt); - for stdout, in the format of training's.  [default: forecast.csv]",
)
@click.option("--strict", is_flag=True, help="Exit 8 where a series was left out or is missing, or the data are old.")
@QUIET
def predict(
    data: str | None,
    model: str | None,
    model_dir: str | None,
    horizon: int | None,
    temperature: float | None,
    seed: int | None,
    output: str | None,
    *,
    strict: bool,
    quiet: bool,
    **reading: object,
) -> None:
    """Forecast from the current model and the newest data; where no model was trained, by pretrained networks.

    DATA is the newest file; without it, the file named at training is read again, or where that is gone, what the model
    kept of it is used. TensorFlow is not needed. Pretrained networks (--model pretrained) forecast data that none was
    trained on: only they take the flags that say how a file is read.
    """
    from lstmcast.parallel import limit_blas_threads

    limit_blas_threads()
    from lstmcast.app import load_model
    from lstmcast.errors import ConditionError, UsageError
    from lstmcast.persistence.files import is_same, write_atomically
    from lstmcast.results import output_suffix
    from lstmcast.tasks.base import PredictOptions

    loaded = load_model(model_dir, model, data, read_options(reading))
    outcome = loaded.predict(PredictOptions(horizon, temperature, seed))
    default_output = loaded.model.report.output
    target = output or default_output
    content = outcome.render(output_suffix(default_output if target == "-" else target, loaded.task.formats))
    if is_same(target, loaded.dataset.source):
        raise UsageError(f"{target}: holds the data, and a forecast would take their place: give another --output")
    if target == "-":
        click.echo(content, nl=False)
    else:
        write_atomically(Path(target), content)
    if not quiet:
        echo_err(loaded.describe(outcome, target))
    if strict and loaded.warnings:
        raise ConditionError(loaded.warnings)
    for warning in loaded.warnings:
        echo_err(f"lstmcast: {warning}")
