"""Versions are published whole, and loaded only when unchanged."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors import safe_open

import lstmcast
from lstmcast.errors import BusyError, Fault, FaultCode, FileError, ModelError, UsageError
from lstmcast.persistence import artifact
from lstmcast.persistence.artifact import load, model_lock, prepare, publish
from lstmcast.persistence.registry import resolve, versions

Refuse = Callable[..., Fault]

NOW = datetime(2026, 11, 20, 8, 45, tzinfo=UTC)
HINT = "train again, or name another version with --model"
MANIFEST = {"config": {"units": [50]}, "frequency": "MS", "season": 12, "äöü": [0.1, None, True]}
TENSORS = {
    "weights": {"kernel": np.arange(6, dtype=np.float32).reshape(2, 3), "bias": np.zeros(0)},
    "calibration": {"80": np.array([[1.5, np.nan]]), "steps": np.array(7)},
}
KILL = """
import json, os, shutil, sys
from datetime import datetime
from pathlib import Path
import numpy as np
from lstmcast.persistence.artifact import publish
root, before, now, limit = Path(sys.argv[1]), Path(sys.argv[2]), datetime.fromisoformat(sys.argv[3]), 200
left = None
def step(*_):
    global left
    if left is not None:
        left -= 1
        if left < 0:
            os.kill(os.getpid(), 9)
sys.addaudithook(step)  # every open, mkdir, rename, listdir, remove, rmdir
def counted(call):
    def counting(*args, **named):
        step()
        result = call(*args, **named)
        step()
        return result
    return counting
for name in ("fsync", "rename", "replace", "mkdir", "unlink", "rmdir"):
    setattr(os, name, counted(getattr(os, name)))
for count in range(limit):
    models = root / f"{count:03}"
    shutil.copytree(before, models)
    child = os.fork()
    if child == 0:
        left = count
        publish(models, "air", {"run": "new"}, {"weights": {"w": np.ones(3)}}, now=now, keep=2)
        os._exit(0)
    if os.waitpid(child, 0)[1] == 0:
        break
"""


def save(models: Path, seconds: int = 0, *, name: str = "air", keep: int = 10, run: object = "x") -> Path:
    """Publish a small version `seconds` after NOW."""
    tensors = {"weights": {"w": np.full(3, float(seconds))}}
    return publish(models, name, {"run": run}, tensors, now=NOW + timedelta(seconds=seconds), keep=keep)


def forge(version: Path, edit: Callable[[dict[str, Any]], object]) -> Path:
    """Change a manifest as an attacker would, who gives the folder the name that fits."""
    manifest = json.loads((version / "manifest.json").read_text())
    edit(manifest)
    return forge_text(version, json.dumps(manifest).encode())


def forge_text(version: Path, text: bytes) -> Path:
    """Put any text in a manifest's place, under the version name that fits it."""
    (version / "manifest.json").write_bytes(text)
    return version.rename(version.with_name(f"20261120T084500Z-{hashlib.sha256(text).hexdigest()[:8]}"))


def forge_tensors(version: Path, header: bytes, data: bytes, stated: object) -> Path:
    """Replace the weights by a header and data of the attacker's choice, with a manifest that agrees."""
    content = struct.pack("<Q", len(header)) + header + data
    (version / "weights.safetensors").write_bytes(content)
    entry = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "tensors": stated}
    return forge(version, lambda manifest: manifest["files"].update({"weights.safetensors": entry}))


@pytest.fixture
def version(models: Path) -> Path:
    """A published version with two tensor files."""
    return publish(models, "air", MANIFEST, TENSORS, now=NOW, keep=10)


