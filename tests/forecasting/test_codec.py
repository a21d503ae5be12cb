"""To disk and back: the same forecast to the byte, and a refusal where parts do not fit together."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstmcast.errors import ModelError
from lstmcast.evaluation.skill import SkillOutcome
from lstmcast.forecasting.codec import from_artifact, load, save, to_artifact
from lstmcast.forecasting.ensemble.ensemble import Ensemble
from lstmcast.forecasting.forecaster import Forecaster
from lstmcast.forecasting.saved_parts import from_arrays, to_arrays
from lstmcast.nn.heads import QuantileHead
from lstmcast.nn.numpy_lstm import Dense, Layer, Network, forward
from lstmcast.persistence.registry import resolve

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
Parts = tuple[dict[str, Any], dict[str, dict[str, np.ndarray]]]


def same(one: Forecaster, other: Forecaster) -> None:
    """Both forecast the same to the byte, bounds included, and remember the same held-out forecasts."""
    mine, expected = one.predict(horizon=30), other.predict(horizon=30)
    for part in ("values", "lower", "upper", "origins"):
        assert getattr(mine, part).tobytes() == getattr(expected, part).tobytes()
    assert mine.to_frame().equals(expected.to_frame())
    assert one.holdout.forecast.tobytes() == other.holdout.forecast.tobytes()
    assert one.horizon == other.horizon


@pytest.mark.slow
@pytest.mark.kernel
@pytest.mark.parametrize("name", ["forecaster", "shops", "direct"])
def test_saved_and_loaded_it_is_the_same(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """A loaded model of one series, a panel or quantiles gives the saved forecast, byte for byte."""
    model: Forecaster = request.getfixturevalue(name)
    version = save(model, tmp_path, "m", data=None, now=NOW, keep=2)
    same(load(version), model)
    assert resolve(tmp_path, None) == version


@pytest.mark.kernel
def test_saved_smoothing_weights_are_restored(
    tmp_path: Path, lone: Forecaster, make_ensemble: Callable[..., Ensemble]
) -> None:
    """Networks with a linear path and a forecast that is a quarter smoothing's come back as they were."""
    scales = lone.ensemble.preprocessings[0].series_scales
    ensemble = make_ensemble(QuantileHead(5), smoothing=0.25, half=30, adaptive=True, series_scales=scales)
    model = replace(lone, ensemble=ensemble, holdout_ensemble=ensemble)
    again = load(save(model, tmp_path, "m", data=None, now=NOW, keep=2))
    same(again, model)
    for found in (again.ensemble, again.holdout_ensemble):
        assert found.weights == ensemble.weights
        assert found.preprocessings == ensemble.preprocessings
        assert (found.lstm.head, found.lstm.networks[1].skip) == (QuantileHead(5), True)
    without = replace(model, ensemble=Ensemble.of_lstm(ensemble.preprocessings[0], ensemble.lstm, 0.0))
    assert again.predict().values.tobytes() != without.predict().values.tobytes()


PREDICTING = """
import sys
from lstmcast.forecasting.forecaster import Forecaster
forecast = Forecaster.load(sys.argv[1]).predict(horizon=12)
sys.stdout.buffer.write(forecast.render(".csv"))
assert not {"tensorflow", "keras"} & set(sys.modules)
"""


@pytest.mark.kernel
def test_quantiles_are_predicted_without_tensorflow(direct: Forecaster, tmp_path: Path) -> None:
    """Another process that never imports TensorFlow writes the same bytes."""
    version = save(direct, tmp_path, "m", data=None, now=NOW, keep=2)
    ran = subprocess.run([sys.executable, "-c", PREDICTING, version], capture_output=True, check=True, timeout=120)
    assert ran.stdout == direct.predict(horizon=12).render(".csv")
    assert b"lower_95" in ran.stdout


