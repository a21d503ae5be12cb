"""Metrics of a run for the textfile collector of Prometheus."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from lstmcast.evaluation.live_scores import AnyLiveScores, LiveScores, LiveSymbolScores
from lstmcast.jobs.alerts import AlertResult

HELP = {
    "run_exit_code": "Exit code of the last run: 0 done, 8 done and a condition was met, otherwise failed.",
    "run_timestamp_seconds": "Time of the last run, in seconds since 1970.",
    "run_duration_seconds": "Duration of the last run.",
    "run_last_success_timestamp_seconds": "Time of the last successful run, in seconds since 1970.",
    "data_age_seconds": "Age of the newest step of the data.",
    "model_age_seconds": "Age of the model.",
    "fallback_series": "Number of series that were forecast by seasonal naive.",
    "live_outcomes": "Number of forecast steps of the window with an observed value.",
    "live_mae": "Mean absolute error of these steps.",
    "live_mase": "Mean absolute error relative to seasonal naive; above 1 is worse.",
    "live_accuracy_ratio": "Fraction of these steps whose symbol was forecast.",
    "live_naive_accuracy_ratio": "The same of the seasonal naive forecast.",
    "live_coverage_ratio": "Fraction of observed values inside the interval of a level.",
    "alert_probability": "Probability of the condition of an alert.",
    "alert_fired": "1 if the alert fired, else 0.",
}
SUCCESS = "run_last_success_timestamp_seconds"


@dataclass(frozen=True)
class Metric:
    """One value: a key of `HELP`, the value, and labels in addition to the model."""

    name: str
    value: float
    labels: dict[str, str] = field(default_factory=dict)


def of_scores(scores: AnyLiveScores) -> list[Metric]:
    """Return the live scores that are defined."""
    own = _of_symbols(scores) if isinstance(scores, LiveSymbolScores) else _of_values(scores)
    found = [Metric("live_outcomes", scores.n_actuals), *own]
    return [sample for sample in found if sample.value == sample.value]


def _of_values(scores: LiveScores) -> list[Metric]:
    coverage = zip(scores.levels, scores.coverage.tolist(), strict=True)
    return [
        Metric("live_mae", scores.mae),
        Metric("live_mase", scores.mase),
        *(Metric("live_coverage_ratio", fraction, {"level": f"{level:g}"}) for level, fraction in coverage),
    ]


def _of_symbols(scores: LiveSymbolScores) -> list[Metric]:
    accuracies = {"live_accuracy_ratio": scores.accuracy, "live_naive_accuracy_ratio": scores.naive_accuracy}
    return [Metric(name, value) for name, value in accuracies.items()]


def of_alerts(found: Iterable[AlertResult]) -> list[Metric]:
    """Return the results of alerts."""
    samples = []
    for alert in found:
        labels = {"alert": alert.name, "series": alert.series}
        samples.append(Metric("alert_probability", alert.probability, labels))
        samples.append(Metric("alert_fired", float(alert.fired), labels))
    return samples


def text(samples: Sequence[Metric], model: str) -> bytes:
    """Format the samples in the text format of Prometheus, grouped by name."""
    lines = []
    for name, help_text in HELP.items():
        samples_of_name = [sample for sample in samples if sample.name == name]
        if samples_of_name:
            lines += [f"# HELP lstmcast_{name} {help_text}", f"# TYPE lstmcast_{name} gauge"]
        for sample in samples_of_name:
            labels = ",".join(f'{key}="{_escaped(value)}"' for key, value in {"model": model, **sample.labels}.items())
            lines.append(f"lstmcast_{name}{{{labels}}} {float(sample.value)!r}")
    return ("\n".join(lines) + "\n").encode()


def last_success(path: Path) -> list[Metric]:
    """Read the time of the last success from the file of an earlier run, if it has one."""
    with suppress(OSError):
        if found := re.search(rf"^lstmcast_{SUCCESS}{{.*}} (\S+)$", path.read_text("utf-8", "replace"), re.MULTILINE):
            with suppress(ValueError):
                return [Metric(SUCCESS, float(found[1]))]
    return []


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
