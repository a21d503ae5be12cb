"""The commands on real files: outputs, messages and exit codes."""

from __future__ import annotations

import fcntl
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import lstmcast
from lstmcast.cli import main
from lstmcast.config import EventJob, ValueConfig, bundled_configs, load_config, load_job, schema
from lstmcast.evaluation.skill import SkillOutcome
from lstmcast.persistence.checkpoint import CHECKPOINT
from lstmcast.persistence.registry import model_name, versions

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


# --- exit codes ---


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["config"], 0, ""),
        (["--version"], 0, ""),
        ([], 2, "Usage:"),
        (["forecast"], 2, "No such command 'forecast'"),
        (["predict", "--horizon", "0"], 2, "--horizon"),
        (["config", "--set", "train.epochs=0"], 3, "lstmcast: --set: train.epochs: must be ≥ 1 (got 0)"),
        (
            ["train", "x.csv", "--init", "cold"],
            3,
            "lstmcast: --init: must be 'scratch', 'fine_tune', 'ensemble' or 'auto'",
        ),
        (["train", "x.csv", "--seed", "1", "-s", "train.seeds=2"], 3, "lstmcast: --set: train.seeds: unknown key"),
        (["check", "empty.csv"], 4, "empty.csv: the file is empty"),
        (["predict"], 5, "models: there is no model; train one"),
        (["check", "missing.csv"], 6, "missing.csv: No such file"),
        (["check", "https://example.org/x.csv"], 6, "a URL is not read"),
        (["config", "missing.yaml"], 6, "missing.yaml: cannot be read"),
    ],
)
def test_exit_codes(run: Run, here: Path, args: list[str], code: int, words: str) -> None:
    """Each kind of failure has its exit code and a message on stderr without a traceback."""
    (here / "empty.csv").touch()
    done = run(*args, cwd=here)
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert (done.stdout == "") is (code != 0)


