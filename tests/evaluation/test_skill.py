"""The skill against the best baseline: its sign, its interval, and the sentence that a person reads."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from lstmcast.evaluation.skill import Skill, SkillOutcome, skill
from lstmcast.plain import from_plain, to_plain

NAN = float("nan")


def of(error: list[float], baseline: list[float], groups: list[int] | None = None) -> Skill:
    """The skill of these errors; each origin is its own group by default."""
    return skill(
        np.array(error), np.array(baseline), np.arange(len(error)) if groups is None else np.array(groups), name="naive"
    )


def test_skill_is_positive_where_the_lstm_has_the_smaller_error() -> None:
    """Errors 1 + 2 against 4 + 2: 1 - 3/6; the other way round 1 - 6/3."""
    assert of([1, 2], [4, 2]).value == 0.5
    assert of([1, 2], [4, 2]).better
    assert of([4, 2], [1, 2]).value == -1.0
    assert not of([4, 2], [1, 2]).better
    assert not of([4, 2], [2, 4]).better


def test_what_is_not_known_of_either_is_left_out() -> None:
    """The second and third origin lack one of the errors: 1 - 1/4 of the first alone."""
    found = of([1, NAN, 9], [4, 1, NAN])
    assert (found.value, found.groups) == (0.75, 1)


def test_a_baseline_that_is_always_twice_as_far_off_leaves_no_doubt() -> None:
    """Every resample of equal ratios has skill one half."""
    found = of([1, 2, 3, 4], [2, 4, 6, 8])
    assert (found.value, found.interval_95) == (0.5, (0.5, 0.5))


def test_the_interval_is_that_of_resampled_means() -> None:
    """For 400 groups against a constant baseline the interval is the mean ± 1.96 standard errors."""
    errors = np.random.default_rng(5).uniform(0, 1, 400)
    found = skill(errors, np.ones(400), np.arange(400), name="drift")
    half = 1.96 * errors.std() / math.sqrt(400)
    assert found.interval_95[0] == pytest.approx(1 - errors.mean() - half, abs=0.004)
    assert found.interval_95[1] == pytest.approx(1 - errors.mean() + half, abs=0.004)


def test_origins_of_one_group_are_resampled_together() -> None:
    """Copies of the same evidence do not narrow the interval: 10 origins repeated 50 times in 10 groups."""
    rng = np.random.default_rng(3)
    errors, baseline = rng.uniform(0, 2, 10), rng.uniform(1, 2, 10)
    once = of(errors.tolist(), baseline.tolist())
    often = of(np.tile(errors, 50).tolist(), np.tile(baseline, 50).tolist(), np.tile(np.arange(10), 50).tolist())
    alone = of(np.tile(errors, 50).tolist(), np.tile(baseline, 50).tolist())
    assert (*often.interval_95, often.groups) == pytest.approx((*once.interval_95, 10))
    assert np.ptp(alone.interval_95) < 0.3 * np.ptp(once.interval_95)


def test_few_groups_have_no_interval() -> None:
    """Two series are too few groups for an interval; three are enough."""
    assert math.isnan(of([1, 1, 1], [2, 2, 2], [0, 1, 1]).interval_95[0])
    assert not math.isnan(of([1, 1, 1], [2, 2, 2], [0, 1, 2]).interval_95[0])


def test_the_same_seed_draws_the_same_interval() -> None:
    """The interval is a function of its arguments."""
    errors, baseline = np.random.default_rng(1).uniform(size=(2, 20))
    one, two, other = (skill(errors, baseline, np.arange(20), name="naive", seed=seed) for seed in (4, 4, 5))
    assert one == two
    assert one.interval_95 != other.interval_95


def test_many_groups_are_merged_before_resampling() -> None:
    """10,000 series count as 500 groups, and none of their errors is lost."""
    errors = np.random.default_rng(2).uniform(size=10_000)
    found = skill(errors, np.ones(10_000), np.arange(10_000), name="naive")
    assert found.groups == 500
    assert found.value == pytest.approx(1 - errors.mean())


@pytest.mark.parametrize(
    ("error", "baseline", "expected"),
    [([0, 0], [0, 0], 0.0), ([0, 1], [0, 0], -math.inf), ([math.inf, 1, 1], [1, 1, 1], NAN), ([NAN], [1], NAN)],
)
def test_undefined_cases(error: list[float], baseline: list[float], expected: float) -> None:
    """Both exact: 0. Only the baseline exact: -inf. An overflow or no known value: NaN."""
    found = of(error, baseline)
    assert found.value == pytest.approx(expected, nan_ok=True)
    assert math.isnan(found.interval_95[0])
    assert not found.better


@pytest.mark.parametrize(
    ("value", "outcome"),
    [
        (0.25, SkillOutcome.BETTER),
        (-1.5, SkillOutcome.WORSE),
        (0.004, SkillOutcome.TIE),
        (-0.004, SkillOutcome.TIE),
        (-math.inf, SkillOutcome.BASELINE_EXACT),
        (NAN, SkillOutcome.UNDEFINED),
    ],
)
def test_the_outcome_follows_from_the_value(value: float, outcome: SkillOutcome) -> None:
    """Differences below half a percent are ties."""
    assert Skill.of("naive", value).outcome is outcome
    assert Skill.of("naive", value).better is (outcome is SkillOutcome.BETTER)


def test_a_skill_survives_json() -> None:
    """The outcome is stored, so that an infinite value differs from an undefined one."""
    skill = Skill.of("naive", -math.inf, groups=3)
    again = from_plain(Skill, json.loads(json.dumps(to_plain(skill))))
    assert (again.outcome, again.baseline, again.groups) == (SkillOutcome.BASELINE_EXACT, "naive", 3)
    assert math.isnan(again.value)
