"""Atomic file writes, verified reads, locks, and the output folder."""

from __future__ import annotations

import errno
import fcntl
import json
import math
import os
import re
import shutil
import socket
import stat
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from lstmcast.errors import BusyError, Fault, FaultCode, FileError

TEMPORARY = ".lstmcast-"
"""Prefix of the names of unfinished files and folders, which may be removed after a crash."""

UNFINISHED = TEMPORARY + "[0-9a-f]" * 16
"""Pattern of the names that `temporary_name` returns."""

_POLL_SECONDS = 0.05
_ABANDONED = 24 * 3600  # seconds after which a temporary file is not in use any more
_STANDARD = {"/dev/stdout": "/dev/fd/1", "/dev/stderr": "/dev/fd/2"}
_DESCRIPTOR = re.compile(r"(?:/dev|/proc/self)/fd/(\d{1,6})")
_NO_LOCKS = ("its file system keeps no locks", "mount it with locks, or keep models on a local disk")
_HINT_PERMISSIONS = "change its permissions, or choose another place"
_REASONS: Mapping[int, tuple[FaultCode, str, str]] = {
    errno.ENOSPC: (FaultCode.DISK_FULL, "no space left on the disk", "free some space and run again"),
    errno.EDQUOT: (FaultCode.DISK_FULL, "the disk quota is used up", "free some space and run again"),
    errno.EFBIG: (
        FaultCode.TOO_LARGE,
        "larger than a file may be here",
        "raise ulimit -f, or choose another disk",
    ),
    errno.EACCES: (FaultCode.NO_PERMISSION, "permission denied, not accessible to this user", _HINT_PERMISSIONS),
    errno.EPERM: (FaultCode.NO_PERMISSION, "permission denied, not accessible to this user", _HINT_PERMISSIONS),
    errno.EROFS: (FaultCode.READ_ONLY, "the file system is read-only, not writable", "choose another place"),
    errno.EBADF: (FaultCode.CLOSED, "it is closed", "open it, or choose another place"),
    errno.ENOENT: (FaultCode.NO_FOLDER, "the folder does not exist", "create it first, or choose another place"),
    errno.ENOTDIR: (FaultCode.PART_IS_FILE, "a part of the path is a file, not a folder", "choose another path"),
    errno.EEXIST: (FaultCode.NAME_TAKEN, "a file of that name is in the way", "remove it, or choose another name"),
    errno.EISDIR: (FaultCode.IS_FOLDER, "it is a folder", "name a file"),
    errno.ELOOP: (FaultCode.LINK_CIRCLE, "its symbolic links run in a circle", "fix the link, or choose another path"),
    errno.ENAMETOOLONG: (FaultCode.NAME_TOO_LONG, "the name is too long", "choose a shorter one"),
    errno.ENOLCK: (FaultCode.NO_LOCKS, *_NO_LOCKS),
    errno.EOPNOTSUPP: (FaultCode.NO_LOCKS, *_NO_LOCKS),
}


class DamageError(Exception):
    """A file has the wrong content or type.

    Attributes:
        code: the type of the damage.
    """

    def __init__(self, text: str, code: FaultCode = FaultCode.DAMAGED) -> None:
        super().__init__(text)
        self.code = code

    def fault(self, path: Path) -> Fault:
        """Return the fault of a file."""
        return Fault(f"{path}: {self}", self.code)


@contextmanager
def translate_os_errors(action: str, path: Path) -> Iterator[None]:
    """Translate the OSErrors of the block to one line with a hint.

    Args:
        action: completes "cannot be …": `"written"`, `"read"`, `"locked"`.
        path: the file or folder for the message.

    Raises:
        FileError: for every OSError except BrokenPipeError, which passes.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as err:
        unlisted = (FaultCode.FILE_SYSTEM, err.strerror or str(err), "check the path and the disk")
        code, why, hint = _REASONS.get(err.errno or 0, unlisted)
        raise FileError(Fault(f"{path}: cannot be {action}: {why}; {hint}", code)) from err


def write_atomically(path: Path, data: bytes | Iterable[bytes]) -> None:
    """Write a file completely or not at all; until it is complete the old file is unchanged.

    A symbolic link is followed. A new file gets the permission bits of a plain `open()`, a replaced one keeps its own.
    Streams (`/dev/stdout`, a FIFO, a device) are written directly.

    Args:
        path: the file; its folder must exist.
        data: the content, or its pieces in order.

    Raises:
        FileError: the system refused; nothing has changed and no temporary file is left.
        BrokenPipeError: the reader of a stream is gone.
    """
    chunks = (data,) if isinstance(data, bytes) else data
    with translate_os_errors("written", path):
        mode = _mode(path)
        if opened := _DESCRIPTOR.fullmatch(_STANDARD.get(str(path), str(path))):
            _write_stream(os.dup(int(opened[1])), chunks)  # reopening would truncate a redirected file
        elif mode is None or stat.S_ISREG(mode):
            _replace(path.resolve(), chunks, mode)
        else:
            _write_stream(os.open(path, os.O_WRONLY), chunks)


def write_new(path: Path, chunks: Iterable[bytes], mode: int | None = None) -> None:
    """Write a new file and sync it to disk.

    Args:
        path: the file; must not exist.
        chunks: its content in order.
        mode: permission bits; None: those of the umask.

    Raises:
        OSError: the system refused; a part of the file may exist.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    with os.fdopen(descriptor, "wb") as file:
        if mode is not None:
            os.fchmod(descriptor, stat.S_IMODE(mode))
        file.writelines(chunks)
        file.flush()
        os.fsync(descriptor)