def test_busy_is_7(run: Run, here: Path, air: Path) -> None:
    """While another run holds the model's lock, training ends at once, and nothing is saved."""
    folder = here / "models" / "air_passengers"
    folder.mkdir(parents=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = run("train", air, cwd=here)
    assert done.returncode == 7
    assert "holds the lock; wait for it to end" in done.stderr
    assert versions(folder) == []


def test_strict_is_8(run: Run, here: Path, shops_models: Path) -> None:
    """With `--strict` series that were left out are named and end in 8; the forecast is written all the same."""
    done = run("predict", "--model-dir", shops_models, "--strict", "--quiet", cwd=here)
    assert done.returncode == 8
    gap, ended = done.stderr.splitlines()
    assert gap.startswith("lstmcast: left out: series 'gap': 70 steps are missing")
    assert "south/west (2024-03-30), new (2024-01-05)" in ended
    assert set(pd.read_csv(here / "forecast.csv")["shop"]) == {"north"}
    run("predict", "--model-dir", shops_models, "--quiet", "-s", "data.ended=keep", cwd=here)
    assert set(pd.read_csv(here / "forecast.csv")["shop"]) == {"north", "south/west", "new"}


@pytest.mark.slow
def test_strict_training_is_8_where_the_lstm_is_no_better(here: Path, capsys: Capture, small: tuple[str, ...]) -> None:
    """A constant series has no skill: with `--strict` training reports it, after saving the model."""
    (here / "still.csv").write_text("year,v\n" + "".join(f"{1900 + k},7\n" for k in range(40)))
    err = stderr_of(capsys, "train", "still.csv", "--strict", "--quiet", *small, code=8)
    assert err == "lstmcast: lstmcast is not better than the best baseline\n"
    assert len(versions(here / "models" / "still")) == 1


# --- train ---


def test_two_quiet_runs_with_one_seed(run: Run, here: Path, air: Path, models: Path, small: tuple[str, ...]) -> None:
    """`--quiet` prints nothing; equal seeds give equal weights, byte for byte, in separate runs."""
    done = run("train", air, "--quiet", *small, cwd=here)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (mine,), (other,) = (versions(folder / "air_passengers") for folder in (here / "models", models))
    for file in (
        "weights.safetensors",
        "calibration.safetensors",
        "holdout_forecasts.safetensors",
        "context.safetensors",
    ):
        assert (mine / file).read_bytes() == (other / file).read_bytes()
    assert [path.name for path in here.iterdir()] == ["models"]


@pytest.mark.slow
def test_the_output_of_train(here: Path, capsys: Capture, air: Path, small: tuple[str, ...]) -> None:
    """On stderr: what was found and decided, the scores, the verdict, and what comes next; on stdout the JSON alone."""
    assert call("train", air, "--name", "2024", "--horizon", "6", "--json", *small) == 0
    out, err = capsys.readouterr()
    result = json.loads(out)
    assert (result["model"], result["holdout"]["horizon"]) == ("2024", 6)
    (version,) = versions(here / "models" / "2024")
    assert result["version"] == version.name
    assert result["skill"]["outcome"] in set(SkillOutcome)
    assert "lstmcast" in err
    for words in (
        "144 rows, 1 series",
        "frequency",
        "hold-out",
        "seasonal naive",
        "Next: lstmcast predict; lstmcast plot",
    ):
        assert words in err
    assert set(here.iterdir()) == {here / "models"}


@pytest.mark.slow
def test_a_wide_table(here: Path, capsys: Capture, small: tuple[str, ...]) -> None:
    """Two target columns, or all of them, are series of their own; predict reads the same ones again."""
    rows = [f"{1900 + k},{k % 5 + 1},{k % 7 + 30}" for k in range(60)]
    (here / "wide.csv").write_text("year,a,b\n" + "\n".join(rows) + "\n")
    assert call("train", "wide.csv", "--target", "a", "--target", "b", "--model-dir", "m1", "-q", *small) == 0
    assert call("train", "wide.csv", "--target", "*", "--model-dir", "m2", "-q", *small) == 0
    tables = []
    for folder in ("m1", "m2"):
        assert call("predict", "--model-dir", folder, "--quiet", "--output", f"{folder}.csv") == 0
        tables.append((here / f"{folder}.csv").read_text())
    assert tables[0] == tables[1]
    table = pd.read_csv(here / "m1.csv")
    assert list(table.columns)[:3] == ["series", "year", "forecast"]
    means = table.groupby("series")["forecast"].mean()
    assert 0 < means["a"] < 7 < 25 < means["b"] < 40
    (here / "narrow.csv").write_text("year,a\n" + "".join(f"{1900 + k},{k}\n" for k in range(60)))
    assert "no column 'b'" in stderr_of(capsys, "predict", "narrow.csv", "--model-dir", "m1", code=4)


@pytest.mark.slow
def test_stdin_is_trained_on_and_stored(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, air: Path, small: tuple[str, ...]
) -> None:
    """`-` reads stdin; predict then forecasts from the stored context and prints that."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(air.read_bytes())))
    assert call("train", "-", "--quiet", *small) == 0
    assert call("predict", "-o", "-") == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[1].startswith("1961-01,")
    assert "forecasting from the context stored in the model" in err


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--name", "../x"], "model name: must be"),
        (["--model-dir", "file/models"], "a part of the path is a file"),
        (["--model-dir", "/proc/models"], "models"),
    ],
)
def test_folders_that_cannot_be_written(here: Path, capsys: Capture, air: Path, args: list[str], words: str) -> None:
    """If the model cannot be saved, training does not begin."""
    (here / "file").touch()
    err = stderr_of(capsys, "train", air, *args, code=2 if args[0] == "--name" else 6)
    assert words in err
    assert "transform" not in err
    assert not (here / "models").exists()


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ("-", "stdin"),
        ("a/air.csv.gz", "air"),
        ("sales.2024.csv", "sales_2024"),
        (".hidden.csv", "hidden"),
        ("my data (1).csv", "my_data__1_"),
        (".", "model"),
    ],
)
def test_model_names(data: str, name: str) -> None:
    """A model is called what its file is called, in letters that a folder can have."""
    assert model_name(data) == name


# --- flags, --set, YAML ---


@pytest.mark.slow
def test_flags_win_over_set_and_set_over_the_file(here: Path, capsys: Capture, air: Path) -> None:
    """For a key in a flag, in `--set` and in the YAML, the flag has priority, then `--set`, then the file."""
    (here / "my.yaml").write_text("train: {seed: 1, patience: 1, epochs: 1}\nforecast: {horizon: 3}\n")
    settings = ("--set", "train.seed=2", "--set", "train.patience=2", "--seed", "3")
    assert call("train", air, "-c", "my.yaml", *settings, "--json", "-q", "-s", "train.steps_per_epoch=2") == 0
    config = json.loads(capsys.readouterr().out)["config"]
    assert (config["train"]["seed"], config["train"]["patience"], config["train"]["epochs"]) == (3, 2, 1)
    assert config["forecast"]["horizon"] == 3


@pytest.mark.parametrize("name", ["2020", "no", "1e3", "#when", "a: b", "null", "[x]", "*"])
def test_a_flag_is_the_name_it_is(here: Path, capsys: Capture, name: str) -> None:
    """A column whose name looks like a number, a list or a comment is found by the flag that names it."""
    rows = "".join(f"{1950 + k},{k}\n" for k in range(30))
    (here / "x.csv").write_text(f'"{name}",v\n{rows}')
    assert call("check", "x.csv", "--time", name, "--json") == 0
    assert json.loads(capsys.readouterr().out)["columns"]["time"] == name


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--set", "train.epochs"], "--set train.epochs: must be KEY=VALUE"),
        (["--set", "epochs=5"], "--set epochs: must be section.key=value"),
        (["--season-length", "x"], "--season-length: must be a whole number (got the text 'x')"),
        (["--season-length", "--5"], "--season-length: must be a whole number (got the text '--5')"),
        (["--season-length", "0"], "--season-length: must be ≥ 1 (got 0)"),
        (["--config", "nope"], "--config nope: bundled configs: "),
    ],
)
def test_wrong_settings_are_3(capsys: Capture, air: Path, args: list[str], words: str) -> None:
    """A flag or setting of the wrong form or type is a fault of the config, in one line."""
    err = stderr_of(capsys, "check", air, *args, code=3)
    assert words in err
    assert len(err.splitlines()) == 1


# --- predict ---


def test_stdout_is_the_csv_alone(run: Run, here: Path, models: Path) -> None:
    """`-o -` puts the CSV on stdout and the words on stderr, and writes no file."""
    done = run("predict", "--model-dir", models, "--horizon", "3", "-o", "-", cwd=here)
    lines = done.stdout.splitlines()
    assert lines[0] == "month,forecast,lower_80,upper_80,lower_95,upper_95"
    assert [line.split(",")[0] for line in lines[1:]] == ["1961-01", "1961-02", "1961-03"]
    assert "stdout: 3 steps of 1 series, 1961-01 to 1961-03" in done.stderr
    assert list(here.iterdir()) == []


def test_all_formats_say_the_same(here: Path, capsys: Capture, models: Path) -> None:
    """CSV, JSON lines and Parquet contain the same rows; with --quiet nothing is printed."""
    pytest.importorskip("pyarrow")
    for suffix in ("csv", "jsonl", "parquet"):
        assert call("predict", "--model-dir", models, "--quiet", "-o", f"f.{suffix}") == 0
    assert capsys.readouterr() == ("", "")
    table = pd.read_csv("f.csv")
    pd.testing.assert_frame_equal(pd.DataFrame(map(json.loads, Path("f.jsonl").read_text().splitlines())), table)
    pd.testing.assert_frame_equal(pd.read_parquet("f.parquet"), table)
    assert {path.name for path in here.iterdir()} == {"f.csv", "f.jsonl", "f.parquet"}


@pytest.mark.slow
def test_the_newest_file_is_used(here: Path, capsys: Capture, air: Path, small: tuple[str, ...]) -> None:
    """Without DATA the file of training is read again as it is now; once it is gone, what the model kept is used."""
    data = here / "sales.csv"
    data.write_text(air.read_text())
    assert call("train", "sales.csv", "-q", *small) == 0
    data.write_text(air.read_text() + "1961-01,450\n1961-02,410\n")
    assert call("predict", "-q", "-o", "-") == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("1961-03,")
    data.unlink()
    assert call("predict", "-o", "-") == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[1].startswith("1961-01,")
    assert f"{data} does not exist: forecasting from the context" in err


def test_other_columns_are_refused(here: Path, capsys: Capture, models: Path) -> None:
    """A file without the model's columns is refused by name, not guessed at."""
    (here / "other.csv").write_text("month,freight\n" + "".join(f"{1950 + k}-01,{k}\n" for k in range(20)))
    assert "no column 'passengers'" in stderr_of(capsys, "predict", "other.csv", "--model-dir", models, code=4)


def test_several_models_must_be_named(here: Path, capsys: Capture, models: Path) -> None:
    """With two models, predict asks which, and takes it by name; an unknown name lists the models."""
    for name in ("a", "b"):
        target = here / "models" / name
        target.mkdir(parents=True)
        for path in (models / "air_passengers").rglob("*"):
            copy = target / path.relative_to(models / "air_passengers")
            copy.mkdir() if path.is_dir() else copy.write_bytes(path.read_bytes())
    assert "choose one with --model (available: a, b)" in stderr_of(capsys, "predict", code=5)
    assert "(available under models: a, b)" in stderr_of(capsys, "predict", "--model", "c", code=5)
    assert call("predict", "--model", "b", "-q", "-o", "f.csv") == 0


def test_tampered_weights_are_5(here: Path, capsys: Capture, models: Path) -> None:
    """Weights that were changed after training are refused before anything is written."""
    source = models / "air_passengers"
    for path in source.rglob("*"):
        copy = here / "models" / "air" / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file():
            copy.write_bytes(path.read_bytes())
    (weights,) = (here / "models").rglob("weights.safetensors")
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 255
    weights.write_bytes(content)
    assert "sha256 is not the manifest's" in stderr_of(capsys, "predict", code=5)
    assert not (here / "forecast.csv").exists()


@pytest.mark.parametrize("output", ["f.txt", "f", "nowhere/f.csv", "."])
def test_outputs_that_cannot_be(capsys: Capture, models: Path, output: str) -> None:
    """An unknown suffix is wrong usage, a missing folder the file system's fault; nothing is written."""
    code = 6 if output.startswith("nowhere") else 2
    err = stderr_of(capsys, "predict", "--model-dir", models, "-o", output, code=code)
    assert len(err.splitlines()) == 1
    assert list(Path().iterdir()) == []


# --- plot ---


@pytest.mark.parametrize(
    ("output", "start"),
    [("f.png", b"\x89PNG\r\n"), ("f.svg", b"<?xml"), ("f.pdf", b"%PDF-"), ("F.PNG", b"\x89PNG\r\n")],
)
def test_pictures(capsys: Capture, models: Path, output: str, start: bytes) -> None:
    """Each suffix gives a file of its kind, with the words on stderr."""
    assert f"{output}: 1 of 1 series" in stderr_of(capsys, "plot", "--model-dir", models, "-o", output, code=0)
    assert Path(output).read_bytes().startswith(start)


def test_a_picture_of_held_out_forecasts(capsys: Capture, models: Path) -> None:
    """`--backtest` plots the test forecasts, and the title contains it."""
    assert call("plot", "--model-dir", models, "--backtest", "-q", "-o", "b.svg") == 0
    assert capsys.readouterr() == ("", "")
    assert Path("b.svg").stat().st_size > 10_000


def test_a_picture_of_what_came_true(here: Path, air: Path, models: Path) -> None:
    """A forecast made earlier is drawn with the data that have grown since, and differs from one without them."""
    assert call("predict", "--model-dir", models, "-q", "-o", "f.csv") == 0
    (here / "grown.csv").write_text(air.read_text() + "1961-01,450\n1961-02,410\n")
    for data, output in (("grown.csv", "grown.svg"), (air, "before.svg")):
        assert call("plot", data, "--model-dir", models, "--forecast", "f.csv", "-q", "-o", output) == 0
    assert len(Path("grown.svg").read_text()) > len(Path("before.svg").read_text())


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["--series", "nowhere"], 2, "--series nowhere: no such series; there are north, south/west, new"),
        (["--backtest", "--forecast", "x.csv"], 2, "cannot be drawn together"),
        (["-o", "x.gif"], 2, "must be one of .png, .svg, .pdf (got '.gif')"),
        (["--forecast", "x.csv"], 6, "x.csv"),
        (["--history-steps", "0"], 2, "--history-steps"),
    ],
)
def test_pictures_that_cannot_be(capsys: Capture, shops_models: Path, args: list[str], code: int, words: str) -> None:
    """Unknown series, contradictions and other suffixes are refused, and no file is left."""
    assert words in stderr_of(capsys, "plot", "--model-dir", shops_models, *args, code=code)
    assert list(Path().iterdir()) == []


