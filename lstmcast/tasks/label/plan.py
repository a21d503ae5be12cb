"""What a training of labels decides: which there are, which series judge, how the network is built and fitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lstmcast.data.labeled_panel import UNKNOWN, LabeledPanel
from lstmcast.data.schema import InferredSetting, SettingKey
from lstmcast.errors import DataError
from lstmcast.evaluation.classification import MIN_SERIES_TO_VALIDATE, StratifiedSplit, stratified_split
from lstmcast.nn.heads import CategoricalHead
from lstmcast.nn.keras_backend import Architecture
from lstmcast.nn.specs import Recipe
from lstmcast.text import pluralize, truncate_list
from lstmcast.types import Ints

if TYPE_CHECKING:
    from lstmcast.config import Config


MAX_CONTEXT = 512  # steps that are read of a series, unless the config says more
PATIENCE, RATE, BATCH = 10, 0.001, 32  # what `auto` means


@dataclass(frozen=True)
class LabelPlan:
    """A training run, decided.

    Attributes:
        data: the series whose labels are known.
        classes: C labels.
        codes: [S] the label of each series, from 0.
        split: which series learn, stop and judge.
        architecture: the network's layers.
        recipe: how it is fitted; its batches are those of an epoch on the part that learns.
        networks: how many.
        refit: whether the saved ones have learnt from all the data.
        inferred: what was decided, and why.
    """

    data: LabeledPanel
    classes: tuple[str, ...]
    codes: Ints
    split: StratifiedSplit
    architecture: Architecture
    recipe: Recipe
    networks: int
    refit: bool
    inferred: tuple[InferredSetting, ...]


def make_plan(data: LabeledPanel, config: Config) -> LabelPlan:
    """Decide everything that the config leaves to `auto`.

    Raises:
        DataError: there are not two labels, or no label has enough series to learn, to stop and to judge.
    """
    known = data.select(np.flatnonzero([label != UNKNOWN for label in data.labels]))
    codes = encode_labels(known.labels, known.classes)
    _refuse_few(known, codes)
    parts = stratified_split(codes, config.train.seed)
    longest = int(known.lengths[parts.train].max())
    context = min(longest, MAX_CONTEXT) if config.model.context == "auto" else config.model.context
    architecture = Architecture(
        context=context,
        lags=len(known.features),
        units=tuple(config.model.units),
        head=CategoricalHead(len(known.classes)),
        activation=config.model.activation,
        dropout=config.model.dropout,
        hidden=tuple(config.model.dense_units),
        every_step=False,
    )
    recipe = _recipe(len(parts.train), architecture, config)
    stopping = recipe.patience is not None
    return LabelPlan(
        data=known,
        classes=known.classes,
        codes=codes,
        split=parts,
        architecture=architecture,
        recipe=recipe,
        networks=config.train.ensemble_size,
        refit=config.train.refit_on_all_data,
        inferred=_inferred_settings(data, known, codes, parts, context=context, longest=longest, stopping=stopping),
    )


def encode_labels(labels: tuple[str, ...], classes: tuple[str, ...]) -> Ints:
    """[S] the number of each label among the classes; -1 where it is none of them."""
    number = {label: k for k, label in enumerate(classes)}
    return np.array([number.get(label, -1) for label in labels], dtype=np.int64)


def _refuse_few(known: LabeledPanel, codes: Ints) -> None:
    """A label must be learnt, decide when to stop, and judge; one alone tells nothing."""
    where = f"{known.source}: column '{known.label}'"
    if len(known.classes) < 2:
        present = f"'{known.classes[0]}' alone" if known.classes else "none"
        raise DataError(f"{where}: series must have at least two different labels (got {present})")
    if np.bincount(codes).max() < MIN_SERIES_TO_VALIDATE:
        raise DataError(
            f"{where}: at least {MIN_SERIES_TO_VALIDATE} series must share a label, to learn, to stop and to "
            "judge (got "
            f"{len(known.classes)} labels for {known.n_series} series); is it the column that names what a series is?"
        )


def _inferred_settings(
    data: LabeledPanel,
    known: LabeledPanel,
    codes: Ints,
    parts: StratifiedSplit,
    *,
    context: int,
    longest: int,
    stopping: bool,
) -> tuple[InferredSetting, ...]:
    """The decisions in print."""
    sizes = np.bincount(codes)
    each = f"{sizes.min()} to {sizes.max()}" if sizes.min() < sizes.max() else str(sizes.min())
    unknown = data.n_series - known.n_series
    unlabeled = f"; {unknown:,} more without a label" if unknown else ""
    purpose = "early stopping, temperature" if stopping else "temperature"
    read = "all steps of the longest series" if context >= longest else f"the last of up to {longest:,} steps"
    return (
        InferredSetting(
            SettingKey.LABELS, str(len(known.classes)), f"{truncate_list(known.classes)}; {each} series each{unlabeled}"
        ),
        InferredSetting(
            SettingKey.WINDOW, f"{context} steps", f"{read}, {pluralize(len(known.features), 'feature')} at each"
        ),
        InferredSetting(
            SettingKey.HOLDOUT,
            f"{len(parts.validation) + len(parts.test):,} series",
            f"{len(parts.validation):,} validation ({purpose}), {len(parts.test):,} test; stratified by label",
        ),
    )


def _recipe(learning: int, architecture: Architecture, config: Config) -> Recipe:
    """An epoch meets every series once, unless the config says otherwise."""
    train = config.train
    size = BATCH if train.batch_size == "auto" else train.batch_size
    patience = PATIENCE if train.patience == "auto" else train.patience
    return Recipe(
        epochs=train.epochs,
        batches=batches_of(learning, size) if train.steps_per_epoch == "auto" else train.steps_per_epoch,
        batch_size=size,
        patience=patience,
        loss=architecture.head.loss_name,
        optimizer=train.optimizer,
        learning_rate=RATE if train.learning_rate == "auto" else train.learning_rate,
        schedule=("constant" if patience else "cosine") if train.schedule == "auto" else train.schedule,
        clip_norm=train.clip_norm,
        seed=train.seed,
    )


def batches_of(series: int, size: int) -> int:
    """Batches that meet each of so many series once."""
    return max(1, -(-series // size))
