"""Style of figures: defaults, axes and fitted text.

Nothing here knows what is drawn. Every function takes plain values or one matplotlib Axes.
"""

from __future__ import annotations

import bisect
import logging
import math
import textwrap
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib import dates as mdates
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties, get_font_names
from matplotlib.textpath import text_to_path
from matplotlib.ticker import Formatter, MaxNLocator

from lstmcast.errors import DataError
from lstmcast.types import Floats

INK = "#262626"
QUIET = "#6b6b6b"
HAIRLINE = "#e3e3e3"

_STYLE: Any = {
    "agg.path.chunksize": 20_000,  # long jagged lines overflow the rasteriser without it
    "axes.edgecolor": "#9a9a9a",
    "axes.labelcolor": QUIET,
    "figure.dpi": 150,
    "font.size": 9,
    "savefig.dpi": 150,
    "svg.hashsalt": "lstmcast",
    "text.color": INK,
    "text.parse_math": False,
}
_OTHER_SCRIPTS = (  # fonts tried in turn for characters missing in DejaVu Sans
    *("Noto Sans CJK SC", "Noto Sans CJK JP", "Microsoft YaHei", "PingFang SC", "Hiragino Sans", "Yu Gothic"),
    *("WenQuanYi Zen Hei", "Malgun Gothic", "Apple SD Gothic Neo", "Noto Sans Devanagari", "Noto Sans Thai"),
)
_UNDRAWABLE = "Glyph .* missing from|Matplotlib currently does not support"
_CALENDAR = np.array(["0001-01-01", "9999-12-31"], dtype="datetime64[us]")
_DATE_FORMATS = {  # by year, month, day, hour, minute, second; `zero` is the first of each, `offset` stands at the end
    "formats": ["%Y", "%b", "%d %b", "%H:%M", "%H:%M", "%S.%f"],
    "zero_formats": ["", "%Y", "%d %b", "%d %b", "%H:%M", "%H:%M"],
    "offset_formats": ["", "%Y", "%Y", "%d %b %Y", "%d %b %Y", "%d %b %Y %H:%M"],
}
_UNITS = ((1e12, " tn"), (1e9, " bn"), (1e6, " M"))
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@contextmanager
def house_style() -> Iterator[None]:
    """Use Matplotlib's defaults and the style of lstmcast in a `with` block, independent of the user's matplotlibrc.

    A character that no installed font can draw becomes a box, without a warning. A font for another
    script that lacks a weight gives no warning either.
    """
    with warnings.catch_warnings(), matplotlib.rc_context(), _only_errors("matplotlib.font_manager"):
        warnings.filterwarnings("ignore", message=_UNDRAWABLE, category=UserWarning)
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        matplotlib.rcParams["font.family"] = ["DejaVu Sans", *_installed(_OTHER_SCRIPTS)]
        yield


@contextmanager
def _only_errors(name: str) -> Iterator[None]:
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def _installed(fonts: Iterable[str]) -> list[str]:
    known = set(get_font_names())
    return [font for font in fonts if font in known]


def axis_numbers(times: npt.NDArray[Any]) -> Floats:
    """Places on the time axis.

    Args:
        times: [N] datetime64, or integers of a row counter.

    Returns:
        [N] days since 1970 for dates, the counter itself otherwise.

    Raises:
        DataError: a date is outside the years 1 to 9999, which no calendar library can label.
    """
    if times.dtype.kind != "M":
        return times.astype(np.float64)
    outside = times[(times < _CALENDAR[0]) | (times > _CALENDAR[1])]
    if outside.size:
        raise DataError(f"figure: times must lie in the years 1 to 9999 (got {outside[0]})")
    return np.asarray(mdates.date2num(times), dtype=np.float64)  # type: ignore[no-untyped-call]


def labeled(positions: Floats, *, calendar: bool) -> Floats:
    """Places along x, as `axis_numbers` returns them, moved to the ends of the calendar where they lie beyond."""
    return np.clip(positions, *axis_numbers(_CALENDAR)) if calendar else positions


def style_axes(axes: Axes, positions: Floats, values: Floats, *, calendar: bool, ticks: int) -> None:
    """Sets limits, tick labels, grid and spines.

    Args:
        axes: the panel.
        positions: everything drawn along x, as `axis_numbers` returns it.
        values: everything drawn along y; what is not finite is left out.
        calendar: whether x holds dates rather than a row counter.
        ticks: how many tick labels fit along x, at least 7: with less, some spans of dates have no fitting interval.
    """
    axes.set_xlim(*_time_limits(positions, calendar=calendar))
    axes.set_ylim(*value_limits(values))
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.grid(axis="y", color=HAIRLINE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(axis="x", color="#9a9a9a", labelcolor=QUIET, labelsize=8.5, length=3)
    axes.tick_params(axis="y", labelcolor=QUIET, labelsize=8.5, length=0)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(NumberFormatter())
    if calendar:
        _label_dates(axes, ticks)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(nbins=ticks - 2, steps=[1, 2, 5, 10], integer=True))
        axes.xaxis.set_major_formatter(NumberFormatter())


