"""What makes a run another run, and what does not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from lstmcast.config import Job
from lstmcast.jobs.publish import config_digest, run_key


def job(**sections: Any) -> Job:
    """A job with these sections."""
    return Job.model_validate({"input": "a.csv", **sections})


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"input": "b.csv"},
        {"plot": "a.png"},
        {"store": {"models": "elsewhere", "keep_versions": 3}},
        {"forecast": {"output": "b.csv"}},
        {"metrics": {"textfile": "a.prom"}},
        {"on_alert": {"command": ["true"]}},
    ],
)
def test_where_things_lie_does_not_matter(elsewhere: Mapping[str, Any]) -> None:
    """Paths, and who is told, change no forecast."""
    assert config_digest(job(**elsewhere)) == config_digest(job())


@pytest.mark.parametrize(
    "other",
    [
        {"train": {"seed": 1}},
        {"forecast": {"horizon": 3}},
        {"ledger": {"adaptive_intervals": False}},
        {"freshness": {"max_flatline": "1h"}},
        {"alerts": [{"when": "forecast > 0"}]},
    ],
)
def test_what_the_forecast_depends_on_matters(other: Mapping[str, Any]) -> None:
    """Training, horizon, adaptation, rules and alerts."""
    assert config_digest(job(**other)) != config_digest(job())


def test_a_limit_alone_is_the_rule_that_fails() -> None:
    """Two ways to write one job are one job."""
    short, long = {"max_flatline": "60min"}, {"max_flatline": {"limit": "1h", "action": "fail"}}
    assert config_digest(job(freshness=short)) == config_digest(job(freshness=long))


def test_each_part_counts() -> None:
    """Data, config, version and model_names, each in its own place."""
    keys = {
        run_key("d", "c", "v", ["lstmcast"]),
        run_key("x", "c", "v", ["lstmcast"]),
        run_key("d", "x", "v", ["lstmcast"]),
        run_key("d", "c", "x", ["lstmcast"]),
        run_key("d", "c", "v", ["seasonal_naive"]),
        run_key("dc", "", "v", ["lstmcast"]),
    }
    assert len(keys) == 6
    assert run_key("d", "c", "v", ["lstmcast"]) == run_key("d", "c", "v", ("lstmcast",))
