"""Typed results: forecasts with their files, evaluations, and reports of trainings."""

from __future__ import annotations

import io
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from lstmcast.data.schema import DataNote, InferredSetting, ReadOptions
from lstmcast.data.time.calendar import Calendar
from lstmcast.errors import UsageError
from lstmcast.evaluation.skill import Skill
from lstmcast.plain import from_plain, to_plain
from lstmcast.types import Floats, Ints

if TYPE_CHECKING:
    import pandas as pd

    from lstmcast.data.panel import Panel


FORMATS = (".csv", ".jsonl", ".parquet")


def output_suffix(target: str, formats: tuple[str, ...] = FORMATS) -> str:
    """The format that a file name asks for; `-` is the first one.

    Raises:
        UsageError: none of these formats.
    """
    suffix = formats[0] if target == "-" else PurePath(target).suffix.lower()
    if suffix not in formats:
        first = formats[0].removeprefix(".").upper()
        raise UsageError(
            f"{target}: a forecast is written as {', '.join(formats)}, or to - as {first} (got {suffix!r})"
        )
    return suffix


@dataclass(frozen=True)
class StepForecast(ABC):
    """A forecast of the next H steps of S series.

    Attributes:
        calendar: of the data.
        time: the name of the time column.
        key_columns: the names of the key columns.
        keys: S keys.
        origins: [S] last known steps, as positions on the calendar.
    """

    calendar: Calendar
    time: str
    key_columns: tuple[str, ...]
    keys: tuple[tuple[str, ...], ...]
    origins: Ints

    @property
    @abstractmethod
    def horizon(self) -> int:
        """H."""

    @abstractmethod
    def to_frame(self) -> pd.DataFrame:
        """One row a series and step, in the columns and time format of the input."""

    @staticmethod
    def index_of(panel: Panel) -> dict[str, Any]:
        """Return the fields of a forecast from the end of every series of a panel."""
        return {
            "calendar": panel.calendar,
            "time": panel.columns.time or "step",
            "key_columns": panel.key_columns,
            "keys": panel.keys,
            "origins": panel.ends,
        }

    @property
    def positions(self) -> Ints:
        """[S, H] the forecast steps, as positions on the calendar."""
        return self.origins[:, None] + np.arange(1, self.horizon + 1)

    def index_columns(self) -> dict[str, object]:
        """The columns of keys and times, [S · H] each."""
        return named_steps(self.calendar, self.positions, time=self.time, names=self.key_columns, keys=self.keys)

    def written(self, table: pd.DataFrame) -> pd.DataFrame:
        """Rows of a table [S · H] as clocks show them: a repeated hour has two rows, a skipped one has none."""
        if not self.calendar.has_clock_changes:
            return table
        index, times = self.calendar.written_texts(self.time, self.positions)
        return table.iloc[index].reset_index(drop=True).assign(**times)

    def render(self, suffix: str) -> bytes:
        """The table as a file of a format; see `rendered`."""
        return rendered(self.to_frame(), suffix)


@dataclass(frozen=True)
class Forecast(StepForecast):
    """The values of the next H steps of S series; the other attributes are those of `StepForecast`.

    Attributes:
        values: [S, H] in the unit of the target.
        levels: [Q] in percent.
        lower: [Q, S, H] lower bounds of the intervals.
        upper: [Q, S, H] upper bounds.
        model_names: [S] the model of each series, `lstmcast` or `seasonal_naive`; empty: not reported.
        name: of the column of values.
        notes: remarks about the values that it starts from.
    """

    values: Floats
    levels: tuple[float, ...]
    lower: Floats
    upper: Floats
    model_names: tuple[str, ...] = ()
    name: str = "forecast"
    notes: tuple[DataNote, ...] = ()

    @property
    def horizon(self) -> int:
        """H."""
        return int(self.values.shape[1])

    def to_frame(self) -> pd.DataFrame:
        """One row a series and step, in the input's own columns and times, with `forecast`, `lower_80` …, `model`."""
        import pandas as pd

        columns = self.index_columns()
        columns[self.name] = self.values.ravel()
        for q, level in enumerate(self.levels):
            columns[f"lower_{level:g}"] = self.lower[q].ravel()
            columns[f"upper_{level:g}"] = self.upper[q].ravel()
        if self.model_names:
            columns["model"] = np.repeat(np.array(self.model_names, dtype=object), self.horizon)
        return self.written(pd.DataFrame(columns))


def named_steps(
    calendar: Calendar, positions: Ints, *, time: str, names: tuple[str, ...], keys: Sequence[tuple[str, ...]]
) -> dict[str, object]:
    """The columns that identify the rows of a forecast: the parts of keys, and times, as the input writes them.

    Args:
        calendar: the data's.
        positions: [S, H] steps on it.
        time: what the time column is called.
        names: what the parts of a key are called.
        keys: S keys.

    Returns:
        [S · H] each.
    """
    parts: dict[str, object] = {
        name: np.repeat(np.array([key[k] for key in keys], dtype=object), positions.shape[1])
        for k, name in enumerate(names)
    }
    return parts | calendar.named_texts(time, positions.ravel())


def with_own_names(named: Mapping[str, object], columns: Mapping[str, object]) -> dict[str, object]:
    """Return the columns of a table: those of the input, then others; a name that the input has gets an underscore."""
    return {**named, **{f"{name}_" if name in named else name: values for name, values in columns.items()}}


def rendered(frame: pd.DataFrame, suffix: str) -> bytes:
    """A table as `.csv`, `.jsonl` (one object a line) or `.parquet` (see `output_suffix`).

    Raises:
        UsageError: Parquet, where pyarrow is not installed.
    """
    if suffix == ".csv":
        return frame.to_csv(index=False, lineterminator="\n").encode()
    if suffix == ".jsonl":
        rows = frame.to_dict(orient="records")
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    try:
        import pyarrow  # noqa: F401
    except ImportError as err:
        raise UsageError("writing Parquet needs pyarrow: pip install 'lstmcast[parquet]'") from err
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()


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
        data, model, train, forecast, store: the sections.
    """

    data: Mapping[str, Any] = field(default_factory=dict)
    model: Mapping[str, Any] = field(default_factory=dict)
    train: Mapping[str, Any] = field(default_factory=dict)
    forecast: Mapping[str, Any] = field(default_factory=dict)
    store: Mapping[str, Any] = field(default_factory=dict)

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
        return ReadOptions.of(self.data)


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
