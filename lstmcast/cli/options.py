"""Options shared by several commands, and the configuration built from them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lstmcast.errors import ConditionError, Fault, UsageError

if TYPE_CHECKING:
    from datetime import timedelta

    from lstmcast.config import AnyJob, Config
    from lstmcast.config.schema import Section
    from lstmcast.tasks.base import Dataset

_FLAGS = {"store_models": "--model-dir"}  # parameters whose flag is not named like their key
NUMBERS = ("data_season_length", "forecast_horizon", "train_seed")
Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

DATA = click.argument("data", metavar="DATA")
QUIET = click.option("-q", "--quiet", is_flag=True, help="Print only warnings and errors.")
MODEL_DIR = click.option("--model-dir", metavar="DIR", help="Folder of all models.  [default: models]")
NOW = click.option("--now", metavar="TIME", help="Pretend the current time is TIME (ISO 8601 with a UTC offset).")
MODEL = click.option("--model", metavar="NAME|PATH", help="The model; required with several models.")


def echo_err(text: str) -> None:
    """Write text to stderr, ignoring a broken pipe."""
    with suppress(BrokenPipeError):
        click.echo(text, err=True)


def note_on_stderr(*, quiet: bool) -> Callable[[object], None]:
    """Return a function that writes a result as text to stderr, or ignores it."""
    from lstmcast.report.views import text

    return (lambda _: None) if quiet else lambda result: echo_err(text(result))


def fail_on(dataset: Dataset, *, better: bool, also: Sequence[str] = ()) -> None:
    """Apply `--strict` to a training or a backtest.

    Raises:
        ConditionError: a series was left out or ended long ago, `also` is not empty, or a baseline was better.
    """
    from lstmcast.data.schema import NoteCode

    ended = (str(note) for note in dataset.notes if note.code == NoteCode.SERIES_ENDED)
    faults = [*(f"left out: {reason}" for reason in dataset.dropped), *ended, *also]
    faults += [] if better else ["lstmcast is not better than the best baseline"]
    if faults:
        raise ConditionError(faults)


def duration(text: str, flag: str) -> timedelta:
    """Parse the duration in a flag.

    Raises:
        UsageError: the text is not a duration.
    """
    from lstmcast.config.expressions import parse_duration

    try:
        return parse_duration(text)
    except ValueError as err:
        raise UsageError(f"{flag}: {err}") from err


def combine_options(*options: Decorator) -> Decorator:
    """Return one decorator for several options, in the order of the help."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


SET = click.option(
    "-s",
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="One key of the config, such as train.epochs=50; repeatable.",
)
CONFIG = combine_options(
    click.option(
        "-c", "--config", "config_name", metavar="NAME|FILE", help="A bundled config (lstm, accurate …) or a YAML file."
    ),
    SET,
)


def _fix_time(context: click.Context, _: click.Parameter, text: str | None) -> None:
    """Read data during the command as if it were the time of `--now`."""
    from lstmcast.clock import fixed_time, time_at

    if text is not None:
        context.with_resource(fixed_time(time_at(text, "--now", may_be_local=True)))


_COVARIATES = combine_options(
    click.option(
        "--known",
        "covariates_known",
        multiple=True,
        metavar="COLUMN",
        help="Covariate known ahead; repeatable, or none.",
    ),
    click.option(
        "--past", "covariates_past", multiple=True, metavar="COLUMN", help="Covariate known until now; repeatable."
    ),
    click.option(
        "--static", "covariates_static", multiple=True, metavar="COLUMN", help="Covariate of a series; repeatable."
    ),
    click.option(
        "--holidays",
        "covariates_holidays",
        multiple=True,
        metavar="CODE|FILE",
        help="Holidays of a country (DE, DE-BY), or events of a CSV file; repeatable.",
    ),
    click.option("--future", "covariates_future", metavar="FILE", help="File with values ahead of known covariates."),
)
READING = combine_options(
    click.option("--time", "data_time", metavar="COLUMN", help="Time column."),
    click.option(
        "--target",
        "data_target",
        multiple=True,
        metavar="COLUMN",
        help="Column to predict; repeatable, or '*', for a wide table.",
    ),
    click.option(
        "--id-columns",
        "data_id_columns",
        multiple=True,
        metavar="COLUMN",
        help="Column that identifies the series; repeatable.",
    ),
    click.option(
        "--frequency", "data_frequency", metavar="ALIAS", help="Length of a step: h, D, B, W-FRI, MS, QS, YS, 30min …"
    ),
    click.option("--season-length", "data_season_length", metavar="N", help="Steps in a season."),
    click.option("--timezone", "data_timezone", metavar="ZONE", help="Time zone of times without a UTC offset."),
    _COVARIATES,
    click.option(
        "--now",
        metavar="TIME",
        callback=_fix_time,
        expose_value=False,
        help="Read DATA as if it were TIME (ISO 8601): steps that are not over then are left out.",
    ),
)


