"""What `auto` becomes: every number of a training run, decided from the data, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.data.records import Finding
from lstmcast.errors import DataError
from lstmcast.evaluation.origins import HoldOut, default_horizon, hold_out
from lstmcast.model.network import Architecture
from lstmcast.model.scaling import Kind, choose_kind, fit_scaling, levels, profiles
from lstmcast.model.training import Recipe
from lstmcast.model.windows import Shape
from lstmcast.forecaster.running import windows

if TYPE_CHECKING:
    from lstmcast.config import Config

SEASONS = (0, 3, 5, 8)  # profiles tried
BATCHES = (8, 250)  # in an epoch: fewest, most


@dataclass(frozen=True)
class Plan:
    """A training run, decided.

    Attributes:
        hold_out: the steps that stop and judge; its horizon is H.
        kind: the transform. shape: what the network reads. architecture: its layers. recipe: how it is fitted.
        networks: how many. refit: whether the saved ones have learnt from all the data.
        levels: of the intervals, in percent.
        findings: what was decided, and why.
    """

    hold_out: HoldOut
    kind: Kind
    shape: Shape
    architecture: Architecture
    recipe: Recipe
    networks: int
    refit: bool
    levels: tuple[float, ...]
    findings: tuple[Finding, ...]


def make_plan(panel: Panel, config: Config) -> Plan:
    """Decide everything that the config leaves to `auto`, looking only at the steps that nothing is judged on.

    Raises:
        DataError: the series are too short, or cannot be transformed as asked.
    """
    asked = config.forecast.horizon
    horizon = default_horizon(panel.lengths, panel.calendar.default_horizon) if asked == "auto" else asked
    held = hold_out(panel.lengths, horizon)
    past = learnable(panel, held.total)
    kind = choose_kind(panel.values, config.model.transform)
    season = panel.calendar.season
    seasons, why = _seasons(past, kind, season, config)
    shape = _shape(past, season, seasons, config)
    architecture = Architecture(
        context=shape.context,
        lags=shape.lags,
        units=tuple(config.model.units),
        activation=config.model.activation,
        dropout=config.model.dropout,
    )
    transform = "all values are positive" if kind == "log" else "some values are zero or negative"
    findings = (
        Finding("horizon", str(horizon), "pinned" if asked != "auto" else f"usual for {panel.calendar.label} data"),
        Finding("transform", kind, transform if config.model.transform == "auto" else "pinned"),
        Finding("profile", f"{seasons} seasons" if seasons else "none", why),
        Finding("window", f"{shape.context} steps of {shape.lags} lags", f"{len(past.values):,} values to learn from"),
    )
    return Plan(
        hold_out=held,
        kind=kind,
        shape=shape,
        architecture=architecture,
        recipe=_recipe(past, shape, config),
        networks=config.train.networks,
        refit=config.train.refit,
        levels=tuple(config.forecast.levels),
        findings=findings,
    )


def learnable(panel: Panel, held_out: int) -> Panel:
    """The panel before the held-out steps, without the series that have too little left.

    Raises:
        DataError: nothing is left.
    """
    past = panel.drop_last(held_out)
    kept = np.flatnonzero(past.lengths >= 3)
    if not len(kept):
        raise DataError(
            f"{panel.source}: no series is longer than the {held_out} steps held out to stop and to judge; "
            "give more history, or a shorter --horizon"
        )
    return past.select(kept)


def _seasons(past: Panel, kind: Kind, season: int, config: Config) -> tuple[int, str]:
    """How many seasons the profile averages: what left the smallest error one step ahead, on steps it had not seen."""
    if config.model.seasons != "auto":
        return config.model.seasons, "pinned"
    if season == 1:
        return 0, "no season"
    scaling = fit_scaling(past.values, past.offsets, kind=kind, season=season)
    z = windows(past, scaling, Shape(1, 1, season)).z.astype(np.float64)
    level = levels(z, past.offsets, season)
    local = np.arange(len(z) - 1) - np.repeat(past.offsets[:-1], past.lengths)[:-1]
    fair = (local >= 2 * season - 1) & (local + 1 < np.repeat(past.lengths, past.lengths)[:-1])
    if not fair.any():
        return 0, "fewer than two seasons to learn from"
    step = (z[1:] - level[:-1])[fair]
    errors = {
        k: float(np.abs(step - profiles(z, level, past.offsets, season=season, seasons=k)[:-1][fair]).mean())
        for k in SEASONS
    }
    best = min(SEASONS, key=errors.__getitem__)
    gain = 1 - errors[best] / errors[0] if errors[0] > 0 else 0.0
    return best, f"it takes {gain:.0%} off the error of the level alone" if best else "none fits better than the level alone"


def _shape(past: Panel, season: int, seasons: int, config: Config) -> Shape:
    """Lags and context: a season, two where there is plenty to learn from; a week of hours where there are ten."""
    typical = int(np.median(past.lengths))
    plenty = len(past.values) >= 100 * season and len(past.values) >= 2000
    lags = max(4, season * (2 if plenty else 1))
    if season == 24 and typical >= 24 * 7 * 6:
        lags = 24 * 7
    lags = min(lags, 400, max(2, typical // 3))
    context = min(max(8, season * (2 if plenty else 1)), 96, max(4, typical // 2))
    context = context if config.model.context == "auto" else config.model.context
    lags = lags if config.model.lags == "auto" else config.model.lags
    return Shape(context=context, lags=lags, season=season, seasons=seasons, burn=context // 4)


def _recipe(past: Panel, shape: Shape, config: Config) -> Recipe:
    """Batches and their number: an epoch sees each step about four times, within bounds."""
    train = config.train
    size = train.batch_size if train.batch_size != "auto" else int(np.clip(past.n_series // 4, 32, 256))
    windows = 4 * len(past.values) / shape.context
    batches = train.batches if train.batches != "auto" else int(np.clip(-(-windows // size), *BATCHES))
    return Recipe(
        epochs=train.epochs,
        batches=batches,
        batch_size=size,
        patience=train.patience,
        loss=train.loss,
        optimizer=train.optimizer,
        learning_rate=train.learning_rate,
        schedule=train.schedule,
        clip_norm=train.clip_norm,
        seed=train.seed,
    )
