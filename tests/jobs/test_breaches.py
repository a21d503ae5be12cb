"""What a run does where a freshness rule is broken: it ends, says so, or forecasts by seasonal naive."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pytest

from lstmcast.data.read import read
from lstmcast.errors import DataError, ModelError

if TYPE_CHECKING:
    from tests.jobs.conftest import Bench


def told(bench: Bench, column: str) -> list[str]:
    """A column of the forecast."""
    with bench.output.open(encoding="utf-8", newline="") as file:
        return [row[column] for row in csv.DictReader(file)]


def test_old_data_end_the_run(bench: Bench) -> None:
    """Two days later without new data, where one is allowed: exit 4, and the forecast stays as it was."""
    before = bench.output.read_bytes()
    with pytest.raises(DataError, match=r"freshness\.max_data_age: .* ended 2 d 1 h ago; at most 1d is allowed"):
        bench.run("freshness: {max_data_age: 1d}\n", days=2)
    assert bench.output.read_bytes() == before


def test_old_data_are_warned_of(bench: Bench) -> None:
    """The same with `warn`: the forecast is the model's, and a warning stands in the log."""
    bench.run("freshness: {max_data_age: {limit: 1d, then: warn}}\n", days=2)
    (warning,) = (event for event in bench.said if event.level == "warning")
    assert (warning.name, warning.fields["rule"], warning.fields["then"]) == ("breach", "max_data_age", "warn")
    assert set(told(bench, "source")) == {"lstm"}


def test_old_data_are_forecast_by_seasonal_naive(bench: Bench) -> None:
    """With `fallback`: the last week again, which is said in every row; bounds lie around it, and none below 0."""
    bench.run("freshness: {max_data_age: {limit: 1d, then: fallback}}\n", days=2)
    assert set(told(bench, "source")) == {"seasonal_naive"}
    week = read(bench.folder / "sales.csv").series(0)[-7:]
    assert [float(value) for value in told(bench, "forecast")] == week[:5].tolist()
    for low, value, high in zip(
        *(map(float, told(bench, c)) for c in ("lower_80", "forecast", "upper_80")), strict=True
    ):
        assert 0 <= low < value < high


def test_data_that_grow_old_are_noticed_though_nothing_else_changes(bench: Bench) -> None:
    """Nothing is done while the data are fresh; when they are not, the same files give another run."""
    rule = "freshness: {max_data_age: {limit: 1d, then: fallback}}\n"
    first = bench.run(rule)
    assert bench.run(rule, days=0.5).status == "unchanged"
    late = bench.run(rule, days=2)
    assert (late.status, late.run_key == first.run_key) == ("done", False)
    assert set(told(bench, "source")) == {"seasonal_naive"}
    with bench.ledger() as ledger:
        assert [entry.source for entry in ledger.entries()][-2:] == ["lstm", "seasonal_naive"]


def test_an_old_model(bench: Bench) -> None:
    """A model that is too old ends the run with the exit code of models, or is not used."""
    rule, never = "freshness: {max_model_age: {limit: 7d, then: THEN}}\n", "retrain: {every: null}\n"
    with pytest.raises(ModelError, match=r"freshness\.max_model_age: the model was trained 8 d ago; at most 1w"):
        bench.run(rule.replace("THEN", "fail") + never, days=8)
    bench.run(rule.replace("THEN", "fallback") + never, days=8)
    assert set(told(bench, "source")) == {"seasonal_naive"}


def test_data_that_lack_what_training_had(bench: Bench) -> None:
    """A file that ends before that of training is warned of, for cron's mail: the forecast is made all the same."""
    lines = (bench.folder / "sales.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (bench.folder / "sales.csv").write_text("".join(lines[:-2]), encoding="utf-8")
    assert bench.run(days=1).status == "done"
    (warning,) = (event for event in bench.said if event.level == "warning")
    assert warning.text.endswith("ends before the data of training did (2024-04-27 and 2024-04-29)")
    assert told(bench, "day")[0] == "2024-04-28"


def test_the_first_run_of_data_that_are_not_fit(bench: Bench) -> None:
    """Where no model was ever trained and every series falls back, none is: the forecast is there all the same."""
    job = "store: {name: other}\nfreshness: {max_data_age: {limit: 1d, then: fallback}}\n"
    outcome = bench.run(job, days=3)
    assert (outcome.version, "trained" in bench.names()) == ("", False)
    assert told(bench, "source") == ["seasonal_naive"] * 5
