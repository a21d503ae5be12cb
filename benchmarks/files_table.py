"""Raw figures of published files, as tables: MASE by file, and its ratio to seasonal naive and AutoETS."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from accuracy_tables import by, ours_first, spread
from common import table
from ledger import Record

NAIVE, ETS = "seasonal_naive", "statsforecast AutoETS"
Scores = Mapping[str, Mapping[int, float]]  # MASE by file and origin

NOTE = (
    "MASE, the mean over the origins of a file (three, a horizon apart, each forecast from what was known then), then "
    "the median over the seeds. Ratios are geometric means over the files, on the origins that both methods forecast."
)


@dataclass(frozen=True)
class Method:
    """The results of a method.

    Attributes:
        name: its name.
        seeds: MASE by file and origin, for each seed.
        inside: the share of values inside the 80 % and 95 % intervals, of every forecast that has them.
    """

    name: str
    seeds: tuple[Scores, ...]
    inside: tuple[tuple[float, float], ...]

    def of(self, file: str) -> str:
        """Its MASE on a file: over the seeds, of the mean over the origins."""
        return spread([statistics.mean(seed[file].values()) for seed in self.seeds if file in seed], ".3f")

    def typical(self, file: str, origin: int) -> float | None:
        """The median over the seeds of its MASE at one origin; None where it has none."""
        found = [seed[file][origin] for seed in self.seeds if origin in seed.get(file, {})]
        return statistics.median(found) if found else None

    def ratios(self, seed: Scores, other: Method) -> dict[str, float]:
        """For each file, one seed's error over that of another method, on the origins that both have."""
        found = {}
        for file, scores in seed.items():
            pairs = [
                (error, baseline) for k, error in scores.items() if (baseline := other.typical(file, k)) is not None
            ]
            if pairs:
                own, reference = (sum(errors) for errors in zip(*pairs, strict=True))
                found[file] = own / reference
        return found


def file_lines(records: Sequence[Record]) -> list[str]:
    """All methods in short, then every file, then what failed."""
    selected = [record for record in records if record["key"]["part"] == "file"]
    if not selected:
        return []
    found = {name: _method(name, runs) for (name,), runs in by(selected, "method").items()}
    methods = sorted(found.values(), key=lambda method: ours_first(method.name))
    header = ["method", "files", "better than seasonal naive", "of its MASE", "of AutoETS's MASE", "in 80 %", "in 95 %"]
    lines = ["## Published files", "", NOTE, "", *table(header, [_short(method, found) for method in methods]), ""]
    rows = [
        [name, *_facts(runs), *(method.of(name) for method in methods)]
        for (name,), runs in by(selected, "name").items()
    ]
    lines += [*table(["file", "series", "H", "origins", *(method.name for method in methods)], rows), ""]
    failed = [run for run in selected if "failed" in run]
    return [*lines, *(f"- {run['key']['name']}, {run['key']['method']}: {run['failed']}" for run in failed)]


def _facts(runs: Sequence[Record]) -> list[str]:
    """The number of series, H, and the number of origins."""
    run = next(run for run in runs if "horizon" in run)
    return [str(run["series"]), str(run["horizon"]), str(len({run["key"]["back"] for run in runs}))]


def _method(name: str, runs: Sequence[Record]) -> Method:
    """All that one method reached."""
    seeds = []
    for group in by(runs, "seed").values():
        scores: dict[str, dict[int, float]] = {}
        for run in group:
            if run.get("mase") is not None:
                scores.setdefault(run["key"]["name"], {})[run["key"]["back"]] = run["mase"]
        seeds.append(scores)
    inside = [(run["coverage_80"], run["coverage_95"]) for run in runs if run.get("coverage_95") is not None]
    return Method(name, tuple(seeds), tuple(inside))


def _short(method: Method, found: Mapping[str, Method]) -> list[str]:
    """One row: how a method compares over all files."""
    files = set().union(*method.seeds)
    naive, ets = (
        [method.ratios(seed, found[baseline]) for seed in method.seeds if baseline in found]
        for baseline in (NAIVE, ETS)
    )
    compared = [file for file in files if any(file in seed for seed in naive)]
    better = sum(statistics.median(seed[file] for seed in naive if file in seed) < 1 for file in compared)
    means = [
        spread([statistics.geometric_mean(seed.values()) for seed in ratios if seed], ".3f") for ratios in (naive, ets)
    ]
    fractions = [f"{statistics.mean(column):.3f}" for column in zip(*method.inside, strict=True)]
    return [
        method.name,
        str(len(files)),
        f"{better} ({better / len(compared):.0%})" if compared else "",
        *means,
        *(fractions or ["", ""]),
    ]
