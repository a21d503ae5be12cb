"""The command line: parse, call one function, write. Only this folder imports click."""

from lstmcast.cli.main import main

__all__ = ["main"]
