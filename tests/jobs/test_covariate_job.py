"""Jobs with covariates: values ahead are read, recorded, replayed, compared, and refused where they are missing."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from lstmcast.config import Job, load_job
from lstmcast.data.panel import Panel
from lstmcast.errors import DataError, FaultCode
from lstmcast.jobs.diff_text import format_diff
from lstmcast.jobs.forecast_diff import ForecastDiff, difference
from lstmcast.jobs.live_scores import score_task
from lstmcast.jobs.publish import config_digest
from lstmcast.jobs.replay import last_entry, last_two_runs, replay
from tests.jobs.conftest import DAYS, FIRST, NOW, Bench

TEXT = """
input: sales.csv
data: {target: sales}
covariates: {known: [temperature, sky], past: [humidity], holidays: [EVENTS], future: weather.csv}
model: {units: [4]}
train: {init: scratch, epochs: 2, steps_per_epoch: 4}
forecast: {horizon: 5}
"""
TOTAL = 150
RUNS = 4


@dataclass
class WeatherBench(Bench):
    """A job whose sales follow a temperature, which is known ahead."""

    text: str = TEXT

    def weather(self, days: int, *, ahead: int = 7, warmer: float = 0.0) -> None:
        """Write data until a day, and a forecast of the days after it, which may be too warm."""
        rng = np.random.default_rng(3)
        temperature, humidity = rng.normal(10, 4, TOTAL).round(1), rng.uniform(40, 90, TOTAL).round(1)
        sales = (200 - 5 * temperature + 10 * (np.arange(TOTAL) % 7 < 5) + rng.normal(size=TOTAL)).round(2)
        sky = np.where(temperature > 10, "clear", "cloudy")
        past = [f"{FIRST + k},{sales[k]},{temperature[k]},{sky[k]},{humidity[k]}" for k in range(days)]
        coming = [f"{FIRST + k},{temperature[k] + warmer:.1f},{sky[k]}" for k in range(days, days + ahead)]
        self._write("sales.csv", ["day,sales,temperature,sky,humidity", *past])
        self._write("weather.csv", ["day,temperature,sky", *coming])

    def _write(self, name: str, rows: list[str]) -> None:
        (self.folder / name).write_text("\n".join(rows) + "\n", encoding="utf-8")


def with_events(bench: WeatherBench, folder: Path) -> WeatherBench:
    """Let a job read events of a folder."""
    rows = ["date,name", *(f"{FIRST + day},fair" for day in (20, 80, DAYS + 2))]
    (folder / "events.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return replace(bench, text=TEXT.replace("EVENTS", str(folder / "events.csv")))


@pytest.fixture(scope="session")
def weather_once(tmp_path_factory: pytest.TempPathFactory) -> WeatherBench:
    """A job with covariates after its first run. Not to be changed: see `weather`."""
    bench = with_events(WeatherBench(tmp_path_factory.mktemp("job")), tmp_path_factory.mktemp("events"))
    bench.weather(DAYS)
    bench.run()
    return bench


@pytest.fixture
def weather(weather_once: WeatherBench, tmp_path: Path) -> WeatherBench:
    """A copy of that job in a folder of its own, with the same events."""
    shutil.copytree(weather_once.folder, tmp_path / "job")
    return replace(weather_once, folder=tmp_path / "job", log=[])


def panel_at(bench: WeatherBench, days: float) -> Panel:
    """The data of the run at a time."""
    with bench.ledger() as ledger:
        return ledger.panel_of(last_entry(ledger, NOW + timedelta(days=days, hours=1)))


def ahead(panel: Panel, name: str, steps: int = 5) -> list[float]:
    """Values of a covariate after the end of the only series."""
    assert panel.covariates is not None
    positions = panel.ends[:, None] + np.arange(1, steps + 1)
    found = panel.covariates.at(np.array([0]), positions, panel.ends)[0]
    return list(found[:, panel.covariates.names.index(name)].tolist())


def found(bench: WeatherBench) -> ForecastDiff:
    """The newest run against the one before."""
    with bench.ledger() as ledger:
        return difference(ledger, bench.model, *last_two_runs(ledger, None))


def test_newer_values_ahead_are_another_run(weather: WeatherBench) -> None:
    """With equal sales, a warmer forecast of the weather changes the forecast; the same one changes nothing."""
    before = weather.output.read_bytes()
    assert weather.run(days=0.1).status == "unchanged"
    weather.weather(DAYS, warmer=8)
    assert weather.run(days=0.2).status == "done"
    assert weather.output.read_bytes() != before
    assert "trained" not in weather.names()


def test_the_ledger_keeps_first_and_revised_values(weather: WeatherBench) -> None:
    """Each run has the values ahead that it saw; what came replaces them in the later ones."""
    weather.weather(DAYS, warmer=8)
    weather.run(days=0.5)
    weather.weather(DAYS + 1)
    weather.run(days=1)
    first, second, third = (panel_at(weather, days) for days in (0, 0.5, 1))
    assert np.subtract(ahead(second, "temperature"), ahead(first, "temperature")) == pytest.approx(8)
    assert ahead(third, "temperature", 4) == ahead(first, "temperature")[1:]
    assert ahead(third, "sky=clear", 4) == ahead(first, "sky=clear")[1:]
    assert np.isnan(ahead(third, "humidity")).all()


def test_past_forecasts_are_computed_again_after_the_files_changed(weather: WeatherBench) -> None:
    """Every run has equal bytes, after the files were removed."""
    wrote = [weather.output.read_bytes()]
    for day in range(1, RUNS):
        weather.weather(DAYS + day, warmer=2 * day)
        weather.run(days=day)
        wrote.append(weather.output.read_bytes())
    assert len(set(wrote)) == RUNS
    for name in ("sales.csv", "weather.csv"):
        (weather.folder / name).unlink()
    with weather.ledger() as ledger:
        for day, content in enumerate(wrote):
            again = replay(ledger, weather.model, last_entry(ledger, NOW + timedelta(days=day, hours=5)))
            assert (again.content, again.recomputed) == (content, True)


def test_diff_names_the_covariates_that_changed(weather: WeatherBench) -> None:
    """All the change is data; the temperature moved by 8 at each of the common steps, and the sky stayed."""
    weather.weather(DAYS, warmer=8)
    weather.run(days=0.5)
    what = found(weather)
    (change,) = what.covariates
    assert (change.column, change.steps, change.mean) == ("temperature", 5, pytest.approx(8))
    assert change.effect == pytest.approx(what.moved.sum() / what.before.sum())
    assert what.to_dict()["covariates"] == [change.to_dict()]
    assert f"  {change.describe()}\n" in format_diff(what, "sales")


def test_effects_of_changed_values_are_unknown_without_the_version(weather: WeatherBench) -> None:
    """The values are still compared."""
    weather.weather(DAYS, warmer=8)
    weather.run(days=0.5)
    with weather.ledger() as ledger:
        shutil.rmtree(weather.model / last_entry(ledger).version)
    (change,) = found(weather).covariates
    assert (change.steps, change.effect) == (5, None)


def test_new_sales_alone_name_no_covariate(weather: WeatherBench) -> None:
    """The weather came as it was forecast."""
    weather.weather(DAYS + 1)
    weather.run(days=1)
    assert found(weather).covariates == ()


def test_missing_values_ahead_are_refused(weather: WeatherBench) -> None:
    """The exit code is that of data, the fault names the steps, and all files stay as they are."""
    before = weather.output.read_bytes()
    weather.weather(DAYS + 1, ahead=3)
    with pytest.raises(DataError) as caught:
        weather.run(days=1)
    (fault,) = caught.value.faults
    assert (caught.value.exit_code, fault.code, fault.column) == (4, FaultCode.COVARIATE_AHEAD, "temperature")
    assert weather.output.read_bytes() == before
    with weather.ledger() as ledger:
        assert len(ledger.runs()) == 1


def test_missing_values_ahead_are_refused_before_the_first_training(tmp_path: Path) -> None:
    """Nothing is trained in vain."""
    bench = with_events(WeatherBench(tmp_path), tmp_path)
    bench.weather(DAYS, ahead=3)
    with pytest.raises(DataError):
        bench.run()
    assert "trained" not in bench.names()


def test_paths_of_covariates_are_those_of_the_job(weather: WeatherBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The working directory changes neither paths nor the digest."""
    (weather.folder / "job.yaml").write_text(TEXT.replace("EVENTS", "events.csv"), encoding="utf-8")
    absolute = load_job(weather.folder / "job.yaml")
    monkeypatch.chdir(weather.folder)
    relative = load_job(Path("job.yaml"))
    assert isinstance(absolute, Job)
    assert isinstance(relative, Job)
    assert absolute.covariates.future
    assert relative.covariates.future
    assert relative.covariates.holidays == absolute.covariates.holidays == [str(weather.folder / "events.csv")]
    assert config_digest(relative) == config_digest(absolute)
    assert Path(absolute.covariates.future).samefile(relative.covariates.future)


