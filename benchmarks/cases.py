"""Awkward files, each read and forecast on the command line as a user would.

`cases.py --data DIR` runs `lstmcast check FILE` and `lstmcast predict FILE` (zero-shot) on each file of a folder. A
rule for each type of file states the right outcome. A file is

- right: the forecast meets every condition of its rule;
- advised: refused with exit code 4, and the advice works as printed. The first setting, typed after `-s`, leads to a
  right forecast, or to another refusal whose advice does. Each other setting leads to a forecast, or to such a refusal;
- wrong: all others, with the conditions that failed.

The name of a file up to the first `_` selects its rule. A file without a rule must be forecast or advised.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

PRINTED_FIX = re.compile(r"-s ((?:'[^']*'|\"[^\"]*\"|\\.|[^\s'\"\\])+) to ")
MAX_DEPTH = 3  # settings given one after another
TIMEOUT = 300  # seconds
DATA_ERROR, CONDITION_MET = 4, 8  # exit codes
RIGHT, ADVISED, WRONG = "right", "advised", "wrong"


@dataclass(frozen=True)
class Rule:
    """Conditions of a right forecast; None and empty values are not checked.

    Attributes:
        first: accepted starts of the first time that is forecast.
        frequency: accepted names of the frequency.
        season: accepted seasons.
        series: accepted numbers of series in the forecast.
        keys: id columns.
        level: least and greatest mean of the forecast.
        values: the first values.
        tolerance: of these values.
        width: least and greatest width of the 95 % interval at the first step.
        bounds: least lower and greatest upper bound.
        widens: whether every 95 % interval has a width.
        hours: first and last hour of the day that is forecast.
        closed: weekdays that are not forecast; Monday is 0.
        named: a pattern in what `check` or `predict` prints.
        strict: whether `predict --strict` exits with 8.
        clock: whether the forecast keeps the daily pattern by the hour of the local clock.
        settings: given by the user at first.
        horizon: requested by the user.
    """

    first: tuple[str, ...] = ()
    frequency: tuple[str, ...] = ()
    season: tuple[int, ...] = ()
    series: tuple[int, ...] = (1,)
    keys: tuple[str, ...] | None = None
    level: tuple[float, float] | None = None
    values: tuple[float, ...] = ()
    tolerance: float = 0.0
    width: tuple[float, float] | None = None
    bounds: tuple[float, float] | None = None
    widens: bool = False
    hours: tuple[int, int] | None = None
    closed: tuple[int, ...] = ()
    named: str = ""
    strict: bool = False
    clock: bool = False
    settings: tuple[str, ...] = ()
    horizon: int | None = None


DAILY = Rule(first=("2024-04-30",), frequency=("D",), level=(170, 225), widens=True)
MONTHLY = Rule(first=("2024-01",), frequency=("MS",), season=(12,), level=(950, 1350), widens=True)
HOURLY = Rule(frequency=("h",), season=(24, 168), level=(320, 600), widens=True)
RULES = {
    "01": replace(DAILY, level=(174, 213)),
    "01_last_day_incomplete": replace(DAILY, level=(174, 213), named=r"\b20\.05\b"),
    "02a": replace(
        MONTHLY,
        first=("1-2024", "2024Q1", "2024-Q1", "Q1 2024", "2024-01"),
        frequency=(),
        season=(4,),
        level=(950, 1500),
    ),
    "02c": Rule(first=("2024-01-22 08:00",), hours=(8, 20), level=(480, 680), named="closed|open", widens=True),
    "02e": replace(DAILY, frequency=(), closed=(6,), named="(?i)closed|sunday|open"),
    "03a": Rule(("15.01.2024 00:00", "2024-01-15 00:00"), ("15min",), (96, 672), level=(28_000, 55_000), widens=True),
    "03b": replace(MONTHLY, first=("2024:01", "2024-01")),
    "03e": replace(MONTHLY, first=("Jan 2024", "Januar 2024", "2024-01")),
    "03g": replace(HOURLY, first=("1705881600.5", "2024-01-22 00:00:00.5", "2024-01-22T00:00:00.5")),
    "04": replace(DAILY, first=("45412", "2024-04-30")),
    "05a": replace(MONTHLY, first=("2024M01", "2024-M01", "2024-01", "2024 M01"), level=(9.5, 13.5)),
    "05c": replace(HOURLY, first=("2024-01-22 00", "2024-01-22 01", "2024-01-22 1")),
    "06": Rule(("2023-02-11",), ("D",), (7,), (4,), ("store_nbr", "family"), level=(240, 400), widens=True),
    "07": Rule(("2024-01-01",), ("D",), level=(-2, 6), named=r"\b36[56]\b", widens=True),
    "08a": Rule(("2017-04-29",), ("D",), level=(7795.8, 7796.4), width=(0, 1), bounds=(7795, 7798)),
    "08c": Rule(("2024-02-10 00:00",), ("h",), level=(123_936, 123_960), width=(0, 10), bounds=(123_900, 124_000)),
    "09a": Rule(("2023-10-28",), ("D",), level=(250, 257), widens=True),
    "10a": Rule(("2024-05-16",), ("D",), level=(0, 0.5), bounds=(0, 12), widens=True),
    "10b": Rule(("2024-05-16",), ("D",), level=(0, 0.6), bounds=(0, 15), widens=True),
    "11": replace(DAILY, level=(17, 22.5), bounds=(0, 60), named="-?9999"),
    "12": replace(MONTHLY, level=(47_500, 67_500)),
    "13": replace(MONTHLY, season=(12,), series=(1, 2), named=r"B\b.*2020-12|2020-12.*\bB\b", strict=True),
    "14a": Rule(("8/9/20", "2020-08-09", "8/9/2020"), ("D",), series=(3,), level=(4100, 6200), widens=True),
    "14c": replace(MONTHLY, first=("2024-01", "2024 Jan", "Jan 2024", "2024-Jan"), level=(950, 1400)),
    "15": replace(MONTHLY, first=("01.01.2024", "2024-01")),
    "17": replace(MONTHLY, series=(2,), keys=("Region",), level=(1400, 2000)),
    "18": replace(HOURLY, first=("01/22/2024 00:00", "01/21/2024 24:00", "2024-01-22 00:00")),
    "19": Rule(season=(12,), level=(1100, 1800), widens=True),
    "20": MONTHLY,
    "20b": replace(MONTHLY, series=(3,)),
    "23": Rule(("2020-12-16",), ("D",), (10,), values=(0, 1, 2, 3, 4, 5, 6, 7, 8, 9), tolerance=1.0),
    "25": Rule(("2024-04-30",), ("D",), values=(45.0,) * 7, tolerance=1e-9, width=(0, 0)),
    "28": replace(
        HOURLY,
        first=("2023-10-28 13:00",),
        level=(80, 130),
        clock=True,
        settings=("data.timezone=Europe/Berlin",),
        horizon=96,
    ),
}


@dataclass(frozen=True)
class Attempt:
    """Outcome of both commands with some settings.

    Attributes:
        settings: given after `-s`.
        exit_code: of `predict`.
        printed: by both commands on stderr, and by `check` on stdout.
        faults: conditions that failed.
        fixes: settings that the refusal names.
    """

    settings: tuple[str, ...]
    exit_code: int
    printed: str
    faults: tuple[str, ...]
    fixes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """Verdict on a file, with the settings that were followed, and reasons."""

    file: str
    verdict: str
    settings: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


def rule_of(path: Path) -> Rule:
    """Return the rule for a file: that of its stem, else that of the stem up to the first `_`."""
    return RULES.get(path.stem) or RULES.get(path.stem.partition("_")[0]) or Rule(series=())


def evaluate(path: Path, rule: Rule, command: tuple[str, ...]) -> Verdict:
    """Run a file and follow the advice of a refusal."""
    attempt = run(path, rule, rule.settings, command)
    if not attempt.faults:
        return Verdict(path.name, RIGHT)
    settings, reasons = follow(path, rule, attempt, command)
    return Verdict(path.name, WRONG if reasons else ADVISED, settings, tuple(reasons))


def follow(
    path: Path, rule: Rule, refusal: Attempt, command: tuple[str, ...], depth: int = 0
) -> tuple[tuple[str, ...], list[str]]:
    """Follow the advice of a refusal; return the settings of the first path, and reasons why the advice fails."""
    if refusal.exit_code != DATA_ERROR or not refusal.fixes or depth == MAX_DEPTH:
        return refusal.settings, list(refusal.faults)
    first, *rest = (run(path, rule, (*refusal.settings, fix), command) for fix in refusal.fixes)
    settings, reasons = (first.settings, []) if not first.faults else follow(path, rule, first, command, depth + 1)
    for other in rest:
        if other.exit_code and not (other.exit_code == DATA_ERROR and other.fixes):
            reasons.append(f"-s {other.settings[-1]}: {other.faults[0]}")
    return settings, reasons


def run(path: Path, rule: Rule, settings: tuple[str, ...], command: tuple[str, ...]) -> Attempt:
    """Run `check` and `predict` with settings, and test the conditions."""
    flags = [part for setting in settings for part in ("-s", setting)]
    horizon = ["--horizon", str(rule.horizon)] if rule.horizon else []
    with tempfile.TemporaryDirectory() as folder:
        checked = _call([*command, "check", str(path), "--json", *flags], folder)
        output = [*flags, "-o", "forecast.csv", "--model-dir", "none"]
        done = _call([*command, "predict", str(path), *output, *horizon], folder)
        printed = checked.stdout + checked.stderr + done.stderr
        if done.returncode:
            fault = done.stderr.strip().splitlines()[-1:] or ["nothing printed"]
            return Attempt(settings, done.returncode, printed, (f"exit {done.returncode}: {fault[0]}",), fixes_in(done))
        forecast = pd.read_csv(Path(folder, "forecast.csv"), dtype=str, keep_default_na=False)
        found = json.loads(checked.stdout) if checked.returncode == 0 else {}
        faults = list(failures(rule, found, forecast, printed))
        if rule.strict:
            strict = _call([*command, "predict", str(path), *output, "--strict"], folder)
            faults += [] if strict.returncode == CONDITION_MET else [f"--strict exits with {strict.returncode}"]
    if rule.clock and not keeps_clock(path, forecast):
        faults.append("the daily pattern is moved by an hour or more")
    return Attempt(settings, 0, printed, tuple(faults))


def fixes_in(done: subprocess.CompletedProcess[str]) -> tuple[str, ...]:
    """Return the settings that a refusal names, without the quotes of the shell."""
    if done.returncode != DATA_ERROR:
        return ()
    return tuple(dict.fromkeys(" ".join(shlex.split(found)) for found in PRINTED_FIX.findall(done.stderr)))


def failures(rule: Rule, found: dict[str, Any], forecast: pd.DataFrame, printed: str) -> Iterator[str]:
    """Yield the conditions of a rule that a forecast does not meet."""
    first_number = list(forecast.columns).index("forecast")
    names = set(found.get("columns", {}).get("series", ())) | {"series"}
    keys = tuple(name for name in forecast.columns[:first_number] if name in names)
    times = forecast.iloc[:, len(keys) : first_number].agg(" ".join, axis=1)  # a time may be in two columns
    numbers = forecast.iloc[:, first_number:].astype(float)
    values, width = numbers["forecast"], numbers["upper_95"] - numbers["lower_95"]
    n_series = len(forecast[list(keys)].drop_duplicates()) if keys else 1
    if not np.isfinite(numbers.to_numpy()).all():
        yield "not finite"
    if rule.first and not times[0].startswith(rule.first):
        yield f"first time {times[0]}"
    for name, accepted in (("frequency", rule.frequency), ("season", rule.season)):
        if accepted and found.get(name) not in accepted:
            yield f"{name} {found.get(name)}"
    if rule.series and n_series not in rule.series:
        yield f"{n_series} series"
    if rule.keys is not None and keys != rule.keys:
        yield f"series by {', '.join(keys) or 'none'}"
    yield from _between("level", values.mean(), values.mean(), rule.level)
    yield from _between("width", width[0], width[0], rule.width)
    yield from _between("bounds", numbers.min().min(), numbers.max().max(), rule.bounds)
    if rule.values and np.abs(values[: len(rule.values)] - np.array(rule.values)).max() > rule.tolerance:
        yield f"values {', '.join(f'{value:g}' for value in values[:3])} …"
    yield from _interval_failures(rule, numbers)
    yield from _open_failures(rule, times)
    if rule.named and not re.search(rule.named, printed):
        yield f"nothing printed about {rule.named}"


def _interval_failures(rule: Rule, numbers: pd.DataFrame) -> Iterator[str]:
    """Yield faults of the intervals: not nested, or without a width."""
    narrow, wide = (numbers[f"upper_{level}"] - numbers[f"lower_{level}"] for level in (80, 95))
    if ((wide <= narrow) & (narrow > 0)).any():
        yield "95 % interval not wider than 80 %"
    if rule.widens and (wide <= 0).any():
        yield "interval of zero width"


def _open_failures(rule: Rule, times: pd.Series) -> Iterator[str]:
    """Yield faults of steps at which nothing is observed."""
    if rule.hours is None and not rule.closed:
        return
    parsed = pd.to_datetime(times)
    first, last = rule.hours or (0, 23)
    outside = ~parsed.dt.hour.between(first, last) | parsed.map(pd.Timestamp.weekday).isin(rule.closed)
    if outside.any():
        yield f"forecast of closed steps: {times[outside].iloc[0]}"


def _between(name: str, low: float, high: float, limits: tuple[float, float] | None) -> Iterator[str]:
    if limits and not limits[0] <= low <= high <= limits[1]:
        yield f"{name} {low:g}" + (f" to {high:g}" if high != low else "")


def keeps_clock(path: Path, forecast: pd.DataFrame) -> bool:
    """Return True if the forecast's last two days correlate best with the unshifted hourly pattern of two weeks."""
    past = pd.read_csv(path)
    hours = past.iloc[:, 0].str.slice(11, 13).astype(int)
    pattern = past.iloc[-14 * 24 :, 1].groupby(hours).mean().to_numpy()
    ahead = forecast.iloc[-48:]
    at = ahead.iloc[:, 0].str.slice(11, 13).astype(int).to_numpy()
    values = ahead["forecast"].astype(float)
    fits = [np.corrcoef(values, pattern[(at + moved) % 24])[0, 1] for moved in (-1, 0, 1)]
    return int(np.argmax(fits)) == 1


