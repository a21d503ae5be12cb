"""The accuracy of forecasts on competition sets and published files, with the commands of a user.

Every figure comes from the command line: the past is written as a CSV, `lstmcast train` and `lstmcast predict` run as
processes of their own, and the forecasts they wrote are scored against what came after. Without --final, the end of
what a forecaster may see is held out instead, so that whatever is tuned by these figures has not seen the final ones.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from accuracy_tables import NOTE, scaling_lines, set_lines
from common import report
from files_table import file_lines
from ledger import Job, Record, read, state_of_code, work
from published import ORIGINS
from running import FORECAST, train_and_predict
from scaling import COUNTS, scaling_jobs
from scored_case import Case
from selection import options, selected

HERE = Path(__file__).parent
BASELINES = ("naive2", "seasonal_naive")


def forecast(case: Case, config: str, seed: int) -> Record:
    """The scores of one training, and what it cost."""
    with tempfile.TemporaryDirectory() as name:
        data, flags = case.write(Path(name))
        args = [*flags, "--horizon", case.horizon, "--config", config, "--seed", seed]
        costs = train_and_predict(Path(name), data, args)
        if "failed" in costs:
            return costs
        try:
            values = case.read(Path(name) / FORECAST)
        except KeyError as err:
            return {"failed": f"not forecast: {err}"}
    return {**case.facts, **case.score(values), **costs}


def baseline(case: Case, name: str) -> Record:
    """The scores of a forecast that costs nothing."""
    return {**case.facts, **case.score(case.baseline(name))}


def jobs(args: argparse.Namespace) -> Iterator[Job]:
    """All that is to be measured, case by case."""
    if args.scaling is not None:
        yield from scaling_jobs(args.data, args.configs, args.scaling or COUNTS)
        return
    for key, case in selected(args):
        for name in BASELINES:
            yield Job(key | {"method": name, "seed": 0}, partial(baseline, case, name))
        for seed in args.seeds:
            for config in args.configs:
                run = partial(forecast, case, config, seed)
                yield Job(key | {"method": f"lstmcast {config}", "seed": seed}, run)


def shown(records: Sequence[Record], args: argparse.Namespace) -> list[Record]:
    """The records of the held-out part, with sets of the requested size."""
    backs = {"set": (0,), "file": range(1, ORIGINS + 1)}
    if args.holdout == "train":
        backs = {"set": (1,), "file": range(ORIGINS + 1, 2 * ORIGINS + 1)}
    limits = {"set": args.limit, "file": None}
    return [
        record
        for record in records
        if (part := record["key"]["part"]) == "scaling"
        or (record["key"]["back"] in backs[part] and record["key"]["limit"] == limits[part])
    ]


def lines(records: Sequence[Record], *, final: bool) -> list[str]:
    """The whole page, but for its title."""
    tables = [*set_lines(records, final=final), *file_lines(records), *scaling_lines(records)]
    return [*_circumstances(records), "", NOTE, "", *tables] if records else ["Nothing was measured."]


def _circumstances(records: Sequence[Record]) -> list[str]:
    """The date and place of the figures, the state of the code, and the peers."""
    ours = {record["state"] for record in records if record["key"]["method"].split()[0] in (*BASELINES, "lstmcast")}
    rest = {record["state"] for record in records} - ours
    days = sorted(record["at"][:10] for record in records)
    where = " and ".join(sorted({record["machine"] for record in records}))
    states = f"lstmcast's source in the state {', '.join(sorted(ours))}"
    return [f"Measured from {days[0]} to {days[-1]} on {where}; {'; '.join([states, *sorted(rest)])}."]


def main() -> None:
    """Measures what was not measured before, and writes the tables."""
    parser = options(__doc__, __file__)
    parser.set_defaults(output=None)
    parser.add_argument("--configs", nargs="+", default=["lstm", "accurate"], help="of lstmcast")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], help="a training for each")
    parser.add_argument("--scaling", nargs="*", type=int, metavar="N", help=f"instead: train on N series, or {COUNTS}")
    parser.add_argument("--records", type=Path, default=HERE / "accuracy.jsonl", help="raw figures, which are added to")
    parser.add_argument("--peers", type=Path, default=HERE / "peers.jsonl", help="raw figures of peers.py")
    parser.add_argument("--from", dest="rebuild", type=Path, help="measure nothing: tables of these raw figures")
    args = parser.parse_args()
    if args.rebuild is None:
        if args.data is None:
            parser.error("--data is needed, but for --from")
        work(jobs(args), args.records, state=state_of_code())
    records = shown([*read(args.rebuild or args.records), *read(args.peers)], args)
    final = args.holdout == "test"
    output = args.output or HERE / ("accuracy.md" if final else "accuracy-tuning.md")
    page = lines(records, final=final)
    report(output, "Accuracy" if final else "Accuracy while tuning: test parts unseen", page)
    sys.stdout.write("\n".join(page) + "\n")


if __name__ == "__main__":
    main()
