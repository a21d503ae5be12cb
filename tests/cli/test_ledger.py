"""The output and exit codes of `lstmcast score`, `diff` and `replay`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lstmcast.cli import main
from lstmcast.persistence.artifact import model_lock

Capture = pytest.CaptureFixture[str]
DAYS = 120
JOB = (
    "input: sales.csv\nmodel: {units: [4]}\ntrain: {init: scratch, epochs: 2, steps_per_epoch: 4}\n"
    "forecast: {horizon: 5}\n"
    "retrain: {every: null, on_drift: false}\nfail_if: ['mase > 99']\n"
)


def rows(values: np.ndarray) -> str:
    """Daily values as a CSV."""
    days = np.datetime64("2024-01-01") + np.arange(len(values))
    return (
        "\n".join(["day,sales", *(f"{day},{value!r}" for day, value in zip(days, values.tolist(), strict=True))]) + "\n"
    )


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, waves: Callable[[int, int], np.ndarray]) -> Path:
    """A folder with a job that ran on six days, and what each of them wrote; then two more days came in."""
    folder, values = tmp_path_factory.mktemp("job"), waves(DAYS + 7, 1)
    (folder / "job.yaml").write_text(JOB)
    for day in range(6):
        (folder / "sales.csv").write_text(rows(values[: DAYS + day]))
        now = f"2024-05-0{day + 1}T01:00Z"
        assert main(["run", str(folder / "job.yaml"), "--now", now, "--quiet"]) == 0
        shutil.copy(folder / "forecast.csv", folder / f"wrote-{day + 1}.csv")
    (folder / "sales.csv").write_text(rows(values))
    return folder


@pytest.fixture
def here(ran: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, in which the process is."""
    shutil.copytree(ran, tmp_path / "job")
    monkeypatch.chdir(tmp_path / "job")
    return tmp_path / "job"


