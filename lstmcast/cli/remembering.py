"""What commands share that look back into a ledger."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lstmcast.cli.options import MODELS, combine_options
from lstmcast.errors import UsageError

if TYPE_CHECKING:
    from lstmcast.config import Job

LEDGER = combine_options(
    click.argument("path", metavar="[JOB]", required=False),
    click.option("--model", metavar="NAME|PATH", help="Whose ledger; needed where there are several."),
    MODELS,
)


def resolve_ledger(path: str | None, model: str | None, models: str | None) -> tuple[Job | None, Path]:
    """The job, if one is named, and the folder of the model whose ledger is meant.

    Raises:
        UsageError: a job and a model are both named.
        ModelError: none or several fit.
    """
    from lstmcast.jobs.remembered import ledger_folder

    if path is None:
        return None, ledger_folder(None, models, model)
    if model or models:
        raise UsageError("--model, --models: the job says which model; leave them out")
    from lstmcast.config import load_job

    job = load_job(path)
    return job, ledger_folder(job, None, None)
