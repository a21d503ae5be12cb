"""One-step predictions and scores of held-out symbols, compared with slow loops."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lstmcast.data.panel import Panel
from lstmcast.nn.beam_search import beam_search
from lstmcast.tasks.category.model import SymbolForecaster, SymbolPipeline
from lstmcast.tasks.category.scores import evaluate_symbols, one_step_predictions
from lstmcast.tasks.category.task import plan_symbol_holdout


def read_anew(reader: SymbolPipeline, panel: Panel, k: int, first: int, last: int) -> np.ndarray:
    """[V] probabilities after steps first … last of series k."""
    codes = panel.series(k).astype(np.int64)
    window = np.array([[codes[t] if t >= 0 else -1 for t in range(first, last + 1)]])
    eye = np.vstack([np.eye(len(panel.symbols)), np.zeros(len(panel.symbols))]).astype(np.float32)
    return reader.ensemble.encode_context(eye[window])[1][0]


def test_each_step_is_predicted_from_earlier_steps(symbol_model: SymbolForecaster, machines: Panel) -> None:
    """The last 25 steps of each series, in stretches of a window: each knows its stretch and the window before."""
    reader, context = symbol_model.holdout_pipeline, symbol_model.holdout_pipeline.context
    steps = one_step_predictions(reader, machines, 25)
    for row in range(0, len(steps.actual), 7):
        k, origin = int(steps.series[row]), int(steps.origins[row])
        begin = int(machines.lengths[k]) - 1 - 25
        stretch = begin + (origin - begin) // context * context
        expected = read_anew(reader, machines, k, stretch - context, origin)
        assert steps.log_probs[row] == pytest.approx(expected, abs=1e-4)
        assert steps.actual[row] == machines.series(k)[origin + 1]
    wanted = {(k, o) for k in range(2) for o in range(int(machines.lengths[k]) - 26, int(machines.lengths[k]) - 1)}
    assert set(zip(steps.series.tolist(), steps.origins.tolist(), strict=True)) == wanted


def test_scores_are_what_loops_say(symbol_model: SymbolForecaster, machines: Panel) -> None:
    """Bits and hits of the LSTM, hits of the rules, and the share of right symbols along whole paths."""
    held = plan_symbol_holdout(machines, 6)
    found = evaluate_symbols(symbol_model.holdout_pipeline, machines, held)
    lost, hits, stays, season = [], [], [], []
    steps = found.predictions
    for k, origin, came, logs in zip(steps.series, steps.origins, steps.actual, steps.log_probs, strict=True):
        lost.append(-logs[came] / math.log(2))
        hits.append(logs.argmax() == came)
        stays.append(machines.series(k)[origin] == came)
        season.append(machines.series(k)[origin - 23] == came)
    assert found.summary.scores["lstmcast"]["bits"] == pytest.approx(np.mean(lost))
    assert found.summary.scores["lstmcast"]["accuracy"] == pytest.approx(np.mean(hits))
    assert found.summary.scores["naive"]["accuracy"] == pytest.approx(np.mean(stays))
    assert found.summary.scores["seasonal_naive"]["accuracy"] == pytest.approx(np.mean(season))
    origins = [array[np.linspace(0, 119, 100).round().astype(int)] for array in held.test_origins(machines.lengths)]
    matches = []
    for k, origin in zip(*(array.tolist() for array in origins), strict=True):
        seen = symbol_model.holdout_pipeline.bind(machines)
        x = seen.inputs(np.array([k]), np.array([origin]), symbol_model.holdout_pipeline.required_history)
        path = beam_search(symbol_model.holdout_pipeline.ensemble, x, 6).symbols[0]
        matches.append(path == machines.series(k)[origin + 1 : origin + 7])
    assert found.summary.scores["lstmcast"]["path"] == pytest.approx(np.mean(matches))
    assert found.summary.n_paths == len(matches) == 100


def test_the_verdict_holds_the_lstm_against_the_best_model(symbol_model: SymbolForecaster, machines: Panel) -> None:
    """The baseline with the fewest bits; skill is the relative reduction of the mean bits."""
    found = evaluate_symbols(symbol_model.holdout_pipeline, machines, plan_symbol_holdout(machines, 6))
    bits = {
        name: row["bits"]
        for name, row in found.summary.scores.items()
        if name != "lstmcast" and row["bits"] == row["bits"]
    }
    assert found.summary.skill.baseline == min(bits, key=bits.__getitem__)
    assert found.summary.skill.value == pytest.approx(1 - found.summary.scores["lstmcast"]["bits"] / min(bits.values()))
    assert found.summary.n_scored == len(found.predictions.actual)
