"""Evaluation of event probabilities against outcomes and baselines."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lstmcast.errors import DataError
from lstmcast.evaluation import classification
from lstmcast.evaluation.classification import reliability
from lstmcast.evaluation.skill import bootstrap_groups, skill
from lstmcast.forecasting.split_data import OriginSet
from lstmcast.results import LSTMCAST
from lstmcast.statistical.event_rates import event_baselines
from lstmcast.tasks.event.model import EventPipeline, EventScores, ReliabilityCurve, sigmoid
from lstmcast.tasks.event.rule import EventWindowDataset, weekly_season
from lstmcast.types import Floats


@dataclass(frozen=True)
class EventOrigins(OriginSet):
    """B origins with at least one observed outcome each; the values of their panel are event labels.

    Attributes:
        dataset: the panel as the networks read it.
    """

    dataset: EventWindowDataset

    @classmethod
    def of(cls, origins: OriginSet, pipeline: EventPipeline) -> EventOrigins:
        """Label the steps of a panel and drop the origins without outcomes.

        Raises:
            DataError: no origin is left.
        """
        dataset = pipeline.bind(origins.panel)
        valid = replace(origins, panel=replace(origins.panel, values=dataset.labels)).observed()
        if not len(valid):
            source = origins.panel.source
            raise DataError(f"{source}: no outcome was observed in the steps held out; cut the file, or add data")
        return cls(valid.panel, valid.series, valid.steps, valid.horizon, dataset)

    def logits(self, pipeline: EventPipeline) -> Floats:
        """Return the log-odds [B, H] of the networks, before the temperature."""
        return pipeline.logits(self.dataset, self.series, self.steps)

    def probabilities(self, pipeline: EventPipeline) -> Floats:
        """Return the probabilities [B, H] of the networks."""
        return sigmoid(self.logits(pipeline) / pipeline.temperature)


@dataclass(frozen=True)
class EventEvaluation:
    """Probabilities at B origins, and their scores.

    Attributes:
        probabilities: [B, H] of the networks.
        summary: the scores.
    """

    probabilities: Floats
    summary: EventScores


def evaluate_probabilities(where: EventOrigins, probabilities: Floats) -> EventEvaluation:
    """Compare probabilities [B, H] with the outcomes and with the baselines at the same origins."""
    panel, actual, horizon = where.panel, where.actuals, where.horizon
    baselines = event_baselines(panel.calendar.season, weekly_season(panel))
    first = panel.offsets[where.series]
    methods = {LSTMCAST: probabilities}
    methods |= {name: rule(panel.values, first, where.steps, horizon) for name, rule in baselines.items()}
    scores = {name: _scores(actual, values) for name, values in methods.items()}
    best = min(baselines, key=lambda name: scores[name]["brier"])
    error, baseline = (classification.brier(actual, methods[name]) for name in (LSTMCAST, best))
    result = skill(error, baseline, bootstrap_groups(where.series, where.steps, horizon), name=best)
    bins = reliability(actual, probabilities)
    summary = EventScores(
        scores=scores,
        skill=result,
        n_scored=len(actual),
        brier_by_step={
            name: tuple(classification.brier(actual.T, values.T).tolist()) for name, values in methods.items()
        },
        skills={name: _error_reduction(scores[LSTMCAST]["brier"], scores[name]["brier"]) for name in baselines},
        rate=float(np.nanmean(actual)),
        reliability=ReliabilityCurve(*(tuple(part.tolist()) for part in (bins.predicted, bins.observed, bins.counts))),
    )
    return EventEvaluation(probabilities, summary)


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
