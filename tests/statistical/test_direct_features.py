"""Features of a direct regression."""

from __future__ import annotations

import numpy as np

from lstmcast.statistical.direct_features import PAST, Blocks, Label, features_of


def test_a_covariate_known_until_the_origin_is_read_there() -> None:
    """A past covariate enters with its value at the origin, never with a later one."""
    driver = np.random.default_rng(1).normal(size=(200, 1, 1))
    past = np.full_like(driver, np.nan)

    def known(lead: int) -> np.ndarray:
        return past if lead else driver

    blocks = Blocks(np.zeros((200, 1)), np.ones(200, dtype=np.bool_), np.zeros((200, 1, 0)), known, 7, 0, 150)
    features = features_of(blocks, np.array([160]), 3)
    column = features.labels.index(Label("covariate", 0))
    assert features.values[0, column] == driver[157, 0, 0]


def test_change_of_a_year_ago() -> None:
    """The season around the target a year ago, relative to the level then, is a feature; 0 before the second year."""
    values = np.arange(100.0)[:, None]
    none = np.zeros((100, 1, 0))
    blocks = Blocks(values, np.ones(100, dtype=np.bool_), none, lambda _: none, season=7, year=28, fitted=100)
    features = features_of(blocks, np.array([10, 80]), 7)
    past = features.values[:, [label == PAST for label in features.labels]]
    around, level = np.mean(np.arange(49, 56)), np.mean(np.arange(39, 46))
    assert np.isclose(past[1], around - level).any()
    assert (past[0, -2:] == 0).all()
