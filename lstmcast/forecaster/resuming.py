"""How an interrupted training finds itself again: its name, and the standing of each of its fits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

from lstmcast.data.panel import Panel
from lstmcast.forecaster.report import library_versions
from lstmcast.forecaster.trained import fingerprint
from lstmcast.model.lstm import Network, to_tensors
from lstmcast.model.standing import FitState
from lstmcast.store.checkpoint import Checkpoint

if TYPE_CHECKING:
    from lstmcast.config import Config

SECTIONS = ("data", "model", "train", "forecast")


def training_fingerprint(panel: Panel, config: Config, start: Sequence[Network] = ()) -> str:
    """sha256 over all that a training's result depends on: data, config, libraries, first weights.

    Args:
        panel: the past.
        config: how; its `store`, and what a job adds, change no weight.
        start: the networks it starts from, if any.
    """
    return identity_of(fingerprint(panel), config, start)


def identity_of(data: str, config: Config, start: Sequence[Network] = ()) -> str:
    """The same of data that are known by their fingerprint."""
    requested = config.model_dump(mode="json", include=set(SECTIONS))
    digest = sha256(json.dumps([data, requested, library_versions()], sort_keys=True).encode())
    for network in start:
        for name, array in sorted(to_tensors(network).items()):
            digest.update(f"{name} {array.shape}".encode() + array.tobytes())
    return digest.hexdigest()


def load_fit_state(checkpoint: Checkpoint | None, fit: str) -> FitState | None:
    """Where a fit stood when the training was interrupted; None: it begins."""
    part = checkpoint.part(fit) if checkpoint is not None else None
    return None if part is None else FitState.from_checkpoint(*part)


def save_fit_state(checkpoint: Checkpoint | None, fit: str, now: FitState) -> None:
    """Remember where a fit stands."""
    if checkpoint is not None:
        checkpoint.keep(fit, now.to_checkpoint())
