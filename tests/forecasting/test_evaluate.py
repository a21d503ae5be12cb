"""The evaluation of the hold-out, compared with forecasts of data cut at each origin."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.errors import DataError
from lstmcast.evaluation.splits import plan_holdout
from lstmcast.forecasting.ensemble.ensemble import Ensemble
from lstmcast.forecasting.evaluate import HoldoutEvaluation, blas, evaluate_holdout, library_versions
from lstmcast.forecasting.forecaster import Forecaster
from lstmcast.forecasting.pretrained import load_pretrained_forecaster
from lstmcast.forecasting.split_data import SplitData
from lstmcast.nn.heads import QuantileHead
from lstmcast.results import MemberName

H = 6


@pytest.fixture(scope="module")
def evaluated(forecaster: Forecaster, air_panel: Panel) -> HoldoutEvaluation:
    """The evaluation of the airline model at its own horizon."""
    return evaluate_holdout(
        forecaster.ensemble.bind(air_panel), SplitData(air_panel, plan_holdout(air_panel.lengths, H)), (80.0, 95.0)
    )


@pytest.fixture(scope="module")
def ensemble(lone: Forecaster) -> Ensemble:
    """The airline model's networks."""
    return lone.ensemble


@pytest.fixture(scope="module")
def cuts(evaluated: HoldoutEvaluation, air_panel: Panel) -> list[int]:
    """The number of known steps at each origin."""
    return (evaluated.holdout.positions - air_panel.starts[0] + 1).tolist()


@pytest.mark.kernel
def test_forecasts_are_those_of_a_file_cut_at_the_origin(
    evaluated: HoldoutEvaluation, forecaster: Forecaster, air_panel: Panel, cuts: list[int]
) -> None:
    """Each held-out forecast and its bounds equal the forecast of a file that ends at the origin."""
    model = replace(forecaster, calibration=evaluated.calibration)
    for row, n in enumerate(cuts):
        alone = model.predict(air_panel.drop_last(144 - n), H)
        np.testing.assert_allclose(evaluated.holdout.forecast[row], alone.values[0], rtol=1e-4)
        np.testing.assert_allclose(evaluated.holdout.lower[:, row], alone.lower[:, 0], rtol=1e-3)
        np.testing.assert_allclose(evaluated.holdout.upper[:, row], alone.upper[:, 0], rtol=1e-3)


@pytest.mark.kernel
def test_coverage_of_rare_demand_is_that_of_its_own_bounds(daily_panel: Callable[[np.ndarray], Panel]) -> None:
    """Bounds that follow the past values are not calibrated."""
    rng = np.random.default_rng(0)
    panel = daily_panel((rng.random((20, 300)) < 0.3) * (1.0 + rng.poisson(1.0, (20, 300))))
    bound = load_pretrained_forecaster(panel).ensemble.bind(panel)
    found = evaluate_holdout(bound, SplitData(panel, plan_holdout(panel.lengths, H)), (80.0, 95.0))
    held = found.holdout
    inside = ((held.actual >= held.lower) & (held.actual <= held.upper)).mean(axis=(1, 2))
    assert len(held.series) == found.evaluation.n_scored
    np.testing.assert_allclose(list(found.evaluation.coverage.values()), inside, atol=0.01)  # few values are damped
    np.testing.assert_allclose(inside, [0.8, 0.95], atol=0.05)


@pytest.mark.kernel
def test_actual_values_are_the_next_rows(evaluated: HoldoutEvaluation, air_panel: Panel, cuts: list[int]) -> None:
    """The actual values are the H rows after the origin; the last origin uses the last row."""
    for row, n in enumerate(cuts):
        assert evaluated.holdout.actual[row].tolist() == air_panel.values[n : n + H].tolist()
    assert max(cuts) == 144 - H


