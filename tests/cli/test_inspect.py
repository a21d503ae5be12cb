"""`lstmcast check`, `init` and `config`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lstmcast.cli import main
from lstmcast.config import EventJob, ValueConfig, bundled_configs, load_config, load_job, schema

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every command runs in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*args: object) -> int:
    """The exit code of a command in this process."""
    return main([str(arg) for arg in args])


def stderr_of(capture: Capture, *args: object, code: int) -> str:
    """The stderr of a command that ends with this code; stdout must be empty."""
    assert call(*args) == code
    out, err = capture.readouterr()
    assert out == ""
    return err


def test_check(capsys: Capture, air: Path) -> None:
    """The text names columns, frequency and span; the JSON holds the same."""
    assert call("check", air) == 0
    text, err = capsys.readouterr()
    assert err == ""
    assert "144 rows, 1 series, 1949-01 to 1960-12" in text
    assert call("check", air, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["frequency"], found["season"], found["horizon"], found["rows"]) == ("MS", 12, 12, 144)
    assert found["columns"] == {"time": "month", "target": ["passengers"], "series": []}
    assert found["left_out"] == []


@pytest.mark.slow
def test_init_then_train(here: Path, capsys: Capture, shops_file: Path, small: tuple[str, ...]) -> None:
    """The written config contains the inferred columns, is not overwritten, and trains on the same columns."""
    assert "lstmcast.yaml: written" in stderr_of(capsys, "init", shops_file, code=0)
    config = load_config(here / "lstmcast.yaml")
    assert (config.data.time, config.data.target, config.data.id_columns) == ("day", "sales", ["shop"])
    assert (config.data.frequency, config.data.season_length) == ("D", 7)
    assert config.model == ValueConfig().model
    before = (here / "lstmcast.yaml").read_text()
    assert "replace it with --force" in stderr_of(capsys, "init", shops_file, code=2)
    assert (here / "lstmcast.yaml").read_text() == before
    assert call("init", shops_file, "--force", "--set", "train.epochs=3") == 0
    assert load_config(here / "lstmcast.yaml").train.epochs == 3
    capsys.readouterr()
    assert call("train", shops_file, "--config", "lstmcast.yaml", "--json", "-q", *small) == 0
    assert json.loads(capsys.readouterr().out)["config"]["data"]["id_columns"] == ["shop"]


def test_init_to_stdout(capsys: Capture, here: Path, air: Path) -> None:
    """`-o -` writes the config to stdout and no file."""
    assert call("init", air, "-o", "-") == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert list(here.iterdir()) == []
    (here / "x.yaml").write_text(out)
    assert load_config(here / "x.yaml").data.time == "month"


def test_a_job_of_an_event_is_written(here: Path, capsys: Capture, shops_file: Path) -> None:
    """The job has the keys of its task; a task without jobs is refused."""
    event = ("--config", "event", "--set", "model.event=sales > p60", "--job")
    assert "job.yaml: written" in stderr_of(capsys, "init", shops_file, *event, code=0)
    job = load_job(here / "job.yaml")
    assert isinstance(job, EventJob)
    assert (job.model.event, job.data.target) == ("sales > p60", "sales")
    assert "fail_if" not in (here / "job.yaml").read_text()
    no_job = ("--set", "model.task=label", "--job", "--force")
    assert "--job: not with model.task: label" in stderr_of(capsys, "init", shops_file, *no_job, code=2)


def test_labeled_series_are_checked_and_configured(here: Path, capsys: Capture, labeled_file: Path) -> None:
    """As text, as JSON, and as a config that names label and features."""
    label = ("--set", "model.task=label")
    assert call("check", labeled_file, *label) == 0
    assert "60 series of 6 to 9 steps, 2 features at each" in capsys.readouterr().out
    assert call("check", labeled_file, *label, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["columns"] == {"time": None, "series": ["id"], "features": ["a", "b"], "label": "label"}
    assert (found["classes"], found["series"]) == (["down", "flat", "up"], 60)
    stderr_of(capsys, "init", labeled_file, *label, code=0)
    data = load_config(here / "lstmcast.yaml").data
    assert (data.target, data.id_columns, data.features) == ("label", ["id"], ["a", "b"])


def test_init_under_a_name_too_long(capsys: Capture, air: Path) -> None:
    """A name that no file can have is the file system's fault."""
    assert "File name too long" in stderr_of(capsys, "init", air, "-o", "x" * 300, code=6)


def test_config_shows_every_key_and_reads_back(here: Path, capsys: Capture) -> None:
    """The output of `config` is an equal config, including text that resembles other types."""
    assert call("config", "classic", "--set", "data.time='1e3'", "--set", "data.target=no") == 0
    (here / "x.yaml").write_text(capsys.readouterr().out)
    assert load_config(here / "x.yaml") == load_config("classic", {"data.time": "'1e3'", "data.target": "no"})


def test_config_lists_and_describes(capsys: Capture) -> None:
    """`--list` names each shipped config with a line about it; `--schema` prints the schema."""
    assert call("config", "--list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(bundled_configs())
    assert all(len(line.split()) > 3 for line in lines)
    assert call("config", "--schema") == 0
    assert json.loads(capsys.readouterr().out) == schema()
