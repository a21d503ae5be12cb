"""Features and labels of a file of labeled series."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lstmcast.data.labeled_panel import LabeledPanel, read_labels
from lstmcast.data.schema import DropReason, NoteCode, ReadOptions
from lstmcast.errors import DataError, FaultCode

PINNED = {"time": "step", "id_columns": ("id",), "target": ("kind",)}


def labeled(folder: Path, text: str, *, known: bool = True, **pins: object) -> LabeledPanel:
    """Writes the text to a file and reads it."""
    path = folder / "d.csv"
    path.write_text(text, encoding="utf-8")
    return read_labels(path, ReadOptions(**(pins or PINNED)), known=known)  # type: ignore[arg-type]


def refused(folder: Path, text: str, **options: object) -> list[str]:
    """The faults of the refusal, with the folder taken off."""
    with pytest.raises(DataError) as caught:
        labeled(folder, text, **options)  # type: ignore[arg-type]
    return [str(fault).replace(f"{folder}/", "") for fault in caught.value.faults]


def rows(label: str = "kind", *, steps: int = 3, names: str = "abcd") -> str:
    """Series a, b, c … of two features: a has 10, 11, 12 and 0.5 …; every other one is 'hot'."""
    lines = [
        f"{name},{step},{10 * (k + 1) + step},{k + 0.5},{('cold', 'hot')[k % 2]}"
        for k, name in enumerate(names)
        for step in range(steps)
    ]
    return "\n".join([f"id,step,x,y,{label}", *lines]) + "\n"


def test_features_stand_side_by_side(tmp_path: Path) -> None:
    """Four series of three steps: both features of each step in a row, and a label for each series."""
    found = labeled(tmp_path, rows())
    assert (found.keys, found.labels) == ((("a",), ("b",), ("c",), ("d",)), ("cold", "hot", "cold", "hot"))
    assert (found.features, found.label, found.time) == (("x", "y"), "kind", "step")
    assert found.offsets.tolist() == [0, 3, 6, 9, 12]
    assert found.values[3:6].tolist() == [[20.0, 1.5], [21.0, 1.5], [22.0, 1.5]]
    assert found.observed.all()
    assert found.classes == ("cold", "hot")
    assert {one.key: one.value for one in found.inferred}["features"] == "x, y"


def test_some_series_in_another_order(tmp_path: Path) -> None:
    """Selected series bring their values, keys and labels."""
    found = labeled(tmp_path, rows()).select(np.array([3, 0]))
    assert (found.keys, found.labels) == ((("d",), ("a",)), ("hot", "cold"))
    assert found.values[:, 0].tolist() == [40.0, 41.0, 42.0, 10.0, 11.0, 12.0]
    assert found.lengths.tolist() == [3, 3]


def test_one_feature_alone(tmp_path: Path) -> None:
    """With a single feature, named, the other numbers are not read."""
    found = labeled(tmp_path, rows(), **PINNED, features=("y",))
    assert found.features == ("y",)
    assert found.values[:4].tolist() == [[0.5], [0.5], [0.5], [1.5]]


def test_a_label_that_changes_inside_a_series(tmp_path: Path) -> None:
    """Every such series is named with the lines of both labels."""
    text = rows().replace("a,2,12,0.5,cold", "a,2,12,0.5,hot").replace("c,1,31,2.5,cold", "c,1,31,2.5,")
    (fault,) = refused(tmp_path, text)
    assert fault == (
        "d.csv:4: column 'kind': a series must keep one label: series 'a' has 'cold' on line 2 and 'hot' on line 4, "
        "series 'c' has 'cold' on line 8 and '' on line 9; correct it, or name all columns that identify the series "
        "with --id-columns"
    )


def test_a_series_without_a_label(tmp_path: Path) -> None:
    """An empty label is not known; a file without the column has none at all, where that is allowed."""
    text = rows().replace("hot", "")
    assert labeled(tmp_path, text).labels == ("cold", "", "cold", "")
    assert labeled(tmp_path, text).classes == ("cold",)
    bare = "\n".join(line.rpartition(",")[0] for line in rows().splitlines()) + "\n"
    assert labeled(tmp_path, bare, known=False).labels == ("", "", "", "")
    assert refused(tmp_path, bare) == [
        "d.csv: data.target: no column 'kind'; did you mean 'id'? columns: id, step, x, y"
    ]


def test_the_label_is_found(tmp_path: Path) -> None:
    """The label column is inferred by name, or as the column constant in each series; otherwise it is required."""
    by_name = labeled(tmp_path, rows("Label"), time="step", id_columns=("id",))
    assert (by_name.label, by_name.inferred[0].reason) == ("Label", "by its name")
    kept = labeled(tmp_path, rows().replace("0.5", "7"), time="step", id_columns=("id",), features=("x", "y"))
    assert (kept.label, kept.features) == ("kind", ("x", "y"))
    (tmp_path / "d.csv").write_text(rows())
    with pytest.raises(DataError) as caught:
        read_labels(tmp_path / "d.csv", ReadOptions(time="step"))
    (fault,) = caught.value.faults
    assert fault.code is FaultCode.UNCLEAR_LABEL
    assert [fix.setting for fix in fault.fixes] == ["data.target=id", "data.target=kind"]


def test_columns_that_are_not_there(tmp_path: Path) -> None:
    """Every pinned column that the file lacks is named, all at once."""
    assert refused(tmp_path, rows(), id_columns=("name",), features=("x", "z")) == [
        "d.csv: data.id_columns: no column 'name'; columns: id, step, x, y, kind",
        "d.csv: data.features: no column 'z'; columns: id, step, x, y, kind",
    ]


def test_an_id_column_is_required(tmp_path: Path) -> None:
    """A file of one series has nothing to label."""
    (fault,) = refused(tmp_path, rows(names="a"), time="step", target=("kind",))
    assert "no column identifies the series; name it with --id-columns NAME" in fault


def test_steps_that_a_feature_lacks(tmp_path: Path) -> None:
    """Ends without one feature are cut off and counted, a gap inside is filled; a series without one is left out."""
    text = rows(steps=4).replace("a,0,10,0.5", "a,0,,0.5").replace("b,1,21,1.5", "b,1,21,")
    for step in range(4):
        text = text.replace(f"c,{step},{30 + step}", f"c,{step},")
    found = labeled(tmp_path, text)
    assert found.keys == (("a",), ("b",), ("d",))
    assert found.lengths.tolist() == [3, 4, 4]
    assert found.starts.tolist() == [1, 0, 0]
    assert found.observed[4].tolist() == [True, False]
    assert found.values[4].tolist() == [21.0, 1.5]
    assert [(series.key, series.reason) for series in found.dropped] == [(("c", "x"), DropReason.NO_VALUES)]
    assert NoteCode.INCOMPLETE_FEATURES in {note.code for note in found.notes}


def test_features_that_never_meet(tmp_path: Path) -> None:
    """A series whose columns do not overlap in time is left out."""
    text = rows(steps=4)
    for step in (0, 1):
        text = text.replace(f"a,{step},1{step}", f"a,{step},").replace(
            f"a,{step + 2},1{step + 2},0.5", f"a,{step + 2},1,"
        )
    found = labeled(tmp_path, text)
    assert [(series.key, series.reason) for series in found.dropped] == [(("a",), DropReason.NO_COMMON_STEP)]
    assert found.keys == (("b",), ("c",), ("d",))


def test_a_column_that_counts_is_the_time(tmp_path: Path) -> None:
    """A column that counts from 0 in every series orders the steps; it is no feature unless it is named as one."""
    found = labeled(tmp_path, rows().replace("step", "hour"), id_columns=("id",), target=("kind",))
    assert (found.time, found.features) == ("hour", ("x", "y"))
    assert next(one.reason for one in found.inferred if one.key == "time") == "it counts the steps of every series"
    pinned = labeled(
        tmp_path, rows().replace("step", "hour"), id_columns=("id",), target=("kind",), features=("hour", "x")
    )
    assert (pinned.time, pinned.features) == (None, ("hour", "x"))
    uneven = rows().replace("step", "hour").replace("\na,2", "\na,7")
    other = labeled(tmp_path, uneven, id_columns=("id",), target=("kind",))
    assert (other.time, other.features) == (None, ("hour", "x", "y"))


def test_labels_in_order(tmp_path: Path) -> None:
    """Numbers by size, then words."""
    text = "id,step,x,kind\n" + "".join(
        f"s{k},{t},{t},{name}\n" for k, name in enumerate(["10", "b", "9"]) for t in (0, 1)
    )
    assert labeled(tmp_path, text).classes == ("9", "10", "b")
