"""A SymbolForecaster as a manifest and tensors, and back. Nothing here executes what it reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np

from lstmcast.data.calendar import Calendar
from lstmcast.data.panel import Panel
from lstmcast.data.schema import Columns
from lstmcast.errors import ModelError
from lstmcast.nn import numpy_lstm
from lstmcast.nn.beam_search import AutoregressiveEnsemble
from lstmcast.nn.numpy_lstm import Network
from lstmcast.tasks.category.model import SymbolForecaster, SymbolPipeline

Tensors = Mapping[str, Mapping[str, np.ndarray]]

CONTEXT = ("values", "observed", "offsets", "starts")


def to_artifact(model: SymbolForecaster) -> tuple[dict[str, Any], dict[str, dict[str, np.ndarray]]]:
    """The manifest (JSON-able) and the tensor files."""
    context, network = model.context, model.pipeline.ensemble.networks[0]
    manifest = {
        **model.report,
        "horizon": model.horizon,
        "columns": asdict(context.columns),
        "calendar": context.calendar.to_dict(),
        "series": [list(key) for key in context.keys],
        "source": context.source,
        "symbols": list(context.symbols),
        "window": model.pipeline.context,
        "skip": network.skip,
        "networks": len(model.pipeline.ensemble.networks),
        "activation": network.activation,
    }
    tensors = {
        "weights": _weights(model.pipeline),
        "judged": _weights(model.holdout_pipeline),
        "context": {name: getattr(context, name) for name in CONTEXT},
    }
    return manifest, tensors


def _weights(reader: SymbolPipeline) -> dict[str, np.ndarray]:
    """Every network's arrays by name."""
    return {
        f"network_{k}.{name}": array
        for k, network in enumerate(reader.ensemble.networks)
        for name, array in numpy_lstm.to_tensors(network).items()
    }


def from_artifact(manifest: Mapping[str, Any], tensors: Tensors) -> SymbolForecaster:
    """Build a teller from what was saved.

    Raises:
        ModelError: a part is missing or does not fit the others.
    """
    try:
        return _build(manifest, tensors)
    except (KeyError, TypeError, ValueError, IndexError) as err:
        raise ModelError(f"the model's manifest and tensors do not fit together ({err!r}); train again") from err


def _build(manifest: Mapping[str, Any], tensors: Tensors) -> SymbolForecaster:
    symbols, kept = tuple(manifest["symbols"]), tensors["context"]
    columns, series = manifest["columns"], tuple(tuple(key) for key in manifest["series"])
    _fit_together(kept, len(series), len(symbols))
    context = Panel(
        columns=Columns(columns["time"], tuple(columns["target"]), tuple(columns["series"])),
        calendar=Calendar.from_dict(manifest["calendar"]),
        keys=series,
        values=kept["values"],
        observed=kept["observed"],
        offsets=kept["offsets"],
        starts=kept["starts"],
        inferred=(),
        notes=(),
        source=manifest["source"],
        symbols=symbols,
    )
    read = partial(_pipeline, manifest, vocab_size=len(symbols))
    return SymbolForecaster(
        read(tensors["weights"]), read(tensors["judged"]), context, int(manifest["horizon"]), manifest
    )


def _pipeline(manifest: Mapping[str, Any], weights: Mapping[str, np.ndarray], *, vocab_size: int) -> SymbolPipeline:
    """The networks whose arrays these are."""
    made = partial(
        numpy_lstm.from_tensors,
        activation=manifest["activation"],
        skip=manifest["skip"],
        features=vocab_size,
        outputs=vocab_size,
    )
    named = [f"network_{k}." for k in range(int(manifest["networks"]))]
    networks: tuple[Network, ...] = tuple(
        made({name.removeprefix(own): array for name, array in weights.items() if name.startswith(own)})
        for own in named
    )
    return SymbolPipeline(AutoregressiveEnsemble(networks, float(manifest["temperature"])), int(manifest["window"]))


def _fit_together(kept: Mapping[str, np.ndarray], n_series: int, vocab_size: int) -> None:
    """The context's arrays must describe the same series, of these symbols."""
    offsets, n = kept["offsets"], len(kept["values"])
    is_valid = len(offsets) == n_series + 1 and offsets[0] == 0 and offsets[-1] == n and (np.diff(offsets) > 0).all()
    codes = kept["values"]
    known = (codes == codes.round()).all() and codes.min() >= -1 and codes.max() < vocab_size
    if not is_valid or not known or len(kept["observed"]) != n or len(kept["starts"]) != n_series:
        raise ValueError("the context's arrays do not describe the same series")
