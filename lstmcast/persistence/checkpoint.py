"""Checkpoint of an unfinished training, and safetensors header checks.

    models/<name>/.lstmcast-checkpoint      safetensors; JSON values are in its metadata

A checkpoint belongs to one training (its data, config and libraries). One of another training, or a damaged one, is
ignored. Its name is that of a temporary file, so that publishing a version removes it. Nothing is unpickled.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as parse_tensors
from safetensors.numpy import save as tensor_bytes

from lstmcast.errors import DataError, FileError, ModelError
from lstmcast.persistence.files import (
    TEMPORARY,
    DamageError,
    parse_object,
    read_regular,
    translate_os_errors,
    write_atomically,
)
from lstmcast.types import Tensors


def header(content: bytes) -> dict[str, Any]:
    """Return the header: 8 bytes of length, then JSON with type, shape and offsets of each tensor and `__metadata__`.

    Raises:
        DamageError: it is truncated, or not a JSON object.
    """
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 or length > len(content) - 8:
        raise DamageError("too short for a safetensors header")
    return parse_object(content[8 : 8 + length])


CHECKPOINT = f"{TEMPORARY}checkpoint"
EVERY = 10.0  # minimum seconds between two writes
MAX_BYTES = 4 << 30  # bytes

Part = tuple[Mapping[str, Any], Tensors]


class Checkpoint:
    """The parts of a training by name, each as JSON values and arrays; safe to use from several threads.

    Args:
        path: the file.
        identity: of the training; the file of another training is ignored.
        every: minimum seconds between two writes.
        clock: a monotonic clock, in seconds.
    """

    def __init__(
        self, path: Path, identity: str, *, every: float = EVERY, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._path, self._identity, self._every, self._clock = path, identity, every, clock
        self._parts = _read(path, identity)
        self._written, self._lock = clock(), Lock()
        self.resumed = bool(self._parts)
        """True if an interrupted training of this identity was found."""

    def part(self, name: str) -> Part | None:
        """Return the part of this name, if stored."""
        return self._parts.get(name)

    def keep(self, name: str, part: Part) -> None:
        """Store a part, and write all parts if due; a disk error only loses the file."""
        with self._lock:
            self._parts[name] = part
            if self._clock() - self._written >= self._every:
                self._write()

    def write(self) -> None:
        """Write all parts; after a disk error the earlier file stays."""
        with self._lock:
            if self._parts:
                self._write()

    def remove(self) -> None:
        """Remove the file.

        Raises:
            FileError: the system refused.
        """
        with translate_os_errors("removed", self._path):
            self._path.unlink(missing_ok=True)

    def _write(self) -> None:
        with suppress(FileError):
            write_atomically(self._path, _encode(self._identity, self._parts))
        self._written = self._clock()


@contextmanager
def checkpoint(folder: Path, identity: str) -> Iterator[Checkpoint]:
    """Hold the checkpoint of a training for the block; the caller holds the lock of the model.

    If the block is interrupted, or the disk refuses the result, the progress is written. If it completes, or would fail
    again in the same way, the file is removed.

    Args:
        folder: of the model.
        identity: of the training.
    """
    kept = Checkpoint(folder / CHECKPOINT, identity)
    try:
        yield kept
    except (DataError, ModelError):
        kept.remove()
        raise
    except BaseException:
        kept.write()
        raise
    kept.remove()


def _encode(identity: str, parts: Mapping[str, Part]) -> bytes:
    arrays = {
        f"{name}/{key}": np.asarray(array, order="C")
        for name, (_, tensors) in parts.items()
        for key, array in tensors.items()
    }
    values = json.dumps({name: dict(values) for name, (values, _) in parts.items()}, sort_keys=True)
    return tensor_bytes(arrays, {"identity": identity, "values": values, "sha256": _digest(values, arrays)})


def _digest(values: str, arrays: Tensors) -> str:
    digest = sha256(values.encode())
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype} {arrays[name].shape}".encode())
        digest.update(arrays[name].tobytes())
    return digest.hexdigest()


def _read(path: Path, identity: str) -> dict[str, Part]:
    """Return the parts of the checkpoint; none if the file is missing, damaged, or of another training."""
    try:
        content = read_regular(path, MAX_BYTES)
        stated = header(content).get("__metadata__", {})
        arrays: Tensors = parse_tensors(content)
        if stated["identity"] != identity or stated["sha256"] != _digest(stated["values"], arrays):
            return {}
        return {
            name: (values, _within(name, arrays)) for name, values in parse_object(stated["values"].encode()).items()
        }
    except (DamageError, FileError, SafetensorError, KeyError, TypeError, ValueError):
        return {}


def _within(name: str, arrays: Tensors) -> Tensors:
    return {key.removeprefix(f"{name}/"): array for key, array in arrays.items() if key.startswith(f"{name}/")}
