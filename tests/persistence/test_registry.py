"""Models and versions are found by what a user types."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from lstmcast.errors import Fault, FaultCode, FileError, ModelError
from lstmcast.persistence.artifact import load, prepare, publish
from lstmcast.persistence.registry import resolve

Refuse = Callable[..., Fault]

NOW = datetime(2026, 11, 20, 8, 45, tzinfo=UTC)


def save(models: Path, seconds: int = 0, *, name: str = "air", keep: int = 10, run: object = "x") -> Path:
    """Publish a small version `seconds` after NOW."""
    tensors = {"weights": {"w": np.full(3, float(seconds))}}
    return publish(models, name, {"run": run}, tensors, now=NOW + timedelta(seconds=seconds), keep=keep)


@pytest.fixture
def version(models: Path) -> Path:
    """A published version."""
    return save(models)


def test_no_model(models: Path, refused: Refuse) -> None:
    """Nothing trained yet: the command that helps is named, for no name and for any name."""
    names = (None, "air", "air/20261120T084500Z-1a2b3c4d", "/absent")
    faults = [refused(ModelError, partial(resolve, models, name)) for name in names]
    assert [fault.code for fault in faults] == [FaultCode.NO_MODEL, *[FaultCode.UNKNOWN_MODEL] * 3]
    assert all("lstmcast train data.csv" in fault.text for fault in faults)


def test_the_only_model(models: Path, version: Path) -> None:
    """Unfinished training, an unrelated file and a hidden folder do not count as a model."""
    prepare(models, "begun")
    (models / "notes.txt").write_text("")
    shutil.copytree(models / "air", models / ".hidden")
    assert resolve(models, None) == version


def test_several_models(models: Path, refused: Refuse) -> None:
    """With several models, one must be named; the message lists them."""
    save(models, name="sales")
    save(models, name="air")
    fault = refused(ModelError, lambda: resolve(models, None))
    assert fault.code == FaultCode.SEVERAL_MODELS
    assert "air, sales" in fault.text


def test_forms_of_a_version_name(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By name, by name and version, and by path, from wherever the command is run."""
    old, new = save(models, 0), save(models, 1)
    monkeypatch.chdir(models.parent)
    relative = Path("models")
    for text in ("air", "air/", "models/air", "./models/air", "models/air/", str(models / "air")):
        assert resolve(relative, text).resolve() == new
    for text in (f"air/{old.name}", f"models/air/{old.name}/", str(old)):
        assert resolve(relative, text).resolve() == old


def test_path_upwards_starts_where_the_command_is_run(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`../other/air` is a path of the user's, not one inside the folder of models."""
    here = models.parent / "here"
    for parent in (models.parent, here):
        save(parent / "other", run=str(parent))
    models.mkdir()
    (here / "work").mkdir()
    monkeypatch.chdir(here / "work")
    assert load(resolve(models, "../other/air")).manifest["run"] == str(here)


def test_unknown_names(models: Path, refused: Refuse) -> None:
    """The models there are, nearest first; for a version, the versions of that model."""
    saved = [save(models, second) for second in (0, 1)]
    save(models, name="sales")
    fault = refused(ModelError, lambda: resolve(models, "sale"))
    assert fault.code == FaultCode.UNKNOWN_MODEL
    assert "sales, air" in fault.text
    fault = refused(ModelError, lambda: resolve(models, "air/20200101T000000Z-00000000"))
    assert fault.code == FaultCode.UNKNOWN_MODEL
    assert f"--model {saved[1]} " in fault.text
    assert ", ".join(version.name for version in saved) in fault.text


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (None, FaultCode.MISSING_FILE),
        (b"", FaultCode.NO_VERSION),
        (b"../../etc", FaultCode.NO_VERSION),
        (b"20200101T000000Z-00000000\n", FaultCode.NO_VERSION),
        (b"\xff\0", FaultCode.NO_VERSION),
        (b"x" * 101, FaultCode.WRONG_SIZE),
    ],
)
def test_damaged_current(models: Path, text: bytes | None, code: FaultCode, refused: Refuse) -> None:
    """Without a valid `current` the versions are named, and how to choose one, which then works."""
    saved = [save(models, second) for second in (0, 1)]
    (models / "air" / "current").unlink()
    if text is not None:
        (models / "air" / "current").write_bytes(text)
    fault = refused(ModelError, lambda: resolve(models, "air"))
    assert fault.code == code
    assert fault.text.startswith(f"{models / 'air' / 'current'}: ")
    assert ", ".join(version.name for version in saved) in fault.text
    advised = re.search(r"--model (\S+)", fault.text)
    assert advised is not None
    assert load(resolve(models, advised[1])).path == saved[1]
    repaired = save(models, 2)
    assert resolve(models, "air") == repaired


def test_current_without_versions(models: Path, version: Path, refused: Refuse) -> None:
    """All versions deleted by hand: train again."""
    shutil.rmtree(version)
    assert refused(ModelError, lambda: resolve(models, None)).code == FaultCode.NO_VERSION


def test_unreadable_path(models: Path, refused: Refuse) -> None:
    """A path that the system cannot even look at is an expected failure."""
    assert refused(FileError, lambda: resolve(models, "x" * 5000)).code == FaultCode.NAME_TOO_LONG
