"""Makes the pretrained networks from public data, with one command: the same data and seeds, the same weights.

Each class of frequency is one panel, on which `lstmcast.train` is run as on any other; what is kept are the networks,
and the intervals around their forecasts.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from common import machine, progress, versions
from pretrain_series import CLASSES, Class, Series, calibration_series, collect, digests, evaluation_series, runs

from lstmcast.api import train
from lstmcast.config import load_config
from lstmcast.data.panel import Panel
from lstmcast.data.schema import Columns
from lstmcast.data.time.calendar import Calendar
from lstmcast.data.time.frequency import TimeGrid
from lstmcast.evaluation.splits import HoldoutSplit
from lstmcast.forecasting.codec import to_pretrained
from lstmcast.forecasting.ensemble.ensemble import Ensemble
from lstmcast.forecasting.ensemble.weights import EnsembleWeights
from lstmcast.forecasting.evaluate import evaluate_holdout
from lstmcast.forecasting.forecaster import Forecaster
from lstmcast.forecasting.split_data import SplitData
from lstmcast.persistence.artifact import encoded
from lstmcast.report.verdict import report_verdict

FOLDER = Path(__file__).parents[1] / "lstmcast" / "pretrained"
SETTINGS = {
    "model.profile_seasons": 0,
    "model.transform": "log",
    "model.scale": "blended",
    "model.smoothing_weight": 0.0,
    "train.patience": None,
}


def panel_of(series: Series, season: int) -> Panel:
    """Series on one counted calendar."""
    lengths = [len(values) for values in series.values()]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Panel(
        columns=Columns(None, ("y",), ("id",)),
        calendar=Calendar(TimeGrid("counter"), season=season),
        keys=tuple((name,) for name in series),
        values=np.concatenate(list(series.values())),
        observed=np.ones(offsets[-1], np.bool_),
        offsets=offsets,
        starts=np.zeros(len(series), np.int64),
        inferred=(),
        notes=(),
        source="public series",
    )


def fit(one: Class, series: Series, settings: dict[str, Any]) -> Forecaster:
    """One group of networks."""
    args = {
        "forecast.horizon": one.horizon,
        "model.lags": one.lags,
        "model.context": one.context,
        "model.level_window": one.level,
        "train.ensemble_size": one.networks,
    }
    panel = panel_of(series, one.season)
    return with_smoothing(train(panel, load_config("accurate", {**args, **settings})), panel, one)


def with_smoothing(forecaster: Forecaster, panel: Panel, one: Class) -> Forecaster:
    """Add the smoothing weight for series that were not in training, and calibrate intervals for that ensemble.

    Widths are those that cover the held-out ends of M1 where it has enough series of the class, for these are most like
    what people forecast one by one; else of all public series of the class's own steps.
    """
    holdout_report = forecaster.report.holdout
    held = HoldoutSplit(holdout_report.horizon, holdout_report.validation_steps, holdout_report.test_steps)
    weights = EnsembleWeights((1 - one.smoothing, one.smoothing), one.half)
    ensemble, holdout = (
        Ensemble.of_lstm(each.preprocessings[0], each.lstm, weights)
        for each in (forecaster.ensemble, forecaster.holdout_ensemble)
    )
    some = panel.select(np.flatnonzero(calibration_series([name for (name,) in panel.keys])))
    again = evaluate_holdout(holdout.bind(some), SplitData(some, held), forecaster.calibration.levels)
    report = replace(forecaster.report, evaluation=again.evaluation)
    return replace(
        forecaster, ensemble=ensemble, holdout_ensemble=holdout, calibration=again.calibration, report=report
    )


def facts(forecaster: Forecaster, counts: dict[str, int], settings: dict[str, Any]) -> dict[str, Any]:
    """The part of the manifest on the training of the networks."""
    report = forecaster.report
    evaluation, plain = report.evaluation, report.to_dict()
    copied = ("network", "parameters", "epochs", "coverage", "coverage_by_step", "libraries")
    return {
        "settings": settings,
        "series": counts,
        "values": report.data.rows,
        "holdout": {**plain["holdout"], "mase": evaluation.scores["lstmcast"]["mase"]},
        "calibration_origins": evaluation.n_scored,
        **{name: plain[name] for name in copied},
    }


def main() -> None:
    """Train every requested class, and write its folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder with m1, m3, m4 and m4comp2016")
    parser.add_argument("--classes", nargs="*", default=list(CLASSES), choices=list(CLASSES))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="keys of the config, as JSON values")
    parser.add_argument("--out", type=Path, default=FOLDER, help="where a folder for each class is written")
    args = parser.parse_args()
    settings = SETTINGS | {"train.seed": args.seed}
    settings |= {key: json.loads(value) for key, _, value in (setting.partition("=") for setting in args.set)}
    known = {run for values in evaluation_series(args.data) for run in runs(values)}
    hashes = digests(args.data)
    for name in args.classes:
        began, cpu = time.monotonic(), time.process_time()
        gathered = collect(args.data, CLASSES[name], known, seed=args.seed)
        progress(f"{name}: {json.dumps(gathered.counts)}")
        forecaster = fit(CLASSES[name], gathered.series, settings)
        spent = {"seconds": round(time.monotonic() - began), "cpu_seconds": round(time.process_time() - cpu)}
        made = {**facts(forecaster, gathered.counts, settings), "data": hashes, "made": {"machine": machine(), **spent}}
        manifest, tensors = to_pretrained(forecaster.ensemble, forecaster.calibration)
        folder = args.out / name
        folder.mkdir(parents=True, exist_ok=True)
        for file, content in encoded({**manifest, "class": name, **made}, tensors).items():
            (folder / file).write_bytes(content)
        progress(f"{name}: {report_verdict(forecaster.report)} {spent['seconds']} s; {versions()}")


if __name__ == "__main__":
    main()