@pytest.mark.kernel
def test_scores_by_hand(evaluated: HoldoutEvaluation, air_panel: Panel, cuts: list[int]) -> None:
    """MAE, RMSE, sMAPE and MASE of the LSTM and of each baseline, by loops over origins and steps."""
    y = air_panel.values.tolist()
    held = plan_holdout(air_panel.lengths, H)
    past = y[: 144 - held.total]
    scale = sum(abs(past[t] - past[t - 12]) for t in range(12, len(past))) / (len(past) - 12)
    baselines = {
        "naive": lambda n, _: y[n - 1],
        "seasonal_naive": lambda n, h: y[n - 12 + h],
        "drift": lambda n, h: y[n - 1] + (h + 1) * (y[n - 1] - y[0]) / (n - 1),
        "window_mean": lambda n, _: sum(y[n - 12 : n]) / 12,
        "lstmcast": lambda n, h: evaluated.holdout.forecast[cuts.index(n)][h],
    }
    assert set(evaluated.evaluation.scores) == set(baselines)
    for name, rule in baselines.items():
        pairs = [(y[n + h], rule(n, h)) for n in cuts for h in range(H)]
        mae = sum(abs(a - f) for a, f in pairs) / len(pairs)
        by_hand = {
            "mae": mae,
            "rmse": (sum((a - f) ** 2 for a, f in pairs) / len(pairs)) ** 0.5,
            "smape": sum(200 * abs(a - f) / (abs(a) + abs(f)) for a, f in pairs) / len(pairs),
            "mase": mae / scale,
        }
        assert evaluated.evaluation.scores[name] == pytest.approx(by_hand)


@pytest.mark.kernel
def test_skill_is_against_the_best_baseline(evaluated: HoldoutEvaluation) -> None:
    """The baseline has the smallest MASE, and skill is the relative error reduction."""
    mase = {name: row["mase"] for name, row in evaluated.evaluation.scores.items() if name != "lstmcast"}
    best = min(mase, key=mase.__getitem__)
    assert evaluated.evaluation.skill.baseline == best
    assert evaluated.evaluation.skill.value == pytest.approx(
        1 - evaluated.evaluation.scores["lstmcast"]["mase"] / mase[best]
    )


@pytest.mark.kernel
def test_calibration_covers_its_own_origins(ensemble: Ensemble, air_panel: Panel) -> None:
    """The intervals hold at least the promised share of the forecasts that made them; wider levels hold more."""
    evaluated = evaluate_holdout(
        ensemble.bind(air_panel), SplitData(air_panel, plan_holdout(air_panel.lengths, H)), (80.0, 95.0)
    )
    held = evaluated.holdout
    fractions = ((held.lower <= held.actual) & (held.actual <= held.upper)).mean(axis=(1, 2))
    assert (fractions >= [0.80, 0.95]).all()
    assert (held.lower[1] <= held.lower[0]).all()
    assert (held.upper[0] <= held.upper[1]).all()
    assert set(evaluated.evaluation.coverage) == {"80", "95"}


@pytest.mark.kernel
def test_every_series_of_a_panel_is_evaluated(shops: Forecaster, shops_file: object) -> None:
    """Series that are long enough are evaluated from their own origins; all are kept for the figure."""
    panel = read(str(shops_file))
    held = plan_holdout(panel.lengths, 7)
    result = evaluate_holdout(shops.ensemble.bind(panel), SplitData(panel, held), (80.0, 95.0))
    long = [k for k, n in enumerate(panel.lengths) if n > 2 * held.total]
    assert sorted(set(result.holdout.series.tolist())) == long
    assert result.evaluation.n_scored == len(result.holdout.series)
    ends = panel.ends[result.holdout.series]
    assert (result.holdout.positions + 7 <= ends).all()
    assert (result.holdout.positions >= ends - held.test_steps).all()


@pytest.mark.kernel
def test_levels_in_any_order_make_one_calibration(ensemble: Ensemble, air_panel: Panel) -> None:
    """An evaluation contains the calibration for `Forecaster.predict`."""
    result = evaluate_holdout(
        ensemble.bind(air_panel), SplitData(air_panel, plan_holdout(air_panel.lengths, H)), (50.0,)
    )
    assert result.calibration.levels == (50.0,)
    assert result.calibration.widths.shape == (1, H)


@pytest.mark.kernel
def test_a_filled_value_is_not_scored(air_panel: Panel, ensemble: Ensemble) -> None:
    """An origin inside a filled gap is not scored, because interpolation uses the value after the gap."""
    hold = plan_holdout(air_panel.lengths, 12)
    observed = air_panel.observed.copy()
    observed[120:125] = False
    evaluated = evaluate_holdout(
        ensemble.bind(air_panel), SplitData(replace(air_panel, observed=observed), hold), (80,)
    )
    whole = evaluate_holdout(ensemble.bind(air_panel), SplitData(air_panel, hold), (80,))
    assert whole.evaluation.n_scored - evaluated.evaluation.n_scored == 5
    nothing = observed.copy()
    nothing[-hold.test_steps :] = False
    with pytest.raises(DataError, match="nothing was observed in the last"):
        evaluate_holdout(ensemble.bind(air_panel), SplitData(replace(air_panel, observed=nothing), hold), (80,))


