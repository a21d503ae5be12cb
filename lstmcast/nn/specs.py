"""How a network is fitted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """How a network is fitted. Keys as in the `train` section of the YAML.

    Attributes:
        epochs: at most.
        batches: in an epoch.
        batch_size: B.
        patience: epochs without a better held-out forecast before stopping; None: never.
        loss: of Keras, or the head's own, by its name.
        schedule: "constant", or "cosine": down to 1 % of the learning rate over `decay` epochs (0: over all).
        clip_norm: largest norm of a gradient; None: any.
        winsorize: targets further off are learnt as just so far off, in units of z; None: as they are.
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
