"""The functions of the Python API, for datasets and models in memory; `lstmcast` exports them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lstmcast import app
from lstmcast.clock import fixed_time, system_clock
from lstmcast.data.schema import ReadOptions
from lstmcast.errors import UsageError
from lstmcast.persistence.registry import resolve
from lstmcast.tasks.base import BacktestOptions, PredictOptions, ignore
from lstmcast.tasks.registry import AnyTask, get_task, load_version

if TYPE_CHECKING:
    import pandas as pd

    from lstmcast.config import Config
    from lstmcast.forecasting.fitting import ProgressCallback
    from lstmcast.tasks.base import Dataset, Note, Refit


def read(
    source: str | Path | pd.DataFrame,
    options: ReadOptions | Config | None = None,
    *,
    now: datetime | None = None,
    **covariates: Any,
) -> Any:
    """Read past values from a file or a DataFrame.

    Args:
        source: a CSV file, plain or compressed, a Parquet file, plain text, `"-"` for stdin, or a pandas DataFrame.
        options: pinned settings, for values; or a config, whose task reads the file as `lstmcast train` does.
        now: the time, with a zone; steps that are not over then are left out. None: the current time.
        covariates: keys of the section `covariates`, for values: lists of columns as `known`, `past` and `static`,
            `holidays`, `known_as_of`, or a file or DataFrame of values ahead as `future`.

    Returns:
        A `Panel`; for a config of labels a `LabeledPanel`.

    Raises:
        FileError: missing, not a regular file, unreadable.
        DataError: content that cannot be read exactly, with all faults.
        ConfigError: options that contradict each other.
    """
    from lstmcast.data.load import read as read_values

    with fixed_time(now):
        if options is None or isinstance(options, ReadOptions):
            return read_values(source, (options or ReadOptions()).updated({"covariates": covariates}))
        if not covariates:
            return get_task(options.model.task).read(source, options)
        section = getattr(options, "covariates", None)
        if section is None:
            raise UsageError(f"covariates: not with model.task: {options.model.task}")
        configured = ReadOptions.of(options.data.model_dump(), section.model_dump())
        return read_values(source, configured.updated({"covariates": covariates}))


def train(
    dataset: Dataset,
    config: Config | None = None,
    *,
    init_model: Any = None,
    on_progress: ProgressCallback = ignore,
    note: Note = ignore,
) -> Any:
    """Train a model of the config's task.

    Args:
        dataset: of `read`; for another task than values read with the same config.
        config: the settings; None: the defaults for values.
        init_model: a model of values whose weights are the initial ones if they fit; None: as in the config.
        on_progress: called after every epoch.
        note: called once, with the plan, before the first fit.

    Returns:
        A model with `predict`, `context` and `report`: a `Forecaster` for values.

    Raises:
        UsageError: TensorFlow is not installed, or the data were read for another task.
        ConfigError: pretrained networks do not predict the requested levels.
        DataError: too little data, or values that cannot be transformed.
        ModelError: training diverged, or the NumPy and Keras forward passes differ.
    """
    task, config = _task_of(dataset, config)
    return task.train(dataset, config, on_progress=on_progress, note=note, start=init_model)


def predict(
    dataset: Any,
    horizon: int | None = None,
    *,
    model: Any = None,
    temperature: float | None = None,
    seed: int | None = None,
) -> Any:
    """Forecast from the end of every series, or label every series.

    Args:
        dataset: the newest data.
        horizon: steps ahead; None: that of training, or the default of the frequency. Labels have none.
        model: of any task; None: the bundled pretrained models, for values.
        temperature: sample symbols from the softmax at this temperature.
        seed: of the samples.

    Raises:
        UsageError: an argument that has no meaning for the model, or a horizon that it does not support.
        DataError: columns or frequency differ from training.
        ModelError: the forecast is not a number, or the pretrained networks are missing.
    """
    if model is None:
        from lstmcast.forecasting.pretrained import load_pretrained_forecaster

        model = load_pretrained_forecaster(dataset)
    options = PredictOptions(horizon, temperature, seed)
    return get_task(model.report.config.task).predict(model, dataset, options)


def backtest(
    dataset: Dataset,
    config: Config | None = None,
    *,
    n_origins: int | None = None,
    step_size: int | None = None,
    refit: Refit = False,
    classical: Sequence[str] = (),
    on_progress: ProgressCallback = ignore,
    note: Note = ignore,
) -> Any:
    """Forecast from past origins, each from the steps before it, and score the forecasts and those of the baselines.

    Args:
        dataset: of `read`; for another task than values read with the same config.
        config: as for training; `forecast.horizon` is H. None: the defaults for values.
        n_origins: N of each series, counted from its end; None: up to 10, if a third of a typical series is enough.
        step_size: steps between two origins; None: H, so that no two forecasts of a series share an outcome.
        refit: True: train before every origin, in parallel. A number of steps, or a duration such as `7d`: train before
            the first and continue from the weights that often. Else once, before the first. Values only.
        classical: `ets`, `theta`, `arima`: fitted at every origin, if statsforecast is installed. Values only.
        on_progress: called after every epoch of a single training.
        note: receives the plan and lines of progress.

    Returns:
        The scores: `to_frame()`, `to_dict()`, `forecasts()` and `better`.

    Raises:
        UsageError: an argument that has no meaning for the task, a number below 1, or something is not installed.
        DataError: the series are too short for so many origins, or no outcome was observed.
        ModelError: training diverged.
    """
    task, config = _task_of(dataset, config)
    options = BacktestOptions(n_origins, step_size, refit, tuple(classical))
    return task.backtest(dataset, config, options, on_progress=on_progress, note=note)


def save(model: Any, name: str, models: str | Path = "models", *, keep: int = 10) -> Path:
    """Publish a trained model of any task as the current version of `name`; return the folder of the version.

    Raises:
        FileError: it cannot be written.
        BusyError: another run holds the lock.
    """
    from lstmcast.persistence.artifact import model_lock, prepare

    folder = prepare(Path(models), name)
    with model_lock(folder):
        return app.publish(get_task(model.report.config.task), model, folder, data=None, now=system_clock(), keep=keep)


def load(model: str | Path, models: str | Path = "models") -> Any:
    """Read a model of any task (its name, or the path of its folder or of a version's) after verifying every byte.

    Raises:
        ModelError: missing, damaged, or of another schema.
    """
    return load_version(resolve(Path(models), str(model)))[1]


def _task_of(dataset: Any, config: Config | None) -> tuple[AnyTask, Any]:
    """Return the task of a config, whose data must have been read for it, and the config."""
    from lstmcast.config import ValueConfig
    from lstmcast.data.panel import Panel

    config = ValueConfig() if config is None else config
    name = config.model.task
    read_for = "label" if not isinstance(dataset, Panel) else "category" if dataset.symbols else "value"
    if read_for != ("value" if name == "event" else name):
        raise UsageError(
            f"model.task: {name}: {dataset.source} was read for another task; use lstmcast.read(file, config)"
        )
    return get_task(name), config
