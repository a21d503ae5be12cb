"""Schema of a configuration: a union by task, so that a key without a meaning for a task does not exist for it.

All keys are optional, except `model.task` of the tasks other than `value`. The docstring of a key becomes its comment
in the YAML of `lstmcast init`, its description in the JSON schema and its row in the documentation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from lstmcast.config.expressions import parse_event

Auto = Literal["auto"]
Count = Annotated[int, Field(ge=1)]
Units = Annotated[int, Field(ge=1, le=4096)]
Level = Annotated[float, Field(gt=0, lt=100)]


class SettingError(ValueError):
    """A value that does not fit the values of other sections.

    Attributes:
        key: dotted; several are separated by commas.
    """

    def __init__(self, key: str, text: str) -> None:
        super().__init__(f"{key}: {text}")
        self.key = key


class Section(BaseModel):
    """A part of the YAML: frozen, without unknown keys or implicit conversions."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with other values of some keys, which are taken as they are.

        Raises:
            ValueError: an unknown key.
        """
        if unknown := sorted(set(update or {}) - type(self).model_fields.keys()):
            raise ValueError(f"unknown key {unknown[0]!r}; valid here: {', '.join(type(self).model_fields)}")
        return super().model_copy(update=update, deep=deep)

    def changed_keys(self) -> list[str]:
        """Names of the keys that differ from their default."""
        return [name for name, field in type(self).model_fields.items() if getattr(self, name) != field.default]


# --- data ---


class DataConfig(Section):
    """Reading of the file."""

    time: str | list[str] | None = None
    """Time column; a list of columns with its parts ([year, month]); none: there is none; null: inferred."""
    target: str | list[str] | None = None
    """Column to predict; a list of columns, or '*' for all numeric ones, makes each a series; null: inferred."""
    id_columns: list[str] = []
    """Columns that together identify a series, in a file with several; none: one series; empty: inferred."""
    frequency: str | None = None
    """Length of a step as a pandas alias (h, D, W-FRI, MS, 30min …); finer data are resampled; null: inferred."""
    closed: str = "auto"
    """Steps that never have values (Sun, 20:00-08:00, Aug, W52-W01); auto: inferred; none: every step is open."""
    timezone: str | None = None
    """Time zone of times without a UTC offset (Europe/Berlin), required where clocks change; null: none."""
    time_format: str | None = None
    """Format of the times in strptime's directives (%d/%m/%Y); null: inferred from the whole column."""
    missing: Literal["auto", "interpolate", "zero", "error"] = "auto"
    """Treatment of missing values; auto: interpolates short gaps, masks them from the loss, and refuses long ones."""
    ended: Literal["drop", "keep"] = "drop"
    """Forecast of series that ended more than a season and a horizon before the latest: none, or from their own end."""
    unfinished: Literal["drop", "keep"] = "drop"
    """Newest step of a series if it is not over by the clock (--now): left out, or used as it is."""
    aggregate: Literal["error", "sum", "mean", "count", "last"] = "error"
    """Aggregation of several rows of one series and step; count: of the rows themselves; error: refused."""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    """Character between fields; null: inferred."""
    encoding: str | None = None
    """Encoding of the file; null: UTF-8, or UTF-16 with a byte order mark."""
    decimal: Literal[".", ","] | None = None
    """Decimal separator; null: inferred."""
    thousands: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    """Thousands separator; null: inferred where the numbers of the file decide it."""
    sheet: str | int | None = None
    """Name or number of the sheet of an Excel workbook; null: the first that is not empty."""
    header: Literal["auto", "none"] = "auto"
    """Line of column names; auto: the first line that is not skipped; none: there is none, and columns are numbered."""
    skip: list[str | int] = []
    """Lines that are no rows: 3 (the first three), 5-6, last 2, none, or several of these; empty: found."""
    units: Literal["auto", "multiply", "ignore", "error"] = "auto"
    """Signs around numbers ($, %, kWh, K, bn); auto: read where they are clear; multiply: K, M and bn are factors."""
    missing_marks: list[str | int | float] = []
    """Texts or numbers that mark missing values (-9999, <1), besides common ones (NA, #N/A, :); none: no others."""

    @field_validator("id_columns", "features", "missing_marks", "skip", mode="before", check_fields=False)
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return [value] if isinstance(value, str | int | float) else value

    @model_validator(mode="after")
    def _no_conflict(self) -> DataConfig:
        for first, other in (("delimiter", "decimal"), ("thousands", "decimal"), ("thousands", "delimiter")):
            if getattr(self, first) is not None and getattr(self, first) == getattr(self, other):
                raise ValueError(f"{first} and {other} cannot both be {getattr(self, first)!r}")
        target = [self.target] if isinstance(self.target, str) else self.target or []
        for name, columns in (
            ("time", [self.time] if isinstance(self.time, str) else self.time or []),
            ("id_columns", self.id_columns),
        ):
            if both := set(target) & set(columns):
                raise ValueError(f"{name} and target cannot both be {sorted(both)[0]!r}")
        return self