class _EvenLocator(mdates.AutoDateLocator):
    """Dates an even distance apart: of 28, 31 and 1, the 31 goes, for its label would lie under the next."""

    def __call__(self) -> Sequence[float]:
        """The ticks, in days since 1970."""
        ticks = np.asarray(super().__call__(), dtype=np.float64)  # type: ignore[no-untyped-call]
        gaps = np.diff(ticks, append=np.inf)
        even: list[float] = ticks[gaps >= 0.7 * gaps[:-1].max(initial=0.0)].tolist()
        return even


def _label_dates(axes: Axes, ticks: int) -> None:
    locator = _EvenLocator(minticks=3, maxticks=ticks)  # type: ignore[no-untyped-call]
    for unit in (mdates.MINUTELY, mdates.SECONDLY):  # from every one to every fifth is too far where few labels fit
        locator.intervald[unit] = [1, 2, 5, 10, 15, 30]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator, **_DATE_FORMATS))  # type: ignore[no-untyped-call]
    axes.xaxis.get_offset_text().set(color=QUIET, size=8.5)


def _time_limits(positions: Floats, *, calendar: bool) -> tuple[float, float]:
    if not positions.size:
        return 0.0, 1.0
    first, last = float(positions.min()), float(positions.max())
    margin = 0.015 * (last - first) or 1.0
    first, last = labeled(np.array([first - margin, last + margin]), calendar=calendar).tolist()
    return first, last


def value_limits(values: Floats) -> tuple[float, float]:
    """The y limits: every finite value, and some air. A constant lies in the middle.

    Args:
        values: [N] anything, NaN and infinities included.

    Returns:
        Lower and upper limit, `(0, 1)` where nothing is finite.
    """
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    largest = max(abs(low), abs(high))
    is_constant = high - low <= 1e-12 * largest
    margin = (0.1 * largest or 1.0) if is_constant else 0.06 * (high - low)
    return low - margin, high + margin


class NumberFormatter(Formatter):
    """Tick labels as plain numbers, without an offset."""

    def __call__(self, x: float, pos: int | None = None) -> str:  # noqa: ARG002
        """One label on its own."""
        return number_labels([x])[0]

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """The labels of one axis, with a common unit and number of decimals."""
        return number_labels(values)


def number_labels(values: Iterable[float]) -> list[str]:
    """Format ticks as in print: `1,200`, `1.5 M`, `2×10⁻⁷`, with enough decimals to distinguish neighbors.

    Args:
        values: the ticks of one axis, a power of ten times 1, 2 or 5 apart.

    Returns:
        A label for each.
    """
    ticks = np.asarray(list(values), dtype=np.float64)
    largest = float(np.abs(ticks).max(initial=0.0))
    step = float(np.diff(np.unique(ticks)).min(initial=np.inf)) if ticks.size > 1 else largest / 100
    if largest and not 1e-4 <= largest < 1e18:
        return _powers(ticks, step, exponent=math.floor(math.log10(largest)))
    scale, unit = next(((s, u) for s, u in _UNITS if largest >= s and step >= s / 1000), (1.0, ""))
    return [_decimal(tick / scale, step / scale) + unit if tick or not unit else "0" for tick in ticks.tolist()]


def _powers(ticks: Floats, step: float, *, exponent: int) -> list[str]:
    scale = 10.0**exponent
    power = f"×10{exponent}".replace(str(exponent), str(exponent).translate(_SUPERSCRIPT))
    return [_decimal(tick / scale, step / scale) + power if tick else "0" for tick in ticks.tolist()]


def _decimal(value: float, step: float) -> str:
    decimals = max(0, -math.floor(math.log10(step) + 1e-6)) if step else 0
    return f"{value if value else 0.0:,.{decimals}f}".replace("-", "−")


def literal(text: str) -> str:
    """Text in one line: white space becomes a space, unprintable characters become `�`."""
    return "".join(char if char.isprintable() else "\ufffd" for char in " ".join(text.split()))


def shorten(text: str, *, size: float, width: float, weight: str = "normal") -> str:
    """Cuts a text at the end, with an ellipsis, where it is wider than the room for it.

    Args:
        text: any text; it is made `literal` first.
        size: of the font, in points.
        width: the room, in points.
        weight: of the font.

    Returns:
        The text on one line.
    """
    line = literal(text)
    font = FontProperties(size=size, weight=weight)
    if _width(line, font) <= width:
        return line
    kept = bisect.bisect_right(range(len(line)), width, key=lambda length: _width(line[:length] + "…", font)) - 1
    return line[: max(kept, 0)].rstrip() + "…"


def wrap(text: str, *, size: float, width: float, lines: int, weight: str = "normal") -> list[str]:
    """Break a text into at most `lines` lines of at most `width` points; longer text ends in an ellipsis."""
    letters = max(1, int(width / (0.6 * size)))
    rows = textwrap.wrap(literal(text), letters, max_lines=lines, placeholder=" …")
    return [shorten(row, size=size, width=width, weight=weight) for row in rows]


def _width(text: str, font: FontProperties) -> float:
    return float(text_to_path.get_text_width_height_descent(text, font, False)[0])
