"""Raw figures of competition sets and of scaling, as tables: medians over the seeds, with the least and the most."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from common import table
from competitions import SETS, known
from ledger import Record

METRICS = {
    "owa": ("OWA", ".3f"),
    "smape": ("sMAPE", ".3f"),
    "mase": ("MASE", ".3f"),
    "msis": ("MSIS 95", ".2f"),
    "wql": ("WQL", ".4f"),
    "coverage_80": ("in 80 %", ".3f"),
    "coverage_95": ("in 95 %", ".3f"),
    "train_s": ("train s", ",.0f"),
    "fit_s": ("fit s", ",.0f"),
    "train_cpu_s": ("train CPU s", ",.0f"),
    "predict_s": ("predict s", ".1f"),
    "peak_mib": ("peak MiB", ",.0f"),
}
NOTE = (
    "Median over the seeds, with the least and the most. OWA, sMAPE, MASE and MSIS as in the M4 competition; WQL: "
    "weighted quantile loss over the deciles, those between the bounds interpolated; in 80 %, in 95 %: the share of "
    "values inside the interval. Train s is the whole process, fit s what it spends after reading, by the clock; CPU s "
    "are those of all its threads, and half of them is what two cores take with no other load; peak memory is that of "
    "training. Figures with a source are published, and were measured elsewhere."
)


def by(records: Sequence[Record], *names: str) -> dict[tuple[str, ...], list[Record]]:
    """Records grouped by these parts of their key, in order of appearance."""
    groups: dict[tuple[str, ...], list[Record]] = {}
    for record in records:
        groups.setdefault(tuple(str(record["key"][name]) for name in names), []).append(record)
    return groups


def ours_first(method: str) -> tuple[bool, bool]:
    """Sorts methods: lstmcast, then the naive ones, then the peers."""
    return not method.startswith("lstmcast"), method not in {"naive2", "seasonal_naive"}


def spread(values: Sequence[float], form: str) -> str:
    """`0.424 (0.414–0.433)`; one value alone as it is, none as nothing."""
    if not values:
        return ""
    middle = f"{statistics.median(values):{form}}"
    return middle if len(values) == 1 else f"{middle} ({min(values):{form}}–{max(values):{form}})"


def figures(records: Sequence[Record], names: Sequence[str] = tuple(METRICS)) -> list[str]:
    """One cell for each metric."""
    return [
        spread([record[name] for record in records if record.get(name) is not None], METRICS[name][1]) for name in names
    ]


def set_lines(records: Sequence[Record], *, final: bool) -> list[str]:
    """A table for each competition set."""
    lines: list[str] = []
    groups = by([record for record in records if record["key"]["part"] == "set"], "name")
    for name in (name for name in SETS if (name,) in groups):
        runs = by(groups[name,], "method")
        rows = [_row(method, runs[method,]) for method in sorted((method for (method,) in runs), key=ours_first)]
        rows += _known_rows(name) if final else []
        header = ["method", "runs", *(title for title, _ in METRICS.values()), "source"]
        count = next(record["series"] for record in groups[name,] if "series" in record)
        title = f"## {name}: {count:,} series, H {SETS[name].horizon}, m {SETS[name].season}"
        lines += [title, "", *table(header, rows), ""]
    return lines


def _row(method: str, runs: Sequence[Record]) -> list[str]:
    failed = [run["failed"] for run in runs if "failed" in run]
    done = [run for run in runs if "failed" not in run]
    return [method, str(len(done)), *figures(done), "; ".join(f"failed: {text}" for text in failed)]


def _known_rows(name: str) -> list[list[str]]:
    return [[row["method"], "", *(row.get(metric, "") for metric in METRICS), row["source"]] for row in known(name)]


def scaling_lines(records: Sequence[Record]) -> list[str]:
    """One table: what training costs with more and more series."""
    groups = by([record for record in records if record["key"]["part"] == "scaling"], "method")
    rows = [row for (method,), runs in groups.items() for row in _growth(method, runs)]
    header = ["method", "series", "train s", "fit s", "ms a series", "seconds grow by", "peak MiB", "predict s"]
    title = ["## Training on more and more series", "", "Drawn from the training part of M4 Yearly.", ""]
    return [*title, *table(header, rows), ""] if rows else []


def _growth(method: str, runs: Sequence[Record]) -> list[list[str]]:
    """One row for each number of series, with how much longer than before, for how many times the series."""
    rows: list[list[str]] = []
    before: Record | None = None
    for run in sorted(runs, key=lambda run: run["key"]["series"]):
        count = run["key"]["series"]
        if "failed" in run:
            rows.append([method, f"{count:,}", f"failed: {run['failed']}", "", "", "", "", ""])
            continue
        times = (
            ""
            if before is None
            else f"{run['train_s'] / before['train_s']:.1f} for {count / before['key']['series']:.1f}"
        )
        train, fit, peak, predict = figures([run], ["train_s", "fit_s", "peak_mib", "predict_s"])
        rows.append([method, f"{count:,}", train, fit, f"{1000 * run['train_s'] / count:.1f}", times, peak, predict])
        before = run
    return rows
