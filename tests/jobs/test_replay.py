"""Past forecasts again, to the byte: from versions, else from what was recorded."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lstmcast.errors import ModelError
from lstmcast.jobs.replay import last_entry, replay

if TYPE_CHECKING:
    from tests.jobs.conftest import Bench

Waves = Callable[[int, int], np.ndarray]


def days_of_runs(bench: Bench, waves: Waves, days: int = 4, more: str = "") -> list[bytes]:
    """The outputs of some daily runs; an old value is revised in between."""
    values, wrote = waves(bench.days + days, 1), []
    for day in range(1, days + 1):
        values[50] += 1
        bench.write(values[: bench.days + day])
        bench.run(more, days=day)
        wrote.append(bench.output.read_bytes())
    return wrote


def test_every_past_forecast_is_computed_again(bench: Bench, waves: Waves) -> None:
    """Each of four runs on data that grew and were revised, with intervals that adapted: the same bytes."""
    wrote = days_of_runs(bench, waves)
    assert len(set(wrote)) == 4
    with bench.ledger() as ledger:
        for day, content in enumerate(wrote, start=1):
            entry = last_entry(ledger, bench.now + timedelta(days=day, hours=5))
            found = replay(ledger, bench.model, entry)
            assert (found.content, found.recomputed) == (content, True)
            assert entry.version in found.method


def test_without_the_version_from_the_recorded_numbers(bench: Bench, waves: Waves) -> None:
    """For a removed version, the stored bytes are the same and are marked as not computed."""
    wrote = days_of_runs(bench, waves, days=2)
    with bench.ledger() as ledger:
        entry = last_entry(ledger)
        shutil.rmtree(bench.model / entry.version)
        found = replay(ledger, bench.model, entry)
    assert (found.content, found.recomputed) == (wrote[-1], False)
    assert found.method == f"from the recorded numbers: version {entry.version} is gone"


def test_a_forecast_by_rule_is_computed_again(bench: Bench, waves: Waves) -> None:
    """A series that fell back to the seasonal naive forecast falls back in the replay."""
    bench.write(waves(bench.days, 1))
    bench.run("freshness: {max_data_age: {limit: 2d, action: fallback}}", days=9)
    assert b"seasonal_naive" in bench.output.read_bytes()
    with bench.ledger() as ledger:
        found = replay(ledger, bench.model, last_entry(ledger))
    assert (found.content, found.recomputed) == (bench.output.read_bytes(), True)


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_the_format_is_that_of_then(bench: Bench, suffix: str) -> None:
    """JSON lines and Parquet come back as such."""
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    text = (bench.folder / "job.yaml").read_text()
    (bench.folder / "job.yaml").write_text(text.replace("horizon: 5", f"horizon: 5, output: replayed{suffix}"))
    from lstmcast.config import load_job
    from lstmcast.jobs.run import run

    run(load_job(bench.folder / "job.yaml"), bench.now, note=bench.log.append, force=True)
    with bench.ledger() as ledger:
        found = replay(ledger, bench.model, last_entry(ledger))
    assert found.content == (bench.folder / f"replayed{suffix}").read_bytes()


def test_before_the_first_run(bench: Bench) -> None:
    """A time before the first forecast is refused, with the time of the first forecast."""
    with (
        bench.ledger() as ledger,
        pytest.raises(ModelError, match=r"no run up to 2024-04-29T01:00:00Z is recorded; the first is of 2024"),
    ):
        last_entry(ledger, bench.now - timedelta(days=1))


def test_other_bytes_than_recorded_are_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another lstmcast that writes another table cannot pass its own for the old one."""
    from lstmcast.forecasts import Forecast

    monkeypatch.setattr(Forecast, "render", lambda *_: b"other")
    with bench.ledger() as ledger, pytest.raises(ModelError, match="cannot be reproduced"):
        replay(ledger, bench.model, last_entry(ledger))


def test_a_day_that_is_not_over_is_not_there_yet(bench: Bench, waves: Waves) -> None:
    """A run at ten in the morning forecasts that day, from the data without it; its replay has the same bytes."""
    values = waves(bench.days + 1, 1)
    bench.write(np.append(values[:-1], values[-1] / 3))
    assert bench.run(days=0.4).status == "unchanged"
    bench.run(days=0.4, force=True)
    assert bench.output.read_text(encoding="utf-8").splitlines()[1].startswith("2024-04-30,")
    with bench.ledger() as ledger:
        found = replay(ledger, bench.model, last_entry(ledger))
    assert found.content == bench.output.read_bytes()
    bench.write(values)
    assert bench.run(days=1).status == "done"
    assert bench.output.read_text(encoding="utf-8").splitlines()[1].startswith("2024-05-01,")