def assert_same(found: Mapping[str, Mapping[str, Any]], expected: Mapping[str, Mapping[str, Any]]) -> None:
    """Groups, names, types, shapes and values agree, bit by bit."""
    assert {group: set(arrays) for group, arrays in found.items()} == {g: set(a) for g, a in expected.items()}
    for group, arrays in expected.items():
        for name, array in arrays.items():
            assert found[group][name].dtype == array.dtype.newbyteorder("=")
            assert found[group][name].shape == array.shape
            np.testing.assert_array_equal(found[group][name], array)


# --- publish and load ---


def test_what_is_published_is_loaded(models: Path, version: Path) -> None:
    """Manifest and arrays come back as they were given; the arrays cannot be changed."""
    loaded = load(resolve(models, None))
    assert loaded.path == version
    assert {key: loaded.manifest[key] for key in MANIFEST} == MANIFEST
    assert_same(loaded.tensors, TENSORS)
    with pytest.raises(ValueError, match="read-only"):
        loaded.tensors["weights"]["kernel"][0, 0] = 1


DTYPES = st.one_of(
    hnp.integer_dtypes(endianness="?"), hnp.floating_dtypes(sizes=(16, 32, 64), endianness="?"), hnp.boolean_dtypes()
)
ARRAYS = hnp.arrays(DTYPES, hnp.array_shapes(min_dims=0, min_side=0, max_side=4))


