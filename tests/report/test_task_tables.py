"""Tables of predicted labels."""

from __future__ import annotations

import numpy as np

from lstmcast.report.task_tables import label_table, top_confusions
from lstmcast.tasks.label.model import LabelPredictions, count_correct


def test_what_is_mixed_up_most() -> None:
    """The largest numbers off the diagonal, worst first, at most three; nothing where all is right."""
    matrix = np.array([[9, 1, 0], [4, 9, 2], [3, 0, 9]])
    assert top_confusions(matrix, ["a", "b", "c"]) == "b predicted as a (4), c predicted as a (3), b predicted as c (2)"
    assert top_confusions(np.eye(3, dtype=np.int64), ["a", "b", "c"]) == ""


def test_lstmcast_first_then_the_best_rule() -> None:
    """Rules in the order of how often they are right; what has no probabilities has dashes."""
    rule = {"accuracy": 0.5, "balanced_accuracy": 0.5}
    scores = {"most_frequent": {**rule, "accuracy": 0.2}, "nearest_centroid": rule}
    ours = {"accuracy": 0.4, "balanced_accuracy": 0.4, "cross_entropy": 0.125, "brier": 0.75}
    header, *lines = label_table({**scores, "lstmcast": ours})
    assert header.split() == ["accuracy", "balanced", "cross-entropy", "Brier"]
    assert [line.split()[0] for line in lines] == ["lstmcast", "nearest", "most"]
    assert lines[0].split() == ["lstmcast", "0.4", "0.4", "0.125", "0.75"]
    assert lines[1].split()[-2:] == ["–", "–"]


def test_labels_that_the_file_knows_already() -> None:
    """Two of four series have a label, and one of these equals the prediction."""
    assert count_correct(["a", "", "b", ""], ["a", "a", "a", "b"]) == (2, 1)


def test_the_table_of_labels() -> None:
    """The most probable label of each series, its probability, those of all labels, and the parts of the key."""
    keys, probabilities = (("1", "A"), ("2", "B")), np.array([[0.25, 0.75], [0.5, 0.5]])
    labels = LabelPredictions(("ward", "bed"), "state", keys, ("ill", "well"), probabilities)
    assert labels.render(".csv").decode().splitlines() == [
        "ward,bed,state,probability,p_ill,p_well",
        "1,A,well,0.75,0.25,0.75",
        "2,B,ill,0.5,0.5,0.5",
    ]
