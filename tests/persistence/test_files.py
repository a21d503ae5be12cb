"""Files appear whole or not at all, and two runs never hold one lock."""

from __future__ import annotations

import errno
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lstmcast
from lstmcast.errors import BusyError, Fault, FaultCode, FileError
from lstmcast.persistence.files import exclusive_lock, make_folder, temporary_name, write_atomically, write_files

Refuse = Callable[..., Fault]

PACKAGE = str(Path(lstmcast.__file__).parents[1])
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([PACKAGE, *sys.path])}
HOLD = """
import sys, time
from pathlib import Path
from lstmcast.persistence.files import exclusive_lock
with exclusive_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""
SHRINKING_DISK = """
import resource, sys
from pathlib import Path
from lstmcast.errors import FileError
from lstmcast.persistence.files import write_atomically
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    write_atomically(Path(sys.argv[1]), (bytes(1_000) for _ in range(1_000)))
except FileError as err:
    print(err)
"""
TO_STDOUT = """
from pathlib import Path
from lstmcast.persistence.files import write_atomically
write_atomically(Path("/dev/stdout"), [b"1\\n", b"2\\n"])
"""
FORK = """
import os, sys, time
from pathlib import Path
from lstmcast.persistence.files import exclusive_lock
with exclusive_lock(Path(sys.argv[1])):
    child = os.fork()
    if child == 0:
        time.sleep(60)
        os._exit(0)
try:
    with exclusive_lock(Path(sys.argv[1])):
        print("free")
finally:
    os.kill(child, 9)
    os.waitpid(child, 0)
"""


def python(script: str, *arguments: object) -> list[str]:
    """The command line that runs a script with the package under test."""
    return [sys.executable, "-c", script, *map(str, arguments)]


def refuse(code: int) -> Callable[..., None]:
    """A stand-in for a system call that fails."""

    def call(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    return call


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A file with the content `old`, alone in its folder."""
    path = tmp_path / "forecast.csv"
    path.write_bytes(b"old")
    return path


def assert_untouched(old: Path) -> None:
    """The old file is unchanged, and no other file is left."""
    assert old.read_bytes() == b"old"
    assert list(old.parent.iterdir()) == [old]


@settings(max_examples=40, deadline=None)
@given(pieces=st.lists(st.binary(max_size=50), max_size=5))
def test_pieces_are_written_in_order(pieces: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> None:
    """The written pieces are read back in order and replace the old content."""
    path = tmp_path_factory.mktemp("pieces") / "f"
    write_atomically(path, b"before")
    write_atomically(path, iter(pieces))
    assert path.read_bytes() == b"".join(pieces)
    assert list(path.parent.iterdir()) == [path]


def test_what_killed_runs_left_goes_after_a_day(tmp_path: Path) -> None:
    """A half-written file of yesterday is removed; one of a minute ago may be another run's, and a checkpoint stays."""
    names = {temporary_name(tmp_path): 25 * 3600, temporary_name(tmp_path): 60, tmp_path / ".lstmcast-checkpoint": 1e6}
    for path, age in names.items():
        path.write_bytes(b"half")
        os.utime(path, (time.time() - age,) * 2)
    abandoned, *remaining = names
    write_atomically(tmp_path / "forecast.csv", b"new")
    assert set(tmp_path.iterdir()) == {tmp_path / "forecast.csv", *remaining}
    assert not abandoned.exists()


def test_name_of_the_longest_kind(tmp_path: Path) -> None:
    """A name of 255 bytes, the most a file system takes, leaves room for the temporary one."""
    write_atomically(tmp_path / ("n" * 255), b"new")
    assert (tmp_path / ("n" * 255)).read_bytes() == b"new"


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_new_file_has_the_bits_of_a_plain_open(tmp_path: Path, umask: int) -> None:
    """The umask decides, as for a file that is simply opened."""
    before = os.umask(umask)
    try:
        (tmp_path / "plain").write_bytes(b"")
        write_atomically(tmp_path / "atomic", b"")
    finally:
        os.umask(before)
    assert (tmp_path / "atomic").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666, 0o755])
def test_replaced_file_keeps_its_bits(old: Path, mode: int) -> None:
    """Somebody chose who may read the old file; the new one is the same."""
    old.chmod(mode)
    write_atomically(old, b"new")
    assert old.read_bytes() == b"new"
    assert stat.S_IMODE(old.stat().st_mode) == mode


def test_protected_file_is_not_replaced(old: Path, monkeypatch: pytest.MonkeyPatch, refused: Refuse) -> None:
    """A file that its user made read-only is refused, though a rename would get past that."""
    monkeypatch.setattr(os, "access", lambda path, mode: not (Path(path) == old and mode == os.W_OK))
    fault = refused(FileError, lambda: write_atomically(old, b"new"))
    assert fault.code == FaultCode.NO_PERMISSION
    assert fault.text.startswith(f"{old}: ")
    assert_untouched(old)


