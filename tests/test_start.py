"""The imports of the installed command, and its features without TensorFlow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

import lstmcast
from lstmcast.cli import main

COMMAND = Path(sysconfig.get_path("scripts")) / "lstmcast"
DATA = Path(__file__).parents[1] / "data" / "air_passengers.csv"
HEAVY = {"tensorflow", "keras", "pandas", "numpy", "matplotlib", "rich", "pydantic"}
TRAINING_ONLY = ("tensorflow", "keras", "tf_keras")

Run = subprocess.CompletedProcess[str]


def run(*args: str | Path, cwd: Path, flags: tuple[str, ...] = (), path: Path | None = None) -> Run:
    """Runs Python with `flags` on `args` as a job would: no terminal, no input, modules also from `path`."""
    env = {**os.environ, "PYTHONPATH": str(path or Path(lstmcast.__file__).parents[1])}
    line = [sys.executable, *flags, *map(str, args)]
    return subprocess.run(line, cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)


def loaded(*args: str | Path, cwd: Path) -> set[str]:
    """Top-level modules that the installed command loads for `args`, as the interpreter itself reports them."""
    done = run(COMMAND, *args, cwd=cwd, flags=("-X", "importtime"))
    assert done.returncode == 0, done.stderr[-2000:]
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip().split(".")[0] for line in lines}


def links(site: Path) -> Iterator[Path]:
    """Everything installed in `site` but TensorFlow and Keras; the package itself where it is installed elsewhere."""
    package = Path(lstmcast.__file__).parent
    left_out = (*TRAINING_ONLY, *([package.name] if package.parent != site else []))  # an editable install's configs
    yield from (entry for entry in site.iterdir() if not entry.name.lower().startswith(left_out))
    if package.parent != site:
        yield from (package, package.parent / "configs")


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that stands in for the site-packages of an environment without TensorFlow."""
    folder = tmp_path_factory.mktemp("bare")
    for entry in links(Path(sysconfig.get_path("purelib"))):
        (folder / entry.name).symlink_to(entry)
    return folder


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one model, trained for two epochs, in an ensemble with pretrained ones."""
    folder = tmp_path_factory.mktemp("work") / "models"
    assert main(["train", str(DATA), "--set", "train.epochs=2", "--model-dir", str(folder), "--quiet"]) == 0
    return folder


def without_tensorflow(bare: Path, *args: str | Path, cwd: Path) -> Run:
    """Runs the installed command where nothing but `bare` is installed."""
    return run(COMMAND, *args, cwd=cwd, flags=("-S",), path=bare)


def test_importtime_sees_what_is_loaded(tmp_path: Path) -> None:
    """The measure itself works: the command is seen to load Click and lstmcast."""
    assert {"click", "lstmcast"} <= loaded("--help", cwd=tmp_path)


@pytest.mark.parametrize(
    "command",
    [
        *("", "train", "predict", "plot", "explain", "run", "score", "diff", "replay", "models", "check", "init"),
        *("config", "schedule"),
    ],
)
def test_help_loads_nothing_heavy(tmp_path: Path, command: str) -> None:
    """Help appears at once, so it loads no library that takes time to load."""
    assert loaded(*command.split(), "--help", cwd=tmp_path) & HEAVY == set()


def test_module_and_command_are_one(tmp_path: Path) -> None:
    """`python -m lstmcast` offers what `lstmcast` offers."""
    module = run("lstmcast", "--help", cwd=tmp_path, flags=("-m",))
    command = run(COMMAND, "--help", cwd=tmp_path)
    assert module.returncode == command.returncode == 0
    assert module.stdout.splitlines()[1:] == command.stdout.splitlines()[1:]
    assert "train" in command.stdout


def test_bare_environment_is_what_it_claims(bare: Path, tmp_path: Path) -> None:
    """The stand-in environment has NumPy and lstmcast, and neither TensorFlow nor Keras."""
    assert run("-c", "import lstmcast, numpy", cwd=tmp_path, flags=("-S",), path=bare).returncode == 0
    for name in ("tensorflow", "keras"):
        missing = run("-c", f"import {name}", cwd=tmp_path, flags=("-S",), path=bare)
        assert f"No module named '{name}'" in missing.stderr


def test_train_without_tensorflow_names_the_package_to_install(bare: Path, tmp_path: Path) -> None:
    """Training needs TensorFlow: exit 2, one line with the fix, and no output."""
    done = without_tensorflow(bare, "train", DATA, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert "pip install tensorflow" in line
    assert list(tmp_path.iterdir()) == []


def test_check_without_tensorflow(bare: Path, tmp_path: Path) -> None:
    """`check` reads the file and finds its columns."""
    done = without_tensorflow(bare, "check", DATA, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["columns"]["time"] == "month"
    assert found["rows"] == 144


def test_init_and_config_without_tensorflow(bare: Path, tmp_path: Path) -> None:
    """`init` writes a config for the file, and `config --schema` the schema of configs."""
    started = without_tensorflow(bare, "init", DATA, cwd=tmp_path)
    assert started.returncode == 0, started.stderr
    assert "passengers" in started.stdout + "".join(file.read_text() for file in tmp_path.glob("*.yaml"))
    schema = without_tensorflow(bare, "config", "--schema", cwd=tmp_path)
    assert schema.returncode == 0, schema.stderr
    found = json.loads(schema.stdout)
    tasks = [found["$defs"][task["$ref"].rpartition("/")[2]] for task in found["anyOf"]]
    assert len(tasks) == 4
    assert all({"data", "model", "train", "store"} <= set(task["properties"]) for task in tasks)


def test_predict_without_tensorflow_gives_the_same_bytes(bare: Path, models: Path, tmp_path: Path) -> None:
    """`predict` needs no TensorFlow: its forecast is the one of the environment that has it, byte for byte."""
    arguments = ("predict", DATA, "--model-dir", models, "--horizon", "5", "--output", "-")
    here, there = run(COMMAND, *arguments, cwd=tmp_path), without_tensorflow(bare, *arguments, cwd=tmp_path)
    assert (here.returncode, there.returncode) == (0, 0), there.stderr
    assert there.stdout == here.stdout
    assert [line.split(",")[0] for line in there.stdout.splitlines()[1:]] == [f"1961-0{month}" for month in range(1, 6)]


def test_symbols_are_predicted_without_tensorflow(bare: Path, text_models: Path, tmp_path: Path) -> None:
    """The most likely and a sampled path are the same bytes without TensorFlow."""
    where = ("--model-dir", text_models)
    for predict in (("predict", "--output", "-"), ("predict", "--temperature", "1", "--output", "-")):
        arguments = (*predict, *where)
        here, there = run(COMMAND, *arguments, cwd=tmp_path), without_tensorflow(bare, *arguments, cwd=tmp_path)
        assert (here.returncode, there.returncode) == (0, 0), there.stderr
        assert there.stdout == here.stdout
        assert len(here.stdout) == 31
    assert loaded("predict", *where, cwd=tmp_path) & (HEAVY - {"numpy", "pandas"}) == set()
    assert without_tensorflow(bare, "plot", *where, cwd=tmp_path).returncode == 0


def test_an_event_is_predicted_without_tensorflow(
    bare: Path, sales_file: Path, event_models: Path, tmp_path: Path
) -> None:
    """Nor do probabilities need it: the same bytes, and nothing heavy is loaded but NumPy and pandas."""
    predict = ("predict", sales_file, "--model-dir", event_models, "--output", "-")
    here, there = run(COMMAND, *predict, cwd=tmp_path), without_tensorflow(bare, *predict, cwd=tmp_path)
    assert (here.returncode, there.returncode) == (0, 0), there.stderr
    assert there.stdout == here.stdout
    assert there.stdout.startswith("shop,day,probability\nnorth,2024-07-29,0.")
    assert loaded(*predict, cwd=tmp_path) & (HEAVY - {"numpy", "pandas"}) == set()
    assert without_tensorflow(bare, "plot", "--backtest", "--model-dir", event_models, cwd=tmp_path).returncode == 0


def test_plot_without_tensorflow(bare: Path, models: Path, tmp_path: Path) -> None:
    """`plot` draws the model's forecast into a PNG."""
    done = without_tensorflow(bare, "plot", "--model-dir", models, "--output", "figure.png", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")


def test_explain_without_tensorflow(bare: Path, models: Path, tmp_path: Path) -> None:
    """`explain` finds every gradient without TensorFlow: words, numbers and a figure."""
    arguments = ("explain", DATA, "--model-dir", models, "--output", "why.png", "--json")
    done = without_tensorflow(bare, *arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["attribution"]["completeness_error"] < 1e-3
    assert (tmp_path / "why.png").read_bytes().startswith(b"\x89PNG")


def test_explain_loads_no_tensorflow(models: Path, tmp_path: Path) -> None:
    """Nor does it load TensorFlow where there is one; without a figure no drawing library either."""
    used = loaded("explain", DATA, "--model-dir", models, "--json", cwd=tmp_path)
    assert used & {"tensorflow", "keras", "matplotlib", "pydantic"} == set()


def test_predict_loads_no_tensorflow(models: Path, tmp_path: Path) -> None:
    """A cron job that predicts loads neither the training, nor the drawing, nor the config libraries."""
    used = loaded("predict", DATA, "--model-dir", models, "--output", "forecast.csv", cwd=tmp_path)
    assert used & (HEAVY - {"numpy", "pandas"}) == set()
    assert (tmp_path / "forecast.csv").stat().st_size > 0


def test_labels_are_predicted_without_tensorflow(
    bare: Path, labeled_file: Path, label_models: Path, tmp_path: Path
) -> None:
    """`predict` of a classifier loads what that of values does, and its bytes are the same without TensorFlow."""
    predict = ("predict", labeled_file, "--model-dir", label_models, "--output")
    used = loaded(*predict, "labels.csv", cwd=tmp_path)
    assert used & (HEAVY - {"numpy", "pandas"}) == set()
    there = without_tensorflow(bare, *predict, "-", cwd=tmp_path)
    assert there.stdout == (tmp_path / "labels.csv").read_text(encoding="utf-8"), there.stderr


def test_run_loads_no_tensorflow_where_nothing_is_trained(models: Path, tmp_path: Path) -> None:
    """A job of a model that is there, with new data: neither the training nor the drawing libraries are loaded."""
    lines = DATA.read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / DATA.name).write_text("".join([*lines, "1961-01,450\n"]), encoding="utf-8")
    (tmp_path / "job.yaml").write_text(f"input: {DATA.name}\ntrain: {{epochs: 2}}\nstore: {{models: {models}}}\n")
    used = loaded("run", "job.yaml", cwd=tmp_path)
    assert used & {*TRAINING_ONLY, "matplotlib", "rich"} == set()
    assert (tmp_path / "forecast.csv").read_text(encoding="utf-8").splitlines()[1].startswith("1961-02,")
    (tmp_path / DATA.name).write_text("".join([*lines, "1961-01,450\n", "1961-02,430\n"]), encoding="utf-8")
    for look_back in (
        ("run", "job.yaml"),
        ("score", "job.yaml"),
        ("diff", "job.yaml"),
        ("replay", "job.yaml", "--as-of", "2999-01-01T00:00Z"),
    ):
        assert loaded(*look_back, cwd=tmp_path) & {*TRAINING_ONLY, "matplotlib", "rich"} == set()


def test_pretrained_networks_need_no_tensorflow(bare: Path, tmp_path: Path) -> None:
    """Without a trained model, a bundled pretrained model is used and named."""
    done = without_tensorflow(bare, "predict", DATA, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "pretrained models (monthly" in done.stderr
    rows = (tmp_path / "forecast.csv").read_text(encoding="utf-8").splitlines()
    assert rows[0] == "month,forecast,lower_80,upper_80,lower_95,upper_95"
    assert len(rows) == 13


def test_pretrained_networks_load_nothing_heavy(tmp_path: Path) -> None:
    """Nor does it load what only training, drawing or a config needs."""
    assert loaded("predict", DATA, cwd=tmp_path) & (HEAVY - {"numpy", "pandas"}) == set()
