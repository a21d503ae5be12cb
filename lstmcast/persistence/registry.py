"""Models and versions in a folder, and lookup by name or path."""

from __future__ import annotations

import re
from contextlib import suppress
from difflib import SequenceMatcher
from pathlib import Path

from lstmcast.errors import Fault, FaultCode, ModelError
from lstmcast.persistence.files import DamageError, read_regular, translate_os_errors

CURRENT = "current"
CURRENT_LIMIT = 100  # bytes
NAME = re.compile(r"[\w-][\w.-]{0,99}")
NAMING = "must be 1 to 100 letters, digits, dots, dashes or underscores and not begin with a dot"
VERSION = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}")
MANIFEST = "manifest.json"
ENDINGS = (".csv", ".txt", ".tsv", ".parquet", ".gz", ".xz", ".zst", ".bz2", ".zip")


def model_name(data: str) -> str:
    """Return the name of a model from its data file: without .csv, .csv.gz and the like, as a valid folder name."""
    stem = "stdin" if data == "-" else Path(data).name.lstrip(".")
    while Path(stem).suffix.lower() in ENDINGS:
        stem = Path(stem).stem
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in stem)[:100] or "model"


def versions(folder: Path) -> list[Path]:
    """Return the version folders of a model, newest last; empty if the folder is missing."""
    with translate_os_errors("read", folder):
        if not folder.is_dir():
            return []
        return sorted(path for path in folder.iterdir() if VERSION.fullmatch(path.name) and path.is_dir())


def resolve(models: Path, model: str | None) -> Path:
    """Find the version for a model argument.

    Args:
        models: the folder of all models.
        model: None for the only model; a name for its current version; `name/version`; or the path of a model's or a
            version's folder.

    Returns:
        The folder of a version, not verified.

    Raises:
        ModelError: none or several match, or `current` is missing or damaged; lists the choices.
    """
    if model is None:
        return _current(_only_model(models))
    folder = find_model_folder(models, model)
    with translate_os_errors("read", folder):
        is_version = VERSION.fullmatch(folder.name) or (folder / MANIFEST).exists()
    return folder if is_version else _current(folder)


def find_model_folder(models: Path, model: str) -> Path:
    """Return the folder of a model or version, by name or path.

    Raises:
        ModelError: there is none; lists the choices.
    """
    named = all(NAME.fullmatch(part) for part in model.rstrip("/").split("/"))
    with translate_os_errors("read", Path(model)):
        folder = models / model if named and (models / model).is_dir() else Path(model)
        if not folder.is_dir():
            raise ModelError(Fault(_not_found(models, model), FaultCode.UNKNOWN_MODEL))
    return folder


def model_folder(models: Path, model: str | None) -> Path:
    """Return the folder of a model, which may have no current version.

    Args:
        models: the folder of all models.
        model: its name or path; None for the only one.

    Raises:
        ModelError: there is none of that name, or there are several.
    """
    return _only_model(models) if model is None else find_model_folder(models, model)


def current_version(folder: Path) -> Path | None:
    """Return the current version of a model; None if there is none."""
    with suppress(ModelError):
        return _current(folder)
    return None


def _current(folder: Path) -> Path:
    try:
        text = read_regular(folder / CURRENT, CURRENT_LIMIT).decode("ascii", "replace").rstrip("\n")
        if not VERSION.fullmatch(text) or not (folder / text).is_dir():
            raise DamageError(f"must name an existing version (got {text!r})", FaultCode.NO_VERSION)
    except DamageError as damage:
        code = damage.code if versions(folder) else FaultCode.NO_VERSION
        raise ModelError(Fault(_choose_version(folder, f"{folder / CURRENT}: {damage}"), code)) from damage
    return folder / text


def _choose_version(folder: Path, fault: str) -> str:
    existing = versions(folder)
    if not existing:
        return f"{fault}; this model has no version: train it (lstmcast train data.csv)"
    names = ", ".join(version.name for version in existing)
    return f"{fault}; choose a version with --model {existing[-1]} (available, newest last: {names})"


def model_folders(models: Path) -> list[Path]:
    """Return the folders of models; one in which training only started does not count."""
    with translate_os_errors("read", models):
        if not models.is_dir():
            return []
        folders = sorted(path for path in models.iterdir() if NAME.fullmatch(path.name))
        return [folder for folder in folders if (folder / CURRENT).exists() or versions(folder)]


def _only_model(models: Path) -> Path:
    folders = model_folders(models)
    if not folders:
        text = "train one (lstmcast train data.csv), or forecast with a pretrained model (lstmcast predict data.csv)"
        raise ModelError(Fault(f"{models}: there is no model; {text}", FaultCode.NO_MODEL))
    if len(folders) > 1:
        names = ", ".join(folder.name for folder in folders)
        text = f"{models}: there are several models; choose one with --model (available: {names})"
        raise ModelError(Fault(text, FaultCode.SEVERAL_MODELS))
    return folders[0]


def _not_found(models: Path, model: str) -> str:
    """Format the message for a missing model, with its versions, or the most similar models first."""
    fault = f"--model {model}: no such model or version"
    folder = models / Path(model).parent
    if folder != models and versions(folder):
        return _choose_version(folder, fault)
    names = [folder.name for folder in model_folders(models)]
    if not names:
        return f"{fault}, and none under {models}; train one (lstmcast train data.csv)"
    nearest = sorted(names, key=lambda name: -SequenceMatcher(None, model, name).ratio())
    return f"{fault} (available under {models}: {', '.join(nearest)})"
