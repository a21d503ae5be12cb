"""The newest data of a job."""

from __future__ import annotations

from lstmcast.config import Job
from lstmcast.data.panel import Panel
from lstmcast.data.read import read
from lstmcast.data.records import ReadOptions
from lstmcast.forecaster.reading import training_read_options
from lstmcast.jobs.model import CurrentModel
from lstmcast.jobs.retraining import changed_keys


def is_pinned(job: Job, model: CurrentModel | None) -> bool:
    """Whether the data are read as training read them: there is a model, and the config is still its own."""
    return model is not None and not changed_keys(job.config, model)


def read_newest(job: Job, model: CurrentModel | None) -> Panel:
    """Read the input of a job.

    Raises:
        FileError: it cannot be read.
        BusyError: it changed while it was read.
        DataError: what cannot be read exactly.
    """
    options = training_read_options(model.forecaster) if model and is_pinned(job, model) else None
    return read(job.input, options or ReadOptions.of(job.data.model_dump()))