def test_series_of_a_picture(capsys: Capture, shops_models: Path) -> None:
    """Named series are drawn, also one with a slash in its name."""
    err = stderr_of(
        capsys, "plot", "--model-dir", shops_models, "--series", "south/west", "--history-steps", "30", code=0
    )
    assert err.startswith("forecast.png: 1 of 3 series")


# --- check, init, config ---


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
    assert "only with model.task: value or event" in stderr_of(capsys, "init", shops_file, *no_job, code=2)


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


def test_help_has_its_examples_on_lines_of_their_own(capsys: Capture) -> None:
    """The help shows the three commands as they are typed, and every exit code."""
    assert call("--help") == 0
    text = capsys.readouterr().out
    assert "\\b" not in text
    lines = [line.split() for line in text.splitlines()]
    for command in ("train", "predict", "plot"):
        assert any(line[:2] == ["lstmcast", command] for line in lines)
    for code in (*range(9), 130, 143):
        assert str(code) in text


def test_the_module_is_the_command(here: Path, models: Path, run: Run) -> None:
    """`python -m lstmcast` forecasts the same bytes, and ends with the same codes."""
    args = ["predict", "--model-dir", str(models), "-q", "-o", "-"]
    module = subprocess.run(
        [sys.executable, "-m", "lstmcast", *args], cwd=here, capture_output=True, text=True, check=False
    )
    assert (module.returncode, module.stdout) == (0, run(*args, cwd=here).stdout)
    numbers = np.array([line.split(",")[1:] for line in module.stdout.splitlines()[1:]], float)
    assert (numbers > 0).all()