@pytest.mark.kernel
@pytest.mark.parametrize("head", [QuantileHead(), QuantileHead(12), QuantileHead(12, (80.0,))])
def test_the_scores_of_smoothing_alone_are_reported(
    air_panel: Panel, make_ensemble: Callable[..., Ensemble], head: QuantileHead
) -> None:
    """A forecast without the network scores as smoothing does, and the skill is not that of the network."""
    split = SplitData(air_panel, plan_holdout(air_panel.lengths, 12))
    alone, networks = (
        evaluate_holdout(make_ensemble(head, smoothing=weight).bind(air_panel), split, (80,)) for weight in (1.0, 0.0)
    )
    smoothing = alone.evaluation.members[MemberName.SMOOTHING]
    assert alone.evaluation.scores["lstmcast"] == pytest.approx(smoothing)
    assert networks.evaluation.members[MemberName.SMOOTHING] == smoothing
    trained = networks.evaluation.members[MemberName.TRAINED]
    assert networks.evaluation.scores["lstmcast"] == trained != pytest.approx(smoothing)


@pytest.mark.kernel
def test_predicted_quantiles_are_calibrated(direct: Forecaster, direct_panel: Panel) -> None:
    """Widths are ranks of the held-out errors, in units of the bounds of the head, computed with loops."""
    held = plan_holdout(direct_panel.lengths, 5)
    evaluated = evaluate_holdout(direct.ensemble.bind(direct_panel), SplitData(direct_panel, held), (80.0, 95.0))
    running = direct.ensemble.bind(direct_panel)
    series, origins = held.test_origins(direct_panel.lengths)
    ahead = running.forecast(series, origins, 5)
    assert ahead.below.shape == (2, len(series), 5)
    log, first, scale = np.log(direct_panel.values), direct_panel.offsets, running.panels[0].scaling.scale
    for q, level in enumerate((80, 95)):
        scores = np.empty((len(series), 5))
        for b, (k, t) in enumerate(zip(series.tolist(), origins.tolist(), strict=True)):
            for h in range(5):
                off = (log[first[k] + t + 1 + h] - log[first[k]]) / scale[k] - ahead.z[b, h]
                scores[b, h] = off / ahead.above[q, b, h] if off > 0 else -off / ahead.below[q, b, h]
        typical = np.maximum.accumulate(scores.mean(axis=0))
        pool = np.sort((scores / typical).ravel())
        rank = min(math.ceil((len(pool) + 1) * level / 100), len(pool))
        np.testing.assert_allclose(evaluated.calibration.widths[q], pool[rank - 1] * typical, rtol=1e-6)
    kept = evaluated.holdout
    assert (kept.lower[1] <= kept.lower[0]).all()
    assert (kept.lower[0] <= kept.forecast).all()
    assert (kept.forecast <= kept.upper[0]).all()
    assert (kept.upper[0] <= kept.upper[1]).all()
    fractions = ((kept.lower <= kept.actual) & (kept.actual <= kept.upper)).mean(axis=(1, 2))
    assert (fractions >= [0.80, 0.95]).all()


PROGRAM = "from lstmcast.forecasting.evaluate import blas; print(blas()['blas_kernel'])"


def test_libraries_include_blas() -> None:
    """Name and version of BLAS are always known, its kernel where it is OpenBLAS."""
    found = library_versions()
    assert {"lstmcast", "numpy", "blas"} <= set(found)
    assert ("openblas" in found["blas"]) == ("blas_kernel" in found)


@pytest.mark.skipif("blas_kernel" not in blas(), reason="needs OpenBLAS")
@pytest.mark.skipif(os.uname().machine != "x86_64", reason="needs the kernels of x86-64")
def test_the_kernel_in_use_is_recorded() -> None:
    """A process in which another kernel is forced records that one."""
    for kernel in ("Nehalem", "Sandybridge"):
        env = {**os.environ, "OPENBLAS_CORETYPE": kernel}
        ran = subprocess.run([sys.executable, "-c", PROGRAM], env=env, capture_output=True, text=True, check=True)
        assert ran.stdout.strip() == kernel
