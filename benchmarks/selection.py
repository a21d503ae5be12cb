"""The options of `accuracy.py` and `peers.py`: the cases and their data."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

from common import arguments
from competitions import SETS, load
from published import origins, published
from scored_case import Case

Key = dict[str, object]


def options(description: str | None, script: str) -> argparse.ArgumentParser:
    """A parser with the options that select the cases."""
    parser = arguments(description, script)
    parser.add_argument("--data", type=Path, help="folder that holds m4, m3, single, panel, messy, exog")
    parser.add_argument("--sets", nargs="*", default=["*"], help="names or patterns: M4-Weekly 'M3-*' 'single/*'")
    parser.add_argument("--limit", type=int, help="at most so many series of a competition set, for a trial")
    parser.add_argument("--holdout", choices=("train", "test"), default="train", help="which part's end is forecast")
    parser.add_argument(
        "--final", dest="holdout", action="store_const", const="test", help="the same as --holdout test"
    )
    return parser


def selected(args: argparse.Namespace) -> Iterator[tuple[Key, Case]]:
    """The selected cases with their keys; competition sets first."""
    final = args.holdout == "test"

    def wanted(name: str) -> bool:
        return any(fnmatch(name, pattern) for pattern in args.sets)

    for name in filter(wanted, SETS):
        case = load(args.data, name, final=final, limit=args.limit)
        yield {"part": "set", "name": name, "back": case.back, "limit": args.limit}, case
    for file in published(args.data, wanted):
        for origin in origins(file, final=final):
            yield {"part": "file", "name": file.name, "back": origin.back, "limit": None}, origin
