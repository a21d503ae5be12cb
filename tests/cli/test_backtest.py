"""`lstmcast backtest`: what it prints, what it writes, and how it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from lstmcast.cli import main
from lstmcast.evaluation.skill import SkillOutcome
from lstmcast.statistical import statsforecast_models

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every command runs in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_files_figures_and_json(here: Path, capsys: Capture, air: Path, small: tuple[str, ...]) -> None:
    """Everything at once: the table on stderr, the JSON alone on stdout, the files in the folder, nothing else."""
    arguments = ("--n-origins", "2", "--horizon", "6", "--json", "--figures", "-o", "results/air")
    assert main(["backtest", str(air), *arguments, *small]) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert found["skill"]["outcome"] in set(SkillOutcome)
    assert "lstmcast" in err
    assert "2 origins, 1959-12 to 1960-06, every 6 steps, 6 steps ahead of each" in err
    files = {path.name for path in (here / "results" / "air").iterdir()}
    assert files == {"scores.csv", "forecasts.csv", "error_by_step.png", "coverage_by_step.png", "forecasts.png"}
    assert [path.name for path in here.iterdir()] == ["results"]
    scores = pd.read_csv("results/air/scores.csv").set_index(["method", "scope", "metric"]).sort_index()
    assert (
        scores.loc[("lstmcast", "all", "mae"), "value"].item()
        == found["scores"]["all"]["methods"]["lstmcast"]["mae"][0]
    )
    forecasts = pd.read_csv("results/air/forecasts.csv")
    assert len(forecasts) == 12
    off = (forecasts["lstmcast"] - forecasts["actual"]).abs().mean()
    assert off == pytest.approx(found["scores"]["all"]["methods"]["lstmcast"]["mae"][0])


@pytest.mark.slow
def test_quiet_prints_nothing_and_writes_the_same(
    here: Path, capsys: Capture, air: Path, small: tuple[str, ...]
) -> None:
    """Two runs with one seed write the same bytes; `--quiet` is quiet."""
    for name in ("one", "two"):
        assert main(["backtest", str(air), "--n-origins", "2", "-o", name, "--quiet", *small]) == 0
    assert capsys.readouterr() == ("", "")
    for file in ("scores.csv", "forecasts.csv"):
        assert (here / "one" / file).read_bytes() == (here / "two" / file).read_bytes()


@pytest.mark.parametrize(
    ("flags", "code", "words"),
    [
        (["--figures"], 2, "--figures: needs a folder"),
        (["--n-origins", "0"], 2, "--n-origins"),
        (["--classical", "prophet"], 2, "prophet"),
        (["--classical", "ets"], 2, "pip install 'lstmcast[baselines]'"),
        (["--horizon", "0"], 3, "--horizon: must be ≥ 1"),
        (["--n-origins", "30"], 4, "30 origins, 12 steps apart"),
        (["--n-origins", "10"], 4, "or give fewer --n-origins"),
        (["-o", "taken"], 6, "taken: cannot be written"),
    ],
)
def test_refusals(
    here: Path,
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
    air: Path,
    flags: list[str],
    code: int,
    words: str,
) -> None:
    """Each with its exit code and what to change, on stderr alone."""
    monkeypatch.setattr(statsforecast_models, "find_spec", lambda _: None)
    (here / "taken").write_text("a file")
    assert main(["backtest", str(air), "--quiet", *flags]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert "Traceback" not in err


@pytest.mark.slow
def test_strict_is_8(shops_file: Path, capsys: Capture, small: tuple[str, ...]) -> None:
    """Series left out by the reader, ended long ago, or with a short history, are listed."""
    assert main(["backtest", str(shops_file), "--strict", "--quiet", "--n-origins", "3", *small]) == 8
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("lstmcast: left out: series 'gap': 70 steps are missing")
    assert "south/west (2024-03-30)" in lines[1]
    assert lines[2] == "lstmcast: left out: 1 series too short for so many origins"


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_stopped_while_training_anew(here: Path, air: Path, number: int, code: int) -> None:
    """A signal while processes train: its exit code, one line, no traceback of theirs, and none left running."""
    listening = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    launch = [sys.executable, "-c", listening + "from lstmcast.cli import main; sys.exit(main(sys.argv[1:]))"]
    endless = ["--set", "train.epochs=1000000", "--set", "train.patience=1000000"]
    log = here / "log"
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [*launch, "backtest", str(air), "--refit", *endless], cwd=here, stderr=stderr, start_new_session=True
        )
        workers = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        for _ in range(600):
            if len(workers.read_text().split()) > 1:
                break
            time.sleep(0.05)
        children = workers.read_text().split()
        time.sleep(1)
        process.send_signal(number)
        assert process.wait(30) == code
    assert len(children) > 1
    time.sleep(2)  # the last of them watches over the others, and ends when it has seen all end
    assert not [child for child in children if Path(f"/proc/{child}").exists()]
    assert "Traceback" not in log.read_text()
    assert log.read_text().splitlines()[-1].startswith("lstmcast: ")
