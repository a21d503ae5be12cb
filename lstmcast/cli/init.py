"""The command `lstmcast init`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lstmcast.cli.options import CONFIG, DATA, READING, configure, echo_err

if TYPE_CHECKING:
    from lstmcast.config import Config
    from lstmcast.data.panel import Panel


@click.command(short_help="Write a commented config or job")
@DATA
@CONFIG
@READING
@click.option("--job", "as_job", is_flag=True, help="Write a job for lstmcast run.")
@click.option(
    "-o", "--output", metavar="FILE", help="File, or - for stdout.  [default: lstmcast.yaml; with --job: job.yaml]"
)
@click.option("--force", is_flag=True, help="Replace an existing file.")
def init(
    data: str,
    config_name: str | None,
    settings: tuple[str, ...],
    output: str | None,
    *,
    as_job: bool,
    force: bool,
    **flags: object,
) -> None:
    """Write a commented YAML config for DATA, or a job with --job, with the reason for every inferred value."""
    from lstmcast.errors import UsageError

    target = output or ("job.yaml" if as_job else "lstmcast.yaml")
    if target != "-" and Path(target).exists() and not force:
        raise UsageError(f"{target} exists: replace it with --force, or choose another --output")
    if as_job and data == "-":
        raise UsageError("--job: needs a file that can be read again, not -")
    config = configure(config_name, settings, flags)
    from lstmcast.config.template import commented
    from lstmcast.data.load import read
    from lstmcast.data.schema import ReadOptions
    from lstmcast.persistence.files import write_atomically

    panel = read(data, ReadOptions.of(config.data.model_dump()))
    reasons = {f"data.{setting.key}": setting.reason for setting in panel.inferred}
    text = _job(config, panel, reasons, data, target) if as_job else commented(config, _found(panel), reasons, data)
    if target == "-":
        click.echo(text, nl=False)
    else:
        write_atomically(Path(target), text.encode())
        echo_err(
            f"{target}: written. Next: lstmcast {f'run {target}' if as_job else f'train {data} --config {target}'}"
        )


def _found(panel: Panel) -> dict[str, object]:
    """Return the inferred values by dotted key."""
    columns = panel.columns
    return {
        "data.time": columns.time,
        "data.target": columns.target[0] if len(columns.target) == 1 else list(columns.target),
        "data.id_columns": list(columns.series),
        "data.frequency": panel.calendar.name if columns.time else None,
        "data.season_length": panel.calendar.season,
    }


def _job(config: Config, panel: Panel, reasons: dict[str, str], data: str, target: str) -> str:
    """Format a job for the file, with a warning when three steps are missing at its end."""
    from lstmcast.config import Job
    from lstmcast.config.expressions import duration_text
    from lstmcast.config.template import commented_job
    from lstmcast.jobs.freshness import steps_span

    folder = Path() if target == "-" else Path(target).parent
    sections = {name: getattr(config, name) for name in type(config).model_fields}
    job = Job(input=os.path.relpath(data, folder), **sections)
    found, span = _found(panel), steps_span(panel, 3)
    if span is not None:
        found["freshness.max_data_age"] = {"limit": duration_text(span), "action": "warn"}
        reasons = {**reasons, "freshness.max_data_age": "three steps of the data"}
    return commented_job(job, found, reasons, target)
