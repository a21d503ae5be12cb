"""A job: a configuration with what a schedule needs beside it. Every key, its type, its default and what it means."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, field_validator, model_validator

from lstmcast.config.expressions import duration_text, parse_alert, parse_condition, parse_duration
from lstmcast.config.schema import Section, ValueConfig


def _span(value: object) -> timedelta:
    """Text as a span of time; a span stays what it is."""
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
    """A limit, and what is done where it is broken: the limit alone means `fail`."""

    action: RuleAction = "fail"
    """fail: end with exit code 4 or 5; warn: say so; fallback: forecast by seasonal naive (column `model`)."""

    @model_validator(mode="before")
    @classmethod
    def _limit_alone(cls, value: object) -> object:
        return value if isinstance(value, dict | ThresholdRule) else {"limit": value}

    @classmethod
    def __get_pydantic_json_schema__(cls, core: Any, handler: Any) -> dict[str, Any]:
        """A limit alone, or the keys."""
        keys = handler.resolve_ref_schema(handler(core))
        return {"anyOf": [keys["properties"]["limit"], keys]}


class SpanRule(ThresholdRule):
    """A rule about a span of time."""

    limit: Duration
    """The longest that is allowed."""


class FractionRule(ThresholdRule):
    """A rule about a share."""

    limit: Fraction
    """The smallest that is allowed."""


class Freshness(Section):
    """What data and model must be like. Each rule: null, a limit, or {limit: 2h, action: fail | warn | fallback}."""

    max_data_age: SpanRule | None = None
    """How long ago the newest step of the file may have ended (a step ends where the next one starts)."""
    max_model_age: SpanRule | None = None
    """How long ago the model may have been trained."""
    min_completeness: FractionRule | None = None
    """The share of the steps that the network reads for which every series must have a value."""
    max_flatline: SpanRule | None = None
    """For how long the last values of a series that is not constant may be the same."""


class Retrain(Section):
    """When a new model is fitted, and from where. It replaces the old one only where it is not worse."""

    every: Duration | None = timedelta(days=7)
    """How often, where there are new data; null: never by age. A changed config is trained at once."""
    on_drift: bool = True
    """Whether to train where the errors have grown beyond those of the model's calibration."""
    init: Literal["warm", "fresh"] = "warm"
    """Warm: go on from the weights of the model in use; fresh: from chance's."""


class LedgerConfig(Section):
    """What is remembered of every forecast, in models/<name>/ledger.sqlite."""

    retention: Duration | None = timedelta(days=400)
    """How long; null: for ever."""
    score_window: Duration = timedelta(days=30)
    """What live scores look at: forecasts of the steps that lie in this time before now."""
    adaptive_intervals: bool = True
    """Whether intervals are widened and narrowed by what came true (adaptive conformal inference)."""


class AlertConfig(Section):
    """A threshold to watch."""

    name: str = ""
    """What it is called; unset: its condition."""
    when: str
    """Such as "p90 > 500 within 24h": the 90 % quantile crosses 500 at some step of the next 24 hours."""
    series: str | None = None
    """Which series (parts of its key joined by '/'); null: all."""

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
    """A command that is run where an alert fires, without a shell; it gets the alerts as JSON on stdin."""

    command: list[str] = Field(min_length=1)
    """The program and its arguments."""
    timeout: Duration = timedelta(seconds=30)
    """How long it may take."""


class MetricsConfig(Section):
    """Figures for those who watch."""

    textfile: str | None = None
    """A file for the textfile collector of Prometheus (*.prom, or it is not read); null: none."""

    @field_validator("textfile", mode="after")
    @classmethod
    def _collected(cls, value: str | None) -> str | None:
        if value is not None and not value.endswith(".prom"):
            raise ValueError(f"metrics.textfile: must end with .prom (got {value!r})")
        return value


class Job(ValueConfig):
    """A whole job. Relative paths are relative to the folder of its file."""

    input: str
    """The file with the newest data, read at every run."""
    freshness: Freshness = Freshness()
    retrain: Retrain = Retrain()
    ledger: LedgerConfig = LedgerConfig()
    fail_if: list[str] = Field(default=[])
    """Conditions on live scores, such as "mase > 1": where one is met, the exit code is 8."""
    alerts: list[AlertConfig] = Field(default=[])
    """Thresholds to watch, such as {name: peak, when: "p90 > 500 within 24h"}: where one is crossed, the code is 8."""
    on_alert: OnAlert | None = None
    """What is run where an alert fires: {command: [notify, --json], timeout: 30s} gets them as JSON; null: nothing."""
    plot: str | None = None
    """A figure of the forecast (.png, .svg, .pdf); null: none."""
    metrics: MetricsConfig = MetricsConfig()

    @field_validator("input", mode="after")
    @classmethod
    def _a_file(cls, value: str) -> str:
        if value in {"", "-"}:
            raise ValueError(f"input: must be a file that can be read again (got {value!r})")
        return value

    @field_validator("fail_if", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value

    @field_validator("plot", mode="after")
    @classmethod
    def _a_figure(cls, value: str | None) -> str | None:
        if value is not None and not value.lower().endswith((".png", ".svg", ".pdf")):
            raise ValueError(f"plot: must end with .png, .svg or .pdf (got {value!r})")
        return value

    @field_validator("fail_if", mode="after")
    @classmethod
    def _conditions(cls, value: list[str]) -> list[str]:
        for text in value:
            condition = parse_condition(text)
            if condition.name.startswith("coverage_") and abs(condition.limit) > 1:
                raise ValueError(f"a coverage is a share: write 0.8 for 80 % (got {text!r})")
        return value

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
                raise ValueError(f"fail_if: {name}: forecast.levels has no such level (it is {self.forecast.levels})")
        return self

    @model_validator(mode="after")
    def _to_a_file(self) -> Job:
        if self.forecast.output == "-":
            raise ValueError("forecast.output: must be a file for a job (got '-')")
        return self

    @property
    def config(self) -> ValueConfig:
        """The configuration of training and forecasts."""
        return ValueConfig(**{name: getattr(self, name) for name in ValueConfig.model_fields})

    def resolve_paths(self, folder: Path) -> Job:
        """The same with every relative path seen from where this process is, not from the job's folder."""

        def seen(path: str | None) -> str | None:
            return None if path is None else str(folder / path)

        return self.model_copy(
            update={
                "input": seen(self.input),
                "forecast": self.forecast.model_copy(update={"output": seen(self.forecast.output)}),
                "store": self.store.model_copy(update={"models": seen(self.store.models)}),
                "plot": seen(self.plot),
                "metrics": self.metrics.model_copy(update={"textfile": seen(self.metrics.textfile)}),
            }
        )
