"""Dataclasses as plain values that JSON can carry, and back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def to_plain(value: Any) -> Any:
    """Dataclasses and mappings as dictionaries, tuples as lists, enums by value, NaN and infinities as None."""
    if is_dataclass(value):
        return {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(to_plain(key)): to_plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [to_plain(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value


def from_plain(kind: type[T], value: Any) -> T:
    """The inverse: an instance of `kind`; None becomes NaN where a float is expected.

    Raises:
        TypeError, ValueError: a value does not have the type of its field.
        KeyError: a field without a default is missing.
    """
    result: T = _read(kind, value)
    return result


def _read(kind: Any, value: Any) -> Any:
    origin, args = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if origin in (Union, UnionType):
        (inner,) = (arg for arg in args if arg is not type(None))
        return None if value is None else _read(inner, value)
    if is_dataclass(kind):
        return _read_dataclass(kind, value)
    if origin is tuple:
        return tuple(_read(args[0], item) for item in _checked(list, value))
    if origin is not None:  # a mapping
        return {_read(args[0], key): _read(args[1], item) for key, item in _checked(dict, value).items()}
    if issubclass(kind, Enum):
        return kind(value)
    if kind is float:
        return math.nan if value is None else float(_checked((int, float), value))
    return _checked(kind, value)


def _read_dataclass(kind: Any, value: Any) -> Any:
    """A dataclass from a dictionary; keys that it does not have are ignored."""
    plain, hints = _checked(dict, value), _hints(kind)
    given = {
        field.name: _read(hints[field.name], plain[field.name])
        for field in fields(kind)
        if field.name in plain or (field.default is MISSING and field.default_factory is MISSING)
    }
    return kind(**given)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _checked(kind: Any, value: Any) -> Any:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise TypeError(f"expected {kind}, got {value!r:.40}")
    return value
