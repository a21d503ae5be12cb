"""Test of seasons of series by their spectrum.

A season of p steps that repeats C times has all its power at the frequencies C, 2C, 3C … of the periodogram of the last
C · p values. Each of these harmonics is compared with the mean of the adjacent frequencies. The ratio has an F
distribution for any process with a smooth spectrum: white noise, a random walk, a trend, an AR(1) process. A cycle
without a fixed length has power at the adjacent frequencies too, and is no season.

The p-value of a season combines its first harmonics by Fisher's method. That of a panel is twice the median of the
series, which is valid for dependent series (Rüschendorf 1982). The limit of 1 % is for all candidates together: half of
it for the lengths of the calendar, half for all others from 2 steps to a third of the series.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log

import numpy as np

from lstmcast.types import Floats, Ints

FALSE_ALARM_RATE = 0.01  # of a panel without seasons
MIN_REPEATS, MIN_CALENDAR_REPEATS = 3, 2
MIN_STEPS = 8
MIN_STEPS_OF_TWO = 48  # for a season of two steps, whose frequency is the highest of all
HARMONICS = (1, 2, 3, 6, 12, 36)  # numbers of harmonics that are tried
DISTANCES = np.arange(1, 9)  # from a harmonic to adjacent frequencies
SLOPES = (0, 2)  # of the spectrum: f⁰ for noise, f⁻² for a random walk
SHARED = 2  # correction for frequencies that are adjacent to two harmonics
MAX_SCREENED = 12  # candidates of each screening
PARTS = (2, 3, 4, 5, 6, 7, 8, 10, 12)  # divisors of a length that are tested too
MAX_RATIO = 1e8
CLIP = 1.5  # ranges between the 5 % and the 95 % quantile of changes
TINY = np.finfo(np.float64).tiny


@dataclass(frozen=True)
class SeasonTest:
    """Test of all candidates.

    Attributes:
        longest: steps of the longest series.
        typical: lengths of the calendar.
    """

    longest: int
    typical: tuple[float, ...]

    def best(self, sample: Sequence[Floats], known: Iterable[float]) -> tuple[float, float]:
        """The log of the p-value and the length of the best candidate; a part of it that is usual comes first."""
        tested = {p: self.log_p_value(sample, p) for p in {*self.typical, *_screened(sample)}.difference(known)}
        if not tested:
            return 0.0, 0.0
        best = min(tested, key=lambda p: (tested[p], p))
        close = {float(round(best / part)) for part in PARTS if best % part == 0} | {best - 1, best + 1}
        more = [p for p in close.difference(tested, known) if 2 <= p <= self.longest / MIN_REPEATS]
        tested |= {p: self.log_p_value(sample, p) for p in more}
        best = min(tested, key=lambda p: (tested[p], p))
        parts = [p for p in self.typical if p in tested and p < best and best % p == 0]
        first = next((p for p in parts if tested[p] <= log(FALSE_ALARM_RATE)), best)
        return tested[first], first

    def log_p_value(self, sample: Sequence[Floats], length: float) -> float:
        """Log of the p-value of a season over all series, corrected for the number of candidates."""
        count = len(self.typical) if length in self.typical else self.longest // MIN_REPEATS
        of_series = float(np.median([_log_p_value(values, length) for values in sample]))
        return min(of_series + log(2 * max(count, 1) * (1 if len(sample) == 1 else 2)), 0.0)

    def is_part(self, length: float, found: Iterable[float]) -> bool:
        """True for a length outside the calendar that divides another found one, such as 12 of 24 hours."""
        return length not in self.typical and any(other > length and other % length == 0 for other in found)


def prepared(values: Floats) -> Floats:
    """Logs of positive values, with clipped changes; empty if the series is too short or a line.

    Clipped changes remove outliers, which return to the level, and shifts of the level.
    """
    if len(values) < MIN_STEPS or not np.isfinite(values).all():
        return np.empty(0)
    values = np.log(values) if values.min() > 0 else values / max(np.abs(values).max(), TINY)
    steps = np.diff(values)
    low, middle, high = np.quantile(steps, (0.05, 0.5, 0.95))
    limit = CLIP * (high - low)
    steps = np.clip(steps, middle - limit, middle + limit) if limit > 0 else steps
    if np.ptp(steps) <= 1e-12 * np.abs(values).max():
        return np.empty(0)
    levels = np.concatenate([[0.0], np.cumsum(steps)])
    return np.asarray((levels - levels.mean()) / np.abs(levels - levels.mean()).max())


def count_repeats(steps: int, length: float) -> int:
    """Whole seasons of a length in some steps."""
    return int((steps + 0.5) // length)


def _window(values: Floats, length: float) -> tuple[Floats, int]:
    """The newest whole seasons without a trend, and their number; empty if there are fewer than two.

    The trend is the line through the means of the first and of the last season.
    """
    repeats = count_repeats(len(values), length)
    if repeats < MIN_CALENDAR_REPEATS:
        return np.empty(0), repeats
    kept, steps = values[-round(repeats * length) :], round(length)
    slope = (kept[-steps:].mean() - kept[:steps].mean()) / (len(kept) - steps)
    return kept - slope * np.arange(len(kept)), repeats


def _harmonics(repeats: int, length: float) -> Ints:
    """[J] frequencies of the first harmonics of a season."""
    return repeats * np.arange(1, min(int(length // 2), HARMONICS[-1]) + 1)


def _log_p_value(values: Floats, length: float) -> float:
    """Log of the p-value of a season in one series; 0 if the series is too short."""
    window, repeats = _window(values, length)
    if len(window) < (MIN_STEPS if length > 2 else MIN_STEPS_OF_TWO):
        return 0.0
    power, at = np.abs(np.fft.rfft(window)) ** 2, _harmonics(repeats, length)
    counts = HARMONICS if repeats >= MIN_REPEATS else HARMONICS[:1]
    numbers = sorted({min(number, len(at)) for number in counts})
    sums = [np.cumsum(_evidence(power, len(window), at, slope)) for slope in SLOPES]
    best = min(_log_gamma_tail(number, float(each[number - 1])) for number in numbers for each in sums)
    return best + log(len(numbers) * len(SLOPES) * SHARED)


def _evidence(power: Floats, steps: int, harmonics: Ints, slope: int) -> Floats:
    """[J] −log p of each harmonic: F with 2 and 2m degrees of freedom, for m adjacent frequencies.

    Args:
        power: by frequency.
        steps: of the series.
        harmonics: [J] frequencies.
        slope: of the spectrum around them.
    """
    at = harmonics[:, None]
    adjacent = at + np.concatenate([-DISTANCES[::-1], DISTANCES])
    valid = (np.abs(adjacent - at) < harmonics[0]) & (adjacent > 0) & (adjacent < len(power))
    if slope == 0:  # the same number on both sides
        valid &= valid[:, ::-1]
    count = np.maximum(valid.sum(axis=1), 1)
    scaled = power[np.clip(adjacent, 0, len(power) - 1)] * (adjacent / at) ** slope
    background = np.where(valid, scaled, 0.0).sum(axis=1) / count
    ratio = power[harmonics] / np.maximum(background, power.mean() / MAX_RATIO)
    ratio = np.where(2 * harmonics == steps, ratio / 2, ratio)  # a real coefficient has one degree of freedom
    return np.asarray(np.where(valid.any(axis=1), count * np.log1p(ratio / count), 0.0))


def _log_gamma_tail(shape: int, x: float) -> float:
    """Log of P(Γ(shape) > x) for an integer shape: −x + log Σ_{i < shape} xⁱ / i!."""
    terms = np.concatenate([[1.0], np.cumprod(x / np.arange(1, shape))])
    return float(-x + np.log(terms.sum()))


def explained_fraction(values: Floats, length: float) -> float:
    """Fraction of the variance that a season explains, without movements that are slower than the season."""
    window, repeats = _window(values, length)
    power = np.abs(np.fft.rfft(window)) ** 2 if len(window) else np.zeros(1)
    total = power[repeats:].sum()
    return float(power[_harmonics(repeats, length)].sum() / total) if total > 0 else 0.0


def without_season(values: Floats, length: float) -> Floats:
    """The newest whole seasons without the harmonics of a season; the values if there are fewer than two."""
    window, repeats = _window(values, length)
    if not len(window):
        return values
    spectrum = np.fft.rfft(window)
    spectrum[repeats * np.arange(1, int(length // 2) + 1)] = 0
    return np.asarray(np.fft.irfft(spectrum, len(window)))


def _screened(sample: Sequence[Floats]) -> list[float]:
    """Candidate lengths: the largest autocorrelations of the whitened series, and the peaks of their spectrum."""
    longest = max(map(len, sample))
    size = 1 << (2 * longest - 1).bit_length()
    total = np.zeros(size // 2 + 1)
    for values in sample:
        power = np.abs(np.fft.rfft(np.diff(values), size)) ** 2
        total += power / np.maximum(_moving_mean(power, 4 * size // len(values)), 1e-300)
    limit = longest // MIN_REPEATS
    correlation = np.fft.irfft(total, size)[: limit + 2]
    inner = correlation[1:-1]
    peaks = np.flatnonzero((inner >= correlation[:-2]) & (inner >= correlation[2:])) + 1
    lags = peaks[np.argsort(-correlation[peaks], kind="stable")[:MAX_SCREENED]]
    slowest = MIN_REPEATS * size // longest
    frequencies = slowest + np.argsort(-total[slowest:], kind="stable")[:MAX_SCREENED]
    periods = np.concatenate([lags, np.round(size / frequencies)])
    return [float(p) for p in np.unique(periods) if 2 <= p <= limit]


def _moving_mean(power: Floats, width: int) -> Floats:
    """Mean over 2 · width + 1 frequencies."""
    sums = np.cumsum(np.pad(power, (width + 1, width), mode="reflect"))
    return np.asarray((sums[2 * width + 1 :] - sums[: -2 * width - 1]) / (2 * width + 1))