@settings(max_examples=40, deadline=None)
@given(arrays=st.dictionaries(st.text(max_size=8).filter(lambda name: name != "__metadata__"), ARRAYS, max_size=3))
def test_any_arrays(arrays: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Every type, byte order, layout and shape survives, down to no dimension and no element."""
    turned = {name: array.T for name, array in arrays.items()}
    tensors = {"weights": arrays, "context": turned}
    path = publish(tmp_path_factory.mktemp("models"), "any", {}, tensors, now=NOW, keep=1)
    assert_same(load(path).tensors, tensors)


def test_the_manifest_lists_every_file(version: Path) -> None:
    """Hash, size, types and shapes are those that hashlib, stat and safetensors themselves find."""
    text = (version / "manifest.json").read_text()
    manifest = json.loads(text)
    assert text == json.dumps(manifest, sort_keys=True, indent=1)
    assert manifest["schema"] == artifact.SCHEMA
    assert {path.name for path in version.iterdir()} == {"manifest.json", *manifest["files"]}
    for name, entry in manifest["files"].items():
        content = (version / name).read_bytes()
        assert (entry["size"], entry["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
        with safe_open(version / name, framework="np") as file:
            slices = {key: file.get_slice(key) for key in file.keys()}  # noqa: SIM118 (no mapping)
        stated = {key: {"dtype": part.get_dtype(), "shape": part.get_shape()} for key, part in slices.items()}
        assert entry["tensors"] == stated


def test_name_of_a_version(version: Path) -> None:
    """UTC time, then the beginning of the sha256 of the manifest; `current` names it in one line."""
    digest = hashlib.sha256((version / "manifest.json").read_bytes()).hexdigest()
    assert version.name == f"20261120T084500Z-{digest[:8]}"
    assert (version.parent / "current").read_text() == f"{version.name}\n"


def test_same_inputs_same_bytes(models: Path, version: Path, tmp_path: Path) -> None:
    """The order of keys, the time zone of `now` and the layout of arrays change nothing."""
    here = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))
    manifest = dict(reversed(MANIFEST.items()))
    tensors = {
        group: {name: np.asfortranarray(array) if array.ndim else array for name, array in reversed(arrays.items())}
        for group, arrays in reversed(TENSORS.items())
    }
    other = publish(tmp_path / "other", "air", manifest, tensors, now=here, keep=1)
    assert other.name == version.name
    names = sorted(path.name for path in version.iterdir())
    assert [(other / name).read_bytes() for name in names] == [(version / name).read_bytes() for name in names]
    assert publish(models, "air", MANIFEST, TENSORS, now=NOW, keep=10) == version
    assert versions(models / "air") == [version]


def test_nan_in_the_manifest(models: Path) -> None:
    """JSON has no NaN: the mistake is found before anything is written."""
    with pytest.raises(ValueError, match="JSON compliant"):
        publish(models, "air", {"score": float("nan")}, {}, now=NOW, keep=1)
    assert versions(models / "air") == []


@pytest.mark.parametrize("group", ["../weights", "Weights", "", "a.b"])
def test_group_that_is_no_word(models: Path, group: str) -> None:
    """A group names a file, so it must be a plain word."""
    with pytest.raises(ValueError, match="lower-case word"):
        publish(models, "air", {}, {group: {}}, now=NOW, keep=1)


def test_keep(models: Path) -> None:
    """The newest stay; another model is not touched."""
    other = save(models, 0, name="sales")
    saved = [save(models, second, keep=3) for second in range(5)]
    assert versions(models / "air") == saved[2:]
    assert resolve(models, "air") == saved[-1]
    assert versions(models / "sales") == [other]


@pytest.mark.parametrize(("keep", "stay"), [(0, [1]), (1, [1]), (2, [1, 60]), (3, [1, 50, 60]), (4, [1, 50, 60])])
def test_keep_never_removes_the_current_version(models: Path, keep: int, stay: list[int]) -> None:
    """If the clock was set back, the current version is the oldest and is kept."""
    saved = {second: save(models, second) for second in (50, 60)}
    saved[1] = save(models, 1, keep=keep)
    assert resolve(models, "air") == saved[1]
    assert versions(models / "air") == [saved[second] for second in stay]


def test_a_link_is_removed_without_its_target(models: Path, tmp_path: Path) -> None:
    """Cleaning up never leaves the folder of the model."""
    (tmp_path / "precious").mkdir()
    (prepare(models, "air") / ".lstmcast-link").symlink_to(tmp_path / "precious")
    save(models)
    assert (tmp_path / "precious").is_dir()
    assert not list((models / "air").glob(".*"))


# --- damage ---


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_changed_byte_is_found(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    """One byte changed, cut off or added, anywhere in any file: refused, and the file is named."""
    version = publish(tmp_path_factory.mktemp("models"), "air", MANIFEST, TENSORS, now=NOW, keep=1)
    path = data.draw(st.sampled_from(sorted(version.iterdir())))
    content = path.read_bytes()
    at = data.draw(st.integers(0, len(content) - 1))
    changed = bytes([content[at] ^ data.draw(st.integers(1, 255))])
    damaged = data.draw(st.sampled_from([content[:at], content[:at] + changed + content[at + 1 :], content + changed]))
    path.write_bytes(damaged)
    with pytest.raises(ModelError, match=re.escape(str(path))) as caught:
        load(version)
    assert str(caught.value).endswith(HINT)


def test_swapped_weights(models: Path, refused: Refuse) -> None:
    """Weights of another version of the same model, of the same size and shapes, are refused."""
    first, second = save(models, 0), save(models, 1)
    shutil.copy(first / "weights.safetensors", second / "weights.safetensors")
    fault = refused(ModelError, lambda: load(second))
    assert fault.code == FaultCode.WRONG_CHECKSUM
    assert fault.text.startswith(f"{second / 'weights.safetensors'}: ")
    assert load(first).tensors["weights"]["w"][0] == 0


def test_truncated_weights(version: Path, refused: Refuse) -> None:
    """A truncated file is detected by its size."""
    size = (version / "weights.safetensors").stat().st_size
    os.truncate(version / "weights.safetensors", size - 1)
    fault = refused(ModelError, lambda: load(version))
    assert fault.code == FaultCode.WRONG_SIZE
    assert fault.text.startswith(f"{version / 'weights.safetensors'}: ")
    assert {str(size), str(size - 1)} <= set(re.findall(r"\d+", fault.text))


def test_swapped_content(models: Path, refused: Refuse) -> None:
    """A whole version under another one's name is refused by its manifest."""
    first, second = save(models, 0), save(models, 1)
    for path in first.iterdir():
        shutil.copy(path, second / path.name)
    fault = refused(ModelError, lambda: load(second))
    assert fault.code == FaultCode.WRONG_CHECKSUM
    assert fault.text.startswith(f"{second / 'manifest.json'}: ")


def test_copied_version_may_have_any_name(version: Path, tmp_path: Path, refused: Refuse) -> None:
    """A version copied to a folder of another name is still verified, and loads."""
    shutil.copytree(version, tmp_path / "backup")
    assert_same(load(resolve(tmp_path / "none", str(tmp_path / "backup"))).tensors, TENSORS)
    (tmp_path / "backup" / "weights.safetensors").unlink()
    fault = refused(ModelError, lambda: load(tmp_path / "backup"))
    assert fault.code == FaultCode.MISSING_FILE
    assert fault.text.startswith(f"{tmp_path / 'backup' / 'weights.safetensors'}: ")


def test_faults_are_listed_together(version: Path) -> None:
    """Missing, too long, unknown: one line each, and a single hint."""
    (version / "calibration.safetensors").unlink()
    (version / "extra.pkl").write_bytes(b"")
    with (version / "weights.safetensors").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(ModelError) as caught:
        load(version)
    assert [(fault.text.split(": ")[0], fault.code) for fault in caught.value.faults] == [
        (f"{version}/extra.pkl", FaultCode.FOREIGN_FILE),
        (f"{version}/calibration.safetensors", FaultCode.MISSING_FILE),
        (f"{version}/weights.safetensors", FaultCode.WRONG_SIZE),
    ]
    assert [HINT in fault.text for fault in caught.value.faults] == [False, False, True]


@pytest.mark.parametrize("name", ["weights.safetensors", "manifest.json"])
@pytest.mark.parametrize("kind", ["link", "folder", "fifo"])
def test_only_regular_files(version: Path, tmp_path: Path, name: str, kind: str, refused: Refuse) -> None:
    """A link is refused even to the very same bytes, a FIFO without waiting for it."""
    moved = (version / name).rename(tmp_path / name)
    make: dict[str, Callable[[Path], None]] = {
        "link": lambda path: path.symlink_to(moved), "folder": Path.mkdir, "fifo": os.mkfifo
    }  # fmt: skip
    make[kind](version / name)
    fault = refused(ModelError, lambda: load(version))
    assert fault.code == FaultCode.NOT_REGULAR
    assert fault.text.startswith(f"{version / name}: ")


@pytest.mark.parametrize("schema", [1, 4, 0, "3", True, None, 3.0])
def test_other_schema(version: Path, schema: object, refused: Refuse) -> None:
    """Another layout is refused before anything else is looked at."""
    (version / "weights.safetensors").unlink()
    forged = forge(version, lambda manifest: manifest.update(schema=schema))
    fault = refused(ModelError, lambda: load(forged))
    assert fault.code == FaultCode.OTHER_SCHEMA
    assert f"(got {schema!r})" in fault.text


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"", FaultCode.NOT_JSON),
        (b"\xff\xfe", FaultCode.NOT_JSON),
        (b"[1]", FaultCode.NOT_JSON),
        (b'{"schema": 3, "schema": 3}', FaultCode.NOT_JSON),
        (b'{"schema": 3, "x": {"a": 1, "a": 2}}', FaultCode.NOT_JSON),
        (b'{"schema": 3, "x": NaN}', FaultCode.NOT_JSON),
        (b'{"schema": 3, "x": -Infinity}', FaultCode.NOT_JSON),
        (b'{"schema": 3, "x": 1e999}', FaultCode.NOT_JSON),
        (b'{"schema": 3, "x": ' + b"9" * 5000 + b"}", FaultCode.NOT_JSON),
        (b"[" * 200_000, FaultCode.NOT_JSON),
        (b'{"schema": 3}', FaultCode.WRONG_TENSORS),
        (b'{"schema": 3, "files": ["a"]}', FaultCode.WRONG_TENSORS),
        (b'{"schema": 3, "files": {"../x.safetensors": {"size": 1}}}', FaultCode.WRONG_TENSORS),
        (b'{"schema": 3, "files": {"x.pkl": {"size": 1}}}', FaultCode.WRONG_TENSORS),
        (b'{"schema": 3, "files": {"x.safetensors": {}}}', FaultCode.WRONG_TENSORS),
        (b'{"schema": 3, "files": {"x.safetensors": {"size": 1e9}}}', FaultCode.WRONG_TENSORS),
    ],
)
def test_wild_manifest(version: Path, text: bytes, code: FaultCode, refused: Refuse) -> None:
    """A manifest that is no plain list of tensor files is refused with the type of damage, in one line."""
    fault = refused(ModelError, lambda: load(forge_text(version, text)))
    assert fault.code == code
    assert "manifest.json: " in fault.text
    assert fault.text.endswith(HINT)
    assert "\n" not in fault.text


