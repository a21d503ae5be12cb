"""Alerts: when they fire, with which probability, and the input of the command."""

from __future__ import annotations

import json
import sys
import time
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from lstmcast.config.job import AlertConfig, OnAlert
from lstmcast.data.time.calendar import Calendar
from lstmcast.data.time.frequency import TimeGrid
from lstmcast.errors import ConfigError
from lstmcast.forecasting.evaluate import HoldoutForecasts
from lstmcast.forecasts import Forecast
from lstmcast.jobs.alerts import AlertResult, evaluate, run_alert_command

HOURLY = Calendar(TimeGrid("fixed", 3_600_000_000))
STEPS = 6


def forecast_of(calendar: Calendar = HOURLY) -> Forecast:
    """Two series: 0, 1, 2 … and ten more; 80 % intervals of ± 1.2816, so that each step is normal with deviation 1."""
    values = np.arange(STEPS) + np.array([[0.0], [10.0]])
    half = np.full((1, 2, STEPS), 1.28155)
    origins = np.array([99, 99])
    return Forecast(calendar, "t", ("name",), (("a",), ("b",)), origins, values, (80.0,), values - half, values + half)


def one(when: str, series: str | None = "a", held: HoldoutForecasts | None = None) -> AlertResult:
    """The outcome of one alert."""
    (found,) = evaluate([AlertConfig(when=when, series=series)], forecast_of(), held, (80.0,))
    return found


def held_out(errors: np.ndarray) -> HoldoutForecasts:
    """Forecasts of 0 with intervals like those above, and these errors [B, H]."""
    zero, half = np.zeros_like(errors), np.full((1, *errors.shape), 1.28155)
    return HoldoutForecasts(np.zeros(len(errors), np.int64), np.arange(len(errors)), zero, -half, half, errors)


def test_the_forecast_and_its_percentiles() -> None:
    """At any step of the span: the forecast reaches 5 at the sixth hour, its 90th percentile 3.3 at the third."""
    assert one("forecast >= 5").fired
    assert not one("forecast >= 5 within 5h").fired
    third = one("p90 > 3.2")
    assert (third.fired, third.time) == (True, HOURLY.text(np.array([102]))[0])
    assert not one("p90 > 3.3 within 3 steps").fired
    assert one("p10 < -1.2 within 1h").fired
    assert not one("p10 < -1.3").fired


def test_the_probability_of_a_path() -> None:
    """P(any of the first steps > 3): of independent steps it is 1 − Φ(3)·Φ(2)·Φ(1), of equal ones 1 − Φ(1)."""
    rng = np.random.default_rng(0)
    apart = held_out(rng.normal(size=(4000, STEPS)))
    alike = held_out(np.repeat(rng.normal(size=(4000, 1)), STEPS, axis=1))
    independent = 1 - 0.99865 * 0.97725 * 0.84134
    assert one("value > 3 within 3 steps", held=apart).probability == pytest.approx(independent, abs=0.01)
    assert one("value > 3 within 3 steps", held=alike).probability == pytest.approx(1 - 0.84134, abs=0.01)


def test_how_likely_is_enough() -> None:
    """An alert fires from its probability on, at the step where that is reached."""
    assert not one("value > 4 with 20% within 3 steps").fired
    assert one("value > 4 with 2% within 3 steps").fired
    assert one("value > 2.5").time == HOURLY.text(np.array([103]))[0]


def test_mean_and_sum_of_the_path() -> None:
    """Of equal steps the sum of three is normal about 3 with deviation 3; the mean about 1 with 1."""
    alike = held_out(np.repeat(np.random.default_rng(0).normal(size=(4000, 1)), STEPS, axis=1))
    for when in ("sum > 6 with 10% within 3 steps", "mean > 2 with 10% within 3 steps"):
        found = one(when, held=alike)
        assert found.probability == pytest.approx(0.1587, abs=0.01), when
        assert (found.fired, found.time) == (True, HOURLY.text(np.array([102]))[0])


