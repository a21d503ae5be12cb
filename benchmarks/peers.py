"""The cases of `accuracy.py`, forecast by other libraries and scored by the same code.

Every library gets an environment of its own, made with `python -m venv` and pip where it is not there yet. Peers run
one after the other, each forecast a process of its own, on all cores. Their raw figures, a JSON object a line, are what
`accuracy.py` compares with lstmcast's.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from common import progress, run_measured
from ledger import Job, Record, work
from scored_case import Case, Histories, read_long, write_long
from selection import options, selected

HERE = Path(__file__).parent
LONGEST = 3_000  # values of a series that are given to a statistical peer; no competition series here has more
CACHE = Path(tempfile.gettempdir()) / "lstmcast-peers"
TIMEOUT = 3600.0  # seconds for one process


@dataclass(frozen=True)
class Environment:
    """The environment of a peer.

    Attributes:
        name: its library, and its folder.
        packages: what pip installs, in turn.
    """

    name: str
    packages: tuple[tuple[str, ...], ...]


STATSFORECAST = Environment("statsforecast", (("statsforecast>=2.1,<2.2", "pandas<3"),))
NEURALFORECAST = Environment("neuralforecast", (("torch==2.13.0",), ("neuralforecast>=3.3,<3.4",)))
PEERS = {"AutoETS": STATSFORECAST, "AutoTheta": STATSFORECAST, "LSTM": NEURALFORECAST}


def make(environment: Environment, folder: Path) -> tuple[Path, str]:
    """The interpreter of an environment, made where it is missing, and what its library's version is."""
    home = folder / environment.name
    python = home / "bin" / "python"
    ready = home / ".ready"
    if not ready.exists():
        progress(f"making {home}")
        subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True)
        for packages in environment.packages:
            subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
        ready.touch()
    ask = f"from importlib.metadata import version; print(version({environment.name!r}))"
    done = subprocess.run([python, "-c", ask], check=True, capture_output=True, text=True)
    return python, f"{environment.name} {done.stdout.strip()}"


def forecast(case: Case, model: str, python: Path) -> Record:
    """The scores of one peer, and what it cost."""
    past = case if PEERS[model] is NEURALFORECAST else replace(case, histories=_ends(case.histories))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_long(folder / "past.csv", past.ids, past.histories)
        args = ["--season-length", str(past.season), "--horizon", str(past.horizon)]
        command = [str(python), str(HERE / "peer_fits.py"), model, "past.csv", "forecast.csv", *args]
        done = run_measured(command, folder, limit=TIMEOUT)
        if done.code:
            return {**case.facts, "failed": f"exit {done.code}: {done.stderr.strip()[-500:]}"}
        forecast = read_long(folder / "forecast.csv", past)
    fit = json.loads(done.stdout.splitlines()[-1])["fit_s"]
    return {**case.facts, **case.score(forecast), "train_s": done.seconds, "fit_s": fit, "peak_mib": done.peak_mib}


def _ends(histories: Histories) -> Histories:
    return tuple(history[-LONGEST:] for history in histories)


def jobs(args: argparse.Namespace, model: str, python: Path) -> Iterator[Job]:
    """All that a peer is to forecast."""
    name = f"{PEERS[model].name} {model}"
    for key, case in selected(args):
        yield Job(key | {"method": name, "seed": 0}, partial(forecast, case, model, python))


def main() -> None:
    """Measures what was not measured before."""
    parser = options(__doc__, __file__)
    parser.set_defaults(output=HERE / "peers.jsonl")
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS), help="whom to measure")
    parser.add_argument("--environments", type=Path, default=CACHE, help="the folder of their environments")
    args = parser.parse_args()
    if args.data is None:
        parser.error("--data is needed")
    for model in args.peers:
        python, version = make(PEERS[model], args.environments)
        work(jobs(args, model, python), args.output, state=version)


if __name__ == "__main__":
    main()
