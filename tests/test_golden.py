"""Zero-shot forecasts of the shipped files, compared with recorded ones (`benchmarks/golden.py write` made them)."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from lstmcast.cli import main

GOLDEN = Path(__file__).parent / "golden"
DATA = Path(__file__).parents[1] / "data"


@pytest.mark.kernel
@pytest.mark.parametrize("file", ["air_passengers", "co2_weekly", "sunspots", "us_spending"])
@pytest.mark.parametrize(("step", "flags"), [("predict", ()), ("further", ("--horizon", "30"))])
def test_zero_shot_forecasts_are_unchanged(
    file: str, step: str, flags: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forecasts and intervals of pretrained models equal the recorded ones on any BLAS kernel."""
    monkeypatch.chdir(tmp_path)
    assert main(["predict", str(DATA / f"{file}.csv"), "--quiet", "-o", "forecast.csv", *flags]) == 0
    with (tmp_path / "forecast.csv").open(encoding="utf-8", newline="") as forecast:
        header, *rows = csv.reader(forecast)
    record = json.loads((GOLDEN / f"zero-shot-{file}.json").read_text(encoding="utf-8"))
    columns, *recorded = record["tables"][step]
    assert header == columns
    for name, found, wanted in zip(header, zip(*rows, strict=True), zip(*recorded, strict=True), strict=True):
        if isinstance(wanted[0], float) and "forecast" in header[: header.index(name) + 1]:
            np.testing.assert_allclose(np.array(found, float), wanted, rtol=1e-6, err_msg=name)
        else:
            assert list(found) == [str(cell).removesuffix(".0") for cell in wanted], name
