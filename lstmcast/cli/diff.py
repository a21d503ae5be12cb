"""The command `lstmcast diff`."""

from __future__ import annotations

import json

import click

from lstmcast.cli.options import LEDGER, QUIET, echo_err, resolve_ledger
from lstmcast.clock import time_at


@click.command(short_help="Compare the latest two forecasts")
@LEDGER
@click.option(
    "--against",
    metavar="TIME",
    help="Compare with the forecast in use at TIME (ISO 8601 with a UTC offset).  [default: the one before]",
)
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON.")
@QUIET
def diff(
    path: str | None, model: str | None, model_dir: str | None, against: str | None, *, as_json: bool, quiet: bool
) -> None:
    """Compare the latest forecast with an earlier one at the same times, and attribute the change.

    The cause is new data, a new model or another source. If both data and model are new, the older model is run on the
    newer data to separate the two effects, as long as it is kept.
    """
    when = None if against is None else time_at(against, "--against")
    _, folder = resolve_ledger(path, model, model_dir)
    from lstmcast.jobs.forecast_diff import difference, format_diff
    from lstmcast.jobs.replay import last_two_runs
    from lstmcast.persistence.ledger.ledger import FILE, Ledger

    with Ledger.open(folder / FILE, create=False) as ledger:
        found = difference(ledger, folder, *last_two_runs(ledger, when))
    if not quiet:
        echo_err(format_diff(found, folder.name))
    if as_json:
        click.echo(json.dumps(found.to_dict(), indent=1, allow_nan=False, ensure_ascii=False))
