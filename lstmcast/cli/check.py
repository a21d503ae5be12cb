"""The command `lstmcast check`."""

from __future__ import annotations

import json

import click

from lstmcast.cli.options import CONFIG, DATA, READING, configure
from lstmcast.clock import system_clock


@click.command(short_help="Show what is inferred from a file")
@DATA
@CONFIG
@READING
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def check(data: str, config_name: str | None, settings: tuple[str, ...], *, as_json: bool, **flags: object) -> None:
    """Show what is inferred from DATA: columns, frequency, season and gaps, with reasons and line numbers."""
    config = configure(config_name, settings, flags)
    from lstmcast.app import check as read_panel
    from lstmcast.report import console

    panel = read_panel(data, config)
    if as_json:
        click.echo(json.dumps(console.data_to_dict(panel), indent=1, ensure_ascii=False))
    else:
        click.echo(console.format_data(panel, system_clock(), series=True))
