"""The command `lstmcast replay`."""

from __future__ import annotations

from pathlib import Path

import click

from lstmcast.cli.options import LEDGER, QUIET, echo_err, resolve_ledger
from lstmcast.clock import time_at


@click.command(short_help="Reproduce a past forecast")
@LEDGER
@click.option(
    "--as-of", metavar="TIME", required=True, help="Reproduce the forecast in use at TIME (ISO 8601 with a UTC offset)."
)
@click.option("-o", "--output", default="-", metavar="FILE", help="File, or - for stdout.  [default: -]")
@QUIET
def replay(path: str | None, model: str | None, model_dir: str | None, as_of: str, output: str, *, quiet: bool) -> None:
    """Reproduce a past forecast, byte for byte, in its original format.

    It is computed by the version that made it, from the data of that time, or, if that version was removed, taken from
    the recorded numbers. The method is printed.
    """
    when = time_at(as_of, "--as-of")
    _, folder = resolve_ledger(path, model, model_dir)
    from lstmcast.jobs.replay import last_entry
    from lstmcast.jobs.replay import replay as made_again
    from lstmcast.persistence.files import write_atomically
    from lstmcast.persistence.ledger.ledger import FILE, Ledger

    with Ledger.open(folder / FILE, create=False) as ledger:
        entry = last_entry(ledger, when)
        found = made_again(ledger, folder, entry)
    if output == "-":
        click.echo(found.content, nl=False)
    else:
        write_atomically(Path(output), found.content)
    if not quiet:
        echo_err(f"{entry.output or folder.name} as of {entry.created_at:%Y-%m-%dT%H:%M:%SZ}: {found.method}")
