"""`lstmcast models`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from lstmcast.cli.options import MODEL_DIR, echo_err

MODEL = click.option("--model", metavar="NAME", help="Which model; needed where there are several.")


@click.group(invoke_without_command=True)
@MODEL_DIR
@click.option("--json", "as_json", is_flag=True, help="As JSON on stdout.")
@click.pass_context
def models(context: click.Context, model_dir: str | None, *, as_json: bool) -> None:
    """List the versions of all models, with their scores and which one is current; or look after them."""
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


@models.command()
@click.argument("version", required=False)
@MODEL_DIR
@MODEL
def rollback(version: str | None, model_dir: str | None, model: str | None) -> None:
    """Make VERSION the current one; without it, the one before the current one. It is verified first."""
    from lstmcast.persistence.artifact import model_lock
    from lstmcast.persistence.maintenance import make_current
    from lstmcast.persistence.registry import model_folder

    folder = model_folder(Path(model_dir or "models"), model)
    with model_lock(folder):
        echo_err(f"{make_current(folder, version)}: is current now")


@models.command()
@MODEL_DIR
@MODEL
def verify(model_dir: str | None, model: str | None) -> None:
    """Prove that every version is whole, and the ledger too. Exit code 5 where one is not."""
    from lstmcast import app
    from lstmcast.errors import ModelError
    from lstmcast.persistence.registry import model_folder, model_folders

    root = Path(model_dir or "models")
    folders = model_folders(root) if model is None else [model_folder(root, model)]
    found = [fault for folder in folders for fault in app.verify(folder, lambda path: echo_err(f"{path}: valid"))]
    if found:
        raise ModelError(found)


@models.command()
@click.option("--keep", type=click.IntRange(1), required=True, metavar="N", help="How many versions stay.")
@MODEL_DIR
@MODEL
def prune(keep: int, model_dir: str | None, model: str | None) -> None:
    """Remove the oldest versions, never the current one."""
    from lstmcast.persistence.artifact import model_lock
    from lstmcast.persistence.maintenance import prune as remove
    from lstmcast.persistence.registry import model_folder

    folder = model_folder(Path(model_dir or "models"), model)
    with model_lock(folder):
        removed = remove(folder, keep)
    echo_err(f"{folder}: removed {', '.join(removed) or 'nothing'}")
