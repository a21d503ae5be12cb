"""The checkpoint of an unfinished training: only the same training continues it, and it is complete or absent."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from lstmcast.errors import FileError, ModelError
from lstmcast.persistence.checkpoint import CHECKPOINT, Checkpoint, checkpoint

VALUES = {"rng": {"state": 2**127 - 1}, "over": False}
ARRAYS = {"weights": np.arange(6, dtype=np.float32).reshape(2, 3), "count": np.array(7), "seed": np.uint32([1, 2])}
PART = (VALUES, ARRAYS)


class Hand:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A folder with the checkpoint of a training called `mine`, of two parts whose names begin alike."""
    kept = Checkpoint(tmp_path / CHECKPOINT, "mine")
    kept.keep("network 1", PART)
    kept.keep("network 10", ({"over": True}, {}))
    kept.write()
    return tmp_path / CHECKPOINT


def block(folder: Path, failure: BaseException | None) -> None:
    """A training that reached something, and then ended, by a failure where one is given."""
    with checkpoint(folder, "mine") as kept:
        kept.keep("a", PART)
        kept.write()
        assert (folder / CHECKPOINT).exists()
        (folder / CHECKPOINT).unlink()  # as publishing does, which makes room for the version first
        if failure is not None:
            raise failure


def test_what_was_kept_comes_back(written: Path) -> None:
    """Values and arrays, with their types and shapes, each part by its name."""
    found = Checkpoint(written, "mine")
    assert found.resumed
    values, arrays = found.part("network 1")
    assert values == VALUES
    assert {name: (a.dtype, a.shape, a.tolist()) for name, a in arrays.items()} == {
        name: (a.dtype, a.shape, a.tolist()) for name, a in ARRAYS.items()
    }
    assert found.part("network 10") == ({"over": True}, {})
    assert found.part("network 2") is None


def test_another_training_does_not_see_it(written: Path) -> None:
    """Another identity starts a new training."""
    found = Checkpoint(written, "other")
    assert not found.resumed
    assert found.part("network 1") is None


@pytest.mark.parametrize("at", [0, 3, 40, -1, -20])
def test_one_flipped_bit_makes_it_none(written: Path, at: int) -> None:
    """Training never continues from a damaged header or damaged data."""
    content = bytearray(written.read_bytes())
    content[at] ^= 1
    written.write_bytes(content)
    assert not Checkpoint(written, "mine").resumed


@pytest.mark.parametrize("size", [0, 5, 100, 500])
def test_a_cut_off_file_is_none(written: Path, size: int) -> None:
    """As a power cut could leave one on a file system that forgets."""
    os.truncate(written, size)
    assert not Checkpoint(written, "mine").resumed


def test_a_link_is_not_followed(written: Path, tmp_path: Path) -> None:
    """A file elsewhere is not believed."""
    link = tmp_path / "link"
    link.symlink_to(written)
    assert not Checkpoint(link, "mine").resumed


def test_it_is_written_only_so_often(tmp_path: Path) -> None:
    """Parts kept in between wait in memory for the next time."""
    clock, path = Hand(), tmp_path / CHECKPOINT
    kept = Checkpoint(path, "mine", every=10.0, clock=clock)
    kept.keep("a", PART)
    assert not path.exists()
    clock.now = 10.0
    kept.keep("b", PART)
    first = path.read_bytes()
    clock.now = 19.9
    kept.keep("c", PART)
    assert path.read_bytes() == first
    assert [Checkpoint(path, "mine").part(name) is None for name in "abc"] == [False, False, True]


def test_a_disk_that_refuses_costs_the_file_alone(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The training goes on, and what was written before stays."""

    def full(*_: object) -> None:
        raise FileError("no space")

    before, kept = written.read_bytes(), Checkpoint(written, "mine", every=0.0)
    monkeypatch.setattr("lstmcast.persistence.checkpoint.write_atomically", full)
    kept.keep("network 2", PART)
    assert written.read_bytes() == before


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), SystemExit(143), FileError("no space")])
def test_an_interrupted_block_leaves_it(tmp_path: Path, stop: BaseException) -> None:
    """A signal, or a disk too full for the version: everything reached is there for the next training."""
    with pytest.raises(type(stop)):
        block(tmp_path, stop)
    assert Checkpoint(tmp_path / CHECKPOINT, "mine").part("a") is not None


def test_a_block_that_ends_leaves_nothing(tmp_path: Path) -> None:
    """Neither after success, nor after a failure that would come again."""
    block(tmp_path, None)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ModelError):
        block(tmp_path, ModelError("exploded"))
    assert list(tmp_path.iterdir()) == []


def test_no_epoch_writes_no_checkpoint(tmp_path: Path) -> None:
    """Interrupted before the first epoch, no file is made."""
    with pytest.raises(KeyboardInterrupt), checkpoint(tmp_path, "mine"):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
