"""Schedules as text: their times by a slow clock, their quoting by the programs that read them."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import pytest
import yaml

from lstmcast.errors import UsageError
from lstmcast.jobs.schedules import (
    INTERVALS,
    Schedule,
    crontab,
    default_interval,
    interval,
    kubernetes,
    scheduler_zone,
    systemd,
)

ANALYZE = shutil.which("systemd-analyze")
SOLAR = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
WILD = ("plain.yaml", "two words.yaml", "100 % 'sure' $HOME.yaml", 'a "b" \\c.yaml', "größe.yaml")

needs_systemd = pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed (Debian: systemd)")


def schedule(minutes: int = 60, job: str = "/srv/air/job.yaml", *, timezone: str = "Europe/Berlin") -> Schedule:
    """A schedule of a job."""
    return Schedule(("/opt/my venv/bin/lstmcast",), Path(job), minutes, timezone)


def matches(field: str, value: int) -> bool:
    """Return True if a value matches a field of a crontab: `*`, `*/n`, `a-b/n` or a number."""
    span, _, step = field.partition("/")
    low, _, high = span.partition("-")
    if span == "*":
        return value % int(step or 1) == 0
    return int(low) <= value <= int(high or low) and (value - int(low)) % int(step or 1) == 0


def started(five_fields: str, weeks: int = 2) -> list[datetime]:
    """Every minute of these weeks at which cron starts the line."""
    minute, hour, day, month, weekday = five_fields.split()
    assert (day, month) == ("*", "*")
    minutes = (SOLAR + timedelta(minutes=m) for m in range(weeks * 7 * 24 * 60))
    return [
        now
        for now in minutes
        if matches(minute, now.minute) and matches(hour, now.hour) and matches(weekday, now.isoweekday() % 7)
    ]


@pytest.mark.parametrize("minutes", INTERVALS)
def test_the_five_fields_are_the_interval(minutes: int) -> None:
    """Every interval there is, minute by minute over two weeks: evenly spaced, and begun within the jitter."""
    planned = schedule(minutes)
    times = started(planned.five_fields)
    assert {later - now for now, later in pairwise(times)} == {timedelta(minutes=minutes)}
    assert 0 <= planned.offset < max(1, planned.jitter) <= max(1, minutes / 10)


def test_jobs_are_spread() -> None:
    """Ten jobs of a day do not begin in one minute, and each always in the same."""
    offsets = [schedule(24 * 60, f"/srv/{n}/job.yaml").offset for n in range(10)]
    assert len(set(offsets)) > 3
    assert offsets == [schedule(24 * 60, f"/srv/{n}/job.yaml").offset for n in range(10)]


@pytest.mark.parametrize(
    ("wanted", "minutes"),
    [("1s", 1), ("60s", 1), ("7min", 6), ("15min", 15), ("59min", 30), ("1h", 60), ("5h", 240), ("7h", 360),
     ("23h", 720), ("1d", 1440), ("6d", 1440), ("7d", 10080), ("365d", 10080)],
)  # fmt: skip
def test_an_interval_is_rounded_down(wanted: str, minutes: int) -> None:
    """Rather too often than too seldom."""
    number, unit = re.fullmatch(r"(\d+)(\w+)", wanted).groups()
    names = {"s": "seconds", "min": "minutes", "h": "hours", "d": "days"}
    assert interval(timedelta(**{names[unit]: int(number)})) == minutes


@pytest.mark.parametrize(
    ("kind", "step", "minutes"),
    [("fixed", 3_600_000_000, 60), ("fixed", 1_000_000, 1), ("fixed", 7 * 86_400_000_000, 1440), ("month", 1, 1440),
     ("fixed", 86_400_000_000, 1440)],
)  # fmt: skip
def test_slow_data_are_looked_at_daily(kind: str, step: int, minutes: int) -> None:
    """Nobody knows on which day the month's figure comes: a run that finds nothing new does nothing."""
    assert default_interval(kind, step) == minutes


def test_counted_rows_say_no_interval() -> None:
    """The message contains the flag that fixes it."""
    with pytest.raises(UsageError, match="--every"):
        default_interval("counter", 1)


@pytest.mark.parametrize(
    ("zone", "hours"), [(None, 0), ("UTC", 0), ("UTC+02:00", 2), ("UTC-11:00", -11), ("Europe/Berlin", 1)]
)
def test_a_zone_that_schedulers_know(zone: str | None, hours: int) -> None:
    """A fixed offset becomes the database's name for it, whose sign is the other way round."""
    name = scheduler_zone(zone)
    assert name in available_timezones()
    assert datetime(2026, 1, 1, tzinfo=ZoneInfo(name)).utcoffset() == timedelta(hours=hours)


@pytest.mark.parametrize("job", WILD)
def test_a_shell_reads_the_crontab_as_meant(tmp_path: Path, job: str) -> None:
    """The % undone as cron does it, the shell starts the command with just these arguments, and all is logged."""
    recorder = tmp_path / "record it"
    recorder.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\nexit 3\n')
    recorder.chmod(0o755)
    planned = Schedule((str(recorder),), tmp_path / job, 60, "UTC")
    (text,) = crontab(planned).values()
    *_, zone, line = text.splitlines()
    assert zone == "CRON_TZ=UTC"
    fields, command = line[: len(planned.five_fields)], line[len(planned.five_fields) + 1 :]
    assert fields == planned.five_fields
    assert not re.search(r"(?<!\\)%", command)
    done = subprocess.run(["sh", "-c", command.replace(r"\%", "%")], capture_output=True, text=True, check=False)
    expected_arguments = ["run", str(tmp_path / job), "--wait", "60", "--log-format", "json"]
    assert done.stdout.splitlines() == expected_arguments[-5:]
    assert (tmp_path / job).with_suffix(".log").read_text().splitlines() == expected_arguments


