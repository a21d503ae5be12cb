"""Schemas of jobs by task: a configuration with the keys that a schedule needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, field_validator, model_validator

from lstmcast.config.expressions import duration_text, parse_alert, parse_condition, parse_duration
from lstmcast.config.schema import (
    CONFIG_TYPES,
    CategoryConfig,
    EventConfig,
    Section,
    SettingError,
    StepsConfig,
    ValueConfig,
)


def _span(value: object) -> timedelta:
    """Parse the text of a duration; keep a duration."""
    return value if isinstance(value, timedelta) else parse_duration(value if isinstance(value, str) else repr(value))


Duration = Annotated[
    timedelta,
    BeforeValidator(_span),
    PlainSerializer(duration_text),
    WithJsonSchema({"type": "string", "examples": ["90s", "30min", "2h", "7d"]}),
]
Fraction = Annotated[float, Field(gt=0, le=1)]
RuleAction = Literal["fail", "warn", "fallback"]


class ThresholdRule(Section):
    """A limit and the action if it is violated; a limit alone means `action: fail`."""

    action: RuleAction = "fail"
    """Action if the limit is violated: exit with 4 or 5 (fail), warn, or forecast by seasonal naive (fallback)."""

    @model_validator(mode="before")
    @classmethod
    def _limit_alone(cls, value: object) -> object:
        return value if isinstance(value, dict | ThresholdRule) else {"limit": value}

    @classmethod
    def __get_pydantic_json_schema__(cls, core: Any, handler: Any) -> dict[str, Any]:
        """Allow a limit alone, or the keys."""
        keys = handler.resolve_ref_schema(handler(core))
        return {"anyOf": [keys["properties"]["limit"], keys]}


class SpanRule(ThresholdRule):
    """A rule with a duration as its limit."""

    limit: Duration
    """Longest duration allowed."""


class FractionRule(ThresholdRule):
    """A rule with a fraction as its limit."""

    limit: Fraction
    """Smallest fraction allowed."""


class Freshness(Section):
    """Requirements on data and model. Each rule is null, a limit, or {limit: 2h, action: fail | warn | fallback}."""

    max_data_age: SpanRule | None = None
    """Maximum time since the end of the newest step, which is the start of the step after it; null: any."""
    max_model_age: SpanRule | None = None
    """Maximum time since the model was trained; null: any."""
    min_completeness: FractionRule | None = None
    """Minimum fraction of the steps read by the network that have a value, in every series; null: any."""
    max_flatline: SpanRule | None = None
    """Maximum duration of equal last values in a series that is not constant; null: any."""


class RetrainSchedule(Section):
    """Training of new models, which replace the current one only if they are not worse."""

    every: Duration | None = timedelta(days=7)
    """Interval between trainings if there are new data; null: none. A changed config is trained in the next run."""


class Retrain(RetrainSchedule):
    """Training of new models, which replace the current one only if they are not worse."""

    on_drift: bool = True
    """Training after a drift of the errors since the calibration."""
    init: Literal["warm", "fresh"] = "warm"
    """Initial weights: those of the current model (warm), or those of train.init (fresh)."""


class LedgerRetention(Section):
    """The ledger of all forecasts, in models/<name>/ledger.sqlite."""

    retention: Duration | None = timedelta(days=400)
    """Time for which forecasts and observations are kept; null: unlimited."""


class ScoredLedger(LedgerRetention):
    """The ledger of all forecasts, in models/<name>/ledger.sqlite."""

    score_window: Duration = timedelta(days=30)
    """Time before now whose steps the live scores cover."""


class LedgerConfig(ScoredLedger):
    """The ledger of all forecasts, in models/<name>/ledger.sqlite."""

    adaptive_intervals: bool = True
    """Adaptation of interval widths to the observed coverage (adaptive conformal inference)."""


class AlertConfig(Section):
    """A condition on the forecast."""

    name: str = ""
    """Name of the alert; empty: its condition."""
    when: str
    """Condition such as "p90 > 500 within 24h": the 90 % quantile exceeds 500 at a step of the next 24 hours."""
    series: str | None = None
    """Key of the series, parts joined by '/'; null: all series."""

    @field_validator("when", mode="after")
    @classmethod
    def _crossing(cls, value: str) -> str:
        parse_alert(value)
        return value

    @model_validator(mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        return {"name": value["when"], **value} if isinstance(value, dict) and "when" in value else value


class OnAlert(Section):
    """A command run without a shell when an alert fires, with the alerts as JSON on stdin."""

    command: list[str] = Field(min_length=1)
    """Program and arguments."""
    timeout: Duration = timedelta(seconds=30)
    """Maximum duration of the command."""


class MetricsConfig(Section):
    """Metrics for monitoring."""

    textfile: str | None = None
    """File for the textfile collector of Prometheus, which reads only *.prom; null: none."""

    @field_validator("textfile", mode="after")
    @classmethod
    def _collected(cls, value: str | None) -> str | None:
        if value is not None and not value.endswith(".prom"):
            raise ValueError(f"metrics.textfile: must end with .prom (got {value!r})")
        return value


class JobConfig(StepsConfig):
    """A job of any task. Relative paths are relative to the folder of its file."""

    has_fallback: ClassVar[bool] = False  # whether seasonal naive can replace a forecast

    input: str
    """File with the newest data, read at every run."""
    freshness: Freshness = Freshness()
    retrain: RetrainSchedule = RetrainSchedule()
    ledger: LedgerRetention = LedgerRetention()
    plot: str | None = None
    """Figure of the forecast (.png, .svg, .pdf); null: none."""
    metrics: MetricsConfig = MetricsConfig()

    @field_validator("input", mode="after")
    @classmethod
    def _a_file(cls, value: str) -> str:
        if value in {"", "-"}:
            raise ValueError(f"input: must be a file that can be read again (got {value!r})")
        return value

    @field_validator("plot", mode="after")
    @classmethod
    def _a_figure(cls, value: str | None) -> str | None:
        if value is not None and not value.lower().endswith((".png", ".svg", ".pdf")):
            raise ValueError(f"plot: must end with .png, .svg or .pdf (got {value!r})")
        return value

    @model_validator(mode="after")
    def _to_a_file(self) -> Self:
        if self.forecast.output == "-":
            raise SettingError("forecast.output", "must be a file for a job (got '-')")
        return self

    @model_validator(mode="after")
    def _no_fallback(self) -> Self:
        for name in Freshness.model_fields:
            rule = getattr(self.freshness, name)
            if rule is not None and rule.action == "fallback" and not self.has_fallback:
                key = f"freshness.{name}.action"
                raise SettingError(key, "must be fail or warn: only values have a fallback forecast")
        return self

    @property
    def config(self) -> Any:
        """The configuration of training and forecasts, of the type of its task."""
        config_type = next(known for known in CONFIG_TYPES.values() if isinstance(self, known))
        return config_type(**{name: getattr(self, name) for name in config_type.model_fields})

    def resolve_paths(self, folder: Path) -> Self:
        """Return the job with paths relative to the working directory instead of the folder of its file."""

        def resolved(path: str | None) -> str | None:
            return None if path is None else str(folder / path)

        return self.model_copy(
            update={
                "input": resolved(self.input),
                "forecast": self.forecast.model_copy(update={"output": resolved(self.forecast.output)}),
                "store": self.store.model_copy(update={"models": resolved(self.store.models)}),
                "plot": resolved(self.plot),
                "metrics": self.metrics.model_copy(update={"textfile": resolved(self.metrics.textfile)}),
            }
        )


class ScoredJob(JobConfig):
    """A job with live scores. Relative paths are relative to the folder of its file."""

    score_names: ClassVar[Sequence[str]]  # that conditions may use

    ledger: ScoredLedger = ScoredLedger()
    fail_if: list[str] = Field(default=[])
    """Conditions on live scores, such as "mase > 1"; if one is met, the exit code is 8."""

    @field_validator("fail_if", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value

    @field_validator("fail_if", mode="after")
    @classmethod
    def _conditions(cls, value: list[str]) -> list[str]:
        for condition in map(parse_condition, value):
            name = "coverage_LEVEL" if condition.name.startswith("coverage_") else condition.name
            if name not in cls.score_names:
                raise ValueError(f"{condition.name}: must be one of {', '.join(cls.score_names)}")
            if name == "coverage_LEVEL" and abs(condition.limit) > 1:
                raise ValueError(f"a coverage is a fraction: write 0.8 for 80 % (got {condition.text!r})")
        return value


class Job(ValueConfig, ScoredJob):
    """A job of values. Relative paths are relative to the folder of its file."""

    has_fallback: ClassVar[bool] = True
    score_names: ClassVar[Sequence[str]] = ("mae", "bias", "mase", "outcomes", "coverage_LEVEL")

    retrain: Retrain = Retrain()
    ledger: LedgerConfig = LedgerConfig()
    alerts: list[AlertConfig] = Field(default=[])
    """Alerts, such as {name: peak, when: "p90 > 500 within 24h"}; if one fires, the exit code is 8."""
    on_alert: OnAlert | None = None
    """Command for alerts that fire, such as {command: [notify, --json], timeout: 30s}; null: none."""

    def resolve_paths(self, folder: Path) -> Self:
        """Return the job with paths relative to the working directory, and absolute ones of events.

        A model keeps the paths of its events, wherever a job is started from.
        """
        job, section = super().resolve_paths(folder), self.covariates
        holidays = [str((folder / code).resolve()) if "." in code or "/" in code else code for code in section.holidays]
        future = {} if section.future is None else {"future": str(folder / section.future)}
        changed = {**future, **({} if holidays == section.holidays else {"holidays": holidays})}
        return job.model_copy(update={"covariates": section.model_copy(update=changed)}) if changed else job

    @field_validator("alerts", mode="after")
    @classmethod
    def _distinct(cls, value: list[AlertConfig]) -> list[AlertConfig]:
        names = [alert.name for alert in value]
        if doubled := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"alerts: each name once (got {doubled[0]!r} twice); give them names")
        return value

    @model_validator(mode="after")
    def _covered(self) -> Job:
        known = {f"coverage_{level:g}" for level in self.forecast.levels}
        for name in (parse_condition(text).name for text in self.fail_if):
            if name.startswith("coverage_") and name not in known:
                raise SettingError("fail_if", f"{name}: not a level of forecast.levels ({self.forecast.levels})")
        return self


class EventJob(EventConfig, JobConfig):
    """A job of an event. Relative paths are relative to the folder of its file."""


class CategoryJob(CategoryConfig, ScoredJob):
    """A job of symbols. Relative paths are relative to the folder of its file."""

    score_names: ClassVar[Sequence[str]] = ("accuracy", "naive_accuracy", "outcomes")

    fail_if: list[str] = Field(default=[])
    """Conditions on live scores, such as "accuracy < 0.5"; if one is met, the exit code is 8."""


AnyJob = Job | EventJob | CategoryJob
JOB_TYPES: Mapping[str, type[AnyJob]] = {"value": Job, "event": EventJob, "category": CategoryJob}
"""The value of `model.task` to the schema of its jobs."""

NO_JOBS: Mapping[str, str] = {
    "label": "a job records and scores forecasts of next steps, and a label belongs to a whole series; schedule "
    "`lstmcast predict` instead"
}
"""The value of `model.task` to the reason why it has no jobs."""
