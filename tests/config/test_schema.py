"""The sections themselves: every key described, every default valid, nothing that changes afterwards."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from lstmcast.config.schema import DataConfig, ValueConfig, ValueForecastConfig

SECTIONS: dict[str, type[BaseModel]] = {name: field.annotation for name, field in ValueConfig.model_fields.items()}
KEYS = [(section, key) for section, model in SECTIONS.items() for key in model.model_fields]


def test_the_sections_follow_the_flow() -> None:
    """The sections stand in the order in which the data flows."""
    assert list(SECTIONS) == ["data", "model", "train", "forecast", "store", "covariates"]


@pytest.mark.parametrize(("section", "key"), KEYS)
def test_every_key_is_described_in_a_sentence(section: str, key: str) -> None:
    """Each key has a one-line description."""
    description = SECTIONS[section].model_fields[key].description
    assert description
    assert description.endswith(".")
    assert "\n" not in description


def test_the_defaults_are_valid_when_written_out() -> None:
    """A dumped Config validates as a Config."""
    assert ValueConfig.model_validate(ValueConfig().model_dump()) == ValueConfig()
    assert ValueConfig.model_validate(ValueConfig().model_dump(mode="json")) == ValueConfig()


@pytest.mark.parametrize(("section", "key"), KEYS)
def test_nothing_can_be_changed(section: str, key: str) -> None:
    """A Config is frozen, and so are its sections."""
    config = ValueConfig()
    with pytest.raises(ValidationError, match="frozen"):
        setattr(config, section, None)
    with pytest.raises(ValidationError, match="frozen"):
        setattr(getattr(config, section), key, None)


def test_a_copy_has_known_keys_only() -> None:
    """A copy with other values of keys; an unknown key, at the top or in a section, is refused."""
    config = ValueConfig()
    train = config.train.model_copy(update={"epochs": 3})
    assert config.model_copy(update={"train": train}).train.epochs == 3
    with pytest.raises(ValueError, match="'epoch'"):
        config.train.model_copy(update={"epoch": 3})
    with pytest.raises(ValueError, match="'training'"):
        config.model_copy(update={"training": train})


@pytest.mark.parametrize("value", ["shop", ["shop"]])
def test_one_series_column_needs_no_list(value: Any) -> None:
    """A single column that names series may be given as text."""
    assert DataConfig(id_columns=value).id_columns == ["shop"]


def test_levels_are_sorted() -> None:
    """Levels come out ascending, as intervals nest."""
    assert ValueForecastConfig(levels=[95, 50, 80]).levels == [50, 80, 95]


def test_no_type_is_made_another() -> None:
    """Text is not a number, and a number is not text."""
    for wrong in ({"time": 1}, {"season_length": "7"}, {"season_length": 7.0}, {"season_length": True}, {"target": 5}):
        with pytest.raises(ValidationError):
            DataConfig.model_validate(wrong)
