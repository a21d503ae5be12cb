"""What a safetensors file states about itself, before any of its data is looked at."""

from __future__ import annotations

from typing import Any

from lstmcast.store.files import DamageError, parse_object


def header(content: bytes) -> dict[str, Any]:
    """The stated header: 8 bytes of length, then JSON: type, shape and place of each tensor, and `__metadata__`.

    Raises:
        DamageError: it is cut off, or no JSON object.
    """
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 or length > len(content) - 8:
        raise DamageError("too short for a safetensors header")
    return parse_object(content[8 : 8 + length])