def test_huge_manifest(version: Path, refused: Refuse) -> None:
    """More than 64 MiB are not read."""
    os.truncate(version / "manifest.json", 64 * 2**20 + 1)
    fault = refused(ModelError, lambda: load(version))
    assert fault.code == FaultCode.WRONG_SIZE
    assert {"67108864", "67108865"} <= set(re.findall(r"\d+", fault.text))


@pytest.mark.parametrize("shape", [[2**62, 4], [10**12], [-1], [3, 2.5], ["x"], "33", None, [2**200], [0, 2**62]])
@pytest.mark.parametrize("offsets", [[0, 12], [0, 0], [0, 2**63], [12, 0]])
def test_absurd_shapes(version: Path, shape: object, offsets: list[int], refused: Refuse) -> None:
    """A header and a manifest that agree on a shape which the data cannot have are refused, allocating nothing."""
    header = json.dumps({"w": {"dtype": "F32", "shape": shape, "data_offsets": offsets}}).encode()
    forged = forge_tensors(version, header, bytes(12), {"w": {"dtype": "F32", "shape": shape}})
    fault = refused(ModelError, lambda: load(forged))
    assert fault.code == FaultCode.NOT_TENSORS
    assert "weights.safetensors: " in fault.text


@pytest.mark.parametrize("shape", [[0, 2**62, 2**62], [0] * 100])
def test_absurd_shapes_of_nothing(version: Path, shape: list[int], refused: Refuse) -> None:
    """No element at all, in a shape that NumPy cannot hold."""
    header = json.dumps({"w": {"dtype": "F32", "shape": shape, "data_offsets": [0, 0]}}).encode()
    forged = forge_tensors(version, header, b"", {"w": {"dtype": "F32", "shape": shape}})
    assert refused(ModelError, lambda: load(forged)).code == FaultCode.NOT_TENSORS


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (b'{"w": {"dtype": "F32", "shape": [3], "data_offsets": [0, 12]}}', FaultCode.WRONG_TENSORS),
        (b'{"v": {"dtype": "F32", "shape": [1, 3], "data_offsets": [0, 12]}}', FaultCode.WRONG_TENSORS),
        (b'{"w": {"dtype": "I32", "shape": [1, 3], "data_offsets": [0, 12]}}', FaultCode.WRONG_TENSORS),
        (b"{}", FaultCode.WRONG_TENSORS),
        (b'{"w": 3}', FaultCode.NOT_TENSORS),
        (b"[]", FaultCode.NOT_JSON),
        (b'{"w": {}, "w": {}}', FaultCode.NOT_JSON),
        (b"\x80\x04K\x01.", FaultCode.NOT_JSON),
    ],
)
def test_header_that_is_not_the_manifests(version: Path, header: bytes, code: FaultCode, refused: Refuse) -> None:
    """Names, types and shapes must be those the manifest states, even where the hash is right."""
    stated = {"w": {"dtype": "F32", "shape": [1, 3]}}
    fault = refused(ModelError, lambda: load(forge_tensors(version, header, bytes(12), stated)))
    assert fault.code == code
    assert "weights.safetensors: " in fault.text


