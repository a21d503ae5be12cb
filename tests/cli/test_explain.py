"""`lstmcast explain`, as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lstmcast.cli import main
from lstmcast.forecasting.forecaster import Forecaster


def test_words_and_a_figure(models: Path, air: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The results on stdout, a figure, and its path on stderr."""
    figure = tmp_path / "why.svg"
    assert main(["explain", str(air), "--model-dir", str(models), "--output", str(figure)]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("The mean forecast for 1961-01 to 1961-12 is ")
    assert "Completeness error: " in out
    assert "why.svg: series 1 of 1" in err
    assert figure.read_text(encoding="utf-8").startswith("<?xml")


def test_json_alone(
    models: Path,
    air: Path,
    forecaster: Forecaster,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Stdout has all numbers, and no figure is written by default; sums agree, and times are those of the file."""
    monkeypatch.chdir(tmp_path)
    assert main(["explain", str(air), "--model-dir", str(models.resolve()), "--origin", "1959-12", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(tmp_path.iterdir()) == []
    assert (found["origin"], found["forecast"]["time"][0]) == ("1959-12", "1960-01")
    forecast, attribution = found["forecast"], found["attribution"]
    change = np.mean(forecast["forecast"]) - np.mean(forecast["reference"])
    assert sum(attribution["to_mean_forecast"]) == pytest.approx(change, rel=1e-3)
    assert attribution["value"][-1] == 405
    assert attribution["time"][-1] == "1959-12"
    context, units = forecaster.ensemble.preprocessings[0].window_spec.context, len(found["gates"]["units"])
    assert np.shape(found["gates"]["forget"]) == (context, units)
    assert sorted(found["gates"]["order"]) == list(range(units))


def test_a_named_series(
    shops_models: Path, shops_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The text contains the key; PDF figures are supported; --quiet prints nothing on stderr."""
    arguments = ["explain", str(shops_file), "--model-dir", str(shops_models), "--series", "south/west", "--quiet"]
    assert main([*arguments, "--output", str(tmp_path / "why.pdf")]) == 0
    out, err = capsys.readouterr()
    assert "of south/west" in out
    assert "series 2" not in err
    assert (tmp_path / "why.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize(
    ("flags", "code", "words"),
    [
        (["--series", "nowhere"], 2, "--series nowhere: no such series"),
        (["--origin", "1949-01"], 2, "must be a step of the series from 1949-02 to 1960-12"),
        (["--output", "why.jpg"], 2, "figure format: must be one of .png, .svg, .pdf (got '.jpg')"),
        (["--model", "nothing"], 5, "nothing"),
    ],
)
def test_faults_have_their_exit_code(
    models: Path, air: Path, flags: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong series, time, format or model: one line with the error, and no output."""
    assert main(["explain", str(air), "--model-dir", str(models), *flags]) == code
    assert words in capsys.readouterr().err


@pytest.fixture
def driven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Days with a covariate that is known ahead, in the folder of the process."""
    days = np.datetime64("2023-01-01") + np.arange(207)
    heat = np.random.default_rng(0).normal(size=207).round(2)
    rows = [
        f"{day},{'' if k >= 200 else round(50 + 5 * value + k % 7, 2)},{value}"
        for k, (day, value) in enumerate(zip(days, heat, strict=True))
    ]
    (tmp_path / "days.csv").write_text("\n".join(["day,load,heat", *rows]) + "\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "days.csv"


def test_drivers_alone(driven: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As a table and a figure, or as JSON without a figure, by pretrained models."""
    assert main(["explain", str(driven), "--drivers", "-o", "parts.svg"]) == 0
    assert "heat" in capsys.readouterr().out
    assert Path("parts.svg").read_text(encoding="utf-8").startswith("<?xml")
    assert main(["explain", str(driven), "--drivers", "--json"]) == 0
    parts = json.loads(capsys.readouterr().out)["parts"]
    total = np.sum([step["values"] for step in parts["steps"]], axis=0)
    np.testing.assert_allclose(total, parts["forecast"])


def test_components(driven: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One series, and no other kind of figure at once."""
    assert main(["plot", str(driven), "--components", "-o", "parts.png"]) == 0
    assert Path("parts.png").read_bytes().startswith(b"\x89PNG")
    assert main(["plot", str(driven), "--components", "--backtest"]) == 2
    assert "--components" in capsys.readouterr().err
