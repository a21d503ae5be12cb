"""The command `lstmcast models` and its subcommands."""

from __future__ import annotations

import json
from pathlib import Path

import click

from lstmcast.cli.options import MODEL_DIR, echo_err

MODEL = click.option("--model", metavar="NAME", help="Name of the model; required with several models.")


@click.group(invoke_without_command=True, short_help="List, roll back, verify or prune versions")
@MODEL_DIR
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
@click.pass_context
def models(context: click.Context, model_dir: str | None, *, as_json: bool) -> None:
    """List the versions of all models with their scores, or change them with a subcommand.

    The current version is marked.
    """
    if context.invoked_subcommand is not None:
        return
    from lstmcast.persistence.registry import model_folders
    from lstmcast.report.tables import format_versions, list_versions

    found = {folder: list_versions(folder) for folder in model_folders(Path(model_dir or "models"))}
    if as_json:
        known = {folder.name: [version.to_dict() for version in row] for folder, row in found.items()}
        click.echo(json.dumps(known, indent=1, ensure_ascii=False))
    else:
        click.echo("\n\n".join(format_versions(folder, row) for folder, row in found.items()) or "there is no model")


@models.command(short_help="Make an older version current")
@click.argument("version", required=False)
@MODEL_DIR
@MODEL
def rollback(version: str | None, model_dir: str | None, model: str | None) -> None:
    """Make VERSION current after verifying it; without VERSION, the one before the current version."""
    from lstmcast.persistence.artifact import model_lock
    from lstmcast.persistence.maintenance import make_current
    from lstmcast.persistence.registry import model_folder

    folder = model_folder(Path(model_dir or "models"), model)
    with model_lock(folder):
        echo_err(f"{make_current(folder, version)}: is current now")


@models.command(short_help="Check all versions and the ledger")
@MODEL_DIR
@MODEL
def verify(model_dir: str | None, model: str | None) -> None:
    """Check the files of every version and the ledger; the exit code is 5 if one is damaged."""
    from lstmcast import app
    from lstmcast.errors import ModelError
    from lstmcast.persistence.registry import model_folder, model_folders

    root = Path(model_dir or "models")
    folders = model_folders(root) if model is None else [model_folder(root, model)]
    found = [fault for folder in folders for fault in app.verify(folder, lambda path: echo_err(f"{path}: valid"))]
    if found:
        raise ModelError(found)


@models.command(short_help="Remove the oldest versions")
@click.option("--keep", type=click.IntRange(1), required=True, metavar="N", help="Number of versions to keep.")
@MODEL_DIR
@MODEL
def prune(keep: int, model_dir: str | None, model: str | None) -> None:
    """Remove the oldest versions; the current version is kept."""
    from lstmcast.persistence.artifact import model_lock
    from lstmcast.persistence.maintenance import prune as remove
    from lstmcast.persistence.registry import model_folder

    folder = model_folder(Path(model_dir or "models"), model)
    with model_lock(folder):
        removed = remove(folder, keep)
    echo_err(f"{folder}: removed {', '.join(removed) or 'nothing'}")
