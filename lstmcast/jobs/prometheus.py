"""Figures of a run for Prometheus's textfile collector."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from lstmcast.evaluation.live_scores import LiveScores
from lstmcast.jobs.alerts import AlertResult

HELP = {
    "run_exit_code": "Exit code of the last run: 0 done, 8 done and a condition was met, others failed.",
    "run_timestamp_seconds": "When the last run was, in seconds since 1970.",
    "run_duration_seconds": "How long it took.",
    "run_last_success_timestamp_seconds": "When a run was last done, in seconds since 1970.",
    "data_age_seconds": "How long ago the newest step of the data had ended.",
    "model_age_seconds": "How long ago the model was trained.",
    "fallback_series": "Series that were forecast by seasonal naive.",
    "live_outcomes": "Values of the window that were held against what came true.",
    "live_mae": "Mean absolute error of what came true.",
    "live_mase": "The same against seasonal naive: above 1 that would have been better.",
    "live_coverage_ratio": "Share of what came true inside the interval of a level.",
    "alert_probability": "Probability of what an alert waits for.",
    "alert_fired": "1 where an alert fired, else 0.",
}
SUCCESS = "run_last_success_timestamp_seconds"


@dataclass(frozen=True)
class Metric:
    """One figure: a key of `HELP`, its value, and labels beside that of the model."""

    name: str
    value: float
    labels: dict[str, str] = field(default_factory=dict)


def of_scores(scores: LiveScores) -> list[Metric]:
    """Live scores; those that are not defined are left out."""
    coverage = zip(scores.levels, scores.coverage.tolist(), strict=True)
    found = [
        Metric("live_outcomes", scores.n_actuals),
        Metric("live_mae", scores.mae),
        Metric("live_mase", scores.mase),
        *(Metric("live_coverage_ratio", fraction, {"level": f"{level:g}"}) for level, fraction in coverage),
    ]
    return [sample for sample in found if sample.value == sample.value]


def of_alerts(found: Iterable[AlertResult]) -> list[Metric]:
    """What became of alerts."""
    samples = []
    for alert in found:
        labels = {"alert": alert.name, "series": alert.series}
        samples.append(Metric("alert_probability", alert.probability, labels))
        samples.append(Metric("alert_fired", float(alert.fired), labels))
    return samples


def text(samples: Sequence[Metric], model: str) -> bytes:
    """The samples in the text format of Prometheus, those of one name together."""
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
    """When a run was last done, as the file of the run before tells; nothing where it does not."""
    with suppress(OSError):
        if found := re.search(rf"^lstmcast_{SUCCESS}{{.*}} (\S+)$", path.read_text("utf-8", "replace"), re.MULTILINE):
            with suppress(ValueError):
                return [Metric(SUCCESS, float(found[1]))]
    return []


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
