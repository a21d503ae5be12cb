"""What a training of labels decides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lstmcast.config import Config, load_config
from lstmcast.data.labeled_panel import LabeledPanel
from lstmcast.errors import DataError
from lstmcast.tasks.label.train import MAX_CONTEXT, make_label_plan


def test_network_and_parts_follow_from_the_data(moves: LabeledPanel, quick: Config) -> None:
    """Windows as long as the longest series, an output for each label; 4 of 20 series of each judge, 2 stop."""
    plan = make_label_plan(moves, quick)
    shown = "Input((9, 2)), LSTM(8), Dense(6, activation=relu), Dense(3, activation=softmax)"
    assert str(plan.architecture) == f"Sequential([{shown}])"
    assert plan.data.classes == ("down", "flat", "up")
    assert [len(part) for part in (plan.split.train, plan.split.validation, plan.split.test)] == [42, 6, 12]
    assert np.bincount(plan.codes[plan.split.test]).tolist() == [4, 4, 4]
    assert (plan.recipe.batches, plan.recipe.batch_size, plan.recipe.patience) == (2, 32, 10)


def test_series_without_a_label_are_not_learnt_from(moves: LabeledPanel, quick: Config) -> None:
    """They are counted, and the others keep their labels."""
    plan = make_label_plan(replace(moves, labels=("", "", *moves.labels[2:])), quick)
    assert plan.data.n_series == len(plan.codes) == 58
    assert [plan.data.classes[k] for k in plan.codes[:3]] == list(moves.labels[2:5])
    assert any("2 more without a label" in found.reason for found in plan.inferred)


def test_a_very_long_series_is_not_read_whole(moves: LabeledPanel, quick: Config) -> None:
    """Unless the config says more."""
    long = replace(moves, offsets=moves.offsets * 1000)  # only lengths are looked at
    assert make_plan_of(long, quick) == MAX_CONTEXT
    assert make_plan_of(long, load_config(None, {"model.task": "label", "model.context": 6000})) == 6000


def make_plan_of(data: LabeledPanel, config: Config) -> int:
    """L of the plan of series whose values do not matter."""
    values = np.zeros((int(data.offsets[-1]), 2))
    return make_label_plan(replace(data, values=values, observed=values == 0), config).architecture.context


@pytest.mark.parametrize(
    ("labels", "fault"),
    [
        (["same"] * 60, "at least two different labels .got 'same' alone."),
        ([""] * 60, "at least two different labels .got none."),
        ([str(k) for k in range(60)], "at least 3 series must share a label.*got 60 labels for 60 series"),
    ],
)
def test_labels_that_cannot_be_learnt(moves: LabeledPanel, quick: Config, labels: list[str], fault: str) -> None:
    """One label tells nothing apart, and one series of each label cannot be judged."""
    with pytest.raises(DataError, match=fault):
        make_label_plan(replace(moves, labels=tuple(labels)), quick)
