"""The command `lstmcast explain`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from lstmcast.cli.options import MODEL, MODEL_DIR, QUIET, echo_err


@click.command(short_help="Show which past values made a forecast")
@click.argument("data", metavar="[DATA]", required=False)
@MODEL
@MODEL_DIR
@click.option("--series", "key", metavar="KEY", help="Key of the series, parts joined by '/'.  [default: the first]")
@click.option("--origin", metavar="TIME", help="Time of the last step before the forecast.  [default: the last one]")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Figure: .png, .svg or .pdf.  [default: explanation.png; none with --json]",
)
@click.option("--json", "as_json", is_flag=True, help="Print all numbers as JSON instead of the text.")
@QUIET
def explain(
    data: str | None,
    model: str | None,
    model_dir: str | None,
    key: str | None,
    origin: str | None,
    output: str | None,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Explain a forecast: the past values that made it, the memory of the network and its gates.

    The forecast is the current one, or that of a given series and origin. TensorFlow is not needed.
    """
    from lstmcast import app
    from lstmcast.persistence.files import write_atomically
    from lstmcast.report.explanation_text import method, paragraph, to_dict

    loaded = app.load_model(model_dir, model, data)
    (series, explained), panel = app.explain(loaded, key, origin), loaded.dataset
    target = output or (None if as_json else "explanation.png")
    if target:
        from lstmcast.report.figures.explanation import explanation_figure
        from lstmcast.report.figures.panels import render

        name = ", ".join(panel.columns.target)
        write_atomically(Path(target), render(explanation_figure(explained, name), Path(target).suffix))
    if as_json:
        click.echo(json.dumps(to_dict(explained), indent=1, allow_nan=False, ensure_ascii=False))
    else:
        click.echo(f"{paragraph(explained)}\n\n{method(explained)}")
    for warning in loaded.warnings:
        echo_err(f"lstmcast: {warning}")
    if target and not quiet:
        echo_err(f"{target}: series {series + 1} of {panel.n_series}, {loaded.version}")
