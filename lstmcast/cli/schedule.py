"""`lstmcast schedule`."""

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


@click.command()
@click.argument("job", metavar="JOB")
@click.option("--cron", "kind", flag_value="cron", help="Lines of a crontab.")
@click.option("--systemd", "kind", flag_value="systemd", help="A service and its timer.")
@click.option("--kubernetes", "kind", flag_value="kubernetes", help="A CronJob.")
@click.option("--every", metavar="SPAN", help="How often: 15min, 1h, 1d …  [default: as often as the data come]")
@click.option("--timezone", metavar="ZONE", help="Whose clock it follows.  [default: the data's, else UTC]")
@click.option("--image", metavar="IMAGE", help="With --kubernetes: where lstmcast is installed.")
@click.option("-o", "--output", metavar="DIR", help="Write the files there instead of showing them.")
def schedule(
    job: str, kind: str | None, every: str | None, timezone: str | None, image: str | None, output: str | None
) -> None:
    """Show the files that run the job of the YAML file JOB on a schedule, and how to install them.

    Each has the time zone, a time-out, a delay that keeps jobs from starting all at once, and a log. Runs that overlap
    are kept apart by the job's own lock.
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
    """The files by their names."""
    from dataclasses import replace
    from importlib.metadata import version

    from lstmcast.jobs import schedules

    if scheduler == "kubernetes":
        inside = replace(planned, command=("lstmcast",))
        return schedules.kubernetes(inside, image=image or f"lstmcast:{version('lstmcast')}")
    return schedules.crontab(planned) if scheduler == "cron" else schedules.systemd(planned)


def _schedule(path: Path, job: Job, every: str | None, timezone: str | None) -> Schedule:
    """When the job runs: as the flags say, else as its data do, which are read only where they are asked."""
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
        echo_err(f"--every {every}: not an interval that a calendar can say; {planned.often} instead")
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
    """What runs lstmcast here, whatever the PATH of a scheduler is."""
    import sys

    installed = Path(sys.executable).parent / "lstmcast"
    return (str(installed),) if installed.exists() else (sys.executable, "-m", "lstmcast")
