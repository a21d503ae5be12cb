"""The texts of each command, compared with one file a command in `snapshots/`.

`pytest --update-snapshots tests/cli/test_snapshots.py` writes the files again.
Numbers of trained models are `#`, and blanks are single, so that rounding changes nothing.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lstmcast.cli import main

SNAPSHOTS = Path(__file__).parent / "snapshots"
NOW = "2024-06-01T01:00Z"
SMALL = "--set train.init=scratch --set train.epochs=2 --set train.steps_per_epoch=4 --set model.units=[4]"
JOB = (
    "input: sales.csv\nmodel: {units: [4]}\ntrain: {init: scratch, epochs: 2, steps_per_epoch: 4}\n"
    "forecast: {horizon: 5}\nfreshness: {max_data_age: {limit: 2d, action: warn}}\n"
    "alerts: [{name: peak, when: p90 > 1 within 3d}]\n"
)

EXACT = {
    "check": ["check air.csv", "check sales.csv", "check shops.csv", "check missing.csv", "check words.csv"],
    "init": ["init air.csv -o made.yaml", "init air.csv -o made.yaml", "init sales.csv --job -o made-job.yaml"],
}
"""Commands that train nothing: their numbers are compared too."""

NORMALIZED = {
    "train": [f"train air.csv {SMALL}", f"train shops.csv {SMALL} --name shops", "train words.csv"],
    "predict": [
        "predict air.csv --model-dir none --horizon 3",
        "predict --model air --horizon 3",
        "predict --model label",
        "predict --model text",
        "predict --model air --temperature 1",
    ],
    "plot": ["plot --model air", "plot --model air --backtest -o backtest.png", "plot --model air --series north"],
    "explain": ["explain --model air"],
    "backtest": [f"backtest air.csv --n-origins 2 {SMALL}"],
    "run": [f"run job.yaml --now {NOW}", f"run job.yaml --now {NOW}", "run missing.yaml"],
    "score": [f"score job.yaml --now {NOW}", f"score job.yaml --now {NOW} --fail-if 'mase > 0'"],
    "diff": ["diff job.yaml"],
    "replay": [f"replay job.yaml --as-of {NOW} -o replayed.csv"],
    "models": ["models", "models verify", "models rollback --model air", "models prune --keep 1 --model air"],
}
"""Commands that show results of trained models, in the order in which they run."""


@pytest.fixture(scope="module")
def folder(
    tmp_path_factory: pytest.TempPathFactory,
    air: Path,
    shops_file: Path,
    models: Path,
    label_models: Path,
    text_models: Path,
    waves: Callable[[int, int], np.ndarray],
) -> Path:
    """Data files, a job and trained models."""
    folder = tmp_path_factory.mktemp("snapshots")
    shutil.copy(air, folder / "air.csv")
    shutil.copy(shops_file, folder / "shops.csv")
    (folder / "words.csv").write_text("day,word\n2024-01-01,a\n2024-01-02,b\n")
    days = np.datetime64("2024-01-01") + np.arange(150)
    rows = [f"{day},{value!r}" for day, value in zip(days, waves(150, 1).tolist(), strict=True)]
    (folder / "sales.csv").write_text("\n".join(["day,sales", *rows]) + "\n")
    (folder / "job.yaml").write_text(JOB)
    for name, trained in (("air", models), ("label", label_models), ("text", text_models)):
        (model,) = (path for path in trained.iterdir() if path.is_dir())
        shutil.copytree(model, folder / "models" / name)
    return folder


def transcript(command: str, folder: Path, capsys: pytest.CaptureFixture[str], *, numbers: bool) -> str:
    """The command, what it prints, and its exit code."""
    code = main(shlex.split(command))
    out, err = capsys.readouterr()
    lines = [f"$ lstmcast {command}"]
    for name, text in (("stdout", out), ("stderr", err)):
        if text:
            lines += [f"[{name}]", normalized(text.rstrip(), folder, numbers=numbers)]
    return "\n".join([*lines, f"[exit {code}]", ""])


def normalized(text: str, folder: Path, *, numbers: bool) -> str:
    """The text without what differs between machines and days."""
    text = re.sub(r"\d{8}T\d{6}Z-[0-9a-f]{8}", "VERSION", text.replace(str(folder), "FOLDER"))
    if numbers:
        return text
    text = re.sub(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?(\.\d+)?", "TIME", text)
    text = re.sub(r"(?<![\w.#-])[-−+]?\d[\d,]*(\.\d+)?(e[-+]\d+)?", "#", text)
    return re.sub(r"(?<=\S) {2,}", " ", text)


def compare(name: str, text: str, *, update: bool) -> None:
    """Compare a text with its file, or write the file."""
    path = SNAPSHOTS / f"{name}.txt"
    if update:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("name", [*NORMALIZED, *EXACT])
def test_texts(
    name: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> None:
    """The output of each command in some situations."""
    monkeypatch.chdir(folder)
    exact = name in EXACT
    commands = EXACT[name] if exact else NORMALIZED[name]
    text = "\n".join(transcript(command, folder, capsys, numbers=exact) for command in commands)
    compare(name, text, update=bool(request.config.getoption("--update-snapshots")))
