"""Covariates from the columns of a file: roles, types, values ahead, gaps."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from lstmcast.clock import fixed_time
from lstmcast.data.drivers.ahead import horizon_ahead, require_ahead
from lstmcast.data.drivers.covariates import Covariates
from lstmcast.data.drivers.options import CovariateOptions
from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.data.schema import NoteCode, ReadOptions, SettingKey
from lstmcast.errors import ConfigError, DataError, FaultCode

N, AHEAD = 40, 5


def frame(n: int = N, ahead: int = AHEAD) -> pd.DataFrame:
    """A daily load with a temperature and a promotion, and rows ahead without a load."""
    days = pd.date_range("2024-01-01", periods=n + ahead, freq="D").strftime("%Y-%m-%d")
    steps = np.arange(n + ahead)
    load = np.where(steps < n, 100.0 + steps, np.nan)
    return pd.DataFrame({"date": days, "load": load, "temperature": steps / 4, "promo": steps % 5 == 0})


def panel_of(table: pd.DataFrame, *, target: str = "load", **covariates: object) -> Panel:
    """The panel of a DataFrame."""
    return read(table, ReadOptions(target=(target,), covariates=CovariateOptions(**covariates)))  # type: ignore[arg-type]


def covariates_of(panel: Panel) -> Covariates:
    """The covariates of a panel that has some."""
    assert panel.covariates is not None
    return panel.covariates


def ahead_of(panel: Panel, steps: int, series: int = 0) -> np.ndarray:
    """[steps, K] values after the end of a series."""
    ends = panel.ends[[series]]
    return covariates_of(panel).at(np.array([series]), ends[:, None] + np.arange(1, steps + 1), ends)[0]


def test_columns_with_values_ahead_are_known() -> None:
    """Rows without a target propose their columns, and the reason names them."""
    panel = panel_of(frame())
    found = covariates_of(panel)
    assert found.names == ("temperature", "promo")
    assert found.known.all()
    assert panel.lengths.tolist() == [N]
    assert not {NoteCode.ENDS_TRIMMED, NoteCode.UNUSED_COLUMNS} & {note.code for note in panel.notes}
    (setting,) = (one for one in panel.inferred if one.key is SettingKey.KNOWN)
    assert setting.reason.startswith("have values after the last target value")
    np.testing.assert_allclose(ahead_of(panel, AHEAD)[:, 0], (N + np.arange(AHEAD)) / 4)
    np.testing.assert_allclose(ahead_of(panel, AHEAD)[:, 1], [1, 0, 0, 0, 0])


def test_none_turns_proposals_off() -> None:
    """Without covariates, the panel is that of the rows with a target."""
    table = frame()
    panel = panel_of(table, known=("none",))
    assert panel.covariates is None
    assert panel.values.tolist() == panel_of(table).values.tolist()


def test_a_file_without_rows_ahead_has_no_covariates() -> None:
    """Other columns stay unused unless they are pinned."""
    table = frame(ahead=0)
    assert panel_of(table).covariates is None
    assert covariates_of(panel_of(table, known=("temperature",))).names == ("temperature",)


def test_past_covariates_are_unknown_after_the_origin() -> None:
    """A past column is NaN after any origin, wherever rows have values."""
    panel = panel_of(frame(), known=("promo",), past=("temperature",))
    found = covariates_of(panel)
    assert found.known.tolist() == [True, False]
    for origin in (panel.ends[0], panel.starts[0] + 10):
        positions = np.array([[origin - 1, origin, origin + 1]])
        values = found.at(np.array([0]), positions, np.array([origin]))[0]
        assert np.isnan(values[:, 1]).tolist() == [False, False, True]
        assert not np.isnan(values[:, 0]).any()


def test_outside_the_data_nothing_is_known() -> None:
    """Positions before the first and after the last row are NaN."""
    panel = panel_of(frame())
    positions = np.array([[panel.starts[0] - 1, panel.ends[0] + AHEAD + 1]])
    assert np.isnan(covariates_of(panel).at(np.array([0]), positions, panel.ends)).all()


def test_missing_steps_ahead_are_refused_with_the_horizon_that_works() -> None:
    """The fault names the first steps."""
    panel = panel_of(frame())
    assert horizon_ahead(panel) == AHEAD
    require_ahead(panel, AHEAD)
    with pytest.raises(DataError) as caught:
        require_ahead(panel, AHEAD + 2)
    (fault,) = caught.value.faults
    assert (fault.code, fault.column) == (FaultCode.COVARIATE_AHEAD, "temperature")
    assert "2024-02-15, 2024-02-16" in fault.text
    assert "--horizon 5 works" in fault.text


def test_gaps_of_the_past_are_filled_and_counted() -> None:
    """Known numbers are interpolated, past ones repeat the value before, so that they look at no later one."""
    table = frame()
    table["humidity"] = np.arange(N + AHEAD) * 2.0
    table.loc[[10, 11], ["temperature", "humidity"]] = np.nan
    panel = panel_of(table, known=("temperature",), past=("humidity",))
    values = covariates_of(panel).values[9:13]
    np.testing.assert_allclose(values[:, 0], [9 / 4, 10 / 4, 11 / 4, 3])
    np.testing.assert_allclose(values[:, 1], [18, 18, 18, 24])
    assert [note.code for note in panel.notes].count(NoteCode.COVARIATE_FILLED) == 2


def test_a_column_with_many_gaps_is_refused() -> None:
    """More than a tenth of the past steps."""
    table = frame()
    table.loc[:8, "temperature"] = np.nan
    with pytest.raises(DataError) as caught:
        panel_of(table, known=("temperature",))
    assert [(fault.code, fault.column) for fault in caught.value.faults] == [
        (FaultCode.COVARIATE_MISSING, "temperature")
    ]


def test_text_becomes_categories() -> None:
    """A column for each category; those of training are kept, and others are noted and all zeros."""
    table = frame()
    table["weather"] = [("sun", "rain")[k % 2] for k in range(N + AHEAD)]
    panel = panel_of(table, known=("weather",))
    found = covariates_of(panel)
    assert found.names == ("weather=rain", "weather=sun")
    assert found.levels == {"weather": ("rain", "sun")}
    table.loc[N, "weather"] = "snow"
    again = panel_of(table, known=("weather",), levels=found.levels)
    assert covariates_of(again).names == found.names
    np.testing.assert_allclose(ahead_of(again, 2), [[0, 0], [1, 0]])
    assert NoteCode.UNSEEN_CATEGORIES in {note.code for note in again.notes}


def test_static_columns_hold_for_all_steps() -> None:
    """One value for each series, also far ahead."""
    tables = [frame(ahead=0).assign(store=name, area=area) for name, area in (("a", 10.0), ("b", 20.0))]
    panel = panel_of(pd.concat(tables), static=("area",))
    assert panel.keys == (("a",), ("b",))
    assert [ahead_of(panel, 3, k).ravel().tolist() for k in (0, 1)] == [[10.0] * 3, [20.0] * 3]
    require_ahead(panel, 100)
    tables[1].loc[3, "area"] = 21.0
    with pytest.raises(DataError) as caught:
        panel_of(pd.concat(tables), static=("area",))
    assert caught.value.faults[0].code is FaultCode.NOT_STATIC


def test_series_keep_their_own_covariates() -> None:
    """Selection, cuts and repeats carry the blocks; values ahead are not cut."""
    tables = [frame().assign(store=name, temperature=k + np.arange(N + AHEAD) / 4) for k, name in enumerate("ab")]
    panel = panel_of(pd.concat(tables), known=("temperature",))
    for other in (panel.select(np.array([1])), panel.drop_last(7).select(np.array([1]))):
        assert covariates_of(other).blocks.tolist() == [1]
    cut = panel.until(np.array([1, 1]), np.array([9, 19]), np.array([1.0, 2.0]))
    np.testing.assert_allclose(ahead_of(cut, 2, 0)[:, 0], [1 + 10 / 4, 1 + 11 / 4])
    np.testing.assert_allclose(ahead_of(cut, 2, 1)[:, 0], [1 + 20 / 4, 1 + 21 / 4])


def test_several_targets_have_one_block() -> None:
    """A wide table: every target has the same covariates."""
    table = frame().assign(other=lambda t: t["load"] * 2)
    options = CovariateOptions(known=("temperature", "promo"))
    panel = read(table, ReadOptions(target=("*",), covariates=options))
    assert panel.keys == (("load",), ("other",))
    assert covariates_of(panel).blocks.tolist() == [0, 0]


def test_a_coarser_frequency_takes_the_mean() -> None:
    """Daily rows read by week: the fraction of days with a promotion."""
    table = frame(n=70, ahead=14)
    options = CovariateOptions(known=("promo", "temperature"))
    panel = read(table, ReadOptions(target=("load",), frequency="W-SUN", aggregate="sum", covariates=options))
    np.testing.assert_allclose(covariates_of(panel).values[0], [0.2 * 10 / 7, 3 / 4])
    assert horizon_ahead(panel) == 2


def test_a_column_has_one_role() -> None:
    """A pinned column that is not there, and one with two roles."""
    with pytest.raises(DataError, match=r"covariates\.known"):
        panel_of(frame(), known=("temprature",))
    with pytest.raises(ConfigError):
        panel_of(frame(), known=("load",))


def test_the_fingerprint_depends_on_covariates() -> None:
    """A changed value ahead changes it; a panel without covariates has that of its target alone."""
    table = frame()
    panel, without = panel_of(table), panel_of(table, known=("none",))
    assert replace(panel, covariates=None).fingerprint() == without.fingerprint() != panel.fingerprint()
    table.loc[N + 1, "temperature"] = 99.0
    assert panel_of(table).fingerprint() != panel.fingerprint()


def test_the_default_horizon_is_known_ahead() -> None:
    """Of columns that rows ahead propose; pinned ones do not shorten it, nor does a column without values ahead."""
    table = frame()
    assert panel_of(table).default_horizon == AHEAD
    assert panel_of(table, known=("temperature",)).default_horizon == 14
    assert panel_of(table, known=("none",)).default_horizon == 14


def test_the_only_column_that_ends_early_is_the_target() -> None:
    """Of several numeric columns; not where two of them end, and not where covariates are turned off."""
    table = frame().assign(humidity=lambda table: table["temperature"] * 2)
    assert read(table).columns.target == ("load",)
    assert read(table.iloc[::-1]).columns.target == ("load",)
    with pytest.raises(DataError) as caught:
        read(table, ReadOptions(covariates=CovariateOptions(known=("none",))))
    assert caught.value.faults[0].code is FaultCode.UNCLEAR_TARGET
    table.loc[N:, "humidity"] = np.nan
    with pytest.raises(DataError):
        read(table)


def test_an_unfinished_step_is_ahead() -> None:
    """Its target is left out, and its covariates are kept."""
    now = datetime(2024, 2, 9, 12, tzinfo=UTC)
    with fixed_time(now):
        panel = panel_of(frame(), known=("temperature",))
    assert panel.lengths.tolist() == [N - 1]
    assert ahead_of(panel, 1).tolist() == [[(N - 1) / 4]]
    assert NoteCode.UNFINISHED_STEP in {note.code for note in panel.notes}


def test_rows_ahead_may_not_repeat() -> None:
    """A fault with the line, and a setting that averages them."""
    table = pd.concat([frame(), frame().tail(1)])
    with pytest.raises(DataError) as caught:
        panel_of(table, known=("temperature",))
    (fault,) = caught.value.faults
    assert (fault.code, fault.line) == (FaultCode.REPEATED_ROWS, N + AHEAD + 1)
    assert [fix.setting for fix in fault.fixes] == ["data.aggregate=mean"]


def test_flags_with_blanks_are_zeros() -> None:
    """A promotion written as 1 or left empty, and events by name."""
    table = frame().assign(
        flag=["1" if k % 5 == 0 else "" for k in range(N + AHEAD)],
        event=["fair" if k % 7 == 0 else "" for k in range(N + AHEAD)],
    )
    panel = panel_of(table, known=("flag", "event"))
    assert covariates_of(panel).names == ("flag", "event=fair")
    np.testing.assert_allclose(ahead_of(panel, 3), [[1, 0], [0, 0], [0, 1]])
    assert [note.code for note in panel.notes].count(NoteCode.EMPTY_COVARIATE) == 2


def test_closed_steps_have_no_covariates() -> None:
    """Business days: the next step of a Friday is the Monday."""
    days = pd.bdate_range("2024-01-01", periods=N + AHEAD).strftime("%Y-%m-%d")
    panel = panel_of(frame().assign(date=days), known=("temperature",))
    assert panel.calendar.name == "B"
    np.testing.assert_allclose(ahead_of(panel, AHEAD)[:, 0], (N + np.arange(AHEAD)) / 4)


def test_a_few_rows_ahead_propose_nothing() -> None:
    """A target that is late, or a series without rows ahead: a note, and the panel of the target alone."""
    panel = panel_of(frame(ahead=2))
    assert panel.covariates is None
    assert NoteCode.FEW_AHEAD in {note.code for note in panel.notes}
    tables = [frame(ahead=ahead).assign(store=name) for name, ahead in (("a", AHEAD), ("b", 0))]
    panel = panel_of(pd.concat(tables))
    assert panel.covariates is None
    assert NoteCode.FEW_AHEAD in {note.code for note in panel.notes}


def test_columns_that_explain_nothing_are_not_proposed() -> None:
    """Constants, dates, remarks and row numbers; they stay in the note about unused columns."""
    table = frame().assign(
        country="DE",
        delivered=lambda table: pd.to_datetime(table["date"]).dt.strftime("%d.%m.%Y"),
        remark=[f"note {k}" for k in range(N + AHEAD)],
    )
    panel = panel_of(table)
    assert covariates_of(panel).columns == ("temperature", "promo")
    (note,) = (note for note in panel.notes if note.code is NoteCode.UNUSED_COLUMNS)
    assert note.text == "columns not used: country, delivered, remark"


@pytest.mark.parametrize("seed", range(5))
def test_nothing_after_an_origin_shows_in_past_covariates(seed: int) -> None:
    """Other values of past columns after an origin, gaps included, change no value at it; nor do later versions."""
    rng = np.random.default_rng(seed)
    n, origin = 60, int(rng.integers(10, 50))
    table = frame(n, 0).assign(humidity=rng.normal(0, 1, n), weather=rng.choice(["dry", "rain"], n))
    table.loc[rng.choice(np.arange(1, n), 5, replace=False), ["humidity", "weather"]] = [np.nan, ""]
    later = table.copy()
    later.loc[origin + 1 :, "humidity"] += 100
    later.loc[origin + 1 :, "weather"] = rng.choice(["dry", "rain", ""], n - origin - 1, p=[0.5, 0.45, 0.05])
    found = []
    for data in (table, later):
        panel = panel_of(data, known=("none",), past=("humidity", "weather"))
        origins = panel.starts + origin
        found.append(covariates_of(panel).at(np.array([0]), origins[:, None] + np.arange(-9, 9), origins))
    np.testing.assert_array_equal(*found)


def test_steps_in_which_a_series_alone_is_closed_need_no_values() -> None:
    """A shop that is closed on Sundays among others: its Sundays are filled, also ahead."""
    tables = [frame(60, 20).assign(store=name) for name in "abc"]
    is_open = pd.to_datetime(tables[1]["date"]).dt.day_of_week < 6
    tables[1] = tables[1][is_open]
    panel = panel_of(pd.concat(tables, ignore_index=True))
    assert horizon_ahead(panel) == 20
    np.testing.assert_allclose(ahead_of(panel, 20, 1)[:, 0], (60 + np.arange(20)) / 4)
    assert NoteCode.COVARIATE_FILLED not in {note.code for note in panel.notes}