def test_a_file_that_cannot_be_read_leaves_nothing_behind(here: Path, capsys: Capture) -> None:
    """Training on a missing file makes no folder for its model."""
    stderr_of(capsys, "train", here / "missing.csv", code=6)
    assert not (here / "models").exists()


@pytest.mark.slow
def test_old_or_missing_data_are_reported_even_when_quiet(
    here: Path, capsys: Capture, air: Path, small: tuple[str, ...]
) -> None:
    """A forecast from data that end early, or from what the model kept, warns; with --strict it is exit code 8."""
    mine = here / "mine.csv"
    mine.write_bytes(air.read_bytes())
    stderr_of(capsys, "train", mine, "--quiet", *small, code=0)
    old = here / "old.csv"
    old.write_text("\n".join(air.read_text().splitlines()[:100]) + "\n")
    assert "ends before the data of training did (1957-03 and 1960-12)" in stderr_of(
        capsys, "predict", old, "--quiet", code=0
    )
    mine.unlink()
    assert "forecasting from the context stored in the model" in stderr_of(capsys, "predict", "--quiet", code=0)
    assert "does not exist" in stderr_of(capsys, "predict", "--quiet", "--strict", code=8)


# A job started in the background may have SIGINT ignored; Python then leaves it so.
LISTENING = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
LAUNCH = [sys.executable, "-c", LISTENING + "from lstmcast.cli import main; sys.exit(main(sys.argv[1:]))"]


