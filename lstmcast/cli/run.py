"""`lstmcast run` and `lstmcast schedule`."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lstmcast.cli.options import NOW, QUIET, duration, echo_err
from lstmcast.clock import Clock, clock_at
from lstmcast.errors import LstmcastError

if TYPE_CHECKING:
    from lstmcast.config.job import AnyJob
    from lstmcast.jobs.context import LogEvent, Note
    from lstmcast.jobs.schedules import Schedule


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


SCHEDULERS = ("cron", "systemd", "kubernetes")


@click.command(short_help="Write files for cron, systemd or Kubernetes")
@click.argument("job", metavar="JOB")
@click.option("--cron", "kind", flag_value="cron", help="Print a crontab entry.")
@click.option("--systemd", "kind", flag_value="systemd", help="Print a service and its timer.")
@click.option("--kubernetes", "kind", flag_value="kubernetes", help="Print a CronJob.")
@click.option("--every", metavar="SPAN", help="Interval: 15min, 1h, 1d …  [default: the frequency of the data]")
@click.option("--timezone", metavar="ZONE", help="Time zone of the schedule.  [default: that of the data, else UTC]")
@click.option("--image", metavar="IMAGE", help="Container image with lstmcast, for --kubernetes.")
@click.option("-o", "--output", metavar="DIR", help="Folder for the files.  [default: stdout]")
def schedule(
    job: str, kind: str | None, every: str | None, timezone: str | None, image: str | None, output: str | None
) -> None:
    """Print the files that run JOB (a YAML file) on a schedule, and how to install them.

    Each sets the time zone, a time limit, a random delay and a log. Overlapping runs are prevented by the job's lock.
    """
    from lstmcast.config import load_job
    from lstmcast.errors import UsageError
    from lstmcast.persistence.files import make_folder, write_files

    if kind is None or (image is not None and kind != "kubernetes"):
        flags = ", ".join(f"--{scheduler}" for scheduler in SCHEDULERS)
        raise UsageError("--image: only with --kubernetes" if kind else f"choose one of {flags}")
    files = _files(kind, _schedule(Path(job), load_job(job), every, timezone), image)
    if output is None:
        click.echo("\n".join(f"# {name}\n{text}" for name, text in files.items()), nl=False)
        return
    write_files(make_folder(Path(output)), {name: text.encode() for name, text in files.items()})
    echo_err(f"{output}: written: {', '.join(files)}")


def _files(scheduler: str, planned: Schedule, image: str | None) -> dict[str, str]:
    """Return the contents of the files by name."""
    from dataclasses import replace
    from importlib.metadata import version

    from lstmcast.jobs import schedules

    if scheduler == "kubernetes":
        inside = replace(planned, command=("lstmcast",))
        return schedules.kubernetes(inside, image=image or f"lstmcast:{version('lstmcast')}")
    return schedules.crontab(planned) if scheduler == "cron" else schedules.systemd(planned)


def _schedule(path: Path, job: AnyJob, every: str | None, timezone: str | None) -> Schedule:
    """Return the schedule of the flags, completed by the frequency and time zone of the data."""
    from lstmcast.jobs.schedules import Schedule, default_interval, interval, scheduler_zone
    from lstmcast.tasks.registry import get_task

    minutes = interval(duration(every, "--every")) if every else None
    zone = _zone(timezone) if timezone else job.data.timezone
    if minutes is None or zone is None:
        calendar = get_task(job.model.task).read(job.input, job.config).calendar
        zone = zone or calendar.timezone
        minutes = minutes or default_interval(calendar.kind, calendar.step)
    planned = Schedule(_command(), path.resolve(), minutes, scheduler_zone(zone))
    if every and timedelta(minutes=minutes) != duration(every, "--every"):
        echo_err(f"--every {every}: no schedule has this interval; {planned.often} is used instead")
    return planned


def _zone(timezone: str) -> str:
    from lstmcast.data.time.zones import check_zone
    from lstmcast.errors import ConfigError, UsageError

    try:
        check_zone(timezone)
    except ConfigError as err:
        raise UsageError(str(err).replace("data.timezone", "--timezone")) from err
    return timezone


def _command() -> tuple[str, ...]:
    """Return the command that runs lstmcast, independent of the scheduler's PATH."""
    import sys

    installed = Path(sys.executable).parent / "lstmcast"
    return (str(installed),) if installed.exists() else (sys.executable, "-m", "lstmcast")
