"""A forecast with no training, as a user asks for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lstmcast.cli import main

HALF_HOURS = "day,load,price\n" + "".join(
    f"{np.datetime64('2024-01-01T00:00') + 30 * t},{100 + t % 48},{t % 7}\n" for t in range(300)
)


def test_predict_without_a_model_names_the_pretrained_model(
    air: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Inferred settings, output, and a note that no model was trained on these data; with --quiet nothing."""
    monkeypatch.chdir(tmp_path)
    assert main(["predict", str(air), "--horizon", "3"]) == 0
    err = capsys.readouterr().err
    for words in (
        "144 rows",
        "frequency",
        "forecast.csv: 3 steps",
        "pretrained/monthly",
        "was not measured",
    ):
        assert words in err
    first = (tmp_path / "forecast.csv").read_bytes()
    assert main(["predict", str(air), "--horizon", "3", "--quiet"]) == 0
    assert capsys.readouterr().err == ""
    assert (tmp_path / "forecast.csv").read_bytes() == first
    assert sorted(path.name for path in tmp_path.iterdir()) == ["forecast.csv"]


def test_pretrained_can_be_selected_instead_of_a_trained_model(
    air: Path, models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The trained model forecasts unless --model pretrained is given, and the two differ."""
    err = []
    for flags in ([], ["--model", "pretrained"]):
        assert main(["predict", str(air), "--model-dir", str(models), "-o", "-", *flags]) == 0
        captured = capsys.readouterr()
        assert ("pretrained" in captured.err) == bool(flags)
        err.append(captured.out)
    assert err[0] != err[1]
    assert err[0].splitlines()[1].split(",")[0] == err[1].splitlines()[1].split(",")[0]


def test_flags_say_how_a_file_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of two columns of numbers, the one that --target names is forecast: half-hours, by networks of hours."""
    (tmp_path / "grid.csv").write_text(HALF_HOURS)
    arguments = ["predict", str(tmp_path / "grid.csv"), "--model-dir", str(tmp_path / "none"), "-o", "-"]
    assert main(arguments) == 4
    assert "data.target=load" in capsys.readouterr().err
    assert main([*arguments, "--target", "load"]) == 0
    captured = capsys.readouterr()
    assert "hourly, one of every 2 steps" in captured.err
    forecast = [float(row.split(",")[1]) for row in captured.out.splitlines()[1:]]
    assert len(forecast) == 48
    assert forecast == pytest.approx([100 + t % 48 for t in range(300, 348)], abs=15)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--model", "pretrained"], "needs a data file"),
        (["--season-length", "4"], "data.season_length"),
        (["--set", "data.target=cars"], "data.target"),
        (["--set", "train.epochs=5"], "train.epochs"),
    ],
)
def test_what_makes_no_sense_is_refused(
    models: Path, flags: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pretrained model without data, settings that differ from training, and settings of a training."""
    assert main(["predict", "--model-dir", str(models), *flags]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("verb", [["predict"], ["plot", "-o", "figure.svg"], ["explain"]])
def test_settings_describe_the_newest_file_of_a_trained_model(
    verb: list[str], models: Path, air: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another delimiter, and the season of training; without the delimiter, the file is refused."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "new.csv").write_text(air.read_text().replace(",", "*"))
    command = [*verb, "new.csv", "--model-dir", str(models)]
    assert main(command) == 4
    assert main([*command, "-s", "data.delimiter=*", "-s", "data.season_length=12"]) == 0


@pytest.mark.parametrize("verb", [["predict"], ["plot", "-o", "figure.svg"], ["explain"], ["check"]])
def test_settings_describe_a_file_without_a_model(
    verb: list[str], air: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a file of the config, and from -s, which wins."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "new.csv").write_text(air.read_text().replace(",", "*"))
    (tmp_path / "read.yaml").write_text("data: {delimiter: '|'}\nmodel: {units: [8]}\n")
    assert main([*verb, "new.csv", "-c", "read.yaml"]) == 4
    assert main([*verb, "new.csv", "-c", "read.yaml", "-s", "data.delimiter=*"]) == 0


def test_plot_and_explain_work_without_a_model(
    air: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A figure of the forecast, and which past values made it."""
    monkeypatch.chdir(tmp_path)
    assert main(["plot", str(air), "-o", "figure.svg"]) == 0
    assert "pretrained models (monthly models)" in (tmp_path / "figure.svg").read_text(encoding="utf-8")
    assert main(["explain", str(air), "--json"]) == 0
    assert '"completeness_error"' in capsys.readouterr().out


def test_an_omitted_series_is_reported(
    tmp_path: Path, write_series: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """A gap too long to be filled: the others are forecast, and --strict asks for exit code 8."""
    hole = np.arange(1.0, 121.0)
    hole[20:90] = np.nan
    path = write_series(tmp_path / "shops.csv", {"north": np.arange(1.0, 60.0), "gap": hole})
    arguments = ["predict", str(path), "--model-dir", str(tmp_path), "-o", str(tmp_path / "forecast.csv")]
    assert main(arguments) == 0
    assert "left out" in capsys.readouterr().err
    assert main([*arguments, "--strict"]) == 8