def wait_for(text: str, path: Path, process: subprocess.Popen[bytes]) -> None:
    """Until the process has written this text, or has ended."""
    for _ in range(600):
        if text in path.read_text() or process.poll() is not None:
            return
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code", "words"), [(signal.SIGTERM, 143, "terminated"), (signal.SIGINT, 130, "interrupted")]
)
def test_stopped_while_training(
    tmp_path: Path, air: Path, small: tuple[str, ...], number: int, code: int, words: str
) -> None:
    """A signal in the midst of training: its exit code, one line, at most a checkpoint; the next run works."""
    (tmp_path / "air_passengers.csv").write_bytes(air.read_bytes())
    models = str(tmp_path / "models")
    endless = ["--set", "train.epochs=1000000", "--set", "train.patience=1000000", "--model-dir", models]
    log = tmp_path / "log"
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [*LAUNCH, "train", "air_passengers.csv", *endless], cwd=tmp_path, stderr=stderr, start_new_session=True
        )
        wait_for("LSTM(", log, process)
        time.sleep(0.7)
        process.send_signal(number)
        assert process.wait(30) == code
    text = log.read_text()
    assert text.splitlines()[-1] == f"lstmcast: {words}; all files are complete"
    assert "Traceback" not in text
    folder = tmp_path / "models" / "air_passengers"
    assert {path.name for path in folder.iterdir()} <= {"lock", CHECKPOINT}
    assert main(["train", str(air), "--model-dir", models, "--quiet", *small]) == 0
    assert {path.name for path in folder.iterdir()} == {"lock", "current", *(path.name for path in versions(folder))}
    assert len(versions(folder)) == 1


