"""Which kind of model a head makes: the only place where heads are told apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lstmcast.errors import ModelError
from lstmcast.kinds.kind import Kind


def _value() -> Kind[Any, Any]:
    from lstmcast.kinds.value import Values

    return Values()


def _event() -> Kind[Any, Any]:
    from lstmcast.kinds.event import Events

    return Events()


def _category() -> Kind[Any, Any]:
    from lstmcast.kinds.category import Categories

    return Categories()


def _label() -> Kind[Any, Any]:
    from lstmcast.kinds.label import SeriesLabels

    return SeriesLabels()


HEADS: Mapping[str, Callable[[], Kind[Any, Any]]] = {
    "value": _value,
    "event": _event,
    "category": _category,
    "label": _label,
}
"""`model.head` to its kind, which is imported when it is asked for."""


def kind_of(head: str) -> Kind[Any, Any]:
    """The kind of a head.

    Raises:
        ModelError: this lstmcast knows no such head.
    """
    if head not in HEADS:
        raise ModelError(f"model.head: {head!r:.40} is none of this lstmcast ({', '.join(HEADS)}); train again")
    return HEADS[head]()
