"""Versions of a model on disk: immutable folders, the current one, and checksums.

    models/<name>/20261120T084500Z-1a2b3c4d/    manifest.json and *.safetensors
    models/<name>/current                       one line: the current version
    models/<name>/lock                          held while a version is published

The hexadecimal part of a version's name is the start of the sha256 of its manifest, which holds the sha256 of every
other file. Loading executes nothing: files are read once, verified as bytes, and only then parsed as arrays.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load as parse_tensors
from safetensors.numpy import save as tensor_bytes

from lstmcast.errors import Fault, FaultCode, ModelError, UsageError
from lstmcast.persistence.checkpoint import header
from lstmcast.persistence.files import (
    DamageError,
    exclusive_lock,
    parse_object,
    read_regular,
    remove_temporary,
    sync_folder,
    temporary_name,
    translate_os_errors,
    write_atomically,
    write_new,
)
from lstmcast.persistence.registry import CURRENT, MANIFEST, NAME, NAMING, VERSION, versions
from lstmcast.types import Tensors

SCHEMA = 3
"""The layout of a version; any other number is refused."""


_MANIFEST_LIMIT = 64 * 2**20  # bytes


_SUFFIX = ".safetensors"
_FILE = re.compile(r"[a-z][a-z0-9_]*\.safetensors")


_HINT = "train again, or name another version with --model"


@dataclass(frozen=True)
class Artifact:
    """A version, read and verified.

    Attributes:
        path: its folder.
        manifest: the manifest given to `publish`, with `schema` and `files`.
        tensors: by group (`weights`, `calibration`, …), read-only arrays by name.
    """

    path: Path
    manifest: Mapping[str, Any]
    tensors: Mapping[str, Tensors]


def prepare(models: Path, name: str) -> Path:
    """Create the folder of a model and check that it is writable, before training.

    Args:
        models: the folder of all models.
        name: of the model: letters, digits, dot, dash and underscore, at most 100, not starting with a dot.

    Returns:
        `models/name`.

    Raises:
        UsageError: the name is not allowed.
        FileError: the folder cannot be created or written.
    """
    if not NAME.fullmatch(name):
        text = f"model name: {NAMING} (got {name[:120]!r}); choose one with --name (store.name)"
        raise UsageError(Fault(text, FaultCode.BAD_NAME, column="store.name"))
    folder = models / name
    with translate_os_errors("written", folder):
        folder.mkdir(parents=True, exist_ok=True)
        probe = temporary_name(folder)
        try:
            write_new(probe, [b"lstmcast\n"])
        finally:
            probe.unlink(missing_ok=True)
        sync_folder(models)
    return folder


def model_lock(folder: Path, *, wait: float = 0.0) -> AbstractContextManager[None]:
    """Lock a model to publish a version; see `exclusive_lock`."""
    return exclusive_lock(folder / "lock", wait=wait)


def publish(
    models: Path,
    name: str,
    manifest: Mapping[str, Any],
    tensors: Mapping[str, Tensors],
    *,
    now: datetime,
    keep: int,
) -> Path:
    """Save a version and make it current; if killed at any moment, the old or the new one is current and complete.

    The caller holds `model_lock`. The same content at the same `now` gives the same bytes under the same name.

    Args:
        models: the folder of all models.
        name: of the model, as for `prepare`.
        manifest: JSON values without NaN; `schema` and `files` are added.
        tensors: by group (a lower-case word that names its file), arrays by name.
        now: the time of creation, with a zone.
        keep: number of versions to keep, including this one; older ones and leftovers of killed runs are removed.

    Returns:
        The folder of the new version.

    Raises:
        UsageError: the name is not allowed.
        FileError: the system refused; the current version is unchanged, unless only the clean-up failed.
        ValueError: the manifest is not JSON, or a group has an invalid name.
    """
    folder = prepare(models, name)
    files = encoded(manifest, tensors)
    version = folder / f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{sha256(files[MANIFEST]).hexdigest()[:8]}"
    with suppress(OSError):  # makes room for the new version; failures are reported at the end
        remove_temporary(folder)
    _write_version(version, files)
    write_atomically(folder / CURRENT, f"{version.name}\n".encode())
    with translate_os_errors("cleaned up", folder):
        prune(folder, version, keep)
    return version


def load(version: Path) -> Artifact:
    """Read and verify a version.

    Args:
        version: its folder, from `resolve`.

    Raises:
        ModelError: missing, damaged, modified, or of another schema; lists every faulty file.
        FileError: a file exists but is not readable.
    """
    manifest = read_manifest(version)
    listed = manifest["files"]
    with translate_os_errors("read", version):
        unknown = sorted({path.name for path in version.iterdir()} - {MANIFEST, *listed})
    foreign = "does not belong to this version"
    faults = [Fault(f"{version / name}: {foreign}", FaultCode.FOREIGN_FILE) for name in unknown]
    tensors = {}
    for file, entry in listed.items():
        try:
            tensors[file.removesuffix(_SUFFIX)] = _read_tensors(version / file, entry)
        except DamageError as damage:
            faults.append(damage.fault(version / file))
    if faults:
        raise _model_error(faults)
    return Artifact(version, manifest, tensors)


# --- publishing ---


def encoded(manifest: Mapping[str, Any], tensors: Mapping[str, Tensors]) -> dict[str, bytes]:
    """Return the files of a version by name.

    Raises:
        ValueError: the manifest is not JSON, or a group has an invalid name.
    """
    files = _encode(tensors)
    listed = {file: _describe(content) for file, content in files.items()}
    text = json.dumps({**manifest, "schema": SCHEMA, "files": listed}, sort_keys=True, indent=1, allow_nan=False)
    return {**files, MANIFEST: text.encode()}


def _encode(tensors: Mapping[str, Tensors]) -> dict[str, bytes]:
    """Return the bytes of each file by name."""
    wrong = [group for group in tensors if not _FILE.fullmatch(group + _SUFFIX)]
    if wrong:
        raise ValueError(f"a tensor group must be a lower-case word (got {wrong})")
    return {
        group + _SUFFIX: tensor_bytes({name: np.asarray(array, order="C") for name, array in arrays.items()})
        for group, arrays in tensors.items()
    }


def _describe(content: bytes) -> dict[str, Any]:
    return {"sha256": sha256(content).hexdigest(), "size": len(content), "tensors": _header(content)}


def _write_version(version: Path, files: Mapping[str, bytes]) -> None:
    if version.is_dir():
        return  # the same content at the same second
    temporary = temporary_name(version.parent)
    with translate_os_errors("written", version):
        try:
            temporary.mkdir()
            for name, content in files.items():
                write_new(temporary / name, [content])
            sync_folder(temporary)
            temporary.rename(version)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        sync_folder(version.parent)


def prune(folder: Path, current: Path, keep: int) -> list[str]:
    """Remove the oldest versions except `current`, each renamed first, so that no partial version looks complete.

    Returns:
        The names of the removed versions.

    Raises:
        OSError: the system refused.
    """
    existing = versions(folder)
    surplus = max(len(existing) - keep, 0)
    removed = [version for version in existing if version != current][:surplus]
    for version in removed:
        version.rename(temporary_name(folder))
    remove_temporary(folder)
    return [version.name for version in removed]


# --- verifying ---


def _model_error(faults: Sequence[Fault]) -> ModelError:
    *first, last = faults
    return ModelError([*first, replace(last, text=f"{last.text}; {_HINT}")])


def read_manifest(version: Path) -> dict[str, Any]:
    """Return the manifest of a version, without its tensors.

    Raises:
        ModelError: missing, damaged, modified, or of another schema.
    """
    try:
        content = read_regular(version / MANIFEST, _MANIFEST_LIMIT)
        manifest = parse_object(content)
        if type(manifest.get("schema")) is not int or manifest["schema"] != SCHEMA:
            text = f"schema must be {SCHEMA} for this lstmcast (got {manifest.get('schema')!r:.40})"
            raise DamageError(text, FaultCode.OTHER_SCHEMA)
        if VERSION.fullmatch(version.name) and not version.name.endswith(sha256(content).hexdigest()[:8]):
            text = "its content is not that of this version: changed, or taken from another one"
            raise DamageError(text, FaultCode.WRONG_CHECKSUM)
        _check_listing(manifest.get("files"))
    except DamageError as damage:
        raise _model_error([damage.fault(version / MANIFEST)]) from damage
    return manifest


def _check_listing(files: object) -> None:
    if not isinstance(files, dict):
        raise DamageError("lists no files", FaultCode.WRONG_TENSORS)
    for name, entry in files.items():
        if not _FILE.fullmatch(name) or not isinstance(entry, dict) or type(entry.get("size")) is not int:
            raise DamageError(f"files: {name!r:.80} is no tensor file with a size", FaultCode.WRONG_TENSORS)


def _read_tensors(path: Path, entry: Mapping[str, Any]) -> dict[str, npt.NDArray[Any]]:
    content = read_regular(path, entry["size"])
    if len(content) < entry["size"]:
        raise DamageError(f"must be {entry['size']} bytes (got {len(content)})", FaultCode.WRONG_SIZE)
    if sha256(content).hexdigest() != entry.get("sha256"):
        text = "sha256 is not the manifest's: changed, or taken from another version"
        raise DamageError(text, FaultCode.WRONG_CHECKSUM)
    if _header(content) != entry.get("tensors"):
        text = "names, types or shapes of its tensors are not the manifest's"
        raise DamageError(text, FaultCode.WRONG_TENSORS)
    try:
        arrays: dict[str, npt.NDArray[Any]] = parse_tensors(content)
    except (SafetensorError, KeyError, ValueError) as err:
        raise DamageError(f"no valid safetensors file ({err})", FaultCode.NOT_TENSORS) from err
    for array in arrays.values():
        array.flags.writeable = False
    return arrays


def _header(content: bytes) -> dict[str, dict[str, Any]]:
    """Return type and shape of each tensor from the header of the file, without reading data."""
    stated = header(content)
    stated.pop("__metadata__", None)
    if not all(isinstance(entry, dict) for entry in stated.values()):
        raise DamageError("no safetensors header", FaultCode.NOT_TENSORS)
    return {name: {"dtype": entry.get("dtype"), "shape": entry.get("shape")} for name, entry in stated.items()}
