"""A fitted forecaster of an event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lstmcast.classifier.event.teller import EventPipeline, probability
from lstmcast.data.panel import Panel
from lstmcast.errors import ModelError, UsageError
from lstmcast.forecast import Forecast
from lstmcast.forecaster.trained import check_same_calendar
from lstmcast.forecaster.truth import tail

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class EventHoldout:
    """Probabilities from held-out origins and what became of them.

    Attributes:
        series: [B] which series. positions: [B] the origins, on the calendar.
        said: [B, H] calibrated on steps before them. came: [B, H] 1 or 0, NaN where not observed.
    """

    series: Ints
    positions: Ints
    said: Floats
    came: Floats


@dataclass(frozen=True)
class EventForecaster:
    """A trained model and all it needs to say chances without the file it was trained on.

    Attributes:
        pipeline: networks, scales, rule.
        temperature: by which their log-odds are divided.
        context: the last steps of every series.
        holdout: what judged it.
        report: what a person may want to know later: config, findings, scores, verdict, data fingerprint, versions.
    """

    pipeline: EventPipeline
    temperature: float
    context: Panel
    holdout: EventHoldout
    report: Mapping[str, Any]

    @property
    def horizon(self) -> int:
        """H."""
        return self.pipeline.window_spec.horizon

    def predict(self, panel: Panel | None = None, horizon: int | None = None) -> Forecast:
        """The probability of a yes at each of the next H steps of every series, in the column `probability`.

        Args:
            panel: the newest data; None: the context kept from training.
            horizon: steps ahead, at most H; None: H.

        Raises:
            UsageError: horizon is below 1 or beyond H.
            ModelError: the network says no numbers.
            DataError: the panel's columns or frequency are not those of training, or its values cannot be transformed.
        """
        panel = self.context if panel is None else panel
        steps = self.horizon if horizon is None else horizon
        if not 1 <= steps <= self.horizon:
            raise UsageError(f"--horizon: must be 1 to {self.horizon}, for which the model was trained (got {steps})")
        check_same_calendar(self.context, panel)
        recent = tail(panel, self.pipeline.required_history)
        values = self.at(recent, np.arange(recent.n_series), recent.lengths - 1)[:, :steps]
        if not np.isfinite(values).all():
            raise ModelError("the probabilities are no numbers; train again")
        none = np.empty((0, *values.shape))
        return Forecast(
            calendar=panel.calendar,
            time=panel.columns.time or "step",
            key_columns=panel.key_columns,
            keys=panel.keys,
            origins=recent.ends,
            values=values,
            levels=(),
            lower=none,
            upper=none,
            name="probability",
        )

    def at(self, panel: Panel, series: Ints, origins: Ints) -> Floats:
        """The probabilities [B, H] after any origins, each knowing only what came before it."""
        return probability(self.pipeline.logits(self.pipeline.bind(panel), series, origins), self.temperature)
