"""lstmcast as a user runs it: train and predict, each a process of its own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from common import COMMAND, run_measured
from ledger import Record

TIMEOUT = 6 * 3600.0  # seconds for one process
FORECAST = "forecast.csv"


def train_and_predict(folder: Path, data: str, flags: Sequence[object]) -> Record:
    """The cost of training on `data` and of a forecast into `FORECAST`, both in `folder`; or the reason it `failed`."""
    options = [*map(str, flags), "--model-dir", "models", "--json", "--quiet"]
    train = run_measured([COMMAND, "train", data, *options], folder, limit=TIMEOUT)
    if train.code:
        return {"failed": f"train, exit {train.code}: {train.stderr.strip()[-500:]}"}
    options = ["--model-dir", "models", "--output", FORECAST, "--quiet"]
    predict = run_measured([COMMAND, "predict", data, *options], folder, limit=TIMEOUT)
    if predict.code:
        return {"failed": f"predict, exit {predict.code}: {predict.stderr.strip()[-500:]}"}
    result = json.loads(train.stdout)
    return {
        "train_s": train.seconds,
        "fit_s": result["seconds"],
        "train_cpu_s": train.cpu_seconds,
        "peak_mib": train.peak_mib,
        "predict_s": predict.seconds,
        "predict_peak_mib": predict.peak_mib,
        "epochs": result["epochs"],
        "preprocessing": result["preprocessing"],
    }
