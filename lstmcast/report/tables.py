"""Plain-text tables of backtests, live scores and versions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lstmcast.errors import ModelError
from lstmcast.evaluation.backtest_result import BacktestResult
from lstmcast.evaluation.live_scores import AnyLiveScores, Drift, LiveScores, LiveSymbolScores
from lstmcast.persistence.artifact import read_manifest
from lstmcast.persistence.registry import current_version, versions
from lstmcast.report.console import number, percent, percentages
from lstmcast.report.verdict import MEMBER_LABELS, backtest_verdict, label
from lstmcast.results import LSTMCAST, MemberName, TrainingReport
from lstmcast.text import pluralize

METRICS = {"mae": "MAE", "rmse": "RMSE", "smape": "sMAPE", "mase": "MASE", "owa": "OWA", "wql": "WQL", "msis": "MSIS"}
NAME, SCORE_CELL = 25, 9
_LEGEND = (
    "Lower is better. MASE: error relative to the (seasonal) naive steps of the history. OWA: 1 equals Naive2, the "
    "benchmark of\nthe M4 competition. WQL and MSIS score the intervals; cov. is their coverage."
)


def format_backtest(scores: BacktestResult) -> str:
    """The table of a backtest, notes and the verdict."""
    own, *baselines = ranked(scores)
    heads = {**METRICS, **{f"coverage_{level:g}": f"cov. {level:g}%" for level in scores.levels}}

    def row(method: str, name: str, weight: str = "") -> str:
        cells = "".join(f"{_cell(metric, scores.overall(method, metric)):>{SCORE_CELL}}" for metric in heads)
        return f"  {name:{NAME}}{weight:>8}{cells}"

    weights = percentages({MemberName(name): weight for name, weight in scores.members.items()})
    return "\n".join(
        [
            f"\n{_what(scores)}:",
            f"  {'':{NAME}}{'weight':>8}" + "".join(f"{head:>{SCORE_CELL}}" for head in heads.values()),
            row(own, label(own)),
            *(row(name, f"  {MEMBER_LABELS[name]}", f"{weight}%") for name, weight in weights.items() if weight),
            *(row(name, label(name)) for name in baselines),
            _LEGEND,
            *(f"note: {text}" for text in _notes(scores)),
            "",
            backtest_verdict(scores),
        ]
    )


def ranked(scores: BacktestResult) -> list[str]:
    """lstmcast, then the baselines by MASE (MAE where that is undefined), best first."""
    metric = "mae" if np.isnan(scores.overall(LSTMCAST, "mase")) else "mase"
    value = {name: scores.overall(name, metric) for name in scores.by_method}
    return sorted(value, key=lambda name: (name != LSTMCAST, np.isnan(value[name]), value[name]))


def _what(scores: BacktestResult) -> str:
    series, origins = scores.origins.shape
    of = f" of each of {series:,} series" if series > 1 else ""
    names = scores.keys("origin")
    spacing = f", {names[0]} to {names[-1]}, every {pluralize(scores.step, 'step')}" if origins > 1 else f", {names[0]}"
    ahead = f"{pluralize(scores.horizon, 'step')} ahead of each"
    return f"{pluralize(origins, 'origin')}{of}{spacing}, {ahead}; lstmcast {scores.training}"


def _notes(scores: BacktestResult) -> Sequence[str]:
    notes = list(scores.notes)
    if scores.left_out:
        notes.append(f"{scores.left_out:,} series left out: too short for so many origins")
    if scores.n_scored < scores.origins.size:
        missing = scores.origins.size - scores.n_scored
        notes.append(
            f"{missing:,} of {scores.origins.size:,} origins not scored: nothing is observed at the origin or after it"
        )
    return notes


def _cell(metric: str, value: float) -> str:
    """Four significant digits, shares in percent; a dash where undefined."""
    if metric == "smape" and np.isfinite(value):
        return f"{value:.4g} %"
    return percent(value) if metric.startswith("coverage") else number(value)


MEANING = "below 1: better than the seasonal naive forecast"
LIVE_CELL = 9
STEPS = 12  # columns: more steps are shown at even distances


def format_live_scores(scores: AnyLiveScores, name: str) -> str:
    """The scores, in all and by step ahead."""
    if not scores.n_actuals:
        return f"{name}: no forecast step has an observed value yet (in this window)"
    lines = [f"{name}: {pluralize(scores.n_actuals, 'forecast step')} with observed values"]
    rows = _symbol_rows(scores) if isinstance(scores, LiveSymbolScores) else _value_rows(scores)
    return "\n".join([*lines, *rows])


def _symbol_rows(scores: LiveSymbolScores) -> list[str]:
    accuracy, naive, by_step = scores.accuracy, scores.naive_accuracy, scores.accuracy_by_step
    steps = _shown_steps(len(by_step))
    return [
        f"  accuracy {percent(accuracy)}, of seasonal naive {percent(naive)}",
        _live_row("steps ahead", "all", [str(step + 1) for step in steps]),
        _live_row("accuracy", percent(accuracy), [percent(by_step[step]) for step in steps]),
    ]


def _shown_steps(horizon: int) -> list[int]:
    """Return the indices of a few steps from the first to the last."""
    steps: list[int] = np.unique(np.linspace(0, horizon - 1, STEPS).round().astype(np.int64)).tolist()
    return steps


def _value_rows(scores: LiveScores) -> list[str]:
    lines = [f"  MAE {number(scores.mae)}, bias {number(scores.bias)}, MASE {number(scores.mase)} ({MEANING})"]
    steps = _shown_steps(len(scores.mae_by_step))
    lines.append(_live_row("steps ahead", "all", [str(step + 1) for step in steps]))
    lines.append(_live_row("MAE", number(scores.mae), [number(scores.mae_by_step[step]) for step in steps]))
    for q, level in enumerate(scores.levels):
        cells = [percent(scores.coverage_by_step[q, step]) for step in steps]
        lines.append(_live_row(f"coverage {level:g}%", percent(scores.coverage[q]), cells))
    return lines


def format_drift(drift: Drift) -> str:
    """The result of the drift test in one line."""
    if not drift.blocks:
        return "drift: no forecasts to test yet"
    newest = pluralize(drift.blocks - (drift.since or 0), "block")
    found = f"detected in the last {newest}" if drift.found else "none detected"
    ratio = (
        f"errors {drift.ratio:.2f} × the calibration errors" if math.isfinite(drift.ratio) else "no errors to compare"
    )
    alarm = f"alarm at {1 / drift.false_alarm_rate:,.0f}, false-alarm rate {drift.false_alarm_rate:.0%}"
    return f"drift: {found}; {ratio} ({pluralize(drift.blocks, 'block')}, statistic {drift.statistic:,.1f}, {alarm})"


def _live_row(name: str, total: str, cells: list[str]) -> str:
    return f"  {name:13}" + "".join(f"{cell:>{LIVE_CELL}}" for cell in (total, *cells))


@dataclass(frozen=True)
class VersionSummary:
    """A version of a model.

    Attributes:
        name: of its folder. current: whether it is in use.
        report: of its training; None if the version is damaged. fault: the damage.
    """

    name: str
    current: bool
    report: TrainingReport | None
    fault: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        if self.report is None:
            return {"version": self.name, "current": self.current, "fault": self.fault}
        plain = self.report.to_dict()
        kept = {key: value for key, value in plain.items() if key in ("created", "scores", "skill", "retrain")}
        return {"version": self.name, "current": self.current, "rows": self.report.data.rows, **kept}


def list_versions(folder: Path) -> list[VersionSummary]:
    """All versions of a model's folder, the newest last."""
    current = current_version(folder)
    return [_version(path, current=path == current) for path in versions(folder)]


