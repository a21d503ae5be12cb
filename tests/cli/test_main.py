"""The commands on real files: outputs, messages and exit codes."""

from __future__ import annotations

import fcntl
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lstmcast.cli import main
from lstmcast.evaluation.skill import SkillOutcome
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
