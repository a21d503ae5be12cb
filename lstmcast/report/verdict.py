"""Sentences about evaluations: the comparison with the best baseline, and the model that the scores belong to."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from lstmcast.data.schema import SettingKey
from lstmcast.evaluation.skill import MIN_EFFECT, Skill, SkillOutcome
from lstmcast.results import LSTMCAST, Evaluation, MemberName, ScoredNetwork, Scores, TrainingReport, ValueEvaluation

if TYPE_CHECKING:
    from lstmcast.evaluation.backtest_result import BacktestResult

MEMBER_LABELS = {
    MemberName.TRAINED: "LSTM (trained)",
    MemberName.PRETRAINED: "LSTM (pretrained)",
    MemberName.SMOOTHING: "exponential smoothing",
    MemberName.TREND: "trend and season",
    MemberName.MEANS: "seasonal means",
    MemberName.DIRECT: "direct regression",
    MemberName.DRIVERS: "covariate regression",
}
SCORED_NETWORKS = {
    ScoredNetwork.FINAL: "the saved model, fitted without the hold-out",
    ScoredNetwork.HOLDOUT: (
        "the model fitted without the hold-out; the saved model was refit on all data for as many epochs"
    ),
    ScoredNetwork.CONTINUED: ("the model fitted without the hold-out; the saved model continued training on all data"),
    ScoredNetwork.REFIT_REJECTED: (
        "the saved model, fitted without the hold-out; the refit was worse on the training data and was discarded"
    ),
}
NOT_MEASURED = "accuracy on your data was not measured. Run `lstmcast train` to measure it."


def label(name: str) -> str:
    """The name of a method in tables and legends, such as `seasonal naive (7)`."""
    return re.sub(r"^(seasonal naive) (\d+)$", r"\1 (\2)", name.replace("_", " "))


def report_verdict(report: TrainingReport) -> str:
    """The verdict on a trained model, or the source of a zero-shot forecast."""
    if report.evaluation.skill.outcome is not SkillOutcome.NOT_MEASURED:
        return verdict(report.evaluation)
    models = next(setting.reason for setting in report.inferred if setting.key is SettingKey.ENSEMBLE)
    return f"Zero-shot forecast by pretrained models ({models}); {NOT_MEASURED}"


def verdict(evaluation: Evaluation) -> str:
    """The comparison with the best baseline, and with a member of the ensemble that is more accurate alone."""
    found = compare_with_baseline(evaluation.skill, evaluation.n_scored, evaluation.unit, evaluation.error)
    if not isinstance(evaluation, ValueEvaluation):
        return found
    alone = _member_alone(evaluation.scores[LSTMCAST], evaluation.members)
    return found + alone + _covariates_effect(evaluation.members, evaluation.n_scored)


def backtest_verdict(result: BacktestResult) -> str:
    """The verdict on a backtest of values."""
    members = {MemberName(name): result.summary(name) for name in result.members}
    alone = _member_alone(result.summary(LSTMCAST), members)
    return compare_with_baseline(result.skill, result.n_scored) + alone + _covariates_effect(members, result.n_scored)


def _member_alone(scores: Scores, members: Mapping[MemberName, Scores]) -> str:
    """A sentence on the member that is more accurate than the ensemble; empty if there is none."""
    better = better_member(scores, members)
    if better is None:
        return ""
    name, reduction = better
    member = MEMBER_LABELS[name]
    return f" {member[0].upper()}{member[1:]} alone did better: error {reduction:.0%} lower."


def _covariates_effect(members: Mapping[MemberName, Scores], n_scored: int) -> str:
    """A sentence on the errors of the regression with covariates and without; empty if there are none."""
    if MemberName.DRIVERS not in members or MemberName.DIRECT not in members:
        return ""
    error, without = members[MemberName.DRIVERS]["mae"], members[MemberName.DIRECT]["mae"]
    if not without > 0:
        return ""
    change = error / without - 1
    direction = "lower" if change < 0 else "higher"
    over = f"over {n_scored:,} held-out origin{'' if n_scored == 1 else 's'}"
    return f" With covariates: error of the regression {abs(change):.0%} {direction} {over}."


def compare_with_baseline(skill: Skill, n_scored: int, unit: str = "origin", error: str = "error") -> str:
    """The verdict on a skill.

    Args:
        skill: against the best baseline.
        n_scored: number of units that were scored.
        unit: origin, symbol or series.
        error: name of the error.
    """
    baseline, size = label(skill.baseline), f"{abs(skill.value):.0%}"
    over = f"over {n_scored:,} held-out {unit}{'' if n_scored == 1 or unit == 'series' else 's'}"
    match skill.outcome:
        case SkillOutcome.BETTER:
            return f"lstmcast beats the best baseline ({baseline}): {error} {size} lower {over}{_confidence(skill)}"
        case SkillOutcome.WORSE:
            worse = f"lstmcast is worse than the best baseline ({baseline}): {error} {size} higher {over}."
            return f"{worse} Prefer {baseline}, or provide more history."
        case SkillOutcome.TIE:
            tie = f"lstmcast ties with the best baseline ({baseline}) {over}: {error} within {MIN_EFFECT:.1%}."
            return f"{tie} Prefer {baseline}, which is simpler."
        case SkillOutcome.BASELINE_EXACT:
            return f"lstmcast is worse than {baseline}, which was exact {over}. Prefer {baseline}."
        case SkillOutcome.UNDEFINED:
            return f"lstmcast and {baseline} cannot be compared {over}. Prefer {baseline}."
        case SkillOutcome.NOT_MEASURED:
            return NOT_MEASURED.capitalize()


def _confidence(skill: Skill) -> str:
    low, high = skill.interval_95
    if math.isnan(low):
        return " (too few for a confidence interval)."
    interval = f"95% interval {low:.0%} to {high:.0%}"
    return f" ({interval})." if low > 0 else f", but this may be chance ({interval})."


def better_member(own: Scores, members: Mapping[MemberName, Scores]) -> tuple[MemberName, float] | None:
    """The member more accurate than the ensemble, and its relative error reduction; None if that is below MIN_EFFECT.

    Args:
        own: the scores of the ensemble.
        members: the scores of each member by itself.
    """
    metric = "mae" if math.isnan(own["mase"]) else "mase"
    error = own[metric]
    errors = {name: scores[metric] for name, scores in members.items() if math.isfinite(scores[metric])}
    if not errors or not error:
        return None
    best = min(errors, key=errors.__getitem__)
    reduction = 1 - errors[best] / error
    return (best, reduction) if reduction >= MIN_EFFECT else None


def scored_network(report: TrainingReport) -> str:
    """The epochs of the networks, and the model that the scores belong to."""
    epochs = ", ".join(map(str, report.epochs))
    return f"Epochs: {epochs}. Scores are from {SCORED_NETWORKS[report.scored_network]}."


def rank(scores: Scores) -> float:
    """The MASE, or the MAE where it is undefined; infinity where both are."""
    error = scores["mae"] if math.isnan(scores["mase"]) else scores["mase"]
    return math.inf if math.isnan(error) else error
