"""Models and versions are found by what a user types."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from lstmcast.errors import FileError, ModelError
from lstmcast.persistence.artifact import load, prepare, publish
from lstmcast.persistence.registry import resolve

NOW = datetime(2026, 11, 20, 8, 45, tzinfo=UTC)


def save(models: Path, seconds: int = 0, *, name: str = "air", keep: int = 10, run: object = "x") -> Path:
    """Publish a small version `seconds` after NOW."""
    tensors = {"weights": {"w": np.full(3, float(seconds))}}
    return publish(models, name, {"run": run}, tensors, now=NOW + timedelta(seconds=seconds), keep=keep)


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """An empty place for models."""
    return tmp_path / "models"


@pytest.fixture
def version(models: Path) -> Path:
    """A published version."""
    return save(models)


def test_no_model(models: Path) -> None:
    """Nothing trained yet: the command that helps is named, for no name and for any name."""
    for name in (None, "air", "air/20261120T084500Z-1a2b3c4d", "/absent"):
        with pytest.raises(ModelError, match=r"lstmcast train data.csv"):
            resolve(models, name)


def test_the_only_model(models: Path, version: Path) -> None:
    """Unfinished training, an unrelated file and a hidden folder do not count as a model."""
    prepare(models, "begun")
    (models / "notes.txt").write_text("")
    shutil.copytree(models / "air", models / ".hidden")
    assert resolve(models, None) == version


def test_several_models(models: Path) -> None:
    """With several models, one must be named; the message lists them."""
    save(models, name="sales")
    save(models, name="air")
    with pytest.raises(ModelError, match=r"several models.*choose one with --model \(available: air, sales\)"):
        resolve(models, None)


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


def test_unknown_names(models: Path) -> None:
    """The models there are, nearest first; for a version, the versions of that model."""
    saved = [save(models, second) for second in (0, 1)]
    save(models, name="sales")
    with pytest.raises(ModelError, match=r"--model sale: no such model or version \(available under .*: sales, air\)"):
        resolve(models, "sale")
    names = ", ".join(version.name for version in saved)
    with pytest.raises(ModelError, match=rf"--model {saved[1]} \(available, newest last: {names}\)"):
        resolve(models, "air/20200101T000000Z-00000000")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (None, "missing"),
        (b"", r"must name an existing version \(got ''\)"),
        (b"../../etc", r"got '../../etc'"),
        (b"20200101T000000Z-00000000\n", r"got '20200101T000000Z-00000000'"),
        (b"\xff\0", "must name an existing version"),
        (b"x" * 101, r"must be at most 100 bytes \(got 101\)"),
    ],
)
def test_damaged_current(models: Path, text: bytes | None, fault: str) -> None:
    """Without a valid `current` the versions are named, and how to choose one, which then works."""
    saved = [save(models, second) for second in (0, 1)]
    (models / "air" / "current").unlink()
    if text is not None:
        (models / "air" / "current").write_bytes(text)
    names = ", ".join(version.name for version in saved)
    with pytest.raises(ModelError, match=rf"current: .*{fault}.*newest last: {names}") as caught:
        resolve(models, "air")
    advised = re.search(r"--model (\S+)", str(caught.value))
    assert advised is not None
    assert load(resolve(models, advised[1])).path == saved[1]
    mended = save(models, 2)
    assert resolve(models, "air") == mended


def test_current_without_versions(models: Path, version: Path) -> None:
    """All versions deleted by hand: train again."""
    shutil.rmtree(version)
    with pytest.raises(ModelError, match=r"this model has no version: train it"):
        resolve(models, None)


def test_unreadable_path(models: Path) -> None:
    """A path that the system cannot even look at is an expected failure."""
    with pytest.raises(FileError, match="the name is too long"):
        resolve(models, "x" * 5000)
