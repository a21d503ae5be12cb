"""The Python API: the verbs of the command line, loaded when they are first used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from matplotlib.text import Text

import lstmcast
from lstmcast.evaluation.skill import SkillOutcome


def test_every_name_is_there_and_documented() -> None:
    """What is exported can be had, and says what it does."""
    for name in lstmcast.__all__:
        assert getattr(lstmcast, name).__doc__
    assert lstmcast.__all__ == sorted(lstmcast.__all__)


def test_an_unknown_name_lists_the_known_ones() -> None:
    """A misspelt verb is an AttributeError that names what there is."""
    with pytest.raises(AttributeError, match="has no attribute 'trian'; it has Forecaster"):
        lstmcast.trian  # noqa: B018


def test_importing_it_loads_nothing_heavy() -> None:
    """The package itself costs nothing: pandas and TensorFlow come with the verb that needs them."""
    code = "import sys, lstmcast; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "lstmcast.errors" in loaded
    assert not {"numpy", "pandas", "tensorflow", "keras", "click"} & set(loaded)


@pytest.mark.slow
def test_from_a_file_to_a_table(air: Path, tmp_path: Path) -> None:
    """The lines of the README: read, train, save, load, predict, plot."""
    panel = lstmcast.read(air)
    config = lstmcast.load_config("lstm", {"train.epochs": 1, "train.seed": 1})
    forecaster = lstmcast.train(panel, config)
    assert forecaster.report.evaluation.skill.outcome in set(SkillOutcome)
    forecaster.save(tmp_path, "air")
    forecast = lstmcast.Forecaster.load("air", tmp_path).predict(panel, horizon=24)
    assert forecast.to_frame()["month"].iloc[-1] == "1962-12"
    texts = [artist.get_text() for artist in lstmcast.plot(panel, forecast).findobj(Text)]
    assert "passengers" in texts