def configure(config_name: str | None, settings: tuple[str, ...], flags: Mapping[str, object]) -> Config:
    """Build the config: flags win over `--set`, which wins over the YAML.

    Args:
        config_name: a bundled config or a file; None: the defaults.
        settings: texts of the form `key=value`.
        flags: values by parameter name, such as `data_season_length` for the key `data.season_length`; None and empty
            values are unset.
    """
    from lstmcast.config import load_config
    from lstmcast.errors import ConfigError

    overrides: dict[str, Any] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals:
            raise ConfigError(f"--set {setting}: must be KEY=VALUE, such as train.epochs=50")
        overrides[key.strip()] = value
    names = {}
    for name, flag in flags.items():
        if flag is not None and flag != ():
            section, _, key = name.partition("_")
            overrides[f"{section}.{key}"] = _as_typed_value(name, flag)
            names[f"--set: {section}.{key}: "] = f"{_FLAGS.get(name) or '--' + key.replace('_', '-')}: "
    try:
        return load_config(config_name, overrides)
    except ConfigError as err:
        raise ConfigError([_by_flag(fault, names) for fault in err.faults]) from err


def _by_flag(fault: Fault, names: Mapping[str, str]) -> Fault:
    """Name the flag instead of the key in a fault of a value that came from a flag."""
    text = fault.text
    found = (flag + text.removeprefix(key) for key, flag in names.items() if text.startswith(key))
    return replace(fault, text=next(found, text))


def given_data_keys(config_name: str | None, settings: tuple[str, ...], flags: Mapping[str, object]) -> dict[str, Any]:
    """Return the keys of the section `data` that config, `--set` and flags give, validated.

    Returns:
        The keys; those of the section `covariates` are a mapping under its name.

    Raises:
        UsageError: `--set` names a key of another section.
    """
    keys = [setting.partition("=")[0].strip() for setting in settings]
    if other := [key for key in keys if not key.startswith(("data.", "covariates."))]:
        raise UsageError(f"--set {other[0]}: only keys of data and covariates describe a file (data.missing=zero)")
    if config_name is None and not settings and not any(flags.values()):
        return {}  # no config is imported
    config = configure(config_name, settings, flags)
    keys += [name.replace("_", ".", 1) for name, flag in flags.items() if flag is not None and flag != ()]
    found = _given(config.data, keys, "data.")
    section = getattr(config, "covariates", None)
    covariates = {} if section is None else _given(section, keys, "covariates.")
    return {**found, "covariates": covariates} if covariates else found


def _given(section: Section, keys: Sequence[str], prefix: str) -> dict[str, Any]:
    """Return the keys of a section that are named, with a prefix, or differ from their default."""
    named = {key.removeprefix(prefix) for key in keys if key.startswith(prefix)}
    return section.model_dump(include={*section.changed_keys(), *named})


def _as_typed_value(name: str, flag: object) -> object:
    """Convert a flag to a config value: a list for a repeated flag, a YAML number, or text without interpretation."""
    if isinstance(flag, tuple):
        return list(flag)
    return flag if name in NUMBERS or not isinstance(flag, str) else json.dumps(flag, ensure_ascii=False)


LEDGER_MODEL = combine_options(
    click.option("--model", metavar="NAME|PATH", help="The model with the ledger; required with several models."),
    MODEL_DIR,
)
LEDGER = combine_options(click.argument("path", metavar="[JOB]", required=False), LEDGER_MODEL)


def resolve_ledger(path: str | None, model: str | None, model_dir: str | None) -> tuple[AnyJob | None, Path]:
    """Return the job, if a path is given, and the folder of the model with the ledger.

    Raises:
        UsageError: both a job and a model are given.
        ModelError: there is no such model, or there are several.
    """
    from lstmcast.jobs.replay import ledger_folder

    if path is None:
        return None, ledger_folder(None, model_dir, model)
    if model or model_dir:
        raise UsageError("--model, --model-dir: the job sets the model; leave them out")
    from lstmcast.config import load_job

    job = load_job(path)
    return job, ledger_folder(job, None, None)
