"""Common time zones whose clock changes explain hours that are missing or repeated."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lstmcast.data.time.zones import from_wall
from lstmcast.errors import Fix
from lstmcast.types import Ints

CHANGING_ZONES = (
    "Europe/Berlin", "Europe/London", "America/New_York", "Europe/Athens", "Australia/Sydney", "Pacific/Auckland",
    "America/Santiago", "Asia/Jerusalem",
)  # fmt: skip


def zone_fixes(wall: Ints, skipped: Ints, doubled: Ints) -> Iterator[Fix]:
    """Yield the first zone that skips and doubles the given wall times, and skips no other ones of `wall` [N]."""
    for zone in CHANGING_ZONES:
        if _explains(zone, wall, skipped, doubled):
            yield Fix(f"data.timezone={zone}", "use its clock changes, or another zone with the same ones")
            return


def _explains(zone: str, wall: Ints, skipped: Ints, doubled: Ints) -> bool:
    explained = from_wall(skipped, zone).skipped.all() and from_wall(doubled, zone).doubled.all()
    return bool(explained and not from_wall(np.asarray(wall), zone).skipped.any())
