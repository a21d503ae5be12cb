"""`lstmcast score`, `lstmcast diff` and `lstmcast replay`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lstmcast.cli.options import LEDGER, LEDGER_MODEL, NOW, QUIET, duration, echo_err, resolve_ledger
from lstmcast.clock import clock_at, time_at
from lstmcast.errors import ConditionError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lstmcast.config.expressions import Condition


@click.command(short_help="Score recorded forecasts")
@LEDGER
@click.option(
    "--window",
    metavar="SPAN",
    help="Score only the steps of the last 30d, 12h …, or all.  [default: the job's, or all]",
)
@click.option(
    "--fail-if",
    "conditions",
    multiple=True,
    metavar="CONDITION",
    help="Exit with 8 if the condition is met, such as 'mase > 1'; repeatable.",
)
@click.option("--wait", type=click.FloatRange(0), default=10.0, metavar="S", help="Seconds to wait for a run to end.")
@NOW
@click.option("--json", "as_json", is_flag=True, help="Print the scores as JSON.")
@QUIET
def score(
    path: str | None,
    model: str | None,
    model_dir: str | None,
    window: str | None,
    conditions: tuple[str, ...],
    wait: float,
    now: str | None,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Score recorded forecasts against the data observed since.

    With JOB (a YAML file), the newest data are read first, and the window and the conditions are those of the job.
    Without JOB, the ledger's data are used. Conditions use mae, bias, mase, outcomes or coverage_LEVEL, and for symbols
    accuracy, naive_accuracy or outcomes.
    """
    clock = clock_at(now)
    requested = [_condition(text) for text in conditions]
    span = None if window in {None, "all"} else duration(str(window), "--window")
    job, folder = resolve_ledger(path, model, model_dir)
    from lstmcast.config import ScoredJob
    from lstmcast.jobs.alerts import violated_conditions
    from lstmcast.jobs.live_scores import detect_drift_of_current_model, score_task
    from lstmcast.jobs.replay import ingest_new_data, scored_task
    from lstmcast.persistence.ledger.ledger import FILE, Ledger
    from lstmcast.report.tables import format_drift, format_live_scores

    if job is not None:
        ingest_new_data(job, folder, clock(), wait)
    if isinstance(job, ScoredJob):
        span = job.ledger.score_window if window is None else span
        requested = requested or [_condition(text) for text in job.fail_if]
    with Ledger.open(folder / FILE, create=False) as ledger:
        task = scored_task(ledger)
        scores = score_task(ledger, task, now=clock(), window=span)
        drift = detect_drift_of_current_model(ledger, folder) if task == "value" else None
    _refuse_unknown(requested, scores.named())
    if not quiet:
        echo_err(format_live_scores(scores, folder.name))
        if drift is not None:
            echo_err(format_drift(drift))
    if as_json:
        result = {"model": folder.name, "now": clock().isoformat(), "window": window, **scores.to_dict()}
        result |= {} if drift is None else {"drift": drift.to_dict()}
        click.echo(json.dumps(result, indent=1, allow_nan=False, ensure_ascii=False))
    if found := violated_conditions(requested, scores):
        raise ConditionError(found)


def _condition(text: str) -> Condition:
    from lstmcast.config.expressions import parse_condition

    try:
        return parse_condition(text)
    except ValueError as err:
        raise UsageError(f"--fail-if: {err}") from err


def _refuse_unknown(conditions: Sequence[Condition], scores: Mapping[str, float]) -> None:
    if unknown := [condition.name for condition in conditions if condition.name not in scores]:
        raise UsageError(f"--fail-if: unknown score {unknown[0]!r}; known scores: {', '.join(scores)}")


@click.command(short_help="Compare two forecasts")
@click.argument("paths", metavar="[JOB | FILE FILE]", nargs=-1)
@LEDGER_MODEL
@click.option(
    "--against",
    metavar="TIME",
    help="Compare with the forecast in use at TIME (ISO 8601 with a UTC offset).  [default: the one before]",
)
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON.")
@QUIET
def diff(
    paths: tuple[str, ...],
    model: str | None,
    model_dir: str | None,
    against: str | None,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Compare the latest forecast with an earlier one at the same times, and attribute the change.

    The cause is new data, a new model or another source. If both data and model are new, the older model is run on the
    newer data to separate the two effects, as long as it is kept. Two files that predict wrote are compared as they
    are, such as those of other values ahead (--future).
    """
    if len(paths) > 1:
        if len(paths) > 2 or against or model or model_dir:
            raise UsageError("diff: give a job, or two forecast files without --against, --model and --model-dir")
        _diff_files(*paths, as_json=as_json, quiet=quiet)
        return
    when = None if against is None else time_at(against, "--against")
    _, folder = resolve_ledger(next(iter(paths), None), model, model_dir)
    from lstmcast.jobs.diff_text import format_diff
    from lstmcast.jobs.forecast_diff import difference
    from lstmcast.jobs.replay import last_two_runs
    from lstmcast.persistence.ledger.ledger import FILE, Ledger

    with Ledger.open(folder / FILE, create=False) as ledger:
        found = difference(ledger, folder, *last_two_runs(ledger, when))
    if not quiet:
        echo_err(format_diff(found, folder.name))
    if as_json:
        click.echo(json.dumps(found.to_dict(), indent=1, allow_nan=False, ensure_ascii=False))


def _diff_files(first: str, second: str, *, as_json: bool, quiet: bool) -> None:
    """Compare two files of forecasts."""
    from lstmcast.jobs.file_diff import difference_of_files, format_file_diff

    found = difference_of_files(first, second)
    if not quiet:
        echo_err(format_file_diff(found))
    if as_json:
        click.echo(json.dumps(found.to_dict(), indent=1, allow_nan=False, ensure_ascii=False))


@click.command(short_help="Reproduce a past forecast")
@LEDGER
@click.option(
    "--as-of", metavar="TIME", required=True, help="Reproduce the forecast in use at TIME (ISO 8601 with a UTC offset)."
)
@click.option("-o", "--output", default="-", metavar="FILE", help="File, or - for stdout.  [default: -]")
@QUIET
def replay(path: str | None, model: str | None, model_dir: str | None, as_of: str, output: str, *, quiet: bool) -> None:
    """Reproduce a past forecast, byte for byte, in its original format.

    It is computed by the version that made it, from the data of that time, or, if that version was removed, taken from
    the recorded numbers. The method is printed.
    """
    when = time_at(as_of, "--as-of")
    _, folder = resolve_ledger(path, model, model_dir)
    from lstmcast.jobs.replay import last_entry
    from lstmcast.jobs.replay import replay as made_again
    from lstmcast.persistence.files import write_atomically
    from lstmcast.persistence.ledger.ledger import FILE, Ledger

    with Ledger.open(folder / FILE, create=False) as ledger:
        entry = last_entry(ledger, when)
        found = made_again(ledger, folder, entry)
    if output == "-":
        click.echo(found.content, nl=False)
    else:
        write_atomically(Path(output), found.content)
    if not quiet:
        echo_err(f"{entry.output or folder.name} as of {entry.created_at:%Y-%m-%dT%H:%M:%SZ}: {found.method}")
