"""The files with which cron, systemd and Kubernetes run a job: plain text, and nothing is written.

A run that finds nothing new does nothing, so a schedule may ask more often than the data come: an interval that a
calendar cannot say is rounded down. Runs that overlap are kept apart by the job's own lock.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

from lstmcast.errors import UsageError

HOUR, DAY, WEEK = 60, 24 * 60, 7 * 24 * 60  # minutes
INTERVALS = (
    *(minutes for minutes in range(1, HOUR) if HOUR % minutes == 0),
    *(minutes for minutes in range(HOUR, DAY + 1, HOUR) if DAY % minutes == 0),
    WEEK,
)
"""Minutes between two runs that a calendar can say."""

MORNING = 6  # o'clock, for a run a day: after the night's loads, and never in the hour that clocks skip or repeat
PATIENCE = 60  # seconds that a run waits for another one's end, at most
TIMEOUTS = (HOUR, 6 * HOUR)  # minutes: the least and the most; a training that is cut off goes on in the next run
SPREAD = 15  # minutes over which jobs are spread, at most
LONGEST_LINE = 990  # characters: cron cuts what is longer
LONGEST_NAME = 52  # characters: Kubernetes adds eleven to the name of a job

_FIXED_ZONE = re.compile(r"(?:UTC|GMT)([+-])(\d{2}):00")
_SAFE_WORD = re.compile(r"[\w./:=+@%,-]+", re.ASCII)


@dataclass(frozen=True)
class Schedule:
    """What every scheduler is told.

    Attributes:
        command: the program, and its arguments before `run`; absolute.
        job: the job's file; absolute.
        minutes: between two runs, one of `INTERVALS`.
        timezone: whose clock the times are of.
    """

    command: tuple[str, ...]
    job: Path
    minutes: int
    timezone: str

    @property
    def name(self) -> str:
        """What the files are called: that of the job, in the letters of a host's name."""
        slug = re.sub(r"[^a-z0-9]+", "-", self.job.stem.lower())
        return f"lstmcast-{slug}"[:LONGEST_NAME].strip("-")

    @property
    def arguments(self) -> tuple[str, ...]:
        """The whole command line of a run."""
        wait = min(PATIENCE, 30 * self.minutes)
        return (*self.command, "run", str(self.job), "--wait", str(wait), "--log-format", "json")

    @property
    def timeout(self) -> int:
        """Minutes after which a run is ended by SIGTERM."""
        return max(TIMEOUTS[0], min(self.minutes, TIMEOUTS[1]))

    @property
    def jitter(self) -> int:
        """Minutes over which jobs of this interval are spread, so that they do not all begin at once."""
        return min(self.minutes // 10, SPREAD)

    @property
    def offset(self) -> int:
        """This job's own part of the jitter: told by its path, so that it is always the same minute."""
        return int(sha256(str(self.job).encode()).hexdigest(), 16) % max(self.jitter, 1)

    @property
    def five_fields(self) -> str:
        """Minute, hour, day, month, weekday, as cron and Kubernetes read them."""
        if self.minutes < HOUR:
            return f"{self.offset}-59/{self.minutes} * * * *"
        if self.minutes < DAY:
            return f"{self.offset} {'*' if self.minutes == HOUR else f'*/{self.minutes // HOUR}'} * * *"
        return f"{self.offset} {MORNING} * * {'*' if self.minutes == DAY else '1'}"

    @property
    def on_calendar(self) -> str:
        """The same times without the offset, as systemd reads them."""
        if self.minutes < HOUR:
            return f"*-*-* *:00/{self.minutes}:00 {self.timezone}"
        if self.minutes < DAY:
            return f"*-*-* 00/{self.minutes // HOUR}:00:00 {self.timezone}"
        return f"{'' if self.minutes == DAY else 'Mon '}*-*-* {MORNING:02d}:00:00 {self.timezone}"

    @property
    def often(self) -> str:
        """The interval in words."""
        units = {WEEK: "week", DAY: "day", HOUR: "hour", 1: "minute"}
        unit = next(unit for unit in units if self.minutes % unit == 0)
        count = self.minutes // unit
        return f"every {units[unit]}" if count == 1 else f"every {count} {units[unit]}s"


def interval(wanted: timedelta) -> int:
    """The longest of `INTERVALS` that is not longer than wanted: a minute, where less than one is wanted."""
    return max((candidate for candidate in INTERVALS if timedelta(minutes=candidate) <= wanted), default=INTERVALS[0])


def default_interval(grid_kind: str, step: int) -> int:
    """How often data on this grid are looked at: whenever they may have grown, and at least once a day.

    Args:
        grid_kind: of the grid: `fixed`, `month`, `business` or `counter`.
        step: microseconds, where it is `fixed`.

    Raises:
        UsageError: the rows are only counted.
    """
    if grid_kind == "counter":
        raise UsageError("the data have no times that would say how often they grow: say it with --every (such as 1h)")
    return min(interval(timedelta(microseconds=step)), DAY) if grid_kind == "fixed" else DAY


def scheduler_zone(timezone: str | None) -> str:
    """The data's zone as schedulers know it: a name of the IANA database; UTC where there is none."""
    if timezone and (fixed := _FIXED_ZONE.fullmatch(timezone)):
        return f"Etc/GMT{'-' if fixed[1] == '+' else '+'}{int(fixed[2])}"  # (there, the sign is that of POSIX)
    return "UTC" if timezone is None or timezone.startswith(("UTC", "GMT")) else timezone


def crontab(schedule: Schedule) -> dict[str, str]:
    """A part of a crontab, by the name of its file.

    Raises:
        UsageError: the line is longer than cron reads, or a path breaks it.
    """
    log = shlex.quote(str(schedule.job.with_suffix(".log")))
    run = shlex.join(["timeout", "--kill-after=60", f"{schedule.timeout}m", *schedule.arguments])
    line = f"{schedule.five_fields} {_escaped(f'{run} >>{log} 2>&1 || tail -n 5 {log}')}"
    if len(line) > LONGEST_LINE or "\n" in line:
        raise UsageError(
            f"{schedule.job}: cron reads one line of {LONGEST_LINE} characters; give the job a shorter path"
        )
    lines = (
        f"# {schedule.often}, {schedule.timezone}. Install: crontab -e, and add these lines.",
        "# All that a run says is in its log; of one that fails, cron mails the last words.",
        "# CRON_TZ holds for every line below it. A cron that does not know it (Debian's) takes the machine's zone.",
        f"CRON_TZ={schedule.timezone}",
        line,
    )
    return {f"{schedule.name}.crontab": _text(*lines)}


def systemd(schedule: Schedule) -> dict[str, str]:
    """A service and the timer that starts it, by the names of their files."""
    name, job = schedule.name, str(schedule.job).replace("%", "%%")
    service = _text(
        f"# Install: both files into ~/.config/systemd/user/, then: systemctl --user enable --now {name}.timer",
        "[Unit]",
        f"Description=lstmcast run {job}",
        "",
        "[Service]",
        "Type=oneshot",
        f"ExecStart={' '.join(_quoted(argument) for argument in schedule.arguments)}",
        f"TimeoutStartSec={schedule.timeout}min",
        f"SyslogIdentifier={name}",
    )
    timer = _text(
        "[Unit]",
        f"Description=lstmcast run {job}, {schedule.often}",
        "",
        "[Timer]",
        f"OnCalendar={schedule.on_calendar}",
        f"RandomizedDelaySec={schedule.jitter}min",
        "FixedRandomDelay=true",
        "AccuracySec=1s",
        "Persistent=true",
        "",
        "[Install]",
        "WantedBy=timers.target",
    )
    return {f"{name}.service": service, f"{name}.timer": timer}


def kubernetes(schedule: Schedule, *, image: str) -> dict[str, str]:
    """A CronJob, by the name of its file; the job's folder is a volume, found under the same path as here.

    Args:
        schedule: when; its command is that of the image.
        image: one in which lstmcast is installed.
    """
    spec = {
        "schedule": schedule.five_fields,
        "timeZone": schedule.timezone,
        "concurrencyPolicy": "Forbid",
        "startingDeadlineSeconds": 60 * min(schedule.minutes, HOUR),
        "successfulJobsHistoryLimit": 1,
        "failedJobsHistoryLimit": 3,
        "jobTemplate": {
            "spec": {
                "backoffLimit": 0,
                "activeDeadlineSeconds": 60 * schedule.timeout,
                "template": {"spec": _pod(schedule, image)},
            }
        },
    }
    manifest = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": schedule.name}, "spec": spec}
    head = f"# Install: kubectl apply -f {schedule.name}.yaml; the claim {schedule.name} holds the job's folder."
    return {f"{schedule.name}.yaml": _text(head) + yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True)}


def _pod(schedule: Schedule, image: str) -> dict[str, Any]:
    folder = str(schedule.job.parent)
    container = {
        "name": "lstmcast",
        "image": image,
        "command": list(schedule.arguments),
        "workingDir": folder,
        "volumeMounts": [{"name": "job", "mountPath": folder}],
    }
    volume = {"name": "job", "persistentVolumeClaim": {"claimName": schedule.name}}
    return {"restartPolicy": "Never", "containers": [container], "volumes": [volume]}


def _text(*lines: str) -> str:
    return "\n".join(lines) + "\n"


def _escaped(command: str) -> str:
    """A command in a crontab, where a plain % would end it."""
    return command.replace("%", r"\%")


def _quoted(argument: str) -> str:
    """An argument in a unit of systemd: specifiers, variables and quotes are taken as they stand."""
    escaped = argument.replace("\\", r"\\").replace('"', r"\"").replace("%", "%%").replace("$", "$$")
    return escaped if _SAFE_WORD.fullmatch(escaped) else f'"{escaped}"'