def sync_folder(folder: Path) -> None:
    """Sync the names in a folder to disk; only then a rename survives a power failure.

    Raises:
        OSError: the system refused.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def temporary_name(folder: Path) -> Path:
    """Return an unused path in `folder`, of a constant length."""
    return folder / f"{TEMPORARY}{os.urandom(8).hex()}"


def remove_temporary(folder: Path, pattern: str = f"{TEMPORARY}*") -> None:
    """Remove the temporary files and folders in a folder whose names match.

    Raises:
        OSError: the system refused.
    """
    for leftover in folder.glob(pattern):
        if leftover.is_dir() and not leftover.is_symlink():
            shutil.rmtree(leftover)
        else:
            leftover.unlink(missing_ok=True)


def read_regular(path: Path, limit: int) -> bytes:
    """Return the bytes of a regular file of at most `limit` bytes.

    Raises:
        DamageError: missing, too large, or a link, folder or device.
        FileError: the system refused.
    """
    with translate_os_errors("read", path):
        try:
            status = path.lstat()
        except FileNotFoundError as err:
            raise DamageError("missing", FaultCode.MISSING_FILE) from err
        if not stat.S_ISREG(status.st_mode):
            raise DamageError("must be a regular file, not a link, folder or device", FaultCode.NOT_REGULAR)
        if status.st_size > limit:
            raise DamageError(f"must be at most {limit} bytes (got {status.st_size})", FaultCode.WRONG_SIZE)
        return path.read_bytes()


def parse_object(content: bytes) -> dict[str, Any]:
    """Parse a JSON object in UTF-8 without repeated keys and with finite numbers only.

    Raises:
        DamageError: anything else.
    """
    try:
        parsed = json.loads(content.decode(), object_pairs_hook=_unique, parse_constant=_finite, parse_float=_finite)
    except (ValueError, RecursionError) as err:
        raise DamageError(f"no valid JSON ({err})", FaultCode.NOT_JSON) from err
    if not isinstance(parsed, dict):
        raise DamageError("no JSON object", FaultCode.NOT_JSON)
    return parsed


def is_same(first: str | Path, second: str | Path) -> bool:
    """Return True if two paths lead to the same existing file."""
    try:
        return Path(first).samefile(second)
    except (OSError, ValueError):
        return False


@contextmanager
def exclusive_lock(path: Path, *, wait: float = 0.0) -> Iterator[None]:
    """Hold a lock file for the block. The kernel releases it when the process ends, in any way.

    Args:
        path: the lock file; created if missing, never removed; holds the process id and the host of its last owner.
        wait: seconds to wait for another run.

    Raises:
        BusyError: another run still holds the lock after `wait` seconds.
        FileError: the lock file cannot be opened or locked.
    """
    with translate_os_errors("locked", path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        with translate_os_errors("locked", path):
            _acquire(descriptor, path, time.monotonic() + wait)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()} {socket.gethostname()}\n".encode(), 0)
        try:
            yield
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)  # a forked child may still have the descriptor
    finally:
        os.close(descriptor)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key occurs twice")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text:.20} is no finite number")
    return number


def _acquire(descriptor: int, path: Path, deadline: float) -> None:
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as err:
            if time.monotonic() >= deadline:
                raise BusyError(Fault(_held(descriptor, path), FaultCode.LOCKED)) from err
            time.sleep(_POLL_SECONDS)


def _held(descriptor: int, path: Path) -> str:
    pid, _, host = os.pread(descriptor, 300, 0).decode("ascii", "replace").strip().partition(" ")
    where = f" on {host}" if host not in ("", socket.gethostname()) else ""
    holder = f"another run (process {pid}{where})" if pid.isdigit() else "another run"
    return f"{path}: {holder} holds the lock; wait for it to end, then run again"


def _mode(path: Path) -> int | None:
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None


def _write_stream(descriptor: int, chunks: Iterable[bytes]) -> None:
    with os.fdopen(descriptor, "wb") as stream:
        stream.writelines(chunks)


def _replace(target: Path, chunks: Iterable[bytes], mode: int | None) -> None:
    if mode is not None and not os.access(target, os.W_OK):
        code = errno.EROFS if os.statvfs(target).f_flag & os.ST_RDONLY else errno.EACCES
        raise OSError(code, os.strerror(code))  # a rename would ignore write protection
    temporary = temporary_name(target.parent)
    try:
        write_new(temporary, chunks, mode)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(target.parent)
    _remove_abandoned(target.parent)


def _remove_abandoned(folder: Path) -> None:
    """Remove temporary files of killed runs that are too old to be in use."""
    for leftover in folder.glob(UNFINISHED):
        with suppress(OSError):
            if time.time() - leftover.lstat().st_mtime > _ABANDONED:
                leftover.unlink()


def make_folder(folder: Path) -> Path:
    """Create an output folder and its parents.

    Raises:
        FileError: it cannot be created.
    """
    with translate_os_errors("written", folder):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a folder, each completely or not at all; files of the same name are replaced.

    Raises:
        FileError: the system refused.
    """
    for name, content in files.items():
        write_atomically(folder / name, content)