@pytest.mark.parametrize("exists", [True, False])
def test_link_is_followed(tmp_path: Path, exists: bool) -> None:
    """A link stays a link, and its target gets the content, also where there was none yet."""
    target, link = tmp_path / "folder" / "target", tmp_path / "link"
    target.parent.mkdir()
    if exists:
        target.write_bytes(b"old")
    link.symlink_to("folder/target")
    write_atomically(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert not target.is_symlink()


def test_everything_reaches_the_disk_in_order(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new content is synced before the rename, and the folder after it."""
    steps: list[tuple[str, bytes]] = []
    fsync, replace = os.fsync, os.replace

    def spy_fsync(descriptor: int) -> None:
        kind = "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else f"{os.fstat(descriptor).st_size} bytes"
        steps.append((kind, old.read_bytes()))
        fsync(descriptor)

    def spy_replace(source: Path, target: Path) -> None:
        steps.append(("rename", old.read_bytes()))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", spy_fsync)
    monkeypatch.setattr(os, "replace", spy_replace)
    write_atomically(old, b"newer")
    assert steps == [("5 bytes", b"old"), ("rename", b"old"), ("folder", b"newer")]


@pytest.mark.parametrize(
    ("call", "number", "code"),
    [
        ("fsync", errno.ENOSPC, FaultCode.DISK_FULL),
        ("fsync", errno.EDQUOT, FaultCode.DISK_FULL),
        ("open", errno.EROFS, FaultCode.READ_ONLY),
        ("open", errno.EACCES, FaultCode.NO_PERMISSION),
        ("replace", errno.EPERM, FaultCode.NO_PERMISSION),
        ("fsync", errno.EIO, FaultCode.FILE_SYSTEM),
    ],
)
def test_refusal_leaves_the_old_file(
    old: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int, code: FaultCode, refused: Refuse
) -> None:
    """If the system refuses, the old file stays, no file is left over, and the fault is one line."""
    with monkeypatch.context() as patch:
        patch.setattr(os, call, refuse(number))
        fault = refused(FileError, lambda: write_atomically(old, b"new"))
    assert fault.code == code
    assert fault.text.startswith(f"{old}: ")
    assert "\n" not in fault.text
    assert_untouched(old)


def test_file_that_grows_too_large_is_refused_by_the_system(old: Path) -> None:
    """A real refusal in the middle of the writing, with no stand-in."""
    done = subprocess.run(python(SHRINKING_DISK, old), env=ENVIRONMENT, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"{old}: cannot be written: larger than a file may be here")
    assert_untouched(old)


@pytest.mark.parametrize("stop", [KeyboardInterrupt, RuntimeError, SystemExit])
def test_interruption_leaves_the_old_file(old: Path, stop: type[BaseException]) -> None:
    """An exception out of the data, or Ctrl-C, passes unchanged and leaves nothing."""

    def pieces() -> Iterator[bytes]:
        yield b"half"
        raise stop

    with pytest.raises(stop):
        write_atomically(old, pieces())
    assert_untouched(old)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("absent/f", FaultCode.NO_FOLDER),
        ("file/f", FaultCode.PART_IS_FILE),
        ("folder", FaultCode.IS_FOLDER),
        ("circle", FaultCode.LINK_CIRCLE),
        ("n" * 256, FaultCode.NAME_TOO_LONG),
    ],
)
def test_impossible_paths(tmp_path: Path, name: str, code: FaultCode, refused: Refuse) -> None:
    """For an impossible path, the fault is what is wrong with it, and nothing is created."""
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    (tmp_path / "circle").symlink_to("circle")
    before = sorted(tmp_path.rglob("*"))
    fault = refused(FileError, lambda: write_atomically(tmp_path / name, b"new"))
    assert fault.code == code
    assert fault.text.startswith(f"{tmp_path / name}: ")
    assert sorted(tmp_path.rglob("*")) == before


def test_fifo_is_written_to(tmp_path: Path) -> None:
    """A reader at the other end of a FIFO gets the bytes, and the FIFO stays one."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(fifo.read_bytes()))
    reader.start()
    write_atomically(fifo, [b"a", b"b"])
    reader.join()
    assert received == [b"ab"]
    assert fifo.is_fifo()


def test_full_device(refused: Refuse) -> None:
    """The device that is always full is written to directly, and its refusal is a FileError."""
    fault = refused(FileError, lambda: write_atomically(Path("/dev/full"), b"new"))
    assert fault.code == FaultCode.DISK_FULL
    assert fault.text.startswith("/dev/full: ")


def test_stdout_into_a_pipe() -> None:
    """/dev/stdout is a stream like any other."""
    assert subprocess.check_output(python(TO_STDOUT), env=ENVIRONMENT) == b"1\n2\n"


def test_stdout_into_a_file_keeps_what_is_there(tmp_path: Path) -> None:
    """A redirected /dev/stdout goes on where the file ends; the file is not replaced."""
    path = tmp_path / "log"
    with path.open("wb") as log:
        log.write(b"0\n")
        log.flush()
        subprocess.run(python(TO_STDOUT), env=ENVIRONMENT, stdout=log, check=True)
        log.write(b"3\n")
    assert path.read_bytes() == b"0\n1\n2\n3\n"


def test_reader_that_has_gone() -> None:
    """A closed pipe has its own error, so that the command can end quietly; the descriptor stays open."""
    reader, writer = os.pipe()
    os.close(reader)
    with pytest.raises(BrokenPipeError):
        write_atomically(Path(f"/dev/fd/{writer}"), b"new")
    os.close(writer)


def test_closed_descriptor(refused: Refuse) -> None:
    """A descriptor that is not open is named as closed."""
    fault = refused(FileError, lambda: write_atomically(Path("/dev/fd/999"), b"new"))
    assert fault.code == FaultCode.CLOSED
    assert fault.text.startswith("/dev/fd/999: ")


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock `tmp_path/lock` for a minute."""
    with subprocess.Popen(python(HOLD, tmp_path / "lock", 60), env=ENVIRONMENT, stdout=-1, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_lock_held_by_another_process(tmp_path: Path, holder: subprocess.Popen[str], refused: Refuse) -> None:
    """The second run fails at once and names the process that holds the lock."""
    start = time.monotonic()
    fault = refused(BusyError, exclusive_lock(tmp_path / "lock").__enter__)
    assert fault.code == FaultCode.LOCKED
    assert f"(process {holder.pid})" in fault.text
    assert time.monotonic() - start < 5


@pytest.mark.usefixtures("holder")
def test_lock_held_by_another_host(tmp_path: Path, refused: Refuse) -> None:
    """In a shared folder the message contains the host, because a process id alone is ambiguous."""
    (tmp_path / "lock").write_text("4711 web2\n")
    fault = refused(BusyError, exclusive_lock(tmp_path / "lock").__enter__)
    assert fault.code == FaultCode.LOCKED
    assert "(process 4711 on web2)" in fault.text


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, refused: Refuse
) -> None:
    """Some network file systems keep none: no run without a lock."""
    monkeypatch.setattr("fcntl.flock", refuse(code))
    assert refused(FileError, exclusive_lock(tmp_path / "lock").__enter__).code == FaultCode.NO_LOCKS


def test_lock_of_a_killed_process_is_free(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    """`kill -9` leaves no lock behind, and the file then names the new owner."""
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with exclusive_lock(tmp_path / "lock"):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()} {socket.gethostname()}\n"


def test_waiting_for_a_lock(tmp_path: Path) -> None:
    """With time to wait, the lock is taken when the other run ends."""
    with subprocess.Popen(python(HOLD, tmp_path / "lock", 0.5), env=ENVIRONMENT, stdout=-1, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with exclusive_lock(tmp_path / "lock", wait=60):
            assert (tmp_path / "lock").read_text() == f"{os.getpid()} {socket.gethostname()}\n"


def test_waiting_in_vain(tmp_path: Path, refused: Refuse) -> None:
    """The wait ends at its limit; a lock without a process id is still reported."""
    with exclusive_lock(tmp_path / "lock"):
        (tmp_path / "lock").write_bytes(b"\xff")
        start = time.monotonic()
        fault = refused(BusyError, exclusive_lock(tmp_path / "lock", wait=0.2).__enter__)
        assert fault.code == FaultCode.LOCKED
        assert "process" not in fault.text
        assert 0.2 <= time.monotonic() - start < 5


def test_lock_names_its_last_owner_only(tmp_path: Path) -> None:
    """A longer process id from before leaves no digit behind."""
    (tmp_path / "lock").write_text("999999999999\n")
    with exclusive_lock(tmp_path / "lock"):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()} {socket.gethostname()}\n"


def test_lock_is_released_after_an_error(tmp_path: Path) -> None:
    """The error of the block passes unchanged, even an OSError, and the lock is free again."""
    with pytest.raises(OSError, match="mine"), exclusive_lock(tmp_path / "lock"):
        raise OSError(errno.ENOSPC, "mine")
    with exclusive_lock(tmp_path / "lock"):
        pass


def test_forked_child_does_not_keep_the_lock(tmp_path: Path) -> None:
    """A worker process that outlives the block holds nothing."""
    assert subprocess.check_output(python(FORK, tmp_path / "lock"), env=ENVIRONMENT, timeout=30) == b"free\n"


def test_lock_that_cannot_be_made(tmp_path: Path, refused: Refuse) -> None:
    """A missing folder is a fault of the file system, not another run."""
    assert refused(FileError, exclusive_lock(tmp_path / "absent" / "lock").__enter__).code == FaultCode.NO_FOLDER


def test_a_folder_is_made_with_those_above_it_and_filled(tmp_path: Path) -> None:
    """Twice is no fault: files of the same name are replaced, others stay."""
    folder = make_folder(tmp_path / "a" / "b")
    write_files(folder, {"one": b"1", "two": b"2"})
    write_files(make_folder(folder), {"two": b"new"})
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"one": b"1", "two": b"new"}


def test_a_file_at_the_path_of_a_folder_is_named(tmp_path: Path, refused: Refuse) -> None:
    """A folder that cannot be made is a FileError that names it."""
    (tmp_path / "taken").write_text("a file")
    fault = refused(FileError, lambda: make_folder(tmp_path / "taken"))
    assert fault.code == FaultCode.NAME_TAKEN
    assert fault.text.startswith(f"{tmp_path / 'taken'}: ")
