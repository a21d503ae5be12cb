"""`lstmcast check`, `lstmcast init` and `lstmcast config`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lstmcast.cli.options import CONFIG, DATA, READING, SET, configure, echo_err
from lstmcast.clock import system_clock

if TYPE_CHECKING:
    from lstmcast.config import Config
    from lstmcast.data.labeled_panel import LabeledPanel
    from lstmcast.data.panel import Panel


@click.command(short_help="Show what is inferred from a file")
@DATA
@CONFIG
@READING
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def check(data: str, config_name: str | None, settings: tuple[str, ...], *, as_json: bool, **flags: object) -> None:
    """Show what is inferred from DATA: columns, frequency, season and gaps, with reasons and line numbers."""
    config = configure(config_name, settings, flags)
    from lstmcast.app import check as read_data
    from lstmcast.data.labeled_panel import LabeledPanel
    from lstmcast.report import console, task_tables

    dataset = read_data(data, config)
    if as_json:
        to_dict = task_tables.labeled_data_to_dict if isinstance(dataset, LabeledPanel) else console.data_to_dict
        click.echo(json.dumps(to_dict(dataset), indent=1, ensure_ascii=False))
    elif isinstance(dataset, LabeledPanel):
        click.echo(task_tables.format_labeled_data(dataset))
    else:
        click.echo(console.format_data(dataset, system_clock(), series=True))


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
    from lstmcast.errors import Fault, FaultCode, UsageError

    target = output or ("job.yaml" if as_job else "lstmcast.yaml")
    if target != "-" and Path(target).exists() and not force:
        raise UsageError(f"{target} exists: replace it with --force, or choose another --output")
    if as_job and data == "-":
        raise UsageError("--job: needs a file that can be read again, not -")
    config = configure(config_name, settings, flags)
    from lstmcast.app import check as read_data
    from lstmcast.config import NO_JOBS
    from lstmcast.config.template import commented
    from lstmcast.persistence.files import write_atomically

    if as_job and (reason := NO_JOBS.get(config.model.task)):
        text = f"--job: not with model.task: {config.model.task}: {reason}"
        raise UsageError(Fault(text, FaultCode.NO_JOBS, column="model.task"))
    dataset = read_data(data, config)
    reasons = {setting.key.config_key: setting.reason for setting in dataset.inferred}
    text = _job(config, dataset, reasons, data, target) if as_job else commented(config, _found(dataset), reasons, data)
    if target == "-":
        click.echo(text, nl=False)
    else:
        write_atomically(Path(target), text.encode())
        echo_err(
            f"{target}: written. Next: lstmcast {f'run {target}' if as_job else f'train {data} --config {target}'}"
        )


def _found(panel: Panel | LabeledPanel) -> dict[str, object]:
    """Return the inferred values by dotted key."""
    from lstmcast.data.panel import Panel

    if not isinstance(panel, Panel):
        names = {"time": panel.time, "target": panel.label, "id_columns": list(panel.key_columns)}
        return {f"data.{name}": value for name, value in {**names, "features": list(panel.features)}.items()}
    columns = panel.columns
    return {
        "data.time": columns.time,
        "data.target": columns.target[0] if len(columns.target) == 1 else list(columns.target),
        "data.id_columns": list(columns.series),
        "data.frequency": panel.calendar.name if columns.time else None,
        "data.season_length": panel.calendar.season,
        **({} if panel.calendar.closed == "none" else {"data.closed": panel.calendar.closed}),
        **_found_covariates(panel),
    }


def _found_covariates(panel: Panel) -> dict[str, object]:
    """Return the columns of covariates by dotted key."""
    if panel.covariates is None:
        return {}
    return {f"covariates.{role}": list(panel.covariates.pinned[role]) for role in ("known", "past", "static")}


def _job(config: Config, panel: Panel, reasons: dict[str, str], data: str, target: str) -> str:
    """Format a job for the file, with a warning when three steps are missing at its end."""
    from lstmcast.config import JOB_TYPES
    from lstmcast.config.expressions import duration_text
    from lstmcast.config.template import commented_job
    from lstmcast.jobs.inputs import steps_span

    folder = Path() if target == "-" else Path(target).parent
    sections = {name: getattr(config, name) for name in type(config).model_fields}
    job = JOB_TYPES[config.model.task](input=os.path.relpath(data, folder), **sections)
    found, span = _found(panel), steps_span(panel, 3)
    if span is not None:
        found["freshness.max_data_age"] = {"limit": duration_text(span), "action": "warn"}
        reasons = {**reasons, "freshness.max_data_age": "three steps of the data"}
    return commented_job(job, found, reasons, target)


@click.command(short_help="Show a config, a job or their schema")
@click.argument("name", metavar="[NAME|FILE]", required=False)
@SET
@click.option("--schema", "as_schema", is_flag=True, help="Print the JSON schema, for editors.")
@click.option("--job", "of_job", is_flag=True, help="The file is a job; with --schema, print the schema of a job.")
@click.option("--list", "as_list", is_flag=True, help="List the bundled configs.")
def config(name: str | None, settings: tuple[str, ...], *, as_schema: bool, of_job: bool, as_list: bool) -> None:
    """Validate a configuration and print it with all defaults."""
    from lstmcast.config import Config, bundled_configs, load_job, schema
    from lstmcast.config.job import JobConfig
    from lstmcast.config.template import to_yaml

    if as_schema:
        click.echo(json.dumps(schema(JobConfig if of_job else Config), indent=2, ensure_ascii=False))
    elif as_list:
        for key, path in bundled_configs().items():
            click.echo(f"{key:10} {path.read_text(encoding='utf-8').splitlines()[0].removeprefix('# ')}")
    elif of_job:
        click.echo(to_yaml(load_job(name or "job.yaml").model_dump(mode="json")), nl=False)
    else:
        settings_tree = configure(name, settings, {}).model_dump(mode="json")
        click.echo(to_yaml(settings_tree), nl=False)
