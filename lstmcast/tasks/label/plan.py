"""Plan of a training of labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lstmcast.data.labeled_panel import UNKNOWN, LabeledPanel
from lstmcast.data.schema import InferredSetting, SettingKey
from lstmcast.errors import DataError
from lstmcast.evaluation.classification import MIN_SERIES_TO_VALIDATE, StratifiedSplit, stratified_split
from lstmcast.forecasting.plans import NetworkPlan, architecture_of, recipe_of
from lstmcast.nn.heads import CategoricalHead
from lstmcast.text import pluralize, truncate_list
from lstmcast.types import Ints

if TYPE_CHECKING:
    from lstmcast.config import LabelConfig

MAX_CONTEXT = 512  # steps read of a series, unless the config sets model.context
PATIENCE, LEARNING_RATE, BATCH_SIZE = 10, 0.001, 32  # the meaning of `auto`


@dataclass(frozen=True, kw_only=True)
class LabelPlan(NetworkPlan):
    """The decisions of one training run.

    Attributes:
        data: the series with a known label.
        codes: [S] the label of each, as an index of `data.classes`.
        split: training, validation and test series.
    """

    data: LabeledPanel
    codes: Ints
    split: StratifiedSplit


def make_label_plan(data: LabeledPanel, config: LabelConfig) -> LabelPlan:
    """Decide everything that the config leaves to `auto`.

    Raises:
        DataError: there are not two labels, or no label has a series for training, validation and test.
    """
    known = data.select(np.flatnonzero([label != UNKNOWN for label in data.labels]))
    codes = encode_labels(known.labels, known.classes)
    _check_labels(known, codes)
    split = stratified_split(codes, config.train.seed)
    longest, requested = int(known.lengths[split.train].max()), config.model.context
    context = min(longest, MAX_CONTEXT) if requested == "auto" else requested
    architecture = architecture_of(
        config.model,
        context=context,
        lags=len(known.features),
        head=CategoricalHead(len(known.classes)),
        hidden=tuple(config.model.dense_units),
        skip=False,
        every_step=False,
    )
    recipe = recipe_of(
        config.train,
        loss=architecture.head.loss_name,
        batch_size=BATCH_SIZE,
        steps_per_epoch=lambda size: n_batches(len(split.train), size),
        patience=PATIENCE,
        learning_rate=LEARNING_RATE,
    )
    return LabelPlan(
        data=known,
        codes=codes,
        split=split,
        architecture=architecture,
        recipe=recipe,
        networks=config.train.ensemble_size,
        refit=config.train.refit_on_all_data,
        inferred=(
            _labels_setting(known, codes, data.n_series - known.n_series),
            _window_setting(known, context, longest),
            _holdout_setting(split, early_stopping=recipe.patience is not None),
        ),
    )


def encode_labels(labels: Sequence[str], classes: Sequence[str]) -> Ints:
    """[S] the index of each label among the classes; −1 where it is none of them."""
    index = {label: k for k, label in enumerate(classes)}
    return np.array([index.get(label, -1) for label in labels], dtype=np.int64)


def n_batches(series: int, batch_size: int) -> int:
    """Batches in which each series occurs once."""
    return max(1, -(-series // batch_size))


def _check_labels(known: LabeledPanel, codes: Ints) -> None:
    where = f"{known.source}: column '{known.label}'"
    if len(known.classes) < 2:
        received = f"'{known.classes[0]}' alone" if known.classes else "none"
        raise DataError(f"{where}: series must have at least two different labels (got {received})")
    if np.bincount(codes).max() < MIN_SERIES_TO_VALIDATE:
        raise DataError(
            f"{where}: at least {MIN_SERIES_TO_VALIDATE} series must share a label, for training, validation and test "
            f"(got "
            f"{len(known.classes)} labels for {known.n_series} series); is it a column that identifies the series?"
        )


def _labels_setting(known: LabeledPanel, codes: Ints, n_unlabeled: int) -> InferredSetting:
    sizes = np.bincount(codes)
    each = f"{sizes.min()} to {sizes.max()}" if sizes.min() < sizes.max() else str(sizes.min())
    unlabeled = f"; {n_unlabeled:,} more without a label" if n_unlabeled else ""
    reason = f"{truncate_list(known.classes)}; {each} series each{unlabeled}"
    return InferredSetting(SettingKey.LABELS, str(len(known.classes)), reason)


def _window_setting(known: LabeledPanel, context: int, longest: int) -> InferredSetting:
    steps = "all steps of the longest series" if context >= longest else f"the last of up to {longest:,} steps"
    return InferredSetting(
        SettingKey.WINDOW, f"{context} steps", f"{steps}, {pluralize(len(known.features), 'feature')} at each"
    )


def _holdout_setting(split: StratifiedSplit, *, early_stopping: bool) -> InferredSetting:
    n_validation, n_test = len(split.validation), len(split.test)
    purpose = "early stopping, temperature" if early_stopping else "temperature"
    reason = f"{n_validation:,} validation ({purpose}), {n_test:,} test; stratified by label"
    return InferredSetting(SettingKey.HOLDOUT, f"{n_validation + n_test:,} series", reason)