def _version(path: Path, *, current: bool) -> VersionSummary:
    try:
        return VersionSummary(path.name, current, TrainingReport.from_dict(read_manifest(path)["report"]))
    except ModelError as err:
        return VersionSummary(path.name, current, None, str(err))
    except (KeyError, TypeError, ValueError) as err:
        return VersionSummary(path.name, current, None, f"the report cannot be read ({err!r})")


def format_versions(folder: Path, found: Sequence[VersionSummary]) -> str:
    """One line a version, the current one with a star."""
    lines = [f"{folder}: {pluralize(len(found), 'version')}"]
    lines.append(f"    {'version':27}{'trained (UTC)':18}{'rows':>9}{'MAE':>11}{'MASE':>10}  skill  reason")
    lines += [f"  {'*' if version.current else ' '} {version.name:27}{_version_row(version)}" for version in found]
    if not any(version.current for version in found):
        lines.append("  none is current; `lstmcast models rollback` selects the newest")
    return "\n".join(lines)


def _version_row(version: VersionSummary) -> str:
    if version.report is None:
        return f"damaged: {version.fault}"
    report, scores = version.report, version.report.evaluation.scores[LSTMCAST]
    created = (report.created or "")[:16].replace("T", " ")
    reason = report.retrain.reason if report.retrain else "lstmcast train"
    skill = report.evaluation.skill.value
    if "mae" in scores:
        cells = f"{_number(scores['mae']):>11}{_number(scores['mase']):>10}"
    else:  # event, category and label
        cells = f"{'accuracy ' + _number(scores['accuracy']):>21}"
    return f"{created:18}{report.data.rows:>9,}{cells} {percent(skill):>6}  {reason}"


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.4g}"