def test_same_forecast_same_probability() -> None:
    """The draws are fixed."""
    assert one("value > 3.3") == one("value > 3.3")


def test_every_series_that_is_not_left_out() -> None:
    """Without a series in the alert each is looked at by itself, and named."""
    found = evaluate([AlertConfig(name="peak", when="forecast > 9")], forecast_of(), None)
    assert [(one.series, one.fired) for one in found] == [("a", False), ("b", True)]
    assert str(found[1]).startswith("alert peak: forecast > 9: b (probability")
    assert json.loads(json.dumps(found[1].to_dict()))["fired"] is True


@pytest.mark.parametrize(
    ("when", "series", "fault"),
    [
        ("value > 1", "c", "no series is called 'c'; there are: a, b"),
        ("value > 1 within 7h", "a", "covers 7 steps, and the forecast 6; change forecast.horizon"),
        ("value > 1 within 9 steps", "a", "covers 9 steps, and the forecast 6"),
        ("value > 1 within 30d", "a", "covers 720 steps, and the forecast 6"),
        ("value > 1 within 30000d", "a", "covers more than 100,000 steps"),
        ("value > 1 within 30min", "a", "is shorter than a step"),
    ],
)
def test_alerts_outside_the_forecast_are_refused(when: str, series: str, fault: str) -> None:
    """Is a fault of the config, never a silent "no"."""
    with pytest.raises(ConfigError, match=fault):
        one(when, series)


def test_a_span_needs_times() -> None:
    """Without times, steps are counted."""
    counted = forecast_of(Calendar(TimeGrid("counter")))
    with pytest.raises(ConfigError, match="the file has no times; use steps"):
        evaluate([AlertConfig(when="value > 1 within 2h")], counted, None)
    assert evaluate([AlertConfig(when="value > 1 within 2 steps")], counted, None)[0].time == "101"


# --- the command ---


def command(code: str, *, timeout: float = 20.0) -> OnAlert:
    """A Python program as the user's own."""
    return OnAlert(command=[sys.executable, "-c", code], timeout=timedelta(seconds=timeout))


def test_the_command_gets_json(tmp_path: Path) -> None:
    """On its stdin, as one line; nothing of it passes a shell."""
    target = tmp_path / "$(touch x); alert"
    code = f"import sys; open({str(target)!r}, 'w').write(sys.stdin.read())"
    assert run_alert_command(command(code), {"alerts": [{"name": "ä; rm -rf"}]}) is None
    assert json.loads(target.read_text()) == {"alerts": [{"name": "ä; rm -rf"}]}
    assert target.read_text().count("\n") == 1


def test_a_command_that_does_not_listen() -> None:
    """The command may end without reading its input."""
    assert run_alert_command(command("pass"), {"long": "x" * 1_000_000}) is None


def test_failures_of_the_command_are_reported() -> None:
    """An exit code, a program that is not there: one line each."""
    assert str(run_alert_command(command("raise SystemExit(3)"), {})).endswith("ended with exit code 3")
    nowhere = OnAlert(command=["/nowhere/notify"])
    assert run_alert_command(nowhere, {}) == "on_alert: /nowhere/notify: cannot be run: No such file or directory"


def test_a_command_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    """After the timeout no process is left."""
    pids = tmp_path / "pids"
    child = "import time; time.sleep(60)"
    code = (
        "import os, subprocess, sys, time; "
        f"child = subprocess.Popen([sys.executable, '-c', {child!r}]); "
        f"open({str(pids)!r}, 'w').write(str(child.pid)); time.sleep(60)"
    )
    assert "did not end within 3 s, and was killed" in str(run_alert_command(command(code, timeout=3), {}))
    status = Path(f"/proc/{int(pids.read_text())}/stat")
    for _ in range(100):
        if not status.exists() or status.read_text().split(")")[1].split()[0] == "Z":
            return
        time.sleep(0.1)
    pytest.fail("the child lives on")
