"""Every key there is, its type, its default and what it means. All are optional; `auto` and null are inferred."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from lstmcast.config.expressions import parse_event

Auto = Literal["auto"]
Count = Annotated[int, Field(ge=1)]
Units = Annotated[int, Field(ge=1, le=4096)]
Level = Annotated[float, Field(gt=0, lt=100)]


OF_EVENTS = ("model.event",)
OF_SCRATCH = (  # what networks that were trained before bring with them
    *(f"model.{key}" for key in ("units", "activation", "dropout", "strategy", "skip_connection", "context", "lags")),
    *(f"model.{key}" for key in ("level_window", "profile_seasons", "scale", "transform")),
    *(f"train.{key}" for key in ("loss", "clip_targets", "ensemble_size")),
)
OF_VALUES = ("model.strategy", "model.smoothing_weight", "train.loss", "train.init", "train.clip_targets")
OF_NUMBERS = ("model.lags", "model.level_window", "model.scale", "model.profile_seasons", "model.transform")
OF_STEPS = (*OF_NUMBERS, "model.skip_connection", "data.season_length")
OF_FUTURES = ("forecast.horizon", "forecast.levels")
OF_LABELS = ("model.dense_units", "data.features")
OF_TEXTS = ("data.format",)
SILENT = {
    "value": (*OF_EVENTS, *OF_LABELS, *OF_TEXTS),
    "event": (*OF_VALUES, *OF_LABELS, *OF_TEXTS, "forecast.levels"),
    "category": (*OF_VALUES, *OF_EVENTS, *OF_NUMBERS, *OF_LABELS, "forecast.levels"),
    "label": (*OF_VALUES, *OF_EVENTS, *OF_STEPS, *OF_FUTURES, *OF_TEXTS),
}
"""What each `model.task` has no use for: it may not be set."""


class Section(BaseModel):
    """A part of the YAML: frozen, no unknown keys, no type guessed."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class DataConfig(Section):
    """How the file is read."""

    time: str | None = None
    """The time column; null: found by what it holds."""
    target: str | list[str] | None = None
    """The column to forecast; a list (or '*': all numeric columns) makes each a series of its own."""
    id_columns: list[str] = []
    """The columns that together name a series, in a file with several; empty: found where times repeat."""
    features: list[str] = []
    """With model.task: label, the columns of numbers that are read; empty: every numeric column that is left."""
    frequency: str | None = None
    """The step, as a pandas alias (h, D, B, W-FRI, MS, QS, YS, 30min …); finer data is resampled to it."""
    season_length: Count | None = None
    """Steps in a season (12 for months); null: by the frequency."""
    timezone: str | None = None
    """The zone of times written without one (Europe/Berlin); needed where clocks change."""
    time_format: str | None = None
    """How times are written, in strptime's letters (%d/%m/%Y); null: found from the whole column."""
    missing: Literal["auto", "interpolate", "zero", "error"] = "auto"
    """Gaps: auto fills short ones (they are masked from the loss) and refuses long ones."""
    duplicates: Literal["error", "sum", "mean", "last"] = "error"
    """What to do with several rows of one series and time."""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    """The character between fields; null: found."""
    encoding: str | None = None
    """The file's encoding; null: UTF-8, or UTF-16 with its mark."""
    decimal: Literal[".", ","] | None = None
    """The decimal sign; null: found."""
    thousands: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    """The thousands sign, where numbers have one."""
    format: Literal["table", "text"] = "table"
    """The file format: table (CSV or Parquet), or text, where each character is a step (model.task: category)."""

    @field_validator("id_columns", "features", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _no_conflict(self) -> DataConfig:
        for first, other in (("delimiter", "decimal"), ("thousands", "decimal"), ("thousands", "delimiter")):
            if getattr(self, first) is not None and getattr(self, first) == getattr(self, other):
                raise ValueError(f"{first} and {other} cannot both be {getattr(self, first)!r}")
        target = [self.target] if isinstance(self.target, str) else self.target or []
        for name, columns in (("time", [self.time] if self.time else []), ("id_columns", self.id_columns)):
            if both := set(target) & set(columns):
                raise ValueError(f"{name} and target cannot both be {sorted(both)[0]!r}")
        return self


class ModelConfig(Section):
    """The network: `Sequential([Input((L, F)), LSTM(U), …, Dense(O)])`."""

    task: Literal["value", "event", "category", "label"] = "value"
    """What is said: a value, whether something comes true, which symbol comes next, or what a series is called."""
    event: str | None = None
    """With task: event, what comes true: 'y > 500', 'y > p90', 'y rises'; null: the target is 1 (true, yes) or 0."""
    units: list[Units] = Field(default=[50], min_length=1, max_length=8)
    """The units of each LSTM layer; several are stacked."""
    dense_units: list[Units] = Field(default=[], max_length=8)
    """With task: label, the widths of dense layers with relu between the LSTM and the last layer."""
    activation: Literal["tanh", "relu", "sigmoid", "elu", "softsign", "linear"] = "tanh"
    """Of the candidate and the cell's output."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """The share of inputs dropped while training."""
    strategy: Literal["recursive", "direct"] = "recursive"
    """Recursive: the network says one value, and is run on with it; direct: it says all H at once."""
    skip_connection: bool = False
    """Whether the dense layer sees the input beside the LSTM's output: a linear path around the LSTM."""
    context: Annotated[int, Field(ge=1, le=10_000)] | Auto = "auto"
    """L, the steps the network reads before it forecasts."""
    lags: Annotated[int, Field(ge=1, le=10_000)] | Auto = "auto"
    """F, the last values it sees at each step; 1 is the textbook's univariate window."""
    level_window: Annotated[int, Field(ge=1, le=100_000)] | Auto = "auto"
    """The last steps whose mean is each step's level: what values are counted from."""
    profile_seasons: Annotated[int, Field(ge=0, le=1_000)] | Auto = "auto"
    """The past seasons that the seasonal profile averages; 0: no profile."""
    scale: Literal["auto", "local", "blended", "global"] = "auto"
    """Whose usual step is 1 for the network: each series' own, that of all, or the root of their product."""
    smoothing_weight: Annotated[float, Field(ge=0, le=1)] | Auto = "auto"
    """The share of each forecast that is exponential smoothing's; auto: chosen on held-out steps."""
    transform: Literal["auto", "log", "sqrt", "none"] = "auto"
    """What is forecast: logs, roots or the values themselves. Auto: what forecasts the training part best."""

    @field_validator("event", mode="after")
    @classmethod
    def _is_event(cls, value: str | None) -> str | None:
        if value is not None:
            parse_event(value)
        return value


class TrainConfig(Section):
    """How the network is fitted."""

    loss: Literal["mse", "mae", "huber", "log_cosh", "pinball"] = "mse"
    """What is made small; pinball: of the median and of the bounds of forecast.levels (strategy: direct)."""
    optimizer: Literal["adam", "adamw", "nadam", "rmsprop", "sgd"] = "adam"
    """How."""
    learning_rate: Annotated[float, Field(gt=0, le=10)] | Auto = "auto"
    """The optimizer's step; auto: 0.001, or 0.003 where there is plenty to learn from."""
    schedule: Literal["constant", "cosine"] | Auto = "auto"
    """The learning rate over the epochs; cosine falls to 1 %; auto: cosine where nothing stops early."""
    epochs: Count = 100
    """At most; early stopping usually ends sooner."""
    steps_per_epoch: Count | Auto = "auto"
    """Batches in an epoch; auto: until each step was seen about four times, within bounds."""
    batch_size: Annotated[int, Field(ge=1, le=100_000)] | Auto = "auto"
    """Windows in a batch; auto: 32, more with many series."""
    patience: Count | Auto | None = "auto"
    """Epochs without a better held-out forecast before stopping; null: never; auto: 10, or null with many values."""
    clip_norm: Annotated[float, Field(gt=0)] | None = 1.0
    """The largest norm of a gradient; null: any."""
    clip_targets: Annotated[float, Field(gt=0)] | Auto | None = "auto"
    """Targets further off than so many usual steps count as just so far; null: none; auto: 3 with mse, unprofiled."""
    init: Literal["scratch", "fine_tune", "auto"] = "auto"
    """Scratch: the network above; pretrained: shipped ones learn on; auto: it with these beside, if values are few."""
    ensemble_size: Annotated[int, Field(ge=1, le=100)] = 1
    """Networks fitted from different seeds, whose forecasts are averaged."""
    refit_on_all_data: bool = True
    """Fit once more on all the data, for the epochs found, before saving; false: save the network that was judged."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    """Same seed, data and machine: the same bytes, unless TensorFlow, beside other work, rounds a sum otherwise."""


class ForecastConfig(Section):
    """What is forecast."""

    horizon: Count | Auto = "auto"
    """H, steps ahead; auto: by the frequency (12 months, 24 hours …)."""
    levels: list[Level] = Field(default=[80, 95], max_length=20)
    """The intervals, in percent."""
    output: str = "forecast.csv"
    """Where predict writes: .csv, .jsonl or .parquet; '-' for stdout."""

    @field_validator("levels", mode="after")
    @classmethod
    def _distinct(cls, value: list[float]) -> list[float]:
        if len({f"{level:g}" for level in value}) < len(value):  # as the columns of a forecast are named
            raise ValueError(f"each level once (got {value})")
        return sorted(value)


class StoreConfig(Section):
    """Where models are kept."""

    models: str = "models"
    """The folder of all models."""
    name: str | None = None
    """The model's name in it; null: the data file's."""
    keep_versions: Count = 10
    """Versions kept; older ones are removed when a new one is saved."""


class Config(Section):
    """A whole configuration, in the order in which the data flows."""

    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    train: TrainConfig = TrainConfig()
    forecast: ForecastConfig = ForecastConfig()
    store: StoreConfig = StoreConfig()

    @model_validator(mode="after")
    def _only_values(self) -> Config:
        for key in SILENT.get(self.model.task, ()):
            if self._pinned(key):
                raise ValueError(f"{key}: has no meaning with model.task: {self.model.task}; leave it out")
        return self

    @model_validator(mode="after")
    def _ascending_levels(self) -> Config:
        if self.train.init == "fine_tune":
            pinned = [key for key in OF_SCRATCH if self._pinned(key)]
            if pinned:
                raise ValueError(
                    f"{', '.join(pinned)}: pretrained networks are what they are (train.init: fine_tune); leave it "
                    "out, or train.init: scratch"
                )
        return self

    @model_validator(mode="after")
    def _quantiles_at_once(self) -> Config:
        if self.train.loss == "pinball" and self.model.strategy != "direct":
            raise ValueError("train.loss: pinball needs model.strategy: direct (a path of medians has no quantiles)")
        return self

    def _pinned(self, key: str) -> bool:
        """Whether a key is not at its default."""
        section, name = key.split(".")
        part = getattr(self, section)
        return bool(getattr(part, name) != type(part).model_fields[name].default)