@pytest.mark.slow
def test_score_without_a_job_uses_the_data_of_the_runs(here: Path, capsys: Capture) -> None:
    """5 + 4 + 3 + 2 + 1 outcomes of six runs; no file is changed, nothing is on stdout."""
    before = {path: path.read_bytes() for path in here.rglob("*") if path.is_file()}
    assert main(["score", "--now", "2024-05-06T02:00Z"]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("sales: 15 ")
    assert "MASE" in err
    assert "coverage 80%" in err
    assert err.splitlines()[-1].startswith("drift: none detected")
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.slow
@pytest.mark.usefixtures("here")
def test_score_with_a_job_reads_the_newest_data(capsys: Capture) -> None:
    """Two days more: 5 + 5 + 5 + 4 + 3 + 2; as JSON with the same figures."""
    assert main(["score", "job.yaml", "--now", "2024-05-08T02:00Z", "--json"]) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert (found["model"], found["outcomes"]) == ("sales", 5 + 5 + 5 + 4 + 3 + 2)
    assert err.startswith("sales: 24 ")
    assert len(found["coverage_by_step"]["80"]) == len(found["mae_by_step"]) == 5
    assert found["drift"]["false_alarm_rate"] == 0.01


@pytest.mark.slow
def test_a_window(here: Path, capsys: Capture) -> None:
    """Only steps in the two days before now, of which one is known; all; and what the job's own window asks for."""
    (here / "job.yaml").write_text(JOB + "ledger: {score_window: 1h}\n")
    counts = []
    for window in (["--window", "2d"], ["--window", "all"], []):
        assert main(["score", "job.yaml", "--now", "2024-05-07T00:30Z", "--json", "-q", *window]) == 0
        counts.append(json.loads(capsys.readouterr().out)["outcomes"])
    assert counts == [4, 24, 0]


@pytest.mark.slow
def test_conditions_end_with_8(here: Path, capsys: Capture) -> None:
    """A condition that holds is listed with its value; one that does not, or is undefined, is not."""
    assert main(["score", "-q", "--fail-if", "mase > 0.001", "--fail-if", "mae > 1e6"]) == 8
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("lstmcast: mase > 0.001 (mase is ")
    assert main(["score", "-q", "--fail-if", "mase > 1000"]) == 0
    assert main(["score", "-q", "--fail-if", "mase > 0", "--window", "1h", "--now", "2030-01-01T00:00Z"]) == 0
    (here / "job.yaml").write_text(JOB.replace("mase > 99", "mase > 0.001"))
    assert main(["score", "job.yaml", "-q", "--window", "all"]) == 8


@pytest.mark.slow
@pytest.mark.usefixtures("here")
def test_diff(capsys: Capture) -> None:
    """The last two runs by default, or earlier ones on request; JSON contains every step."""
    assert main(["diff", "job.yaml", "--json"]) == 0
    out, err = capsys.readouterr()
    assert err.startswith("sales: the forecast of 2024-05-06 01:00 UTC against the forecast of 2024-05-05 01:00 UTC\n")
    assert "data: 1 new value, 0 revised" in err
    assert [step["time"] for step in json.loads(out)["steps"]] == [f"2024-05-{day:02}" for day in (5, 6, 7, 8)]
    assert main(["diff", "--against", "2024-05-02T12:00Z", "--json", "-q"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["earlier"]["created_at"] == "2024-05-02T01:00:00+00:00"
    assert [step["time"] for step in found["steps"]] == ["2024-05-05"]
    assert found["changed"] == {"data": True, "model": False, "config": False}


@pytest.mark.slow
def test_replay(here: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """Each run's file again, on stdout or where one likes."""
    for day in range(1, 7):
        assert main(["replay", "job.yaml", "--as-of", f"2024-05-0{day}T18:30+02:00"]) == 0
        out, err = capsysbinary.readouterr()
        assert out == (here / f"wrote-{day}.csv").read_bytes()
        assert b"recomputed by version" in err
    assert main(["replay", "--as-of", "2024-05-03T02:00Z", "-o", "then.csv", "-q"]) == 0
    assert (here / "then.csv").read_bytes() == (here / "wrote-3.csv").read_bytes()
    assert capsysbinary.readouterr() == (b"", b"")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("args", "code", "fault"),
    [
        (["score", "--fail-if", "mape > 1"], 2, "--fail-if: must be a score (mae, bias"),
        (["score", "--fail-if", "coverage_81 < 1"], 2, "--fail-if: unknown score 'coverage_81'"),
        (["score", "--window", "soon"], 2, "--window: must be a number and a unit"),
        (["score", "--now", "today"], 2, "--now today: must be an ISO 8601 time with a time zone"),
        (["score", "job.yaml", "--model", "sales"], 2, "--model, --model-dir: the job sets the model"),
        (["score", "nothing.yaml"], 6, "nothing.yaml: cannot be read"),
        (["score", "--model", "seles"], 5, "--model seles: no such model or version (available under models: sales)"),
        (["score", "--model-dir", "elsewhere"], 5, "elsewhere: there is no ledger yet"),
        (["diff", "--against", "2024-01-01T00:00Z"], 5, "no earlier run is recorded"),
        (["replay", "--as-of", "2024-05-01"], 2, "--as-of 2024-05-01: must be an ISO 8601 time with a time zone"),
        (
            ["replay", "--as-of", "2024-05-01T00:59Z"],
            5,
            "no run up to 2024-05-01T00:59:00Z is recorded; the first",
        ),
    ],
)
def test_faults(here: Path, capsys: Capture, args: list[str], code: int, fault: str) -> None:
    """One line each, with what to do, and the code of its kind."""
    assert main(args) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert fault in line
    assert here.is_dir()


@pytest.mark.slow
def test_score_during_a_run(here: Path, capsys: Capture) -> None:
    """With a job it would write, so it waits, and gives up with 7; without one it only reads."""
    with model_lock(here / "models" / "sales"):
        assert main(["score", "job.yaml", "--wait", "0"]) == 7
        assert "holds the lock" in capsys.readouterr().err
        assert main(["score", "-q"]) == 0


def test_no_run_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    """A job that never ran has no ledger, and asking for it makes none."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "job.yaml").write_text(JOB)
    for args in (["score", "job.yaml"], ["diff", "job.yaml"], ["replay", "job.yaml", "--as-of", "2024-05-01T00:00Z"]):
        assert main(args) == 5
        assert "there is no ledger yet; the first `lstmcast run` creates it" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["job.yaml"]