SWALLOWING = """
import os
class config:
    class experimental:
        enable_op_determinism = staticmethod(lambda: None)
    list_logical_devices = staticmethod(lambda: None)
try:
    os.kill(os.getpid(), {number})
    for _ in range(100_000):
        pass
except BaseException:
    pass
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_stopped_while_tensorflow_is_imported(
    tmp_path: Path, air: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: int
) -> None:
    """A signal that comes where modules swallow exceptions is heard all the same."""
    (tmp_path / "tensorflow.py").write_text(SWALLOWING.format(number=int(number)))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    command = [*LAUNCH, "train", str(air), "--model-dir", str(tmp_path / "models")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert done.stderr.splitlines()[-1].endswith("ed; all files are complete")


@pytest.mark.parametrize("args", [["--help"], ["config", "--schema"], ["check", "DATA"], ["predict", "-q", "-o", "-"]])
def test_a_reader_that_has_gone(command: Path, tmp_path: Path, air: Path, models: Path, args: list[str]) -> None:
    """Writing into a pipe that nobody reads ends quietly, as with `| head -1`."""
    args = [str(air) if arg == "DATA" else arg for arg in args]
    args += ["--model-dir", str(models)] if args[0] == "predict" else []
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([command, *args], cwd=tmp_path, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_words_that_nobody_reads(command: Path, tmp_path: Path, models: Path) -> None:
    """If stderr is closed, messages are lost but the work is done."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([command, "predict", "--model-dir", models], cwd=tmp_path, stderr=writing, check=False)
    os.close(writing)
    assert done.returncode == 0
    assert (tmp_path / "forecast.csv").read_text().count("\n") == 13


def test_head(command: Path, tmp_path: Path, models: Path) -> None:
    """A forecast larger than a pipe holds, of which only the first line is read."""
    line = f"set -o pipefail; '{command}' predict --model-dir '{models}' --horizon 5000 -q -o - | head -n 1"
    done = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("month,forecast")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_stdout(command: Path, tmp_path: Path, air: Path) -> None:
    """If stdout is full, one line is printed, with the exit code of file-system errors."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [command, "check", air], cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (6, "lstmcast: stdout: No space left on device\n")


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&-"])
def test_closed_outputs(command: Path, tmp_path: Path, models: Path, closed: str) -> None:
    """A job without stdout, stderr or stdin writes its forecast all the same."""
    line = f"exec '{command}' predict --model-dir '{models}' --output f.csv {closed}"
    done = subprocess.run(["sh", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "f.csv").read_text().startswith("month,forecast")


@pytest.mark.kernel
def test_without_home_terminal_and_locale(run: Run, models: Path, tmp_path: Path) -> None:
    """With an environment of next to nothing, in a folder that cannot be written, the forecast is the same.

    The bare environment may leave another BLAS kernel or number of threads, so sums may round differently.
    """
    bare = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "PYTHONPATH": str(Path(lstmcast.__file__).parents[1])}
    args = ("predict", "--model-dir", models, "-o", "-")
    done = run(*args, cwd=Path("/proc/self"), env=bare)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    found, expected = (
        [line.split(",") for line in text.splitlines()] for text in (done.stdout, run(*args, cwd=tmp_path).stdout)
    )
    assert found[0] == expected[0]
    assert [row[0] for row in found] == [row[0] for row in expected]
    np.testing.assert_allclose(*(np.array([row[1:] for row in table[1:]], float) for table in (found, expected)), 1e-5)


def test_a_folder_that_cannot_be_written(run: Run, models: Path) -> None:
    """In the same folder, a forecast that is to be a file is refused by the file system, in one line."""
    done = run("predict", "--model-dir", models, cwd=Path("/proc"))
    assert done.returncode == 6
    assert done.stderr.startswith("lstmcast: forecast.csv: cannot be written")
    assert len(done.stderr.splitlines()) == 1


def test_words_beyond_ascii_in_a_locale_without_them(run: Run, tmp_path: Path, air: Path) -> None:
    """On an ASCII terminal no command ends in a traceback."""
    ascii_only = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    for args in (("config", "--schema"), ("--help",), ("check", air), ("check", air, "--season-length", "0")):
        done = run(*args, cwd=tmp_path, env=ascii_only)
        assert "Traceback" not in done.stderr
        assert done.returncode == (3 if "0" in args else 0)


def test_the_last_word_of_a_bug_is_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected exception leaves `main` unchanged."""
    monkeypatch.setattr("lstmcast.config.schema", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(["config", "--schema"])


def test_help_cuts_no_summary_off() -> None:
    """Click shortens a summary that is too long for its line; each command has one of at most 45 characters."""
    from lstmcast.cli.main import lstmcast as group
    from lstmcast.cli.models import models as subgroup

    commands = {**group.commands, **{f"models {name}": each for name, each in subgroup.commands.items()}}
    summaries = {name: command.short_help or "" for name, command in commands.items()}
    assert {name: text for name, text in summaries.items() if not 0 < len(text) <= 45} == {}
