"""Bundled pretrained models: LSTMs trained on tens of thousands of public series, for zero-shot forecasts.

There is one model for each class of frequency. Each series is scaled by its own past, and the networks are averaged
with exponential smoothing. Series with steps shorter than an hour are split into hourly ones (see `polyphase`). A
clear season that a class was not trained on is removed as a seasonal profile.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lstmcast.calibration.conformal import Calibration, unit_calibration
from lstmcast.data.panel import Panel
from lstmcast.data.schema import InferredSetting, SettingKey
from lstmcast.data.time.frequency import HOUR, WEEK
from lstmcast.data.time.zones import DAY
from lstmcast.errors import ModelError
from lstmcast.evaluation.skill import Skill
from lstmcast.evaluation.splits import evenly
from lstmcast.forecasting.codec import from_pretrained
from lstmcast.forecasting.ensemble.direct_member import DirectMember, direct_names, direct_preprocessing, direct_weights
from lstmcast.forecasting.ensemble.ensemble import Ensemble, IntervalSource
from lstmcast.forecasting.ensemble.members import Member, RegressionMember
from lstmcast.forecasting.ensemble.past_forecasts import origin_count
from lstmcast.forecasting.evaluate import HoldoutForecasts
from lstmcast.forecasting.forecaster import Forecaster
from lstmcast.forecasting.split_data import tail
from lstmcast.preprocessing.panel_scaling import NO_SPLIT, Polyphase, Preprocessing, ScalingSpec
from lstmcast.results import DataInfo, Holdout, MemberName, RecordedConfig, ScoredNetwork, ValueEvaluation, ValueReport
from lstmcast.statistical.ensemble import history_length as statistical_history
from lstmcast.types import Floats

FOLDER = Path(__file__).parents[1] / "pretrained"
OTHER = "other"  # class of all other data
HOURLY = "hourly"
BY_GRID = {
    ("month", 12): "yearly",
    ("month", 3): "quarterly",
    ("month", 1): "monthly",
    ("fixed", WEEK): "weekly",
    ("fixed", DAY): "daily",
    ("fixed", HOUR): HOURLY,
}
BY_SEASON = {4: "quarterly", 7: "daily", 12: "monthly", 24: HOURLY, 52: "weekly"}
KNOWN = {  # seasons in the training data of a class
    "yearly": (1,),
    "quarterly": (1, 4),
    "monthly": (1, 12),
    "weekly": (1, 52),
    "daily": (1, 7),
    HOURLY: (1, 24, 168),
    OTHER: (1,),
}
REGRESSION_WEIGHT = 0.1  # of both regressions, where their past errors are those of the other members
PROFILED, YEAR = "monthly", 12  # class and typical season of series whose season is removed
PROFILE = 4  # seasons that a profile averages
LAGS = 12  # distances within a season at which it is compared with itself


@dataclass(frozen=True)
class PretrainedSelection:
    """Class of pretrained model for some data, and its preprocessing.

    Attributes:
        name: of the class.
        season: steps in a season, after the polyphase split.
        phases: polyphase split.
        profile: level window of the seasonal profile that is removed; 0: none.
    """

    name: str
    season: int
    phases: Polyphase = NO_SPLIT
    profile: int = 0

    @property
    def reason(self) -> str:
        """The class and its preprocessing in words."""
        if self.profile:
            return f"{self.name}, the season of {self.season} steps taken off"
        return self.name if self.phases == NO_SPLIT else f"{self.name}, one of every {self.phases.count} steps"


def select_pretrained(panel: Panel) -> PretrainedSelection:
    """Select the class for some data by their frequency; for other steps, numbered and open ones by their season."""
    calendar, season = panel.calendar, panel.calendar.season
    if season > DAY // HOUR and season % (DAY // HOUR) == 0 and calendar.step != HOUR:
        return PretrainedSelection(HOURLY, DAY // HOUR, Polyphase(season * HOUR // DAY))
    by_grid = BY_GRID.get((calendar.kind, calendar.step)) if calendar.grid.mask is None else None
    name = by_grid or BY_SEASON.get(season, OTHER)
    if season in KNOWN[name]:
        return PretrainedSelection(name, season)
    if not _is_seasonal(panel, season):
        return PretrainedSelection(OTHER, season)
    return PretrainedSelection(PROFILED, season, profile=season * max(1, round(YEAR / season)))


@dataclass(frozen=True)
class PretrainedModel:
    """Pretrained networks, exponential smoothing and regressions for one class of data.

    Attributes:
        selection: the class.
        ensemble: the members, on preprocessing without training scales.
        calibration: of the intervals.
    """

    selection: PretrainedSelection
    ensemble: Ensemble
    calibration: Calibration

    @property
    def smoothing_fraction(self) -> float:
        """Fraction of exponential smoothing in the weight of both it and the networks."""
        lstm, smoothing = self.ensemble.weights.fixed[:2]
        return smoothing / (lstm + smoothing)

    @property
    def interval_source(self) -> IntervalSource:
        """The ensemble as the source of interval widths."""
        return IntervalSource(self.ensemble.weights, self.calibration)


def load_pretrained(panel: Panel) -> PretrainedModel:
    """Load the pretrained model for the class of a panel.

    Raises:
        ModelError: the installed networks are missing or damaged.
    """
    selection = select_pretrained(panel)
    ensemble, calibration = _load(selection.name)
    (preprocessing,) = ensemble.preprocessings
    spec = replace(preprocessing.window_spec, season_length=selection.season)
    if selection.profile:
        spec = replace(spec, level_window=selection.profile, profile_seasons=PROFILE)
    preprocessing = replace(
        preprocessing,
        window_spec=spec,
        scaling_spec=replace(preprocessing.scaling_spec, allow_untransformed=True),
        polyphase=selection.phases,
        horizon=panel.default_horizon,
    )
    calibration = replace(calibration, widths=np.repeat(calibration.widths, selection.phases.count, axis=1))
    return PretrainedModel(selection, _with_regression(ensemble, preprocessing, panel), calibration)


def _with_regression(ensemble: Ensemble, preprocessing: Preprocessing, panel: Panel) -> Ensemble:
    """Add the regression members, where the errors at past origins decide on their weights.

    Seasonal means and trends read values as they are; direct regressions read them on the scale that they allow.
    """
    history = statistical_history(preprocessing.window_spec.season_length) * preprocessing.polyphase.count
    count = origin_count(panel.n_series, min(history, int(panel.lengths.max())))
    scales: list[Preprocessing] = [preprocessing]
    members: list[Member] = [*ensemble.members]
    weights = np.array(ensemble.weights.fixed)
    if count:
        scales.append(replace(preprocessing, scaling_spec=ScalingSpec("none"), typical_step=None))
        members += [RegressionMember(name, 1) for name in (MemberName.TREND, MemberName.MEANS)]
        weights = np.append(weights * (1 - REGRESSION_WEIGHT), np.full(2, REGRESSION_WEIGHT / 2))
    if names := direct_names(panel):
        members += [DirectMember(len(scales), name) for name in names]
        scales.append(direct_preprocessing(preprocessing, panel))
        direct = direct_weights(names)
        weights = np.append(weights * (1 - direct.sum()), direct)
    return replace(
        ensemble,
        preprocessings=tuple(scales),
        members=tuple(members),
        weights=replace(ensemble.weights, fixed=tuple(weights.tolist()), past_origins=count),
    )


def load_pretrained_forecaster(panel: Panel) -> Forecaster:
    """Zero-shot forecaster for the class of a panel.

    Raises:
        ModelError: the installed networks are missing or damaged.
    """
    model = load_pretrained(panel)
    ensemble = replace(model.ensemble, interval_source=model.interval_source)
    calibration = unit_calibration(model.calibration)
    return Forecaster(
        ensemble=ensemble,
        holdout_ensemble=ensemble,
        calibration=calibration,
        context=tail(panel, ensemble.required_history),
        holdout=_nothing(calibration, ensemble.horizon),
        report=_report(panel, model),
    )


def _load(name: str) -> tuple[Ensemble, Calibration]:
    try:
        return from_pretrained(FOLDER / name)
    except ModelError as err:
        hint = "install lstmcast again, or train a model of your own (lstmcast train data.csv)"
        raise ModelError([*err.faults, f"the pretrained networks are damaged: {hint}"]) from err


def _is_seasonal(panel: Panel, season: int) -> bool:
    """Return True if values one season apart are closer than values within a season, in most series."""
    carried = np.mean([_moved(panel, back) for back in evenly(np.arange(1, season), LAGS)], axis=0)
    return bool(np.median(_moved(panel, season) - carried) < 0)


def _moved(panel: Panel, steps: int) -> Floats:
    """[S] mean |y_t − y_{t − steps}|; 0 where a series is not longer."""
    moves = np.abs(panel.values[steps:] - panel.values[: -steps or None])
    moves = np.append(moves, np.zeros(min(steps, len(panel.values))))
    owner = np.repeat(np.arange(panel.n_series), panel.lengths)
    within = np.arange(len(panel.values)) + steps < panel.offsets[owner + 1]
    counts = np.maximum(panel.lengths - steps, 1)
    return np.asarray(np.add.reduceat(np.where(within, moves, 0.0), panel.offsets[:-1]) / counts)


def _nothing(calibration: Calibration, horizon: int) -> HoldoutForecasts:
    """Return an empty set of hold-out forecasts."""
    none, empty = np.empty(0, np.int64), np.empty((0, horizon))
    bounds = np.empty((len(calibration.levels), 0, horizon))
    return HoldoutForecasts(none, none, empty, bounds, bounds, empty)


def _report(panel: Panel, model: PretrainedModel) -> ValueReport:
    """A report without scores: nothing was trained or measured on these data."""
    ensemble = model.ensemble
    return ValueReport(
        config=RecordedConfig(model={"task": "value"}, forecast={"output": "forecast.csv"}),
        inferred=(InferredSetting(SettingKey.ENSEMBLE, "pretrained", f"{model.selection.reason} models"),),
        network=f"{len(ensemble.lstm.networks)} pretrained LSTMs",
        parameters=0,
        epochs=(),
        scored_network=ScoredNetwork.FINAL,
        evaluation=ValueEvaluation(scores={}, skill=Skill.not_measured(), n_scored=0),
        data=DataInfo(panel.source, panel.n_series, len(panel.values), panel.fingerprint()),
        libraries={},
        preprocessing=ensemble.preprocessings[0].scaling_spec.transform,
        adaptive_weights=ensemble.weights.adaptive,
        holdout=Holdout(ensemble.horizon, 0, 0),
        mase_season=panel.calendar.mase_season,
    )
