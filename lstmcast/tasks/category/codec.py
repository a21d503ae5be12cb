"""Manifest and tensors of a trained model of symbols, in a module of its own as in every task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from lstmcast.forecasting.codec import as_model_error, context_arrays, context_of, to_arrays, to_facts
from lstmcast.tasks.category.model import SymbolForecaster, SymbolPipeline
from lstmcast.tasks.category.scores import CategoryReport
from lstmcast.tasks.codec import Tensors, networks_of, networks_to_dict


def to_artifact(model: SymbolForecaster) -> tuple[dict[str, Any], dict[str, dict[str, np.ndarray]]]:
    """Return the manifest and the tensor files of a model."""
    context, pipeline = model.context, model.pipeline
    manifest = {
        "report": model.report.to_dict(),
        **networks_to_dict(pipeline),
        **to_facts(context),
        "horizon": model.horizon,
        "symbols": list(context.symbols),
        "window": pipeline.context,
    }
    tensors = {
        "weights": to_arrays(pipeline.networks),
        "holdout_weights": to_arrays(model.holdout_pipeline.networks),
        "context": context_arrays(context),
    }
    return manifest, tensors


@as_model_error
def from_artifact(manifest: Mapping[str, Any], tensors: Tensors) -> SymbolForecaster:
    """Build a model from its manifest and tensors.

    Raises:
        ModelError: a part is missing or does not fit the others.
    """
    symbols = tuple(manifest["symbols"])
    context = replace(context_of(manifest, tensors["context"]), symbols=symbols)
    codes = context.values
    if not ((codes == codes.round()).all() and codes.min() >= -1 and codes.max() < len(symbols)):
        raise ValueError("the codes of the context are not those of the symbols")
    pipeline, holdout_pipeline = (
        SymbolPipeline(
            int(manifest["window"]),
            **networks_of(manifest, tensors[name], features=len(symbols), outputs=len(symbols)),
        )
        for name in ("weights", "holdout_weights")
    )
    report = CategoryReport.from_dict(manifest["report"])
    return SymbolForecaster(pipeline, holdout_pipeline, context, int(manifest["horizon"]), report)
