"""Typed results in plain values."""

from __future__ import annotations

from lstmcast.config import EventConfig
from lstmcast.data.drivers.options import NO_COVARIATES
from lstmcast.data.schema import ReadOptions
from lstmcast.plain import from_plain, to_plain
from lstmcast.results import RecordedConfig


def test_a_recorded_config_is_that_of_the_training() -> None:
    """The values that later commands use, and the sections as plain values; a section may lack keys."""
    config = EventConfig.model_validate(
        {
            "data": {"target": "a", "id_columns": "shop", "time": ["year", "month"], "sheet": 2},
            "model": {"task": "event", "event": "a > 3"},
            "forecast": {"output": "a.jsonl"},
        }
    )
    recorded = RecordedConfig(**config.model_dump(mode="json"))
    assert to_plain(recorded) == {**config.model_dump(mode="json"), "covariates": None}
    assert from_plain(RecordedConfig, to_plain(recorded)) == recorded
    assert (recorded.task, recorded.event, recorded.output) == ("event", "a > 3", "a.jsonl")
    assert recorded.read_options == ReadOptions(
        target=("a",), id_columns=("shop",), time="year + month", sheet="2", covariates=NO_COVARIATES
    )
    assert RecordedConfig(data={"ended": "keep"}).read_options.ended == "keep"
