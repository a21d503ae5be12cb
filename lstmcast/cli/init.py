"""`lstmcast init`."""

from __future__ import annotations

from pathlib import Path

import click

from lstmcast.cli.options import CONFIG, DATA, READING, configure, say


@click.command()
@DATA
@CONFIG
@READING
@click.option("-o", "--output", default="lstmcast.yaml", metavar="FILE", help="- for stdout.  [default: lstmcast.yaml]")
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
def init(
    data: str, config_name: str | None, settings: tuple[str, ...], output: str, *, force: bool, **flags: object
) -> None:
    """Write a commented YAML config for DATA, with the reason for every inferred value."""
    from lstmcast.errors import UsageError

    if output != "-" and Path(output).exists() and not force:
        raise UsageError(f"{output} is there already: --force replaces it, --output names another")
    config = configure(config_name, settings, flags)
    from lstmcast.config.writing import commented
    from lstmcast.data.read import read
    from lstmcast.data.records import ReadOptions
    from lstmcast.store.files import write_atomically

    panel = read(data, ReadOptions.of(config.data.model_dump()))
    columns = panel.columns
    found = {
        "data.time": columns.time,
        "data.target": columns.target[0] if len(columns.target) == 1 else list(columns.target),
        "data.series": list(columns.series),
        "data.frequency": panel.calendar.name if columns.time else None,
        "data.season": panel.calendar.season,
    }
    reasons = {f"data.{finding.name}": finding.reason for finding in panel.findings}
    text = commented(config, found, reasons, data)
    if output == "-":
        click.echo(text, nl=False)
    else:
        write_atomically(Path(output), text.encode())
        say(f"{output}: written; lstmcast train {data} --config {output}")
