"""`lstmcast diff`."""

from __future__ import annotations

import json

import click

from lstmcast.cli.options import LEDGER, QUIET, echo_err, resolve_ledger
from lstmcast.clock import time_at


@click.command()
@LEDGER
@click.option(
    "--against", metavar="TIME", help="The forecast in use at TIME (ISO 8601, with zone).  [default: the last]"
)
@click.option("--json", "as_json", is_flag=True, help="All of it as JSON on stdout.")
@QUIET
def diff(
    path: str | None, model: str | None, model_dir: str | None, against: str | None, *, as_json: bool, quiet: bool
) -> None:
    """The newest forecast against the one before, at the same times, and what moved it.

    New data, a new model or a fallback: where both data and model are new, the older model, if it is kept, is run
    on the newer data to tell them apart.
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
