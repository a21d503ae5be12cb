"""The verbs that each kind of model offers. P is what it reads, T what training makes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from lstmcast.errors import UsageError

if TYPE_CHECKING:
    import numpy as np

    from lstmcast.config import Config
    from lstmcast.forecasting.fitting import ProgressCallback
    from lstmcast.persistence.checkpoint import Checkpoint

Tensors = Mapping[str, Mapping[str, "np.ndarray"]]
Note = Callable[[str], None]


class Dataset(Protocol):
    """What was read: a `Panel`, or whatever else a kind learns from."""

    @property
    def source(self) -> str:
        """How messages name the file."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What was handled, with counts."""

    @property
    def dropped(self) -> tuple[str, ...]:
        """What cannot be used, each with its reason."""


class TrainedModel(Protocol):
    """A trained model."""

    @property
    def report(self) -> Mapping[str, Any]:
        """What is told of it, and kept in its manifest: `config`, `verdict`, `skill.better`, `data.path` (if known)."""


class Prediction(Protocol):
    """What predict makes."""

    def render(self, suffix: str) -> bytes:
        """The contents of a file of one of the kind's formats."""


class Backtest(Protocol):
    """What backtest found."""

    @property
    def better(self) -> bool:
        """Whether the LSTM was better than the best baseline, by enough to speak of."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What could not be scored, for --strict."""

    def summary(self) -> str:
        """The scores for a person."""

    def files(self, *, figures: bool) -> dict[str, bytes]:
        """What is written, by name."""

    def to_dict(self) -> dict[str, Any]:
        """The scores for a program."""


@dataclass(frozen=True)
class PredictOptions:
    """The flags of predict; None: not given.

    Attributes:
        horizon: steps ahead.
        temperature: draw symbols, likely ones more often the lower it is.
        seed: of what is drawn.
    """

    horizon: int | None = None
    temperature: float | None = None
    seed: int | None = None


@dataclass(frozen=True)
class PlotOptions:
    """The flags of plot; None, empty or False: not given.

    Attributes:
        suffix: of the figure: `.png`, `.svg` or `.pdf`.
        horizon: steps ahead.
        forecast: a file that predict wrote earlier, to be drawn instead of a new forecast.
        backtest: draw what was held out.
        series: their keys, parts joined by '/'.
        history: past steps to show.
    """

    suffix: str
    horizon: int | None = None
    forecast: str | None = None
    backtest: bool = False
    series: tuple[str, ...] = ()
    history: int | None = None


@dataclass(frozen=True)
class BacktestOptions:
    """The flags of backtest; None, empty or False: not given.

    Attributes:
        origins: of each series.
        step: from one to the next.
        refit: train anew before each.
        classical: names of classical methods to fit too.
    """

    origins: int | None = None
    step: int | None = None
    refit: bool = False
    classical: tuple[str, ...] = ()


P = TypeVar("P")
T = TypeVar("T")


class Task(Protocol[P, T]):
    """The verbs, in the order in which a user meets them."""

    @property
    def formats(self) -> tuple[str, ...]:
        """The suffixes of files that predict writes."""

    def read(self, data: str, config: Config) -> P:
        """Read what is to be learnt from, as the config says."""

    def describe_data(self, past: P, now: datetime) -> str:
        """What was read and inferred, for a person."""

    def fingerprint(self, past: P) -> str:
        """sha256 over all that a model of it depends on."""

    def train(
        self, past: P, config: Config, *, checkpoint: Checkpoint | None, on_progress: ProgressCallback, note: Note
    ) -> T:
        """Fit, judge, fit again; `note` is told what was planned, before it begins."""

    def describe_scores(self, report: Mapping[str, Any]) -> str:
        """The scores beside the baselines', and the verdict, for a person."""

    def to_artifact(self, trained: T) -> tuple[dict[str, Any], Tensors]:
        """The manifest (what JSON can hold) and the arrays of a version."""

    def from_artifact(self, manifest: Mapping[str, Any], tensors: Tensors) -> T:
        """The inverse; a ModelError where the parts do not fit together."""

    def read_new_data(self, trained: T, data: str) -> tuple[P, tuple[str, ...]]:
        """Read the newest data, as those of training were, and say what they lack."""

    def stored_context(self, trained: T) -> P:
        """What the model kept of the data of training, for where the file is gone."""

    def predict(self, trained: T, past: P, options: PredictOptions) -> Prediction:
        """Say what comes, without TensorFlow."""

    def describe_prediction(self, outcome: Any, trained: T, past: P, *, version: Path, target: str) -> str:
        """What predict wrote where, for a person."""

    def plot(self, trained: T, past: P, options: PlotOptions) -> tuple[bytes, str]:
        """A figure's contents, and what it shows in a few words: `1 of 1 series`."""

    def backtest(
        self, past: P, config: Config, options: BacktestOptions, *, on_progress: ProgressCallback, note: Note
    ) -> Backtest:
        """Train on the first part, and score on the last."""


def _is_given(flags: PredictOptions | PlotOptions | BacktestOptions, name: str) -> bool:
    """Whether a flag was given: 0 is an answer, an empty list and False are none."""
    value = getattr(flags, name)
    return value is not None and value is not False and value != ()


def reject_flags(flags: PredictOptions | PlotOptions | BacktestOptions, head: str, *served: str) -> None:
    """Refuse flags that were given and that a kind does not serve.

    Args:
        flags: as given.
        head: whose kind it is.
        served: the flags that it serves, as the fields of `flags` are called.

    Raises:
        UsageError: another flag was given.
    """
    given = (field.name for field in fields(flags) if field.name not in served and _is_given(flags, field.name))
    if names := [f"--{name}" for name in given if name != "suffix"]:
        raise UsageError(f"{', '.join(names)}: not with model.head: {head}")
