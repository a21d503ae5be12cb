"""Several rows of one series and step: what is proposed, and what each aggregation makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from lstmcast.data.aggregation import count_column, event_frequency
from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.data.schema import NoteCode, ReadOptions, SettingKey
from lstmcast.data.targets import EVENT_PARSER
from lstmcast.data.time.zones import DAY
from lstmcast.errors import ConfigError, DataError, Fault, FaultCode

DAYS = [str(np.datetime64("2024-01-01") + k) for k in range(84)]


def write(path: Path, header: str, rows: Sequence[Sequence[object]]) -> Path:
    """A CSV file."""
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    """Order lines: one to three orders a day, each of one or two products."""
    rows, order = [], 1000
    for k, day in enumerate(DAYS):
        for n in range(1 + k % 3):
            order += 1
            rows += [(order, day, product, 1 + n, 9.5) for product in ("hat", "shoe")[: 1 + (k + n) % 2]]
    return write(tmp_path / "orders.csv", "order_id,date,product,qty,price", rows)


@pytest.fixture
def tickets(tmp_path: Path) -> Path:
    """Events without a number: three on most days, none on every tenth."""
    times = [f"{day} {hour:02d}:17:{k % 60:02d}" for k, day in enumerate(DAYS) if k % 10 for hour in (8, 11, 16)]
    rows = [(f"T-{k}", time, "high" if k % 4 == 0 else "low") for k, time in enumerate(times)]
    return write(tmp_path / "tickets.csv", "ticket,created_at,priority", rows)


def fault_of(path: Path, options: ReadOptions | None = None) -> Fault:
    """The only fault of a file."""
    with pytest.raises(DataError) as caught:
        read(path, options or ReadOptions())
    (fault,) = caught.value.faults
    return fault


def settings(fault: Fault) -> list[str]:
    """The settings of its fixes."""
    return [fix.setting for fix in fault.fixes]


def inferred(panel: Panel, key: SettingKey) -> str:
    """The printed value of an inferred setting."""
    return next(setting.value for setting in panel.inferred if setting.key is key)


def test_order_lines_are_added_up_by_product(orders: Path) -> None:
    """The first fix adds up the rows of each product, and a day without a row is 0; orders name no series."""
    fault = fault_of(orders)
    assert fault.code is FaultCode.REPEATED_ROWS
    assert settings(fault) == ["data.aggregate=sum", "data.aggregate=mean"]
    assert "product and date" in fault.fixes[0].effect
    panel = read(orders, ReadOptions(aggregate="sum"))
    assert (panel.columns.series, panel.columns.target) == (("product",), ("qty",))
    assert panel.keys == (("hat",), ("shoe",))
    assert panel.series(0)[:6].tolist() == [1, 3, 6, 1, 3, 6]
    assert 0 in panel.series(1)


def test_without_series_the_total_is_offered_and_read(orders: Path) -> None:
    """`none` states that there are no series: the fixes add up days, and so does the panel."""
    fault = fault_of(orders, ReadOptions(id_columns=("none",)))
    assert settings(fault) == ["data.aggregate=sum", "data.aggregate=mean"]
    assert "product" not in fault.fixes[0].effect
    panel = read(orders, ReadOptions(id_columns=("none",), aggregate="sum"))
    assert (panel.keys, panel.series(0)[:3].tolist()) == (((),), [1, 4, 8])


def test_one_row_of_equal_rows_is_enough(tmp_path: Path) -> None:
    """Rows written twice lose nothing."""
    rows = [(day, k * k) for k, day in enumerate(DAYS)]
    path = write(tmp_path / "twice.csv", "date,y", [*rows, rows[3], rows[9]])
    assert settings(fault_of(path)) == ["data.aggregate=last"]
    assert read(path, ReadOptions(aggregate="last")).values.tolist() == [k * k for k in range(len(DAYS))]


def test_a_corrected_row_is_not_added_up(tmp_path: Path) -> None:
    """Few rows repeat a time: their mean is the first setting."""
    rows = [*((day, k % 9) for k, day in enumerate(DAYS)), (DAYS[7], 55)]
    fault = fault_of(write(tmp_path / "corrected.csv", "date,y", rows))
    assert settings(fault) == ["data.aggregate=mean", "data.aggregate=sum"]


def test_an_order_number_is_not_added_up(tmp_path: Path) -> None:
    """Orders without another number are counted."""
    rows = [(73 * k % 4001, f"{day} 08:{k % 60:02d}") for k, day in enumerate(day for day in DAYS for _ in "123")]
    fault = fault_of(write(tmp_path / "orders.csv", "order_id,created", rows))
    assert settings(fault) == ["data.aggregate=count"]


@pytest.mark.parametrize(("name", "value"), [("k", "k"), ("my k", '"my k"'), ("2nd", '"2nd"')])
def test_an_id_without_a_name_is_offered_first(tmp_path: Path, name: str, value: str) -> None:
    """Keys of two or three rows are too short to be inferred, but identify the rows."""
    rows = [(key, f"2024-0{m}", 3 * m) for key, n in (("a", 3), ("b", 2), ("c", 3), ("d", 2)) for m in range(1, n + 1)]
    fault = fault_of(write(tmp_path / "keys.csv", f"{name},month,y", rows))
    assert settings(fault)[0] == f"data.id_columns={value}"


def test_events_are_counted(tickets: Path) -> None:
    """Without a number, rows are counted by day; a day without an event is 0."""
    fault = fault_of(tickets)
    assert (fault.code, settings(fault)) == (FaultCode.NO_NUMBERS, ["data.aggregate=count"])
    panel = read(tickets, ReadOptions(aggregate="count"))
    assert (panel.columns.target, inferred(panel, SettingKey.FREQUENCY)) == (("count",), "D")
    assert panel.values[:10].tolist() == [3] * 9 + [0]
    assert any(note.code is NoteCode.STEPS_FILLED for note in panel.notes)


def test_events_are_counted_by_id(tickets: Path) -> None:
    """Pinned id columns part the counts, which sum to those of all."""
    panel = read(tickets, ReadOptions(aggregate="count", id_columns=("priority",)))
    assert {key for (key,) in panel.keys} == {"high", "low"}
    assert panel.values.sum() == read(tickets, ReadOptions(aggregate="count")).values.sum()


def test_orders_at_any_minute_are_added_up_by_day(tmp_path: Path) -> None:
    """Records without a frequency: the sum is the first setting, by stock code and not by customer."""
    rows = [
        (5000 + k, f"{day} {8 + 3 * k % 10:02d}:{17 * k % 60:02d}", "AB"[k % 2], 2 + k % 3, 70 + k % 6)
        for k, day in enumerate(day for day in DAYS for _ in "1234")
    ]
    path = write(tmp_path / "retail.csv", "InvoiceNo,at,StockCode,Quantity,CustomerID", rows)
    fault = fault_of(path)
    assert fault.code is FaultCode.IRREGULAR_TIMES
    assert settings(fault)[0] == "data.aggregate=sum"
    panel = read(path, ReadOptions(aggregate="sum"))
    assert (panel.columns.series, inferred(panel, SettingKey.FREQUENCY)) == (("StockCode",), "D")
    assert panel.values.sum() == sum(row[3] for row in rows)


@pytest.mark.parametrize(
    ("spacing", "expected"), [(DAY // 50, "h"), (DAY, "D"), (5 * DAY, "W"), (20 * DAY, "MS"), (400 * DAY, "MS")]
)
def test_the_step_of_events_is_the_finest_that_is_busy(spacing: int, expected: str) -> None:
    """Half of the steps have an event."""
    assert event_frequency(np.arange(200) * spacing).value == expected


def test_counts_have_a_name_of_their_own(tickets: Path) -> None:
    """A column `count` of the file is not replaced, and yes/no columns cannot be counted."""
    assert (count_column(["time"]), count_column(["time", "count"])) == ("count", "rows")
    with pytest.raises(ConfigError, match=r"data\.aggregate"):
        read(tickets, ReadOptions(aggregate="count"), EVENT_PARSER)