def test_a_fallback_needs_no_values_ahead(weather: WeatherBench) -> None:
    """Old data are forecast by seasonal naive, which reads no covariates, and replayed."""
    weather.weather(DAYS, ahead=1)
    weather.run("freshness: {max_data_age: {limit: 2d, action: fallback}}", days=9)
    wrote = weather.output.read_bytes()
    assert b"seasonal_naive" in wrote
    with weather.ledger() as ledger:
        again = replay(ledger, weather.model, last_entry(ledger))
    assert (again.content, again.recomputed) == (wrote, True)


def test_scores_and_alerts(weather: WeatherBench) -> None:
    """Live scores count the days that came, and an alert sees the forecast by the newest weather."""
    weather.weather(DAYS + 1, warmer=8)
    result = weather.run('alerts: [{name: low, when: "p50 < 1e6 within 2d"}]', days=1)
    assert len(result.faults) == 1
    with weather.ledger() as ledger:
        scores = score_task(ledger, "value", now=NOW + timedelta(days=1), window=None)
    assert scores.named()["outcomes"] == 1


def test_a_weekly_retraining_reads_the_newest_weather(weather: WeatherBench) -> None:
    """After a week, a challenger is trained from the weights in use, and the run goes on."""
    weather.weather(DAYS + 8)
    weather.run("retrain: {every: 7d}", days=8)
    (event,) = [event for event in weather.log if event.name == "trained"]
    assert event.fields["accepted"] in {True, False}
    with weather.ledger() as ledger:
        assert len(ledger.retrains()) == 2
        wrote = weather.output.read_bytes()
        assert replay(ledger, weather.model, last_entry(ledger)).content == wrote
