"""Training settings of a network."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """Training settings, with the keys of the `train` section of the YAML.

    Attributes:
        epochs: maximum number.
        batches: per epoch.
        batch_size: B.
        patience: epochs without a lower validation error before training stops; None for all epochs.
        loss: a Keras loss, or the `loss_name` of the output head.
        schedule: "constant", or "cosine" decay to 1 % of the learning rate over `decay` epochs (0 for all).
        clip_norm: maximum gradient norm; None for no clipping.
        winsorize: clip targets at this absolute value, in units of z; None for no clipping.
    """

    epochs: int
    batches: int
    batch_size: int
    patience: int | None = 10
    loss: str = "mse"
    optimizer: str = "adam"
    learning_rate: float = 0.001
    schedule: str = "constant"
    decay: int = 0
    clip_norm: float | None = 1.0
    winsorize: float | None = None
    seed: int = 0