class SeasonalDataConfig(DataConfig):
    """Reading of the file."""

    layout: Literal["auto", "long", "wide", "wide-times"] = "auto"
    """Layout of the table; wide-times: columns are times and rows are series; auto: inferred from the column names."""
    season_length: Count | None = None
    """Steps in a season (12 for months); null: inferred from the frequency and the values."""


class CategoryDataConfig(SeasonalDataConfig):
    """Reading of the file."""

    format: Literal["table", "text"] = "table"
    """Format of the file: a table (CSV or Parquet), or plain text in which each character is a step."""


class LabelDataConfig(DataConfig):
    """Reading of the file."""

    features: list[str] = []
    """Numeric columns that the model reads; empty: all that have no other role."""


# --- covariates ---


class CovariatesConfig(Section):
    """Columns and features that explain the target."""

    known: list[str] | Auto = "auto"
    """Columns known ahead of the target (weather forecasts, prices, promotions); auto: those with values after it."""
    past: list[str] = []
    """Columns known until the origin of a forecast."""
    static: list[str] = []
    """Columns with one value for each series."""
    calendar: Literal["auto", "none"] = "auto"
    """Calendar features by frequency (hour, day of the week, month …); auto: where they help."""
    holidays: list[str] = []
    """Countries with subdivisions (DE, DE-BY), or CSV files of events (date, name); empty: none."""
    known_as_of: str | None = None
    """Column of the time at which a row was known, where rows of one step are revised; null: none."""
    future: str | None = None
    """File with values ahead, joined by series and time; null: the rows of the data file without a target."""

    @field_validator("known", "past", "static", "holidays", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return [value] if isinstance(value, str) and value != "auto" else value

    @model_validator(mode="after")
    def _one_role(self) -> CovariatesConfig:
        known = [] if self.known == "auto" else self.known
        names = [*known, *self.past, *self.static]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"known, past and static: each column once (got {repeated[0]!r} twice)")
        return self


# --- model ---

_TASK = "Target of the prediction: values, an event's probability, the next symbol, or the label of a whole series."


class ModelConfig(Section):
    """The network: `Sequential([Input((L, F)), LSTM(U), …, Dense(O)])`."""

    task: Literal["value", "event", "category", "label"] = Field(description=_TASK)
    units: list[Units] = Field(default=[50], min_length=1, max_length=8)
    """Units of each LSTM layer; several layers are stacked."""
    activation: Literal["tanh", "relu", "sigmoid", "elu", "softsign", "linear"] = "tanh"
    """Activation function of the candidate state and of the cell's output."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Fraction of the inputs dropped in training."""
    context: Annotated[int, Field(ge=1, le=10_000)] | Auto = "auto"
    """Context length L, in steps; auto: by the season and the length of the series."""


class StepModelConfig(ModelConfig):
    """The network: `Sequential([Input((L, F)), LSTM(U), …, Dense(O)])`."""

    skip_connection: bool = False
    """Concatenation of the input with the LSTM's output before the dense layer: a linear path around the LSTM."""


class NumericModelConfig(StepModelConfig):
    """The network: `Sequential([Input((L, F)), LSTM(U), …, Dense(O)])`, and the preprocessing of its inputs."""

    lags: Annotated[int, Field(ge=1, le=10_000)] | Auto = "auto"
    """Number F of past values at each step, where 1 is a univariate window; auto: by the season."""
    level_window: Annotated[int, Field(ge=1, le=100_000)] | Auto = "auto"
    """Number of past steps whose mean is the level, which is subtracted; auto: smallest error on training origins."""
    profile_seasons: Annotated[int, Field(ge=0, le=1_000)] | Auto = "auto"
    """Number of past seasons that the seasonal profile averages, or 0; auto: smallest error on training origins."""
    scale: Literal["auto", "local", "blended", "global"] = "auto"
    """Scaling of the series: each by its own typical step, all by the common one, or by the geometric mean of both."""
    transform: Literal["auto", "log", "sqrt", "none"] = "auto"
    """Transform of the values before the network; auto: smallest error on training origins."""


