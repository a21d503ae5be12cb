"""The freshness rules on small panels whose ages, gaps and flat ends are known."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lstmcast.config import Job
from lstmcast.config.job import Freshness
from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.errors import ConfigError, DataError, ModelError
from lstmcast.jobs.inputs import (
    Violation,
    completed,
    completeness,
    data_violations,
    model_violations,
    same_steps,
    steps_span,
)

if TYPE_CHECKING:
    from tests.jobs.conftest import Bench

NOW = datetime(2024, 1, 12, 2, tzinfo=UTC)
Write = Callable[..., Path]


@pytest.fixture
def panel(tmp_path: Path, write_series: Write) -> Panel:
    """Ten days from 2024-01-01: `moving` to the end, `stuck` at 7 for three, `short` two days less, `same` always 5."""
    moving = [float(k * k % 11) for k in range(10)]
    holes = [np.nan if k in (5, 6) else v for k, v in enumerate(moving)]
    series = {
        "moving": moving, "holes": holes, "stuck": [*moving[:7], 7.0, 7.0, 7.0], "short": moving[:8], "same": [5.0] * 10
    }  # fmt: skip
    return read(write_series(tmp_path / "x.csv", series))


def rules(**limits: object) -> Freshness:
    """The section of a job."""
    return Job.model_validate({"input": "x.csv", "freshness": limits}).freshness


def names(violation: Violation) -> list[str]:
    """The series concerned."""
    return ["/".join(key) for key in violation.series]


def test_a_step_ends_where_the_next_begins(panel: Panel) -> None:
    """The tenth of January is over at midnight; three days last 72 hours."""
    assert completed(panel) == datetime(2024, 1, 11, tzinfo=UTC)
    assert steps_span(panel, 3) == timedelta(days=3)


@pytest.mark.parametrize(("limit", "broken"), [("26h", False), ("25h", True), ("2d", False), ("30min", True)])
def test_the_age_of_the_data(panel: Panel, limit: str, broken: bool) -> None:
    """26 hours after the end of the newest day: that is the age, whatever single series lack."""
    found = data_violations(panel, rules(max_data_age=limit), 5, NOW)
    assert [violation.rule for violation in found] == ["max_data_age"] * broken
    if broken:
        assert found[0].text.endswith(f"the newest step, 2024-01-10, ended 1 d 2 h ago; at most {limit} is allowed")
        assert found[0].action == "fail"
        assert len(found[0].series) == 5


def test_completeness_of_the_last_steps(panel: Panel) -> None:
    """Of the last five days: two filled ones are not there, nor are those after a series has ended."""
    fractions = dict(zip(["/".join(key) for key in panel.keys], completeness(panel, 5).tolist(), strict=True))
    assert fractions == {"moving": 1.0, "holes": 0.6, "stuck": 1.0, "short": 0.6, "same": 1.0}
    (found,) = data_violations(panel, rules(min_completeness={"limit": 0.7, "action": "fallback"}), 5, NOW)
    assert (found.rule, found.action, names(found)) == ("min_completeness", "fallback", ["holes", "short"])
    assert "of the last 5 steps have values: holes 60%, short 60%; at least 70% must be" in found.text


def test_a_series_that_has_just_begun_is_whole(tmp_path: Path, write_series: Write) -> None:
    """Before a series began, nothing was expected of it."""
    old, young = [1.0, 2.0, 3.0, 4.0, 6.0, 5.0], [np.nan, np.nan, np.nan, 4.0, 5.0, 6.0]
    panel = read(write_series(tmp_path / "x.csv", {"old": old, "young": young}))
    assert completeness(panel, 6).tolist() == [1.0, 1.0]


def test_a_value_that_stands_still(panel: Panel) -> None:
    """Three days of 7 are 72 hours; a series that never moved is meant to stand still."""
    last = dict(zip(["/".join(key) for key in panel.keys], same_steps(panel).tolist(), strict=True))
    assert last == {"moving": 1, "holes": 1, "stuck": 3, "short": 1, "same": 10}
    (found,) = data_violations(panel, rules(max_flatline={"limit": "72h", "action": "warn"}), 5, NOW)
    assert (found.rule, found.action, names(found)) == ("max_flatline", "warn", ["stuck"])
    assert found.text.endswith("constant for 3d or longer: stuck 7")
    assert data_violations(panel, rules(max_flatline="73h"), 5, NOW) == []


def test_all_rules_are_looked_at(panel: Panel) -> None:
    """Violations of several rules are reported together."""
    freshness = rules(max_data_age="1h", min_completeness=1.0, max_flatline="2d")
    found = [violation.rule for violation in data_violations(panel, freshness, 5, NOW)]
    assert found == ["max_data_age", "min_completeness", "max_flatline"]
    assert data_violations(panel, rules(), 5, NOW) == []


@pytest.mark.parametrize("rule", ["max_data_age", "max_flatline"])
def test_rules_about_time_need_times(tmp_path: Path, rule: str) -> None:
    """Rows that are only counted have no age: that is a fault of the job."""
    (tmp_path / "x.csv").write_text("sales\n" + "\n".join(map(str, range(20))))
    counted = read(tmp_path / "x.csv")
    with pytest.raises(ConfigError, match=rf"freshness\.{rule}: needs times, and .*x\.csv has none"):
        data_violations(counted, rules(**{rule: "1h"}), 5, NOW)
    assert completed(counted) is None
    assert data_violations(counted, rules(min_completeness=0.5), 5, NOW) == []


@pytest.mark.parametrize(("days", "broken"), [(59, False), (60, False), (61, True), (-1, False)])
def test_the_age_of_the_model(days: int, broken: bool) -> None:
    """A model of more than 60 days; one from the future, where the clock jumped back, is not old."""
    found = model_violations(NOW - timedelta(days=days), ((),), rules(max_model_age="60d"), NOW)
    assert [violation.rule for violation in found] == ["max_model_age"] * broken
    assert model_violations(NOW - timedelta(days=days), ((),), rules(), NOW) == []


def column_of(bench: Bench, column: str) -> list[str]:
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
    """With `warn` the forecast is that of the model, and the log contains a warning."""
    bench.run("freshness: {max_data_age: {limit: 1d, action: warn}}\n", days=2)
    (warning,) = (event for event in bench.log if event.level == "warning")
    assert (warning.name, warning.fields["rule"], warning.fields["action"]) == ("violation", "max_data_age", "warn")
    assert set(column_of(bench, "model")) == {"lstmcast"}


def test_old_data_are_forecast_by_seasonal_naive(bench: Bench) -> None:
    """With `fallback` the last week is repeated and marked in every row, with bounds around it and not below 0."""
    bench.run("freshness: {max_data_age: {limit: 1d, action: fallback}}\n", days=2)
    assert set(column_of(bench, "model")) == {"seasonal_naive"}
    week = read(bench.folder / "sales.csv").series(0)[-7:]
    assert [float(value) for value in column_of(bench, "forecast")] == week[:5].tolist()
    for low, value, high in zip(
        *(map(float, column_of(bench, c)) for c in ("lower_80", "forecast", "upper_80")), strict=True
    ):
        assert 0 <= low < value < high


def test_data_that_grow_old_are_noticed_though_nothing_else_changes(bench: Bench) -> None:
    """Nothing is done while the data are fresh; when they are not, the same files give another run."""
    rule = "freshness: {max_data_age: {limit: 1d, action: fallback}}\n"
    first = bench.run(rule)
    assert bench.run(rule, days=0.5).status == "unchanged"
    late = bench.run(rule, days=2)
    assert (late.status, late.run_key == first.run_key) == ("done", False)
    assert set(column_of(bench, "model")) == {"seasonal_naive"}
    with bench.ledger() as ledger:
        assert [entry.model for entry in ledger.runs()][-2:] == ["lstmcast", "seasonal_naive"]


def test_an_old_model(bench: Bench) -> None:
    """A model that is too old ends the run with the exit code of models, or is not used."""
    rule, never = "freshness: {max_model_age: {limit: 7d, action: THEN}}\n", "retrain: {every: null}\n"
    with pytest.raises(ModelError, match=r"freshness\.max_model_age: the model was trained 8 d ago; at most 1w"):
        bench.run(rule.replace("THEN", "fail") + never, days=8)
    bench.run(rule.replace("THEN", "fallback") + never, days=8)
    assert set(column_of(bench, "model")) == {"seasonal_naive"}


def test_data_that_lack_what_training_had(bench: Bench) -> None:
    """A file that ends before that of training is warned of, for cron's mail: the forecast is made all the same."""
    lines = (bench.folder / "sales.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (bench.folder / "sales.csv").write_text("".join(lines[:-2]), encoding="utf-8")
    assert bench.run(days=1).status == "done"
    (warning,) = (event for event in bench.log if event.level == "warning")
    assert warning.text.endswith("ends before the data of training did (2024-04-27 and 2024-04-29)")
    assert column_of(bench, "day")[0] == "2024-04-28"


def test_the_first_run_of_data_that_are_not_fit(bench: Bench) -> None:
    """Without any model, a forecast is made if every series falls back."""
    job = "store: {name: other}\nfreshness: {max_data_age: {limit: 1d, action: fallback}}\n"
    outcome = bench.run(job, days=3)
    assert (outcome.version, "trained" in bench.names()) == ("", False)
    assert column_of(bench, "model") == ["seasonal_naive"] * 5
