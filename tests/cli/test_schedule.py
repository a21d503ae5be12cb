"""`lstmcast schedule`: the files of cron and systemd, and a real cron."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lstmcast.cli import main
from lstmcast.jobs.schedules import Schedule, crontab

CRON, UNSHARE = shutil.which("cron"), shutil.which("unshare")
MINUTES = 130  # seconds in which a line of every minute is started, with room to spare


def why_no_cron() -> str:
    """The missing requirements of a private cron daemon; empty if there are none."""
    if CRON is None or UNSHARE is None:
        return "needs a cron daemon and unshare (Debian: cron, util-linux)"
    allowed = os.geteuid() == 0 and subprocess.run([UNSHARE, "--mount", "true"], check=False).returncode == 0
    return "" if allowed else "needs root and mount namespaces, to run a cron daemon that nobody else sees"


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """A job over a quarter-hourly series of Berlin."""
    rows = [f"2026-05-01T{h:02d}:{m:02d}:00,{h + m}" for h in range(24) for m in (0, 15, 30, 45)]
    (tmp_path / "load.csv").write_text("time,load\n" + "\n".join(rows) + "\n")
    path = tmp_path / "load.yaml"
    path.write_text("input: load.csv\ndata: {timezone: Europe/Berlin}\n")
    return path


def test_the_interval_is_that_of_the_data(job: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A line every quarter of an hour, on the clock of the data's zone, with absolute paths."""
    assert main(["schedule", str(job), "--cron"]) == 0
    *_, zone, line = capsys.readouterr().out.splitlines()
    assert zone == "CRON_TZ=Europe/Berlin"
    assert line.startswith("0-59/15 * * * * timeout --kill-after=60 60m /")
    assert f" run {job} --wait 60 --log-format json " in line


def test_flags_win_and_then_no_data_are_needed(job: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --every and a zone, the data may be anywhere."""
    (job.parent / "load.csv").unlink()
    assert main(["schedule", str(job), "--systemd", "--every", "2h", "--timezone", "Asia/Tokyo"]) == 0
    assert "OnCalendar=*-*-* 00/2:00:00 Asia/Tokyo\n" in capsys.readouterr().out


@pytest.mark.parametrize(("wanted", "instead"), [("7h", "every 6 hours"), ("90min", "every hour"), ("2d", "every day")])
def test_an_interval_without_a_calendar_expression_is_noted(
    job: Path, capsys: pytest.CaptureFixture[str], wanted: str, instead: str
) -> None:
    """A schedule that runs more often than requested has a note; others have none."""
    assert main(["schedule", str(job), "--cron", "--every", wanted]) == 0
    assert f"--every {wanted}: no schedule has this interval; {instead} is used instead" in capsys.readouterr().err
    assert main(["schedule", str(job), "--cron", "--every", "12h"]) == 0
    assert capsys.readouterr().err == ""


def test_files_are_written_to_the_given_folder(job: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Under the names that they are installed by, and nothing is shown."""
    assert main(["schedule", str(job), "--systemd", "-o", str(tmp_path / "units")]) == 0
    names = {"lstmcast-load.service", "lstmcast-load.timer"}
    assert {path.name for path in (tmp_path / "units").iterdir()} == names
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ([], "choose one of --cron, --systemd, --kubernetes"),
        (["--cron", "--image", "x"], "--image: only with --kubernetes"),
        (["--cron", "--every", "often"], "--every: must be a number and a unit"),
        (["--cron", "--timezone", "Europe/Berlinn"], "did you mean 'Europe/Berlin'?"),
    ],
)
def test_wrong_usage(job: Path, capsys: pytest.CaptureFixture[str], flags: list[str], words: str) -> None:
    """Exit code 2 and one line that contains the rule."""
    assert main(["schedule", str(job), *flags]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line


@pytest.fixture
def cron(tmp_path: Path) -> Iterator[Path]:
    """A real cron daemon whose crontabs are those of a folder of ours: seen by nobody else, ended at the end."""
    if why_no_cron():
        pytest.skip(why_no_cron())
    spool = tmp_path / "spool"
    spool.mkdir(mode=0o700)
    hide = (
        "mount --bind {spool} /var/spool/cron/crontabs && mount -t tmpfs none /run && mount -t tmpfs none /etc/cron.d"
    )
    quiet = "mount --bind /dev/null /etc/crontab"
    script = f"{hide.format(spool=spool)} && {quiet} && exec {CRON} -f"
    daemon = subprocess.Popen([UNSHARE, "--mount", "sh", "-c", script], stderr=subprocess.DEVNULL)
    yield spool
    daemon.terminate()
    daemon.wait(10)


@pytest.mark.slow
def test_a_real_cron_starts_the_job(cron: Path, tmp_path: Path) -> None:
    """Each minute, with the arguments as they are, though the path has a space, a quote and a percent sign."""
    recorder = tmp_path / "the lstmcast"
    recorder.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    recorder.chmod(0o755)
    planned = Schedule((str(recorder),), tmp_path / "100 % o'clock.yaml", 1, "UTC")
    (text,) = crontab(planned).values()
    table = cron / "root"
    table.write_text(text)
    table.chmod(0o600)
    log = tmp_path / "100 % o'clock.log"
    for _ in range(MINUTES):
        if log.exists():
            break
        time.sleep(1)
    assert log.read_text().splitlines()[:5] == list(planned.arguments)[1:6]
