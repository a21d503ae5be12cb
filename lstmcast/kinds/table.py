"""Which kind of model a head makes: the only place where heads are told apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lstmcast.errors import ModelError
from lstmcast.kinds.kind import Task


def _value() -> Task[Any, Any]:
    from lstmcast.kinds.value import ValueTask

    return ValueTask()


def _event() -> Task[Any, Any]:
    from lstmcast.kinds.event import EventTask

    return EventTask()


def _category() -> Task[Any, Any]:
    from lstmcast.kinds.category import CategoryTask

    return CategoryTask()


def _label() -> Task[Any, Any]:
    from lstmcast.kinds.label import LabelTask

    return LabelTask()


HEADS: Mapping[str, Callable[[], Task[Any, Any]]] = {
    "value": _value,
    "event": _event,
    "category": _category,
    "label": _label,
}
"""`model.head` to its kind, which is imported when it is asked for."""


def get_task(head: str) -> Task[Any, Any]:
    """The kind of a head.

    Raises:
        ModelError: this lstmcast knows no such head.
    """
    if head not in HEADS:
        raise ModelError(f"model.head: {head!r:.40} is none of this lstmcast ({', '.join(HEADS)}); train again")
    return HEADS[head]()