@pytest.mark.kernel
def test_the_manifest_is_readable(forecaster: Forecaster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Time, config, scores, verdict, columns, network, libraries and where the data lie, as plain JSON."""
    monkeypatch.chdir(tmp_path)
    version = save(forecaster, tmp_path, "m", data="air.csv", now=NOW, keep=2)
    manifest = json.loads((version / "manifest.json").read_text())
    report = manifest["report"]
    assert report["created"] == "2026-01-02T03:04:05+00:00"
    assert report["config"]["train"]["epochs"] == 2
    assert manifest["columns"] == {"time": "month", "target": ["passengers"], "series": []}
    assert report["network"].startswith("Sequential([Input((")
    assert {"lstmcast", "tensorflow", "keras", "numpy", "blas"} <= set(report["libraries"])
    assert {"lstmcast", "naive"} <= set(report["scores"])
    assert report["skill"]["outcome"] in set(SkillOutcome)
    assert report["data"]["path"] == str(tmp_path / "air.csv")
    assert (report["data"]["rows"], report["data"]["first"], report["data"]["last"]) == (
        144,
        "1949-01",
        "1960-12",
    )


@pytest.mark.kernel
@pytest.mark.parametrize("data", [None, "-"])
def test_stdin_has_no_path(forecaster: Forecaster, tmp_path: Path, data: str | None) -> None:
    """A model that was trained from stdin names no file to read again."""
    assert load(save(forecaster, tmp_path, "m", data=data, now=NOW, keep=2)).report.data.path is None


@pytest.fixture
def parts(direct: Forecaster) -> Parts:
    """A manifest and tensors that may be damaged: of three series, and of networks with a linear path and quantiles."""
    manifest, tensors = to_artifact(direct)
    return json.loads(json.dumps(manifest)), copy.deepcopy(tensors)


def drop(*path: str) -> Callable[[Parts], None]:
    """Removes an entry of the manifest (`m`) or of a tensor file."""

    def damage(parts: Parts) -> None:
        inner: Any = parts[0] if path[0] == "m" else parts[1][path[0]]
        for key in path[1:-1]:
            inner = inner[key]
        del inner[path[-1]]

    return damage


def put(group: str, name: str, value: Any) -> Callable[[Parts], None]:
    """Replaces an entry of the manifest (`m`) or a tensor."""

    def damage(parts: Parts) -> None:
        (parts[0] if group == "m" else parts[1][group])[name] = value

    return damage


def drop_from(part: str, *path: str) -> Callable[[Parts], None]:
    """Removes an entry of the first preprocessing or member."""

    def damage(parts: Parts) -> None:
        inner = parts[0]["ensemble"][part][0]
        for key in path[:-1]:
            inner = inner[key]
        del inner[path[-1]]

    return damage


def put_in(part: str, name: str, value: Any) -> Callable[[Parts], None]:
    """Replaces an entry of the first preprocessing or member."""

    def damage(parts: Parts) -> None:
        parts[0]["ensemble"][part][0][name] = value

    return damage


@pytest.mark.kernel
@pytest.mark.parametrize(
    "damage",
    [
        drop("m", "ensemble"),
        drop("m", "ensemble", "members"),
        drop("m", "ensemble", "preprocessings"),
        drop("m", "ensemble", "adaptive_weights"),
        drop_from("preprocessings", "horizon"),
        drop_from("preprocessings", "transform"),
        drop_from("preprocessings", "window"),
        drop_from("preprocessings", "window", "lags"),
        drop_from("preprocessings", "scaling"),
        drop_from("preprocessings", "scaling", "typical_step_holdout"),
        drop_from("members", "head"),
        drop_from("members", "head", "levels"),
        drop_from("members", "skip"),
        drop_from("members", "weight"),
        drop_from("members", "name"),
        put_in("members", "name", "forest"),
        put_in("members", "preprocessing", 1),
        put_in("members", "head", {"steps": 6, "levels": [80, 95]}),
        put_in("members", "head", {"steps": 5, "levels": [80]}),
        put_in("members", "head", {"steps": 5, "levels": []}),
        put_in("members", "head", {"steps": "five", "levels": [80, 95]}),
        put_in("members", "head", {"steps": 5, "levels": None}),
        put_in("members", "head", None),
        put_in("members", "skip", False),
        put_in("members", "skip", None),
        put_in("members", "skip", "yes"),
        put_in("members", "skip", 2),
        put_in("members", "networks", 3),
        put_in("members", "networks", "many"),
        put_in("members", "activation", "exec"),
        put_in("preprocessings", "window", {"context": 8}),
        drop("m", "columns", "time"),
        drop("context", "values"),
        drop("scaling", "floor_0"),
        drop("scaling", "scale_0_holdout"),
        put("scaling", "scale_0", np.array([1.0])),
        drop("calibration", "widths"),
        drop("holdout_forecasts", "actual"),
        drop("weights", "network_0.dense.V"),
        drop("holdout_weights", "network_0.dense.V"),
        put("m", "series", [["only"]]),
        put("m", "calendar", {}),
        put("context", "offsets", np.array([0, 3])),
        put("context", "offsets", np.array([0, 3, 2, 999])),
        put("context", "observed", np.array([True])),
        put("context", "starts", np.array([0])),
    ],
)
def test_parts_that_do_not_fit(parts: Parts, damage: Callable[[Parts], None]) -> None:
    """A missing or contradictory file is a ModelError that advises training again."""
    from_artifact(*parts)
    damage(parts)
    with pytest.raises(ModelError, match=r"(?s)\S{5}"):
        from_artifact(*parts)


@pytest.mark.kernel
def test_tampered_weights_are_refused(forecaster: Forecaster, tmp_path: Path) -> None:
    """One flipped bit of the weights is found before any is used."""
    version = save(forecaster, tmp_path, "m", data=None, now=NOW, keep=2)
    path = version / "weights.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"weights\.safetensors: sha256 is not the manifest's"):
        load(version)


@pytest.mark.kernel
def test_a_forecaster_saves_and_loads_itself(forecaster: Forecaster, tmp_path: Path) -> None:
    """The two verbs of the Python API: the same forecast comes back, by name and by path."""
    version = forecaster.save(tmp_path / "models", "air")
    for found in (Forecaster.load("air", tmp_path / "models"), Forecaster.load(version)):
        assert found.predict(horizon=5).values.tobytes() == forecaster.predict(horizon=5).values.tobytes()


def network(seed: int) -> Network:
    """Three features, four units, a hidden layer of five, two outputs."""
    rng = np.random.default_rng(seed)

    def draw(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32)

    layer = Layer(draw(3, 16), draw(4, 16), draw(16))
    return Network((layer,), draw(5, 2), draw(2), hidden=(Dense(draw(4, 5), draw(5)),))


def test_two_networks_there_and_back() -> None:
    """Each comes back as itself: its outputs are the same to the bit."""
    both = (network(1), network(2))
    back = from_arrays(to_arrays(both), count=2, activation="tanh", skip=False, features=3, outputs=2)
    x = np.random.default_rng(0).normal(size=(2, 6, 3)).astype(np.float32)
    for one, other in zip(both, back, strict=True):
        np.testing.assert_array_equal(forward(one, x), forward(other, x))


def test_a_network_that_is_missing() -> None:
    """With too few arrays, the first missing one is named."""
    with pytest.raises(ModelError, match=r"dense\.d must have shape"):
        from_arrays(to_arrays([network(1)]), count=2, activation="tanh", skip=False, features=3, outputs=2)
