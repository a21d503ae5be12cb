"""Files with which cron, systemd and Kubernetes run a job, as text.

A run without new data does nothing, so a schedule may run more often than the data are updated: an interval that a
calendar cannot express is rounded down. The lock of a job prevents overlapping runs.
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
"""Minutes between two runs that a calendar can express."""

MORNING = 6  # o'clock, for a daily run: after nightly loads, and not in the hour of a clock change
PATIENCE = 60  # maximum seconds to wait for another run
TIMEOUTS = (HOUR, 6 * HOUR)  # minimum and maximum, minutes; the next run resumes an interrupted training
SPREAD = 15  # maximum minutes over which jobs are spread
LONGEST_LINE = 990  # characters; cron truncates longer lines
LONGEST_NAME = 52  # characters; Kubernetes adds eleven to the name of a job

_FIXED_ZONE = re.compile(r"(?:UTC|GMT)([+-])(\d{2}):00")
_SAFE_WORD = re.compile(r"[\w./:=+@%,-]+", re.ASCII)


@dataclass(frozen=True)
class Schedule:
    """The schedule of a job.

    Attributes:
        command: the program, and its arguments before `run`; absolute.
        job: the path of the job file; absolute.
        minutes: between two runs, one of `INTERVALS`.
        timezone: the zone of the times.
    """

    command: tuple[str, ...]
    job: Path
    minutes: int
    timezone: str

    @property
    def name(self) -> str:
        """The name of the files: that of the job, in the characters of a host name."""
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
        """Minutes over which the starts of jobs of this interval are spread."""
        return min(self.minutes // 10, SPREAD)

    @property
    def offset(self) -> int:
        """The part of the jitter of this job, derived from its path, so that it is constant."""
        return int(sha256(str(self.job).encode()).hexdigest(), 16) % max(self.jitter, 1)

    @property
    def five_fields(self) -> str:
        """Minute, hour, day, month and weekday, for cron and Kubernetes."""
        if self.minutes < HOUR:
            return f"{self.offset}-59/{self.minutes} * * * *"
        if self.minutes < DAY:
            return f"{self.offset} {'*' if self.minutes == HOUR else f'*/{self.minutes // HOUR}'} * * *"
        return f"{self.offset} {MORNING} * * {'*' if self.minutes == DAY else '1'}"

    @property
    def on_calendar(self) -> str:
        """The times without the offset, for systemd."""
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
    """Return the longest of `INTERVALS` that is at most the given one; at least a minute."""
    return max((candidate for candidate in INTERVALS if timedelta(minutes=candidate) <= wanted), default=INTERVALS[0])


def default_interval(grid_kind: str, step: int) -> int:
    """Return the minutes between runs for data on a grid: the step, and at most a day.

    Args:
        grid_kind: of the grid: `fixed`, `month` or `counter`.
        step: microseconds, if `fixed`.

    Raises:
        UsageError: the rows are counted, without times.
    """
    if grid_kind == "counter":
        raise UsageError("the data have no times to infer the interval from; set it with --every (such as 1h)")
    return min(interval(timedelta(microseconds=step)), DAY) if grid_kind == "fixed" else DAY


def scheduler_zone(timezone: str | None) -> str:
    """Return the data's time zone as a name of the IANA database; UTC if there is none."""
    if timezone and (fixed := _FIXED_ZONE.fullmatch(timezone)):
        return f"Etc/GMT{'-' if fixed[1] == '+' else '+'}{int(fixed[2])}"  # POSIX signs are reversed
    return "UTC" if timezone is None or timezone.startswith(("UTC", "GMT")) else timezone


def crontab(schedule: Schedule) -> dict[str, str]:
    """Return a part of a crontab, by the name of its file.

    Raises:
        UsageError: the line exceeds the limit of cron, or a path contains a line break.
    """
    log = shlex.quote(str(schedule.job.with_suffix(".log")))
    run = shlex.join(["timeout", "--kill-after=60", f"{schedule.timeout}m", *schedule.arguments])
    line = f"{schedule.five_fields} {_escaped(f'{run} >>{log} 2>&1 || tail -n 5 {log}')}"
    if len(line) > LONGEST_LINE or "\n" in line:
        raise UsageError(f"{schedule.job}: cron reads lines of at most {LONGEST_LINE} characters; use a shorter path")
    lines = (
        f"# {schedule.often}, {schedule.timezone}. Install: crontab -e, and add these lines.",
        "# The log has the output of all runs; cron mails the last lines of a run that fails.",
        "# CRON_TZ applies to all lines below. A cron without it (Debian's) uses the zone of the machine.",
        f"CRON_TZ={schedule.timezone}",
        line,
    )
    return {f"{schedule.name}.crontab": _text(*lines)}


def systemd(schedule: Schedule) -> dict[str, str]:
    """Return a service and its timer, by the names of their files."""
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
    """Return a CronJob, by the name of its file; a volume holds the folder of the job under the same path as here.

    Args:
        schedule: the schedule; its command is that of the image.
        image: an image in which lstmcast is installed.
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
    """Escape % in a command of a crontab, where it would end the command."""
    return command.replace("%", r"\%")


def _quoted(argument: str) -> str:
    """Quote an argument of a systemd unit: specifiers, variables and quotes are literal."""
    escaped = argument.replace("\\", r"\\").replace('"', r"\"").replace("%", "%%").replace("$", "$$")
    return escaped if _SAFE_WORD.fullmatch(escaped) else f'"{escaped}"'
