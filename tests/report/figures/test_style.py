"""The axes: numbers and dates that can be read, text that fits its room."""

from __future__ import annotations

import logging
import re
import warnings
from contextlib import suppress

import matplotlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from lstmcast.errors import DataError
from lstmcast.report.figures.style import axis_numbers, house_style, literal, number_labels, shorten, value_limits, wrap

SUPERSCRIPT = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
SCALE = {"": 1.0, " M": 1e6, " bn": 1e9, " tn": 1e12}


def rendered_width(text: str, size: float, weight: str = "normal") -> float:
    """The width in points that the rasteriser gives a text."""
    with house_style():
        figure = Figure(dpi=72)
        return figure.text(0, 0, text, size=size, weight=weight).get_window_extent().width


def read(label: str) -> float:
    """The number that a person reads in a tick label."""
    text = label.replace(",", "").replace("−", "-")
    if "×10" in text:
        mantissa, power = text.split("×10")
        return float(f"{mantissa}e{power.translate(SUPERSCRIPT)}")
    number, unit = re.fullmatch(r"([-0-9.]+)( M| bn| tn)?", text).groups(default="")
    return float(number) * SCALE[unit]


@pytest.mark.parametrize(
    ("ticks", "labels"),
    [
        ([0, 200, 400], ["0", "200", "400"]),
        ([800, 1000, 1200], ["800", "1,000", "1,200"]),
        ([-1, -0.5, 0, 0.5], ["−1.0", "−0.5", "0.0", "0.5"]),
        ([0.0, 0.02, 0.04], ["0.00", "0.02", "0.04"]),
        ([0, 500_000, 1_000_000], ["0", "0.5 M", "1.0 M"]),
        ([1.2e9, 1.4e9], ["1.2 bn", "1.4 bn"]),
        ([1.2e9, 1.2e9 + 1e5], ["1,200.0 M", "1,200.1 M"]),
        ([999_999_999.5, 1e9], ["999,999,999.5", "1,000,000,000.0"]),
        ([0, 1e-7, 2e-7], ["0", "1×10⁻⁷", "2×10⁻⁷"]),
        ([1.5e20, 2e20], ["1.5×10²⁰", "2.0×10²⁰"]),
        ([5e12], ["5.00 tn"]),
        ([0.25], ["0.250"]),
        ([0], ["0"]),
        ([], []),
    ],
)
def test_ticks_are_written_as_people_write_numbers(ticks: list[float], labels: list[str]) -> None:
    """Thousands separators, units for millions and more, powers of ten for the very small, no needless decimals."""
    assert number_labels(ticks) == labels


@given(
    start=st.integers(-500, 500),
    count=st.integers(2, 8),
    step=st.sampled_from([1, 2, 5]),
    exponent=st.integers(-30, 30),
    offset=st.sampled_from([0, 10**3, 10**6]),
)
def test_tick_labels_read_back_as_their_ticks(start: int, count: int, step: int, exponent: int, offset: int) -> None:
    """For any range, a label is exact to a hundredth of a step, and adjacent labels differ."""
    unit = step * 10.0**exponent
    ticks = (offset + start + np.arange(count)) * unit
    labels = number_labels(ticks)
    assert [read(label) for label in labels] == pytest.approx(ticks.tolist(), rel=1e-9, abs=0.01 * unit)
    assert len(set(labels)) == count


def test_dates_become_days_and_counters_stay() -> None:
    """One day after 1970-01-01 is 1.0, half a day more 1.5; integers pass through."""
    dates = np.array(["1970-01-02", "1970-01-02T12:00", "0001-01-01"], dtype="datetime64[us]")
    np.testing.assert_array_equal(axis_numbers(dates), [1.0, 1.5, -719162.0])
    np.testing.assert_array_equal(axis_numbers(np.array([3, 4])), [3.0, 4.0])


@pytest.mark.parametrize("date", ["0000-12-31", "10000-01-01"])
def test_dates_outside_the_calendar_are_refused(date: str) -> None:
    """Years before 1 and after 9999 have no labels."""
    with pytest.raises(DataError, match=f"years 1 to 9999 .got {date}"):
        axis_numbers(np.array([date], dtype="datetime64[us]"))


@pytest.mark.parametrize(
    ("values", "limits"),
    [
        ([0.0, 100.0], (-6.0, 106.0)),
        ([5.0, 5.0, np.nan], (4.5, 5.5)),
        ([-2.0], (-2.2, -1.8)),
        ([0.0, 0.0], (-1.0, 1.0)),
        ([1e9 - 1, 1e9 + 1, np.inf], (1e9 - 1.12, 1e9 + 1.12)),
        ([np.nan, -np.inf], (0.0, 1.0)),
        ([], (0.0, 1.0)),
    ],
)
def test_limits_hold_all_that_is_finite(values: list[float], limits: tuple[float, float]) -> None:
    """Air above and below; a constant in the middle; nothing at all is no reason to fail."""
    assert value_limits(np.array(values)) == pytest.approx(limits, rel=1e-12)


def test_text_is_literal() -> None:
    """White space of any kind is one space; what has no shape is a replacement character; the rest stays."""
    assert literal(" a\n\tb  $x_1$ 100 %\\ 北京 ") == "a b $x_1$ 100 %\\ 北京"
    assert literal("x\x00y\x1b\ud800") == "x\ufffdy\ufffd\ufffd"


@given(text=st.text(st.sampled_from("iWm. é$_%^{}\\"), max_size=80), width=st.floats(30, 300))
def test_shortened_text_fits_and_ends_in_an_ellipsis(text: str, width: float) -> None:
    """Text that fits is unchanged; longer text ends in an ellipsis and fills its width."""
    whole, short = literal(text), shorten(text, size=9, width=width)
    if short != whole:
        assert short.endswith("…")
        assert whole.startswith(short[:-1])
        assert rendered_width(whole, 9) > 0.95 * width
    assert rendered_width(short, 9) <= 1.05 * width + 1


def test_wrapped_text_fits_and_keeps_every_word() -> None:
    """Lines are no wider than their room, and together they are the text."""
    text = "Forecast of the passengers of every airline, in thousands, for the twelve months after 1960-12"
    rows = wrap(text, size=13, width=300, lines=9, weight="bold")
    assert " ".join(rows) == text
    assert len(rows) > 2
    assert all(rendered_width(row, 13, "bold") <= 300 for row in rows)
    assert wrap(text, size=13, width=300, lines=2)[-1].endswith("…")
    assert wrap("", size=13, width=300, lines=2) == []


def test_the_style_leaves_no_trace() -> None:
    """Settings, warning filters and log levels are as before, also after an error; inside, our settings hold."""
    logger = logging.getLogger("matplotlib.font_manager")
    with matplotlib.rc_context({"font.size": 31.0}):
        before = dict(matplotlib.rcParams), list(warnings.filters), logger.level
        with suppress(KeyError), house_style():
            assert matplotlib.rcParams["font.size"] == pytest.approx(9.0)
            raise KeyError
        assert (dict(matplotlib.rcParams), list(warnings.filters), logger.level) == before
