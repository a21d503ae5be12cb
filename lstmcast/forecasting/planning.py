"""Training plan: every setting that `auto` leaves open, inferred from the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.data.schema import InferredSetting, SettingKey
from lstmcast.errors import DataError
from lstmcast.evaluation.splits import plan_holdout
from lstmcast.forecasting.plans import TrainingPlan, architecture_of, horizon_of, horizon_setting, recipe_of
from lstmcast.forecasting.preprocessing_search import PreprocessingSpec, preprocessing_candidates, rank_preprocessing
from lstmcast.forecasting.split_data import SplitData
from lstmcast.nn.heads import QuantileHead
from lstmcast.nn.specs import Recipe
from lstmcast.preprocessing.driver_features import DriverSpec
from lstmcast.preprocessing.panel_scaling import Preprocessing, ScalingSpec
from lstmcast.preprocessing.scaling import ScaleMode, TransformName, valid_transforms
from lstmcast.preprocessing.windows import WindowSpec

if TYPE_CHECKING:
    from lstmcast.config import ValueConfig


PROFILE_SEASONS = (0, 1, 2, 4, 8, 16)  # candidates: seasons that a profile averages
MAX_RELATIVE_ERROR = 1.5  # of the second candidate to the best, up to which networks are fitted for both
LARGE_PANEL_VALUES = 200_000  # above it, one candidate is fitted, without early stopping
PASSES_SHORT_SERIES = 24  # uses of each value without early stopping
PASSES_LONG_SERIES = (12, 16)  # without and with a season
DAY_OF_HOURS = 24
MAX_CONTEXT = 400  # lags
MIN_STEPS_FOR_LOCAL_SCALE = 200  # below it, the scale of one series is unreliable
MAX_TARGET_STEPS = 3.0  # typical steps; a few larger targets would dominate a mean of squares
LEARNING_RATES = (0.001, 0.003)  # few data, or many, which give stable gradients
STEPS_PER_EPOCH_LIMITS = (8, 100)  # steps of an epoch: minimum, maximum


def make_plan(panel: Panel, config: ValueConfig, *, split: SplitData | None = None) -> TrainingPlan:
    """Decide everything that the config leaves to `auto`, from the data before the hold-out.

    The one exception is the smallest of all values, which decides whether logs or roots are possible.

    Args:
        panel: the data.
        config: the settings.
        split: the hold-out if it is already decided; None: a third of a typical series.

    Raises:
        DataError: the series are too short, or the requested transform is impossible.
    """
    horizon = split.holdout.horizon if split else horizon_of(panel, config)
    patience = _patience(panel, config)
    no_early_stopping = patience is None
    split = split or SplitData(panel, plan_holdout(panel.lengths, horizon, stopping=not no_early_stopping))
    past = split.past
    candidates, found = _select_preprocessing(past, panel, horizon, config, no_early_stopping=no_early_stopping)
    size = _size(panel, config)
    head = _head(horizon, config)
    drivers = DriverSpec.fit(past, head.steps) if config.model.drivers == "auto" else None
    variants = tuple(
        Preprocessing(
            ScalingSpec(candidate.transform, _scale_mode(candidate.transform, past, config)),
            _shape(candidate, *size, head.steps),
            horizon,
            drivers=drivers,
        )
        for candidate in candidates
    )
    shape = variants[0].window_spec
    architecture = architecture_of(
        config.model, context=shape.context, lags=variants[0].features, head=head, skip=config.model.skip_connection
    )
    inferred = (
        horizon_setting(panel, config, horizon),
        *found,
        InferredSetting(
            SettingKey.WINDOW,
            f"{shape.context} steps of {shape.lags} lags" + (f" and {drivers.width} drivers" if drivers else ""),
            f"{len(past.values):,} training values",
        ),
    )
    return TrainingPlan(
        split=split,
        variants=variants,
        architecture=architecture,
        head=head,
        recipe=_recipe(past, shape, config, patience),
        networks=config.train.ensemble_size,
        smoothing_weight=None if config.model.smoothing_weight == "auto" else config.model.smoothing_weight,
        refit=config.train.refit_on_all_data,
        levels=tuple(config.forecast.levels),
        inferred=inferred,
    )


def _select_preprocessing(
    past: Panel, panel: Panel, horizon: int, config: ValueConfig, *, no_early_stopping: bool
) -> tuple[list[PreprocessingSpec], tuple[InferredSetting, ...]]:
    """Select transform, level and profile: as requested, or with the smallest error on the training data."""
    requested, season = config.model, panel.calendar.season
    transforms = valid_transforms(panel.values)
    if requested.transform != "auto" and requested.transform not in transforms:
        raise DataError(
            f"model.transform: {requested.transform} cannot take a smallest value of {panel.values.min():g}; "
            f"possible here: {', '.join(transforms)}, or auto"
        )
    transforms = transforms if requested.transform == "auto" else (requested.transform,)
    longest = int(past.lengths.max()) // max(season, 1)
    most = (
        0 if no_early_stopping and not _is_long(past) else longest
    )  # networks learn the season from many short series
    seasons = (
        [k for k in PROFILE_SEASONS if k <= most]
        if requested.profile_seasons == "auto"
        else [requested.profile_seasons]
    )
    week = panel.calendar.week
    week = week if week and past.lengths.max() >= 3 * week else None
    candidates = list(
        preprocessing_candidates(transforms[0], season, longer=week, seasons=seasons, level=requested.level_window)
    )
    ranked = rank_preprocessing(past, horizon, candidates, transforms)
    finalists = [candidate for candidate, error in ranked[:2] if error <= MAX_RELATIVE_ERROR * ranked[0][1]]
    selected = finalists[:1] if no_early_stopping or len(past.values) > LARGE_PANEL_VALUES else finalists
    return selected, (
        InferredSetting(
            SettingKey.TRANSFORM,
            selected[0].transform,
            "pinned" if requested.transform != "auto" else "smallest error on training origins",
        ),
        InferredSetting(
            SettingKey.PREPROCESSING,
            str(selected[0]),
            f"best of {len(candidates) + len(transforms) - 1} candidates on training origins"
            + "".join(f"; runner-up: {variant}" for variant in selected[1:]),
        ),
    )


def _size(panel: Panel, config: ValueConfig) -> tuple[int, int]:
    """Return context (three seasons) and lags (two seasons, or a week of hours), limited by the length of a series."""
    typical, season, requested = int(np.median(panel.lengths)), panel.calendar.season, config.model
    if season == DAY_OF_HOURS and typical >= 3 * 7 * season:
        lags = 7 * season
    else:
        lags = 2 * season if season > 1 else int(np.clip(typical // 16, 8, 52))
    lags = max(2, min(lags, MAX_CONTEXT, typical // 3))
    context = max(4, min(max(24, 3 * season if season > 1 else lags), 96, typical))
    return (
        context if requested.context == "auto" else requested.context,
        lags if requested.lags == "auto" else requested.lags,
    )


def _scale_mode(transform: TransformName, past: Panel, config: ValueConfig) -> ScaleMode:
    """Select the unit of z: the step of each series; for logs of several series also the typical step of all."""
    if config.model.scale != "auto":
        return config.model.scale
    if transform != "log" or past.n_series == 1:
        return "local"
    return "global" if _is_long(past) else "blended"


def _is_long(past: Panel) -> bool:
    """Return True if a typical series is long enough for its own scale."""
    return bool(np.median(past.lengths) >= MIN_STEPS_FOR_LOCAL_SCALE)


def _has_enough_data(past: Panel, season: int) -> bool:
    """Return True if the training data suffice for a larger learning rate."""
    return len(past.values) >= max(100 * season, 2000)


def _patience(panel: Panel, config: ValueConfig) -> int | None:
    """Return the patience of early stopping; None, without early stopping, for data too large to overfit."""
    requested = config.train.patience
    if requested == "auto":
        return None if len(panel.values) >= LARGE_PANEL_VALUES and config.train.init != "ensemble" else 10
    return requested


def _head(horizon: int, config: ValueConfig) -> QuantileHead:
    """Return the output head."""
    if config.model.strategy == "recursive":
        return QuantileHead()
    return QuantileHead(horizon, tuple(config.forecast.levels) if config.train.loss == "pinball" else ())


def _shape(candidate: PreprocessingSpec, context: int, lags: int, horizon: int) -> WindowSpec:
    return WindowSpec(
        context=context,
        lags=lags,
        level_window=candidate.level_window,
        season_length=candidate.season_length,
        profile_seasons=candidate.profile_seasons,
        burn_in=context // 4,
        horizon=horizon,
    )


def _winsorize(shape: WindowSpec, config: ValueConfig) -> float | None:
    """Return the limit of targets: squared errors need one, unless the profile may cause large deviations."""
    requested = config.train.clip_targets
    if requested == "auto":
        return MAX_TARGET_STEPS if config.train.loss == "mse" and not shape.profile_seasons else None
    return requested


def _recipe(past: Panel, shape: WindowSpec, config: ValueConfig, patience: int | None) -> Recipe:
    """Return the recipe: each step is read about four times an epoch; fixed passes without early stopping."""

    def steps_per_epoch(batch_size: int) -> int:
        if patience is None:
            passes = PASSES_LONG_SERIES[past.calendar.season > 1] if _is_long(past) else PASSES_SHORT_SERIES
            return max(1, round(passes * len(past.values) / (shape.context * batch_size * config.train.epochs)))
        return int(np.clip(-(-4 * len(past.values) / shape.context // batch_size), *STEPS_PER_EPOCH_LIMITS))

    return recipe_of(
        config.train,
        loss=config.train.loss,
        batch_size=int(np.clip(past.n_series // 8, 32, 128)),
        steps_per_epoch=steps_per_epoch,
        patience=patience,
        learning_rate=LEARNING_RATES[_has_enough_data(past, past.calendar.season)],
        winsorize=_winsorize(shape, config),
    )
