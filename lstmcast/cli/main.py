"""The group of commands, and the one place where a failure becomes an exit code."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

import click

from lstmcast.cli.backtest import backtest
from lstmcast.cli.check import check
from lstmcast.cli.config import config
from lstmcast.cli.diff import diff
from lstmcast.cli.explain import explain
from lstmcast.cli.init import init
from lstmcast.cli.models import models
from lstmcast.cli.plot import plot
from lstmcast.cli.predict import predict
from lstmcast.cli.replay import replay
from lstmcast.cli.run import run
from lstmcast.cli.schedule import schedule
from lstmcast.cli.score import score
from lstmcast.cli.train import train
from lstmcast.errors import FileError, LstmcastError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="lstmcast")
def lstmcast() -> None:
    """Turn a CSV of past values into an LSTM forecast, judged honestly.

    \b
        lstmcast train data.csv     fit, judge against naive baselines, save
        lstmcast predict            forecast from the newest data
        lstmcast plot               draw it
        lstmcast explain            say why it is so

    Exit codes: 0 done · 1 a bug in lstmcast · 2 wrong usage · 3 config · 4 data · 5 model · 6 file system · 7 another
    run holds the lock · 8 done, but a condition asked to fail on was met · 130, 143 interrupted.
    """  # noqa: D301  # Click wants the backspace itself


FORECASTING = (train, predict, plot, explain, run, score, diff, replay)
for command in (*FORECASTING, models, backtest, check, init, config, schedule):
    lstmcast.add_command(command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: as on the command line; None: those of this process.

    Returns:
        The exit code. An unexpected failure leaves as the traceback it is, with exit code 1.
    """
    signal.signal(signal.SIGTERM, _terminate)
    stdout = sys.stdout
    try:
        code = lstmcast.main(arguments, standalone_mode=False)  # a command returns nothing, `Exit` its exit code
        if sys.stdout:  # there is none where the caller closed it
            sys.stdout.flush()
    except LstmcastError as err:
        for fault in err.faults:
            click.echo(f"lstmcast: {fault}", err=True)
        return err.exit_code
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as err:
        err.show()
        return 2
    except (KeyboardInterrupt, click.Abort):
        click.echo("lstmcast: interrupted; nothing was half-written", err=True)
        return 130
    except BrokenPipeError:
        return _broken_pipe()
    except _Terminated:
        click.echo("lstmcast: terminated; nothing was half-written", err=True)
        return 143
    except SystemExit:
        if sys.stdout is stdout:
            raise
        sys.stdout = stdout  # Click replaced it, for its reader has gone
        return _broken_pipe()
    except OSError as err:  # files explain themselves elsewhere: this is stdout, or a path that is none
        click.echo(f"lstmcast: {err.filename or 'stdout'}: {err.strerror or err}", err=True)
        if err.filename is None:
            _broken_pipe()
        return FileError.exit_code
    return code or 0


def _broken_pipe() -> int:
    """Whoever reads our output has seen enough, or cannot take it: what is left in the buffer goes nowhere."""
    if sys.stdout:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


class _Terminated(SystemExit):
    """SIGTERM came."""


def _terminate(_number: int, _frame: FrameType | None) -> None:
    """SIGTERM: stop at the next step of the interpreter, with everything that `with` and `finally` tidy up."""
    raise _Terminated(143)