def _call(arguments: list[str], folder: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(arguments, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT, check=False)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of files")
    parser.add_argument("--only", default="", help="files whose name starts so")
    parser.add_argument("--json", type=Path, help="file for the verdicts")
    return parser.parse_args()


def main() -> None:
    """Evaluate every file of a folder, and print a line for each."""
    options = _options()
    if options.data is None:
        sys.exit("cases.py: name a folder of files with --data DIR")
    files = sorted(path for path in options.data.iterdir() if path.is_file() and path.name.startswith(options.only))
    verdicts = []
    for path in files:
        verdict = evaluate(path.resolve(), rule_of(path), (sys.executable, "-m", "lstmcast"))
        verdicts.append(verdict)
        advice = " ".join(f"-s {shlex.quote(setting)}" for setting in verdict.settings)
        print(
            f"{verdict.verdict:8} {verdict.file:46} {'; '.join(filter(None, (advice, *verdict.reasons)))}", flush=True
        )
    counts = Counter(verdict.verdict for verdict in verdicts)
    print(f"{len(files)} files: " + ", ".join(f"{counts[name]} {name}" for name in (RIGHT, ADVISED, WRONG)))
    if options.json:
        options.json.write_text(json.dumps([asdict(verdict) for verdict in verdicts], indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