def test_a_line_that_cron_would_cut_is_refused() -> None:
    """No half of a command is ever run."""
    with pytest.raises(UsageError, match="shorter path"):
        crontab(schedule(job="/" + "long/" * 200 + "job.yaml"))
    with pytest.raises(UsageError, match="cron reads lines"):
        crontab(schedule(job="/srv/two\nlines.yaml"))


@needs_systemd
@pytest.mark.parametrize("job", WILD)
def test_systemd_verifies_the_units(tmp_path: Path, job: str) -> None:
    """Without a word of complaint, whatever the path."""
    program = tmp_path / "my lstmcast"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for name, text in systemd(Schedule((str(program),), tmp_path / job, 15, "Europe/Berlin")).items():
        (tmp_path / name).write_text(text)
    units = [path for path in tmp_path.iterdir() if path.suffix in {".service", ".timer"}]
    done = subprocess.run([ANALYZE, "verify", "--man=no", *units], capture_output=True, text=True, check=False)
    own = [line for line in done.stderr.splitlines() if "lstmcast" in line]
    assert (done.returncode, own, len(units)) == (0, [], 2)


@needs_systemd
@pytest.mark.parametrize("minutes", [1, 15, 60, 360, 1440, 10080])
def test_systemd_starts_at_the_same_times_as_cron(minutes: int) -> None:
    """Without the offset, which is the delay here, over the night in which Berlin's clocks are put forward."""
    planned = schedule(minutes, timezone="UTC")
    command = [ANALYZE, "calendar", "--base-time=2026-03-01 23:59:59 UTC", "--iterations=4", planned.on_calendar]
    text = subprocess.run(command, capture_output=True, text=True, check=True, env={"TZ": "UTC"}).stdout
    expected_arguments = re.findall(r"(?:Next elapse|Iter\. #\d+|Iteration #\d+): \w+ (\S+ \S+) UTC", text)
    offset = timedelta(minutes=planned.offset)
    expected = [now - offset for now in started(planned.five_fields, weeks=5)[:4]]
    assert expected_arguments == [f"{now:%Y-%m-%d %H:%M:%S}" for now in expected]


@needs_systemd
def test_the_zone_of_a_timer_follows_its_clock() -> None:
    """Six in the morning in Berlin is another hour of UTC after the clocks are put forward."""
    command = [ANALYZE, "calendar", "--base-time=2026-03-28 00:00:00 UTC", "--iterations=2", schedule(1440).on_calendar]
    text = subprocess.run(command, capture_output=True, text=True, check=True, env={"TZ": "UTC"}).stdout
    assert re.findall(r"2026-03-\d\d \d\d:00:00 UTC", text) == ["2026-03-28 05:00:00 UTC", "2026-03-29 04:00:00 UTC"]


@pytest.mark.parametrize("job", WILD)
@pytest.mark.parametrize("minutes", [5, 60, 1440])
def test_a_cronjob_has_the_fields_of_its_kind(job: str, minutes: int) -> None:
    """Names as hosts have them, numbers where numbers belong, text where text does; the arguments as they are."""
    planned = Schedule(("lstmcast",), Path("/srv") / job, minutes, "Europe/Berlin")
    ((name, text),) = kubernetes(planned, image="registry/lstmcast:0.1.0").items()
    whole = yaml.safe_load(text)
    spec, pod = whole["spec"], whole["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (container,), (volume,) = pod["containers"], pod["volumes"]
    assert (whole["apiVersion"], whole["kind"]) == ("batch/v1", "CronJob")
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,50}[a-z0-9])?", whole["metadata"]["name"])
    assert name == f"{whole['metadata']['name']}.yaml"
    assert (spec["schedule"], spec["timeZone"], spec["concurrencyPolicy"]) == (
        planned.five_fields, "Europe/Berlin", "Forbid",
    )  # fmt: skip
    assert spec["jobTemplate"]["spec"]["activeDeadlineSeconds"] == planned.timeout * 60 >= 3600
    assert container["command"] == list(planned.arguments)
    assert all(type(argument) is str for argument in container["command"])
    assert container["volumeMounts"] == [{"name": volume["name"], "mountPath": "/srv"}]
    assert pod["restartPolicy"] == "Never"


def test_every_scheduler_runs_the_same_command() -> None:
    """One command line, of which each has its own spelling."""
    planned = schedule()
    (line,) = crontab(planned).values()
    service, _ = systemd(planned).values()
    expected_arguments = [
        "/opt/my venv/bin/lstmcast",
        "run",
        "/srv/air/job.yaml",
        "--wait",
        "60",
        "--log-format",
        "json",
    ]
    assert list(planned.arguments) == expected_arguments
    assert shlex.join(expected_arguments) in line
    assert shlex.split(re.search(r"ExecStart=(.*)", service)[1]) == expected_arguments
