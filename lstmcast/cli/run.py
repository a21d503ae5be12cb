"""The command `lstmcast run`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from lstmcast.cli.options import NOW, QUIET, echo_err
from lstmcast.clock import Clock, clock_at
from lstmcast.errors import LstmcastError

if TYPE_CHECKING:
    from lstmcast.jobs.events import LogEvent, Note


@click.command(short_help="Run a scheduled job once")
@click.argument("path", metavar="JOB")
@click.option("--force", is_flag=True, help="Run even if nothing has changed.")
@click.option(
    "--wait", type=click.FloatRange(0), default=0.0, metavar="S", help="Seconds to wait for another run to end."
)
@NOW
@click.option(
    "--log-format", type=click.Choice(["text", "json"]), default="text", help="Format of the messages on stderr."
)
@QUIET
def run(path: str, wait: float, now: str | None, log_format: str, *, force: bool, quiet: bool) -> None:
    """Run a scheduled job once; JOB is its YAML file (see init --job).

    Read and validate the newest data, retrain if due, forecast, and record the forecast. Nothing is done if nothing
    has changed since the last run. A run may be interrupted and repeated at any time.
    """
    clock = clock_at(now)
    from lstmcast.config import load_job
    from lstmcast.jobs.run import log_failure, run_and_report
    from lstmcast.report import console

    as_json = log_format == "json"
    note = _writer(clock, as_json=as_json, quiet=quiet)
    try:
        with log_failure(note):
            job = load_job(path)
        with console.progress(quiet=quiet or as_json) as on_progress:
            run_and_report(job, clock(), note=note, on_progress=on_progress, force=force, wait=wait)
    except LstmcastError as err:
        if as_json:  # the failure is logged already
            raise click.exceptions.Exit(err.exit_code) from err
        raise


def _writer(clock: Clock, *, as_json: bool, quiet: bool) -> Note:
    """Return a function that writes an event to stderr: a line of text, except for failures, or a line of JSON."""

    def note(event: LogEvent) -> None:
        if quiet and event.level == "info":
            return
        if as_json:
            record = {"time": clock().isoformat(), "level": event.level, "event": event.name, **event.fields}
            echo_err(json.dumps({**record, "message": event.text}, ensure_ascii=False))
        elif event.level != "error":
            echo_err(f"lstmcast: {event.text}" if event.level == "warning" else event.text)

    return note
