"""Typed results: evaluations and reports of trainings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Self

from lstmcast.data.schema import InferredSetting, ReadOptions
from lstmcast.evaluation.skill import Skill
from lstmcast.plain import from_plain, to_plain

LSTMCAST = "lstmcast"
"""The key of lstmcast's own row in tables of scores, and the name of its forecasts in files."""

Scores = Mapping[str, float]
"""Metric to value; NaN where undefined."""


class MemberName(StrEnum):
    """The members of an ensemble."""

    TRAINED = "trained"  # the LSTM trained on the data
    PRETRAINED = "pretrained"  # the LSTM shipped with lstmcast
    SMOOTHING = "smoothing"  # exponential smoothing
    TREND = "trend"  # line and seasonal means by least squares
    MEANS = "means"  # seasonal means
    DIRECT = "direct"  # regression on the past and the calendar
    DRIVERS = "drivers"  # regression on the past, the calendar and covariates


class ScoredNetwork(StrEnum):
    """The model that the scores belong to; it was fitted without the hold-out."""

    FINAL = "final"  # the saved model
    HOLDOUT = "holdout"  # the saved model was refit on all data for as many epochs
    CONTINUED = "continued"  # the saved model continued training on all data
    REFIT_REJECTED = "refit_rejected"  # the saved model: a refit on all data was worse


@dataclass(frozen=True)
class Holdout:
    """The last steps of each series, held out from fitting.

    Attributes:
        horizon: H of the held-out forecasts.
        validation_steps: for early stopping, weights and temperature.
        test_steps: for the scores, after the validation steps.
    """

    horizon: int
    validation_steps: int
    test_steps: int


@dataclass(frozen=True)
class DataInfo:
    """The training data.

    Attributes:
        source: the name of the file in messages.
        series: number of series.
        rows: number of steps of all series.
        fingerprint: sha256 of keys, times and values.
        first: the time of the first step of the first series, and last: of its last one; None without times.
        path: the absolute path of the file; None if there is none.
    """

    source: str
    series: int
    rows: int
    fingerprint: str
    first: str | None = None
    last: str | None = None
    path: str | None = None


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Scores on held-out data, next to those of the baselines.

    Attributes:
        scores: method to its scores; `lstmcast` comes first.
        skill: of lstmcast against the best baseline.
        n_scored: number of origins, symbols or series that were scored.
    """

    unit: ClassVar[str] = "origin"
    error: ClassVar[str] = "error"

    scores: Mapping[str, Scores]
    skill: Skill
    n_scored: int


@dataclass(frozen=True, kw_only=True)
class ValueEvaluation(Evaluation):
    """Scores of forecasts of values, and the coverage of their intervals.

    Attributes:
        members: the scores of each member of the ensemble by itself.
        member_weights: its weight in the saved ensemble, the median over series.
        coverage: level in percent to the fraction of outcomes inside that interval; NaN where unknown.
        coverage_by_step: the same at each of the H steps.
        coverage_folds_overlap: whether calibration and coverage used origins with common outcomes.
        calibration_weight: fraction of the interval widths that comes from these data; the rest comes from the
            calibration of the pretrained models.
    """

    members: Mapping[MemberName, Scores] = field(default_factory=dict)
    member_weights: Mapping[MemberName, float] = field(default_factory=dict)
    coverage: Mapping[str, float] = field(default_factory=dict)
    coverage_by_step: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    coverage_folds_overlap: bool = False
    calibration_weight: float = 1.0


@dataclass(frozen=True)
class RetrainInfo:
    """The reason for a retraining, and its comparison with the model before.

    Attributes:
        reason: why the model was retrained.
        decision: why the new model was published.
        comparison: the scores of both models.
    """

    reason: str
    decision: str
    comparison: Mapping[str, Any]


@dataclass(frozen=True)
class RecordedConfig:
    """The config of a training in plain values, as its manifest keeps them; a section lacks keys that were added since.

    Attributes:
        data, model, train, forecast, store, covariates: the sections.
    """

    data: Mapping[str, Any] = field(default_factory=dict)
    model: Mapping[str, Any] = field(default_factory=dict)
    train: Mapping[str, Any] = field(default_factory=dict)
    forecast: Mapping[str, Any] = field(default_factory=dict)
    store: Mapping[str, Any] = field(default_factory=dict)
    covariates: Mapping[str, Any] | None = None

    @property
    def task(self) -> str:
        """The task (`model.task`)."""
        return str(self.model["task"])

    @property
    def event(self) -> str | None:
        """The rule of an event (`model.event`); None for other tasks, and for a target of yes and no."""
        return self.model.get("event")

    @property
    def output(self) -> str:
        """The default file of `predict`."""
        return str(self.forecast["output"])

    @property
    def read_options(self) -> ReadOptions:
        """The options with which the training data were read."""
        return ReadOptions.of(self.data, self.covariates)


@dataclass(frozen=True, kw_only=True)
class TrainingReport:
    """The result of a training: what was decided, the scores, the data and the library versions.

    Attributes:
        config: the config as used.
        inferred: the settings that were inferred, with reasons.
        network: the layers as Keras would list them.
        parameters: number of weights of a network.
        epochs: of each network.
        scored_network: the model that the scores belong to.
        evaluation: the scores.
        data: the training data.
        libraries: name to version.
        created: time of publication, ISO 8601; None before.
        retrain: for a model that a job retrained.
    """

    config: RecordedConfig
    inferred: tuple[InferredSetting, ...]
    network: str
    parameters: int
    epochs: tuple[int, ...]
    scored_network: ScoredNetwork
    evaluation: Evaluation
    data: DataInfo
    libraries: Mapping[str, str]
    created: str | None = None
    retrain: RetrainInfo | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, the fields of the evaluation among them; undefined numbers are None.

        `created` and `retrain` are left out if they are unset.
        """
        plain = to_plain(self)
        unset = {name for name in ("created", "retrain") if plain[name] is None}
        return {**plain.pop("evaluation"), **{key: value for key, value in plain.items() if key not in unset}}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`.

        Raises:
            KeyError, TypeError, ValueError: a part is missing or has another type.
        """
        return from_plain(cls, {**plain, "evaluation": plain})


@dataclass(frozen=True, kw_only=True)
class ValueReport(TrainingReport):
    """The result of a training on values.

    Attributes:
        preprocessing: transform, level and seasonal profile.
        adaptive_weights: whether each series weights its members by their errors over its last horizon.
        holdout: the held-out steps.
        mase_season: the season length of MASE.
    """

    evaluation: ValueEvaluation
    preprocessing: str
    adaptive_weights: bool
    holdout: Holdout
    mase_season: int