def test_type_that_numpy_does_not_know(version: Path, refused: Refuse) -> None:
    """A type that safetensors has and NumPy has not is refused, not a crash."""
    header = b'{"w": {"dtype": "BF16", "shape": [6], "data_offsets": [0, 12]}}'
    forged = forge_tensors(version, header, bytes(12), {"w": {"dtype": "BF16", "shape": [6]}})
    assert refused(ModelError, lambda: load(forged)).code == FaultCode.NOT_TENSORS


@settings(max_examples=60, deadline=None)
@given(content=st.binary(max_size=40) | st.binary(max_size=30).map(lambda tail: struct.pack("<Q", len(tail)) + tail))
def test_wild_tensor_files(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Any bytes with the right hash and size, and no tensors stated, are refused: no crash, no other error."""
    version = save(tmp_path_factory.mktemp("models"))
    (version / "weights.safetensors").write_bytes(content)
    entry = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "tensors": {"w": {}}}
    forged = forge(version, lambda manifest: manifest["files"].update({"weights.safetensors": entry}))
    with pytest.raises(ModelError, match=r"weights.safetensors"):
        load(forged)


# --- prepare and lock ---


@pytest.mark.parametrize("name", ["air", "Air-2.1_b", "-", "_", "a" * 100, "Umsätze", "2024"])
def test_allowed_names(models: Path, name: str) -> None:
    """The folder is made, also inside folders that are not there yet, and left empty."""
    assert prepare(models / "deep", name) == models / "deep" / name
    assert list((models / "deep" / name).iterdir()) == []


@pytest.mark.parametrize("name", ["", ".", "..", ".air", "a/b", "../a", "a b", "a\n", "a\0", "a" * 101, "a:b"])
def test_refused_names(models: Path, name: str, refused: Refuse) -> None:
    """A name that is a path or hidden is refused, and nothing is created."""
    fault = refused(UsageError, lambda: prepare(models, name))
    assert (fault.code, fault.column) == (FaultCode.BAD_NAME, "store.name")
    assert not models.exists()


def refuse(code: int) -> Callable[..., None]:
    """A stand-in for a system call that fails."""

    def call(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    return call


@pytest.mark.parametrize(
    ("call", "number", "code"),
    [("open", errno.EROFS, FaultCode.READ_ONLY), ("fsync", errno.ENOSPC, FaultCode.DISK_FULL)],
)
def test_unwritable_folder(
    models: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int, code: FaultCode, refused: Refuse
) -> None:
    """A folder that exists but takes no file is found out before training."""
    prepare(models, "air")
    with monkeypatch.context() as patch:
        patch.setattr(os, call, refuse(number))
        fault = refused(FileError, lambda: prepare(models, "air"))
    assert fault.code == code
    assert fault.text.startswith(f"{models / 'air'}: ")
    assert list((models / "air").iterdir()) == []


def test_a_file_at_the_path_of_the_folder(tmp_path: Path, refused: Refuse) -> None:
    """A file where the folder of models, or of one model, should be is named."""
    (tmp_path / "file").write_bytes(b"")
    assert refused(FileError, lambda: prepare(tmp_path / "file", "air")).code == FaultCode.PART_IS_FILE
    fault = refused(FileError, lambda: prepare(tmp_path, "file"))
    assert fault.code == FaultCode.NAME_TAKEN
    assert fault.text.startswith(f"{tmp_path / 'file'}: ")


def test_one_lock_for_each_model(models: Path, refused: Refuse) -> None:
    """Two runs of one model exclude each other, runs of two models do not; a published model has the same lock."""
    air, sales = prepare(models, "air"), prepare(models, "sales")
    with model_lock(air), model_lock(sales):
        save(models)
        fault = refused(BusyError, model_lock(air).__enter__)
        assert fault.code == FaultCode.LOCKED
        assert fault.text.startswith(f"{air / 'lock'}: ")
        assert f"(process {os.getpid()})" in fault.text
    with model_lock(air, wait=1):
        pass


# --- failures in the middle ---


@pytest.mark.parametrize("failing", range(8))
def test_disk_full_at_any_write(models: Path, failing: int, refused: Refuse) -> None:
    """Whichever write fails, a whole version is current, nothing is left over, and the next run works."""
    save(models, 0, run="old")
    if failing >= 2:  # once the folder is proved writable, what a killed run left makes room
        (models / "air" / ".lstmcast-leftover").mkdir()
    fsync, full, done = os.fsync, refuse(errno.ENOSPC), []

    def until_full(descriptor: int) -> None:
        (full if len(done) == failing else fsync)(descriptor)
        done.append(descriptor)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", until_full)
        assert refused(FileError, lambda: save(models, 1, run="new")).code == FaultCode.DISK_FULL
    assert load(resolve(models, "air")).manifest["run"] == ("old" if failing < 7 else "new")
    assert not list((models / "air").glob(".*"))
    assert load(save(models, 2, run="next")).manifest["run"] == "next"


def test_number_of_writes_that_can_fail(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The probe and its folder, two files, their folder and its parent, `current` and its folder: eight, as above."""
    done: list[int] = []
    monkeypatch.setattr(os, "fsync", done.append)
    save(models)
    assert len(done) == 8


def test_killed_at_any_step(tmp_path: Path) -> None:
    """`kill -9` between any two system calls: the old or the new version is current, and the next run cleans up."""
    before, killed = tmp_path / "before", tmp_path / "killed"
    for second in (0, 1):
        save(before, second, run="old")
    (before / "air" / ".lstmcast-leftover").mkdir()
    (before / "air" / ".lstmcast-leftover" / "weights.safetensors").write_bytes(b"half")
    killed.mkdir()
    paths = os.pathsep.join([str(Path(lstmcast.__file__).parents[1]), *sys.path])
    environment = {**os.environ, "PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1"}  # one thread, so that it may fork
    later = (NOW + timedelta(seconds=2)).isoformat()
    subprocess.run([sys.executable, "-c", KILL, str(killed), str(before), later], env=environment, check=True)
    runs = sorted(killed.iterdir())
    outcomes = [load(resolve(models, None)).manifest["run"] for models in runs]
    first_new = outcomes.index("new")
    assert 20 < first_new < len(runs) - 5 < 195
    assert outcomes == ["old"] * first_new + ["new"] * (len(runs) - first_new)
    for models in runs:
        assert all(load(version) for version in versions(models / "air"))
        last = save(models, 3, keep=1)
        assert {path.name for path in (models / "air").iterdir()} == {last.name, "current"}
        assert load(resolve(models, None)).path == last


def test_a_failed_removal_is_reported(models: Path, monkeypatch: pytest.MonkeyPatch, refused: Refuse) -> None:
    """A version that cannot be removed is reported each time and does not prevent a new current version."""
    save(models, 0)
    monkeypatch.setattr(os, "rmdir", refuse(errno.EACCES))
    for second in (1, 2):
        fault = refused(FileError, partial(save, models, second, keep=1, run=second))
        assert fault.code == FaultCode.NO_PERMISSION
        assert fault.text.startswith(f"{models / 'air'}: ")
        assert load(resolve(models, "air")).manifest["run"] == second


def test_schema_is_the_published_one(version: Path) -> None:
    """The constant that other rooms may show is what is written."""
    assert json.loads((version / "manifest.json").read_text())["schema"] == artifact.SCHEMA
