"""The command `lstmcast schedule`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lstmcast.cli.options import duration, echo_err

if TYPE_CHECKING:
    from lstmcast.config.job import Job
    from lstmcast.jobs.schedules import Schedule

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


def _schedule(path: Path, job: Job, every: str | None, timezone: str | None) -> Schedule:
    """Return the schedule of the flags, completed by the frequency and time zone of the data."""
    from lstmcast.data.load import read
    from lstmcast.data.schema import ReadOptions
    from lstmcast.jobs.schedules import Schedule, default_interval, interval, scheduler_zone

    minutes = interval(duration(every, "--every")) if every else None
    zone = _zone(timezone) if timezone else job.data.timezone
    if minutes is None or zone is None:
        calendar = read(job.input, ReadOptions.of(job.data.model_dump())).calendar
        zone = zone or calendar.timezone
        minutes = minutes or default_interval(calendar.kind, calendar.step)
    planned = Schedule(_command(), path.resolve(), minutes, scheduler_zone(zone))
    if every and timedelta(minutes=minutes) != duration(every, "--every"):
        echo_err(f"--every {every}: no schedule has this interval; {planned.often} is used instead")
    return planned


def _zone(timezone: str) -> str:
    from lstmcast.data.timezones import check_zone
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
