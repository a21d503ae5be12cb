"""Hold-out scores of a symbol forecaster and its baselines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.errors import DataError
from lstmcast.evaluation.classification import bits_per_symbol, top_k_hits
from lstmcast.evaluation.skill import Skill, bootstrap_groups, skill, verdict
from lstmcast.evaluation.splits import HoldoutSplit, evenly
from lstmcast.nn.beam_search import beam_search
from lstmcast.preprocessing.sequences import SymbolDataset
from lstmcast.statistical.markov import Markov, fit_markov
from lstmcast.tasks.category.model import SymbolPipeline
from lstmcast.types import Bools, Floats, Ints

ORDERS = 6  # Markov models look back at 0 … 6 symbols

Predictor = Callable[[Ints, Ints], Floats]
"""Series and origins [B] to the probabilities of the next symbol [B, V]."""


def models(seen: SymbolDataset, lengths: Ints, season: int) -> dict[str, Predictor]:
    """Models that counted what followed in the first `lengths` [S] steps of each series.

    Returns:
        `most_frequent`, `markov_1` … and, where there is a season, `seasonal`: by the symbol of a season before.
    """
    series = np.repeat(np.arange(len(lengths)), lengths)
    origins = np.arange(len(series)) - np.repeat(np.cumsum(lengths) - lengths, lengths) - 1  # from −1 on
    past, actual = (
        seen.context_and_targets(series, origins, ORDERS),
        seen.context_and_targets(series, origins + 1, 1)[:, 0],
    )
    names = ["most_frequent", *(f"markov_{order}" for order in range(1, ORDERS + 1))]
    found = {
        name: _model_predictor(seen, fit_markov(past, actual, vocab_size=seen.vocab_size, order=order))
        for order, name in enumerate(names)
    }
    if season > 1:
        before = seen.context_and_targets(series, origins + 1 - season, 1)
        found["seasonal"] = _model_predictor(
            seen, fit_markov(before, actual, vocab_size=seen.vocab_size, order=1), back=season
        )
    return found


def _model_predictor(seen: SymbolDataset, model: Markov, back: int = 1) -> Predictor:
    """What a model says that looks at the symbols up to `back` steps before the one to come."""
    return lambda series, origins: model.ahead(seen.context_and_targets(series, origins + 1 - back, model.order))


def repeat_lags(season: int) -> dict[str, int]:
    """Rules that say only which symbol comes: the one of so many steps before."""
    return {"naive": 1} | ({"seasonal_naive": season} if season > 1 else {})


def repeat_symbols(seen: SymbolDataset, series: Ints, origins: Ints, horizon: int, *, back: int) -> Ints:
    """[B, H] the last `back` symbols up to each origin, again and again."""
    return seen.context_and_targets(series, origins, back)[:, np.arange(horizon) % back]


TOP = 3
PATHS = 100  # origins whose whole paths are judged
MAX_PROBABILITIES = 1 << 25  # probabilities held at once

Score = dict[str, float]
UNSAID: Score = dict.fromkeys(("bits", "accuracy", f"top_{TOP}", "path"), float("nan"))


@dataclass(frozen=True)
class SymbolPredictions:
    """B steps that are foretold from all that came before them.

    Attributes:
        series: [B] which series. origins: [B] the step before each, counted from the series' first.
        actual: [B] codes.
        log_probs: [B, V] logarithms of the probabilities that the networks said.
    """

    series: Ints
    origins: Ints
    actual: Ints
    log_probs: Floats


@dataclass(frozen=True)
class SymbolEvaluation:
    """What the held-out steps said.

    Attributes:
        scores: for "lstm" and each baseline: bits, accuracy, top_3 (means over steps), and path, the share of right
            symbols on the way H steps ahead; NaN where a baseline does not say it.
        skill: of the LSTM's bits against the best baseline's.
        verdict: in one sentence.
        predictions: those that judged. n_paths: how many paths.
    """

    scores: dict[str, Score]
    skill: Skill
    verdict: str
    predictions: SymbolPredictions
    n_paths: int


def one_step_predictions(reader: SymbolPipeline, panel: Panel, steps: int) -> SymbolPredictions:
    """What is said of the last `predictions` steps of every series that is longer; of very many, evenly chosen.

    Raises:
        DataError: none of them is known.
    """
    seen, context = reader.bind(panel), reader.context
    count = -(-steps // context)  # stretches of a series
    series = np.repeat(np.flatnonzero(panel.lengths > steps), count)
    firsts = panel.lengths[series] - 1 - steps + context * (np.arange(len(series)) % count)
    kept = evenly(np.arange(len(series)), max(1, MAX_PROBABILITIES // (context * seen.vocab_size)))
    each = np.repeat(series[kept], context)
    origins = (firsts[kept, None] + np.arange(context)).ravel()
    actual = seen.context_and_targets(each, origins + 1, 1)[:, 0]
    known = actual >= 0
    if not known.any():
        raise DataError(f"{panel.source}: none of the {steps} steps held out is known, so nothing can be judged")
    logs = reader.stretches(seen, series[kept], firsts[kept]).reshape(-1, seen.vocab_size)
    return SymbolPredictions(each[known], origins[known], actual[known], logs[known])


def evaluate(reader: SymbolPipeline, panel: Panel, held: HoldoutSplit) -> SymbolEvaluation:
    """Foretell every judging step, and whole paths from some origins, and compare.

    Args:
        reader: fitted on nothing of the last `held.total` steps.
        panel: all the data.
        held: which steps judge.

    Raises:
        DataError: nothing is known of the steps that judge.
    """
    steps, seen = one_step_predictions(reader, panel, held.test_steps), reader.bind(panel)
    baselines = models(seen, panel.drop_last(held.total).lengths, panel.calendar.season)
    logs = {"lstm": steps.log_probs} | {
        name: np.log(say(steps.series, steps.origins)) for name, say in baselines.items()
    }
    lost = {name: bits_per_symbol(log_probs, steps.actual) for name, log_probs in logs.items()}
    best = min(baselines, key=lambda name: float(lost[name].mean()))
    groups = bootstrap_groups(steps.series, steps.origins, max(held.horizon, reader.context))
    compared = skill(lost["lstm"], lost[best], groups, name=best)
    scores = {name: _score(logs[name], lost[name], steps.actual) for name in logs}
    for name, back in repeat_lags(panel.calendar.season).items():
        log_probs = seen.context_and_targets(steps.series, steps.origins + 1 - back, 1)[:, 0]
        scores[name] = {**UNSAID, "accuracy": float((log_probs == steps.actual).mean())}
    origins = _some(*held.test_origins(panel.lengths))
    for name, path_accuracy in _paths(reader, seen, *origins, held.horizon, panel.calendar.season).items():
        scores[name] = {**scores[name], "path": path_accuracy}
    return SymbolEvaluation(scores, compared, _sentence(compared, len(steps.actual)), steps, len(origins[0]))


def _score(logs: Floats, lost: Floats, actual: Ints) -> Score:
    """Means over steps."""
    hits = {name: float(top_k_hits(logs, actual, k).mean()) for name, k in (("accuracy", 1), (f"top_{TOP}", TOP))}
    return {**UNSAID, "bits": float(lost.mean()), **hits}


def _some(series: Ints, origins: Ints) -> tuple[Ints, Ints]:
    """At most 100 of the origins."""
    kept = evenly(np.arange(len(series)), PATHS)
    return series[kept], origins[kept]


def _paths(
    reader: SymbolPipeline, seen: SymbolDataset, series: Ints, origins: Ints, horizon: int, season: int
) -> Score:
    """The share of right symbols along whole paths, of the LSTM and of rules that need no network."""
    paths = {
        "lstm": reader.path(seen, series, origins, lambda x: beam_search(reader.ensemble, x, horizon)).symbols,
        **{
            name: repeat_symbols(seen, series, origins, horizon, back=back)
            for name, back in repeat_lags(season).items()
        },
    }
    true = seen.context_and_targets(series, origins + horizon, horizon)
    return {name: _accuracy(path == true, true >= 0) for name, path in paths.items()}


def _accuracy(right: Bools, known: Bools) -> float:
    return float(right[known].mean()) if known.any() else float("nan")


def _sentence(result: Skill, steps: int) -> str:
    """The verdict, where an origin is a symbol, and an error the bits that it costs."""
    sentence = verdict(result, steps).replace("held-out origin", "held-out symbol")
    for words in (("its error is", "it needs"), ("smaller over", "fewer bits over"), ("larger over", "more bits over")):
        sentence = sentence.replace(*words)
    return sentence.replace("their errors are", "their bits are")
