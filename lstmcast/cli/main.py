"""The group of commands, and the conversion of failures to exit codes."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

import click

from lstmcast.cli.backtest import backtest
from lstmcast.cli.explain import explain, plot
from lstmcast.cli.inspect import check, config, init
from lstmcast.cli.ledger import diff, replay, score
from lstmcast.cli.models import models
from lstmcast.cli.predict import predict
from lstmcast.cli.run import run, schedule
from lstmcast.cli.train import train
from lstmcast.errors import FileError, LstmcastError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="lstmcast")
def lstmcast() -> None:
    """Forecast time series from a CSV file: LSTMs and exponential smoothing, measured against naive baselines.

    \b
        lstmcast train data.csv     fit, score, save
        lstmcast predict            forecast from the newest data
        lstmcast plot               draw the forecast
        lstmcast explain            show what made it

    Exit codes: 0 done · 1 a bug in lstmcast · 2 usage · 3 config · 4 data · 5 model · 6 file system · 7 locked by
    another run · 8 done, but a requested condition was met · 130, 143 interrupted.
    """  # noqa: D301  # Click needs the backspace character


COLLECTION_THRESHOLD = 100_000  # new objects: imports create many, and hardly any garbage
FORECASTING = (train, predict, plot, explain, run, score, diff, replay)
for command in (*FORECASTING, models, backtest, check, init, config, schedule):
    lstmcast.add_command(command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: of the command line; None: those of this process.

    Returns:
        The exit code. An unexpected exception propagates, and ends Python with exit code 1.
    """
    gc.set_threshold(COLLECTION_THRESHOLD)
    signal.signal(signal.SIGTERM, _terminate)
    stdout = sys.stdout
    try:
        code = lstmcast.main(arguments, standalone_mode=False)  # None, or the code of `Exit`
        if sys.stdout:  # None if the caller closed it
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
        click.echo("lstmcast: interrupted; all files are complete", err=True)
        return 130
    except BrokenPipeError:
        return _broken_pipe()
    except _Terminated:
        click.echo("lstmcast: terminated; all files are complete", err=True)
        return 143
    except SystemExit:
        if sys.stdout is stdout:
            raise
        sys.stdout = stdout  # Click replaced it after a broken pipe
        return _broken_pipe()
    except OSError as err:  # files raise FileError: this is stdout, or an invalid path
        click.echo(f"lstmcast: {err.filename or 'stdout'}: {err.strerror or err}", err=True)
        if err.filename is None:
            _broken_pipe()
        return FileError.exit_code
    return code or 0


def _broken_pipe() -> int:
    """Discard the output buffer after stdout was closed, so that Python does not fail at exit."""
    if sys.stdout:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


class _Terminated(SystemExit):
    """SIGTERM was received."""


def _terminate(_number: int, _frame: FrameType | None) -> None:
    """Stop at SIGTERM by an exception, so that `with` and `finally` blocks are run."""
    raise _Terminated(143)
