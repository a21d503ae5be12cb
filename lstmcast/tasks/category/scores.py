"""Scores of symbol forecasts against Markov models and repetition, and the result of a backtest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.errors import DataError
from lstmcast.evaluation.classification import bits_per_symbol, top_k_hits
from lstmcast.evaluation.metrics import mean_known
from lstmcast.evaluation.skill import bootstrap_groups, skill
from lstmcast.evaluation.splits import HoldoutSplit, evenly
from lstmcast.forecasting.model_comparison import Comparison
from lstmcast.forecasts import named_steps
from lstmcast.nn.beam_search import beam_search
from lstmcast.plain import to_plain
from lstmcast.preprocessing.sequences import SymbolDataset
from lstmcast.results import LSTMCAST
from lstmcast.statistical.markov import fit_markov
from lstmcast.tasks.category.model import SymbolForecaster, SymbolPipeline, SymbolScores
from lstmcast.tasks.model import NetworkBacktest
from lstmcast.types import Floats, Ints

if TYPE_CHECKING:
    import pandas as pd

TOP_K = 3
MAX_PATHS = 100  # origins whose whole paths are scored
MAX_PROBABILITIES = 1 << 25  # held in memory
MAX_ORDER = 6  # of the Markov models

Score = dict[str, float]
NO_SCORE: Score = dict.fromkeys(("bits", "accuracy", f"top_{TOP_K}", "path"), float("nan"))
SymbolRule = Callable[[Ints, Ints], Floats]
"""Series and origins [B] to the probabilities of the next symbol [B, V]."""


@dataclass(frozen=True)
class SymbolPredictions:
    """One-step-ahead predictions of B steps, each from all steps before it.

    Attributes:
        series: [B] indices of the series.
        origins: [B] the step before each, counted from the first step of the series.
        actual: [B] codes.
        log_probs: [B, V] natural logarithms of the probabilities.
    """

    series: Ints
    origins: Ints
    actual: Ints
    log_probs: Floats

    def steps_in(self, panel: Panel) -> Ints:
        """[B] the predicted steps, as indices of the values of the panel."""
        return np.asarray(panel.offsets[self.series] + self.origins + 1, dtype=np.int64)

    @property
    def bits(self) -> Floats:
        """[B] cross-entropies in bits."""
        return bits_per_symbol(self.log_probs, self.actual)


@dataclass(frozen=True)
class SymbolEvaluation:
    """Predictions at the test steps, and their scores.

    Attributes:
        predictions: of the networks.
        summary: the scores.
    """

    predictions: SymbolPredictions
    summary: SymbolScores


def one_step_predictions(pipeline: SymbolPipeline, panel: Panel, steps: int) -> SymbolPredictions:
    """Predict the last `steps` steps of every longer series, or an even selection of very many.

    Raises:
        DataError: none of them is known.
    """
    dataset, context = pipeline.bind(panel), pipeline.context
    windows = -(-steps // context)  # of each series
    series = np.repeat(np.flatnonzero(panel.lengths > steps), windows)
    firsts = panel.lengths[series] - 1 - steps + context * (np.arange(len(series)) % windows)
    kept = evenly(np.arange(len(series)), max(1, MAX_PROBABILITIES // (context * dataset.vocab_size)))
    step_series = np.repeat(series[kept], context)
    origins = (firsts[kept, None] + np.arange(context)).ravel()
    actual = dataset.context_and_targets(step_series, origins + 1, 1)[:, 0]
    known = actual >= 0
    if not known.any():
        raise DataError(f"{panel.source}: none of the {steps} held-out steps is known, so nothing can be scored")
    log_probs = pipeline.window_log_probs(dataset, series[kept], firsts[kept]).reshape(-1, dataset.vocab_size)
    return SymbolPredictions(step_series[known], origins[known], actual[known], log_probs[known])


def evaluate_symbols(pipeline: SymbolPipeline, panel: Panel, split: HoldoutSplit) -> SymbolEvaluation:
    """Score one-step predictions of all test steps, and whole paths from some test origins.

    Args:
        pipeline: networks fitted without the last `split.total` steps.
        panel: all the data.
        split: the test steps.

    Raises:
        DataError: no test step is known.
    """
    predictions, dataset = one_step_predictions(pipeline, panel, split.test_steps), pipeline.bind(panel)
    series, origins, actual = predictions.series, predictions.origins, predictions.actual
    season = panel.calendar.season
    baselines = markov_baselines(dataset, panel.drop_last(split.total).lengths, season)
    logs = {LSTMCAST: predictions.log_probs} | {name: np.log(rule(series, origins)) for name, rule in baselines.items()}
    bits = {name: bits_per_symbol(values, actual) for name, values in logs.items()}
    best = min(baselines, key=lambda name: float(bits[name].mean()))
    groups = bootstrap_groups(series, origins, max(split.horizon, pipeline.context))
    result = skill(bits[LSTMCAST], bits[best], groups, name=best)
    scores = {name: _score(logs[name], bits[name], actual) for name in logs}
    for name, lag in repeat_lags(season).items():
        repeated = dataset.context_and_targets(series, origins + 1 - lag, 1)[:, 0]
        scores[name] = {**NO_SCORE, "accuracy": float((repeated == actual).mean())}
    path_series, path_origins = split.test_origins(panel.lengths)
    kept = evenly(np.arange(len(path_series)), MAX_PATHS)
    paths = _path_accuracies(pipeline, dataset, path_series[kept], path_origins[kept], split.horizon, season)
    for name, fraction in paths.items():
        scores[name] = {**scores[name], "path": fraction}
    summary = SymbolScores(scores=scores, skill=result, n_scored=len(actual), n_paths=len(kept))
    return SymbolEvaluation(predictions, summary)


def compare_symbols(challenger: SymbolForecaster, incumbent: SymbolForecaster, panel: Panel) -> Comparison:
    """Compare one-step predictions of two models at test steps of the challenger that the incumbent was not trained on.

    The challenger is that of its fit before the hold-out. Steps with a symbol that the incumbent does not know are
    left out.

    Args:
        challenger: trained on the panel.
        incumbent: trained on earlier data.
        panel: the newest data.
    """
    held = challenger.report.holdout
    ours, before = (
        one_step_predictions(pipeline, panel.recode(model.context.symbols), held.test_steps)
        for model, pipeline in ((challenger, challenger.holdout_pipeline), (incumbent, incumbent.pipeline))
    )
    trained_until = dict(zip(incumbent.context.keys, incumbent.context.ends, strict=True))
    until = np.array([trained_until.get(key, np.iinfo(np.int64).min) for key in panel.keys])
    _, own, other = np.intersect1d(ours.steps_in(panel), before.steps_in(panel), return_indices=True)
    series = ours.series[own]
    later = panel.starts[series] + ours.origins[own] >= until[series]
    own, other, series = own[later], other[later], series[later]
    origins, bits = ours.origins[own], (ours.bits[own], before.bits[other])
    groups = bootstrap_groups(series, origins, max(held.horizon, challenger.pipeline.context)) if len(own) else series
    return Comparison(
        challenger=float(mean_known(bits[0])),
        incumbent=float(mean_known(bits[1])),
        origins=len(own),
        skill=skill(*bits, groups, name="incumbent"),
        unit="bits per symbol",
    )


def _score(log_probs: Floats, bits: Floats, actual: Ints) -> Score:
    """Means over steps."""
    accuracy, top_k = (float(top_k_hits(log_probs, actual, k).mean()) for k in (1, TOP_K))
    return {**NO_SCORE, "bits": float(bits.mean()), "accuracy": accuracy, f"top_{TOP_K}": top_k}


def _path_accuracies(
    pipeline: SymbolPipeline, dataset: SymbolDataset, series: Ints, origins: Ints, horizon: int, season: int
) -> Score:
    """The fractions of right symbols along whole paths, of the networks and of repetition."""
    ensemble = pipeline.ensemble
    paths = {LSTMCAST: pipeline.paths(dataset, series, origins, lambda x: beam_search(ensemble, x, horizon)).symbols}
    for name, lag in repeat_lags(season).items():
        paths[name] = repeat_symbols(dataset, series, origins, horizon, lag=lag)
    actual = dataset.context_and_targets(series, origins + horizon, horizon)
    known = actual >= 0
    return {name: float((p == actual)[known].mean()) if known.any() else float("nan") for name, p in paths.items()}


def markov_baselines(dataset: SymbolDataset, lengths: Ints, season: int) -> dict[str, SymbolRule]:
    """Fit Markov models to the first `lengths` [S] steps of each series.

    Returns:
        `most_frequent`, `markov_1` … and, with a season, `seasonal`: the distribution after the symbol a season before.
    """
    series = np.repeat(np.arange(len(lengths)), lengths)
    origins = np.arange(len(series)) - np.repeat(np.cumsum(lengths) - lengths, lengths) - 1  # from −1 on
    past = dataset.context_and_targets(series, origins, MAX_ORDER)
    following = dataset.context_and_targets(series, origins + 1, 1)[:, 0]

    def fitted(contexts: Ints, order: int, lag: int = 1) -> SymbolRule:
        model = fit_markov(contexts, following, vocab_size=dataset.vocab_size, order=order)
        return lambda series, origins: model.ahead(dataset.context_and_targets(series, origins + 1 - lag, model.order))

    rules = {"most_frequent": fitted(past, 0)}
    rules |= {f"markov_{order}": fitted(past, order) for order in range(1, MAX_ORDER + 1)}
    if season > 1:
        rules["seasonal"] = fitted(dataset.context_and_targets(series, origins + 1 - season, 1), 1, season)
    return rules


def repeat_lags(season: int) -> dict[str, int]:
    """The lags of rules that repeat a symbol, by name."""
    return {"naive": 1} | ({"seasonal_naive": season} if season > 1 else {})


def repeat_symbols(dataset: SymbolDataset, series: Ints, origins: Ints, horizon: int, *, lag: int) -> Ints:
    """Repeat the last `lag` symbols up to each of [B] origins over [B, H] steps."""
    return dataset.context_and_targets(series, origins, lag)[:, np.arange(horizon) % lag]


@dataclass(frozen=True)
class SymbolBacktest(NetworkBacktest):
    """One-step predictions of the test steps, and their scores.

    Attributes:
        panel: the data.
        evaluation: predictions and scores.
        warnings: series that were not scored.
    """

    panel: Panel
    evaluation: SymbolEvaluation
    warnings: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """The scores, one row a method."""
        import pandas as pd

        return pd.DataFrame([{"method": name, **row} for name, row in self.evaluation.summary.scores.items()])

    def forecasts(self) -> pd.DataFrame:
        """One row a step: the actual symbol, its probability, and the most likely symbol."""
        import pandas as pd

        panel, steps = self.panel, self.evaluation.predictions
        symbols = np.array(panel.symbols, dtype=object)
        rows = named_steps(
            panel.calendar,
            (panel.starts[steps.series] + steps.origins + 1)[:, None],
            time=panel.columns.time or "step",
            names=panel.key_columns,
            keys=[panel.keys[k] for k in steps.series.tolist()],
        )
        probabilities = np.exp(steps.log_probs[np.arange(len(steps.actual)), steps.actual])
        rows |= {"actual": symbols[steps.actual], "probability": probabilities.round(6)}
        return pd.DataFrame({**rows, "most_likely": symbols[steps.log_probs.argmax(axis=1)]})

    def to_dict(self) -> dict[str, Any]:
        """The scores as JSON values."""
        return dict(to_plain(self.evaluation.summary))