class ValueModelConfig(NumericModelConfig):
    """The network: `Sequential([Input((L, F)), LSTM(U), …, Dense(O)])`, and the preprocessing of its inputs."""

    task: Literal["value"] = Field(default="value", description=_TASK)
    strategy: Literal["recursive", "direct"] = "recursive"
    """Multi-step strategy: recursive feeds one-step predictions back, direct predicts all H steps together."""
    drivers: Literal["auto", "none"] = "auto"
    """Inputs of the network other than past values; auto: covariates, holidays and calendar, if the data have any."""
    smoothing_weight: Annotated[float, Field(ge=0, le=1)] | Auto = "auto"
    """Weight of exponential smoothing in the ensemble; auto: by validation errors."""


class EventModelConfig(NumericModelConfig):
    """The network: `Sequential([Input((L, F)), LSTM(U), …, Dense(H)])`, and the preprocessing of its inputs."""

    task: Literal["event"] = Field(description=_TASK)
    event: str | None = None
    """Event to predict: 'y > 500', 'y > p90' (a percentile), 'y rises'; null: the target is 1 (true, yes) or 0."""

    @field_validator("event", mode="after")
    @classmethod
    def _is_event(cls, value: str | None) -> str | None:
        if value is not None:
            parse_event(value)
        return value


class CategoryModelConfig(StepModelConfig):
    """The network: `Sequential([Input((L, V)), LSTM(U), …, Dense(V, softmax)])` over V symbols."""

    task: Literal["category"] = Field(description=_TASK)


class LabelModelConfig(ModelConfig):
    """The network: `Sequential([Input((L, F)), LSTM(U), …, Dense(K, softmax)])` over K labels."""

    task: Literal["label"] = Field(description=_TASK)
    dense_units: list[Units] = Field(default=[], max_length=8)
    """Units of each dense layer with relu between the LSTM and the output layer; empty: none."""


# --- train ---


