"""Use cases: loading a model with data, explaining, checking and verifying, without the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lstmcast import app
from lstmcast.config import load_config
from lstmcast.data.schema import NoteCode
from lstmcast.errors import ModelError, UsageError
from lstmcast.tasks.base import PredictOptions


def test_a_model_is_loaded_with_the_file_of_training(models: Path, air: Path) -> None:
    """Without a file, that of training is read; with one, that one."""
    loaded = app.load_model(str(models), None, None)
    assert (loaded.task.name, loaded.zero_shot, loaded.warnings) == ("value", False, ())
    assert Path(loaded.dataset.source).resolve() == air.resolve()
    assert loaded.version.parent.parent == models
    named = app.load_model(str(models), loaded.version.parent.name, str(air))
    options = PredictOptions(horizon=3)
    assert named.predict(options).render(".csv") == loaded.predict(options).render(".csv")


def test_without_models_a_pretrained_one_forecasts(tmp_path: Path, air: Path) -> None:
    """Any folder without models will do; the options for reading apply."""
    loaded = app.load_model(str(tmp_path), None, str(air), {"target": "passengers"})
    assert loaded.zero_shot
    assert loaded.version.parent.name == app.PRETRAINED
    assert app.load_model(str(tmp_path), app.PRETRAINED, str(air)).zero_shot


@pytest.mark.parametrize(
    ("model", "data", "reading"),
    [(app.PRETRAINED, None, None), (None, None, {"season_length": 4})],
    ids=["pretrained without data", "another season than in training"],
)
def test_what_cannot_be_loaded(
    models: Path, model: str | None, data: str | None, reading: dict[str, int] | None
) -> None:
    """A usage error in both cases."""
    with pytest.raises(UsageError):
        app.load_model(str(models), model, data, reading)


@pytest.mark.parametrize(
    ("last", "given", "series"),
    [("2019-12", {}, 2), ("2018-12", {}, 2), ("2018-11", {}, 1), ("2018-11", {"ended": "keep"}, 2)],
)
def test_a_series_that_ended_long_ago_is_left_out(
    tmp_path: Path, last: str, given: dict[str, str], series: int
) -> None:
    """More than a year before the latest month; the warning names it with its end and a setting."""
    months = np.arange(np.datetime64("2015-01"), np.datetime64("2020-01")).astype(str)
    rows = [
        f"{shop},{month},{k % 7}" for shop in "ab" for k, month in enumerate(months) if shop == "a" or month <= last
    ]
    (tmp_path / "shops.csv").write_text("\n".join(["shop,month,y", *rows]))
    loaded = app.load_model(str(tmp_path / "none"), None, str(tmp_path / "shops.csv"), given)
    assert (NoteCode.SERIES_ENDED in {note.code for note in loaded.dataset.notes}) == (last == "2018-11")
    current = app.leave_out_ended(loaded, given)
    assert (loaded.dataset.n_series, current.dataset.n_series) == (2, series)
    assert [f"b ({last})" in warning and "data.ended=keep" in warning for warning in current.warnings] == [True] * (
        2 - series
    )


def test_a_missing_model(tmp_path: Path) -> None:
    """Without a model and without data there is nothing to forecast."""
    with pytest.raises(ModelError):
        app.load_model(str(tmp_path), None, None)


def test_an_explanation_is_that_of_the_origin(models: Path) -> None:
    """The index of the series, and the forecast from the requested step."""
    loaded = app.load_model(str(models), None, None)
    series, explanation = app.explain(loaded, None, "1959-12")
    assert series == 0
    assert explanation.forecast.origins.tolist() == [loaded.dataset.ends[0] - 12]
    assert np.isfinite(explanation.forecast.values).all()


def test_check_reads_like_training(air: Path) -> None:
    """The pinned keys of the config apply."""
    panel = app.check(str(air), load_config(None, {"data.season_length": 6}))
    assert (panel.n_series, panel.calendar.season) == (1, 6)


def test_verify_names_what_is_valid_and_what_is_not(models: Path, tmp_path: Path) -> None:
    """The versions and `current` of a model; a changed byte is a fault of its version alone."""
    source = app.load_model(str(models), None, None).version.parent
    folder = tmp_path / "model"
    for path in source.rglob("*"):
        if path.is_file():
            copy = folder / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    valid: list[Path] = []
    assert app.verify(folder, valid.append) == []
    assert [path.name for path in valid] == [*(path.name for path in sorted(folder.glob("2*"))), "current"]
    weights = next(folder.rglob("weights.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-1])
    valid.clear()
    assert len(app.verify(folder, valid.append)) == 1
    assert [path.name for path in valid] == ["current"]
