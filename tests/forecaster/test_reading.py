"""What is said of newest data that are not those of the model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lstmcast.data.panel import Panel
from lstmcast.data.read import read
from lstmcast.forecaster.reading import data_warnings
from lstmcast.forecaster.trained import Forecaster


def said(before: Panel, now: Panel) -> list[str]:
    """All of it."""
    return list(data_warnings(before, now))


def test_the_same_data_longer_or_a_little_revised_are_those_of_the_model(air_panel: Panel) -> None:
    """Nothing is said of rows that have come, of a few values that were corrected, or of the file of training."""
    longer, before = air_panel, air_panel.drop_last(24)
    corrected = air_panel.values.copy()
    corrected[-40:-30] += 1
    for now in (before, longer, replace(air_panel, values=corrected)):
        assert said(before, now) == []


def test_other_values_for_most_of_the_known_steps_are_told(air_panel: Panel) -> None:
    """Another column or another unit: how many, and the newest of them."""
    before, now = air_panel.drop_last(24), replace(air_panel, values=1000 * air_panel.values)
    (word,) = said(before, now)
    assert "120 of 120 values that training knew are others now (1958-12: 337 then, 337000 now);" in word


def test_only_what_both_know_is_compared(shops_file: Path) -> None:
    """Steps by their time and series by their names; filled values and new series count for nothing."""
    panel = read(shops_file)
    swapped = panel.select(np.array([k for k, key in reversed(list(enumerate(panel.keys))) if key != ("gap",)]))
    assert not any("others now" in word for word in said(panel, swapped))
    filled = replace(panel, values=np.where(panel.observed, panel.values, -1.0))
    assert not any("others now" in word for word in said(panel, filled))
    renamed = replace(panel, keys=tuple((f"new {name}",) for (name,) in panel.keys), values=-panel.values)
    assert not any("others now" in word for word in said(panel, renamed))


@pytest.mark.parametrize("name", ["forecaster", "shops"])
def test_what_a_model_kept_is_what_it_was_trained_on(
    name: str, request: pytest.FixtureRequest, air: Path, shops_file: Path
) -> None:
    """Saved and loaded, its context has the values of the file."""
    model: Forecaster = request.getfixturevalue(name)
    now = read(air if name == "forecaster" else shops_file)
    assert not any("others now" in word for word in said(model.context, now))