class TrainConfig(Section):
    """Fitting of the network."""

    optimizer: Literal["adam", "adamw", "nadam", "rmsprop", "sgd"] = "adam"
    """Keras optimizer."""
    learning_rate: Annotated[float, Field(gt=0, le=10)] | Auto = "auto"
    """Learning rate; auto: 0.001, or 0.003 with many values."""
    schedule: Literal["constant", "cosine"] | Auto = "auto"
    """Learning rate schedule, where cosine decays to 1 %; auto: constant with early stopping, else cosine."""
    epochs: Count = 100
    """Maximum number of epochs; early stopping usually ends sooner."""
    steps_per_epoch: Count | Auto = "auto"
    """Batches in an epoch; auto: as many as show each step about four times, within bounds."""
    batch_size: Annotated[int, Field(ge=1, le=100_000)] | Auto = "auto"
    """Windows in a batch; auto: 32, or more with many series."""
    patience: Count | Auto | None = "auto"
    """Epochs without a better validation score before stopping; null: never; auto: 10, or null with many values."""
    clip_norm: Annotated[float, Field(gt=0)] | None = 1.0
    """Maximum norm of the gradient; null: no clipping."""
    ensemble_size: Annotated[int, Field(ge=1, le=100)] = 1
    """Number of networks fitted from different seeds, whose forecasts are averaged."""
    refit_on_all_data: bool = True
    """Refit of the saved network on all data; false: the network fitted before the hold-out is saved."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    """Seed of all random numbers; the same seed, data, machine and BLAS kernel give the same model."""


class ValueTrainConfig(TrainConfig):
    """Fitting of the network."""

    init: Literal["scratch", "fine_tune", "ensemble", "auto"] = "auto"
    """Initial weights: random, pretrained, or random with pretrained ensemble members; auto: ensemble or scratch."""
    loss: Literal["mse", "mae", "huber", "log_cosh", "pinball"] = "mse"
    """Loss function; pinball: of the median and the bounds of forecast.levels, with strategy: direct."""
    clip_targets: Annotated[float, Field(gt=0)] | Auto | None = "auto"
    """Largest absolute target, in typical steps; null: none; auto: 3 with mse and no seasonal profile, else null."""


# --- forecast and store ---


class ForecastConfig(Section):
    """The forecast and its file."""

    output: str = "forecast.csv"
    """File that predict writes (.csv, .jsonl or .parquet; text: .txt), where '-' is stdout."""


class StepsForecastConfig(ForecastConfig):
    """The forecast and its file."""

    horizon: Count | Auto = "auto"
    """Horizon H, in steps; auto: by the frequency (12 months, 24 hours …)."""


class ValueForecastConfig(StepsForecastConfig):
    """The forecast and its file."""

    levels: list[Level] = Field(default=[80, 95], max_length=20)
    """Coverage of each prediction interval, in percent."""

    @field_validator("levels", mode="after")
    @classmethod
    def _distinct(cls, value: list[float]) -> list[float]:
        if len({f"{level:g}" for level in value}) < len(value):  # as the columns of a forecast are named
            raise ValueError(f"each level once (got {value})")
        return sorted(value)


class StoreConfig(Section):
    """Storage of the models."""

    models: str = "models"
    """Folder of all models."""
    name: str | None = None
    """Name of the model in the folder; null: that of the data file."""
    keep_versions: Count = 10
    """Number of versions to keep; older ones are removed when a new one is saved."""


# --- the union ---


class Config(Section):
    """A configuration of any task, in the order of the data flow."""

    data: DataConfig
    model: ModelConfig
    train: TrainConfig = TrainConfig()
    forecast: ForecastConfig = ForecastConfig()
    store: StoreConfig = StoreConfig()


class StepsConfig(Config):
    """A configuration of a task that forecasts the next H steps."""

    data: SeasonalDataConfig
    model: StepModelConfig
    forecast: StepsForecastConfig = StepsForecastConfig()


FIXED_BY_PRETRAINING = {
    "model": {"units", "activation", "dropout", "strategy", "skip_connection", "context", "lags"}
    | {"level_window", "profile_seasons", "scale", "transform", "drivers"},
    "train": {"loss", "clip_targets", "ensemble_size"},
}
"""Keys by section whose values come with the pretrained models."""


class ValueConfig(StepsConfig):
    """Forecasts of values, with intervals."""

    data: SeasonalDataConfig = SeasonalDataConfig()
    model: ValueModelConfig = ValueModelConfig()
    train: ValueTrainConfig = ValueTrainConfig()
    forecast: ValueForecastConfig = ValueForecastConfig()
    covariates: CovariatesConfig = CovariatesConfig()

    @model_validator(mode="after")
    def _architecture_is_pretrained(self) -> ValueConfig:
        if self.train.init == "fine_tune":
            sections = {"model": self.model, "train": self.train}
            fixed = [
                f"{name}.{key}"
                for name, section in sections.items()
                for key in section.changed_keys()
                if key in FIXED_BY_PRETRAINING[name]
            ]
            if fixed:
                text = (
                    "set by the pretrained models (train.init: fine_tune); leave it out, or choose train.init: scratch"
                )
                raise SettingError(", ".join(fixed), text)
        return self

    @model_validator(mode="after")
    def _weights_need_validation(self) -> ValueConfig:
        if self.train.init == "ensemble" and self.train.patience is None:
            raise SettingError("train.init", "ensemble weights its members by validation errors (train.patience: null)")
        return self

    @model_validator(mode="after")
    def _quantiles_are_direct(self) -> ValueConfig:
        if self.train.loss == "pinball" and self.model.strategy != "direct":
            raise SettingError(
                "train.loss", "pinball needs model.strategy: direct (a path of medians has no quantiles)"
            )
        return self


class EventConfig(StepsConfig):
    """Probabilities of an event at each of the next steps."""

    data: SeasonalDataConfig = SeasonalDataConfig()
    model: EventModelConfig

    def as_values(self) -> ValueConfig:
        """Return the configuration of direct value forecasts with the same keys, by which windows are planned."""
        model = self.model.model_dump(exclude={"task", "event"})
        return ValueConfig(
            data=self.data,
            model=ValueModelConfig(**model, strategy="direct", drivers="none"),
            train=ValueTrainConfig(**self.train.model_dump()),
            forecast=ValueForecastConfig(**self.forecast.model_dump()),
            store=self.store,
        )


class CategoryConfig(StepsConfig):
    """Probabilities of each symbol at the next steps."""

    data: CategoryDataConfig = CategoryDataConfig()
    model: CategoryModelConfig


class LabelConfig(Config):
    """The label of a whole series."""

    data: LabelDataConfig = LabelDataConfig()
    model: LabelModelConfig


AnyConfig = ValueConfig | EventConfig | CategoryConfig | LabelConfig
CONFIG_TYPES: Mapping[str, type[AnyConfig]] = {
    "value": ValueConfig,
    "event": EventConfig,
    "category": CategoryConfig,
    "label": LabelConfig,
}
"""The value of `model.task` to its configuration."""
