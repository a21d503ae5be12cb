"""Evaluation of event probabilities against outcomes and baselines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.errors import DataError
from lstmcast.evaluation import classification
from lstmcast.evaluation.classification import Reliability, reliability
from lstmcast.evaluation.skill import Skill, bootstrap_groups, finite, skill, verdict
from lstmcast.forecasting.actuals import actuals_after, valid_origins
from lstmcast.statistical.event_rates import event_baselines
from lstmcast.tasks.event.features import EventWindowDataset
from lstmcast.tasks.event.model import EventPipeline, sigmoid
from lstmcast.tasks.event.rule import weekly_season
from lstmcast.types import Floats, Ints


@dataclass(frozen=True)
class EventOrigins:
    """B origins of a panel with at least one observed outcome each.

    Attributes:
        panel: the series.
        dataset: the panel as the networks read it, with its event labels.
        series: [B] indices of the series.
        origins: [B] last known steps, counted from the first step of the series.
        actual: [B, H] labels of the steps after the origins: 1, 0, or NaN where not observed.
    """

    panel: Panel
    dataset: EventWindowDataset
    series: Ints
    origins: Ints
    actual: Floats

    @classmethod
    def of(cls, panel: Panel, pipeline: EventPipeline, series: Ints, origins: Ints) -> EventOrigins:
        """Look up the outcomes and drop the origins without any.

        Raises:
            DataError: no origin is left.
        """
        dataset, horizon = pipeline.bind(panel), pipeline.window_spec.horizon
        labeled = replace(panel, values=dataset.labels)
        valid = valid_origins(labeled, series, origins, horizon)
        if not valid.any():
            raise DataError(f"{panel.source}: no outcome was observed in the steps held out; cut the file, or add data")
        series, origins = series[valid], origins[valid]
        return cls(panel, dataset, series, origins, actuals_after(labeled, series, origins, horizon))

    @property
    def positions(self) -> Ints:
        """[B] the origins, as positions on the calendar."""
        return self.panel.starts[self.series] + self.origins

    def logits(self, pipeline: EventPipeline) -> Floats:
        """Return the log-odds [B, H] of the networks, before the temperature."""
        return pipeline.logits(self.dataset, self.series, self.origins)

    def probabilities(self, pipeline: EventPipeline) -> Floats:
        """Return the probabilities [B, H] of the networks."""
        return sigmoid(self.logits(pipeline) / pipeline.temperature)


@dataclass(frozen=True)
class EventEvaluation:
    """Scores of the probabilities at B origins.

    Attributes:
        probabilities: [B, H] of the networks.
        scores: brier, log_loss, accuracy and calibration_error of "lstm" and each baseline.
        by_step: Brier score of each method at each of the H steps.
        skill: of the networks' Brier score against that of the best baseline.
        skills: 1 − Brier / Brier of the baseline, for each baseline.
        verdict: the comparison in one sentence.
        n_origins: B.
        rate: the event rate among the outcomes.
        reliability: of the networks.
    """

    probabilities: Floats
    scores: Mapping[str, Mapping[str, float]]
    by_step: Mapping[str, Floats]
    skill: Skill
    skills: Mapping[str, float]
    verdict: str
    n_origins: int
    rate: float
    reliability: Reliability

    def to_dict(self) -> dict[str, Any]:
        """The scores as JSON values; null where undefined."""
        bins = self.reliability
        return {
            "verdict": self.verdict,
            "rate": finite(self.rate),
            "scores": {name: {key: finite(v) for key, v in row.items()} for name, row in self.scores.items()},
            "brier_by_step": {name: [finite(v) for v in row.tolist()] for name, row in self.by_step.items()},
            "skill": self.skill.to_dict(),
            "skills": {name: finite(value) for name, value in self.skills.items()},
            "reliability": {
                "predicted": bins.predicted.tolist(),
                "observed": bins.observed.tolist(),
                "counts": bins.counts.tolist(),
            },
        }


def evaluate_probabilities(where: EventOrigins, probabilities: Floats) -> EventEvaluation:
    """Compare probabilities [B, H] with the outcomes and with the baselines at the same origins."""
    panel, actual, horizon = where.panel, where.actual, where.actual.shape[1]
    baselines = event_baselines(panel.calendar.season, weekly_season(panel))
    first = panel.offsets[where.series]
    methods = {"lstm": probabilities}
    methods |= {name: rule(where.dataset.labels, first, where.origins, horizon) for name, rule in baselines.items()}
    scores = {name: _scores(actual, values) for name, values in methods.items()}
    best = min(baselines, key=lambda name: scores[name]["brier"])
    error, baseline = (classification.brier(actual, methods[name]) for name in ("lstm", best))
    result = skill(error, baseline, bootstrap_groups(where.series, where.origins, horizon), name=best)
    return EventEvaluation(
        probabilities=probabilities,
        scores=scores,
        by_step={name: classification.brier(actual.T, values.T) for name, values in methods.items()},
        skill=result,
        skills={name: _error_reduction(scores["lstm"]["brier"], scores[name]["brier"]) for name in baselines},
        verdict=verdict(result, len(actual)),
        n_origins=len(actual),
        rate=float(np.nanmean(actual)),
        reliability=reliability(actual, probabilities),
    )


def _scores(actual: Floats, probabilities: Floats) -> dict[str, float]:
    """The scores of one method over all observed outcomes."""
    y, p = actual.ravel(), probabilities.ravel()
    return {
        "brier": float(classification.brier(y, p)),
        "log_loss": float(classification.log_loss(y, p)),
        "accuracy": float(classification.accuracy(y, p)),
        "calibration_error": reliability(y, p).error,
    }


def _error_reduction(error: float, baseline: float) -> float:
    """1 − error / baseline; NaN where the baseline was exact."""
    return 1 - error / baseline if baseline > 0 else float("nan")
