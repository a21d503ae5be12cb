"""Verdicts: each outcome has its sentence, and a better member is named."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from lstmcast.evaluation.skill import Skill, SkillOutcome
from lstmcast.report.verdict import better_member, compare_with_baseline, label, report_verdict, verdict
from lstmcast.results import MemberName, ValueEvaluation, ValueReport

VALUES = {
    SkillOutcome.BETTER: 0.25,
    SkillOutcome.WORSE: -1.5,
    SkillOutcome.TIE: 0.0,
    SkillOutcome.BASELINE_EXACT: -math.inf,
    SkillOutcome.UNDEFINED: math.nan,
}


def evaluation(**members: float) -> ValueEvaluation:
    """An evaluation with MASE 1 of lstmcast, and these of members."""
    scores = {"lstmcast": {"mae": 10.0, "mase": 1.0}}
    rows = {MemberName(name): {"mae": 10 * mase, "mase": mase} for name, mase in members.items()}
    return ValueEvaluation(scores=scores, members=rows, skill=Skill.of("naive", 0.2, groups=1), n_scored=3)


def test_each_outcome_has_its_own_sentence() -> None:
    """The sentences differ, name the baseline, and count what was scored."""
    found = {compare_with_baseline(Skill.of("seasonal_naive", value), 17) for value in VALUES.values()}
    assert len(found) == len(VALUES)
    assert all("seasonal naive" in sentence and "17 held-out origins" in sentence for sentence in found)
    assert all(sentence.startswith("lstmcast ") for sentence in found)


@pytest.mark.parametrize(("interval", "end"), [((0.1, 0.4), "10% to 40%)."), ((-0.12, 0.4), "-12% to 40%).")])
def test_the_interval_follows(interval: tuple[float, float], end: str) -> None:
    """The bounds in percent; an interval that holds 0 is marked."""
    sentence = compare_with_baseline(Skill.of("naive", 0.25, interval, 30), 60)
    assert sentence.endswith(end)
    assert ("chance" in sentence) is (interval[0] < 0)


@pytest.mark.parametrize(
    ("unit", "n", "words"), [("series", 2, "2 held-out series"), ("symbol", 1, "1 held-out symbol")]
)
def test_units(unit: str, n: int, words: str) -> None:
    """Origins, symbols and series are counted."""
    assert f"{words} " in compare_with_baseline(Skill.of("naive", 0.25), n, unit)


def test_seasons_of_baselines_are_in_brackets() -> None:
    """Other names have spaces."""
    names = ("seasonal_naive", "seasonal_naive_365", "window_mean", "markov_1")
    assert [label(name) for name in names] == ["seasonal naive", "seasonal naive (365)", "window mean", "markov 1"]


def test_a_better_member_is_named() -> None:
    """The best of those that are more accurate alone, by half a percent at least."""

    def better(**members: float) -> tuple[MemberName, float] | None:
        found = evaluation(**members)
        return better_member(found.scores["lstmcast"], found.members)

    assert better(trained=1.2, pretrained=0.8, smoothing=0.9) == (MemberName.PRETRAINED, pytest.approx(0.2))
    assert better(trained=1.2, smoothing=0.996) is None
    assert better() is None
    assert "LSTM (pretrained)" in verdict(evaluation(pretrained=0.8))
    assert "LSTM" not in verdict(evaluation(pretrained=1.1))


def test_zero_shot_names_its_models(make_report: Callable[..., Any]) -> None:
    """Nothing was measured, and the class of models is in the report."""
    inferred = [{"key": "ensemble", "value": "pretrained", "reason": "monthly models"}]
    skill = {"baseline": "", "value": None, "interval_95": [None, None], "groups": 0, "outcome": "not_measured"}
    changes = {"inferred": inferred, "skill": skill, "scores": {}, "adaptive_weights": False, "mase_season": 12}
    assert "(monthly models)" in report_verdict(make_report(ValueReport, **changes))


@pytest.mark.parametrize(("mase", "part"), [(1.5, "25% lower over 3"), (2.5, "25% higher over 3")])
def test_effect_of_covariates(mase: float, part: str) -> None:
    """The errors of the regression with covariates and without are compared."""
    assert part in verdict(evaluation(drivers=mase, direct=2.0))


def test_no_effect_without_both_regressions() -> None:
    """Without covariates there is nothing to compare."""
    assert "With covariates" not in verdict(evaluation(direct=2.0))
