"""Values of covariates on the calendar of a panel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from lstmcast.data.drivers.options import NONE
from lstmcast.types import Bools, Floats, Ints

_ARRAYS = ("known", "static", "values", "offsets", "starts", "blocks")
_VERSIONS = ("rows", "known_at", "values")


@dataclass(frozen=True)
class Versions:
    """V versions of values, sorted by row and time of knowledge.

    Attributes:
        rows: [V] row of the values that a version is of.
        known_at: [V] calendar position at which it was known.
        values: [V, K]; NaN where never known until then.
    """

    rows: Ints
    known_at: Ints
    values: Floats

    @classmethod
    def of(cls, rows: Ints, known_at: Ints, values: Floats) -> Versions:
        """Sort versions, and complete each by the values known before; of versions of one time, the last one stays."""
        order = np.lexsort((known_at, rows))
        rows, known_at = rows[order], known_at[order]
        newest = pd.DataFrame(values[order]).groupby(rows).ffill().to_numpy(dtype=np.float64)
        is_last = np.append((rows[1:] != rows[:-1]) | (known_at[1:] != known_at[:-1]), True)
        return cls(rows[is_last], known_at[is_last], newest[is_last])

    def completed(self, values: Floats, positions: Ints) -> Versions:
        """Add a version for each filled row of values [M, K] without one, known at its position [M]."""
        added = np.setdiff1d(np.flatnonzero(~np.isnan(values).all(axis=1)), self.rows)
        return Versions.of(
            np.concatenate([self.rows, added]),
            np.concatenate([self.known_at, positions[added]]),
            np.vstack([self.values, values[added]]),
        )

    def at(self, rows: Ints, origins: Ints) -> Floats:
        """[N, K] newest version of rows [N] that was known at origins [N]; NaN if none was."""
        if not len(self.rows):
            return np.full((len(rows), self.values.shape[1]), np.nan)
        first = int(self.known_at.min())
        span = int(self.known_at.max()) - first + 2
        found = np.searchsorted(
            self.rows * span + self.known_at - first + 1,
            rows * span + np.clip(origins - first + 1, 0, span - 1),
            "right",
        )
        index = np.maximum(found - 1, 0)
        is_known = (found > 0) & (self.rows[index] == rows)
        return np.where(is_known[:, None], self.values[index], np.nan)


@dataclass(frozen=True)
class Covariates:
    """K covariates of the S series of a panel, in G blocks; series of one block share their values.

    Attributes:
        names: [K] columns; a text column has one column for each category, such as `weather=rain`.
        columns: [K] the column of the file that each comes from.
        known: [K] true if known ahead, false for past ones.
        static: [K] true for one value for each series; static ones are known.
        values: [M, K] values of all blocks, NaN where not known; with versions, the newest.
        offsets: [G+1] block g is `values[offsets[g]:offsets[g+1]]`.
        starts: [G] calendar position of the first row of each block.
        blocks: [S] block of each series.
        versions: of values that were revised; None if all rows were known when they came.
        proposed: known columns are those with values ahead, and none was pinned.
        horizon: steps after an origin whose known values may be read; None: all.
    """

    names: tuple[str, ...]
    columns: tuple[str, ...]
    known: Bools
    static: Bools
    values: Floats
    offsets: Ints
    starts: Ints
    blocks: Ints
    versions: Versions | None = None
    proposed: bool = False
    horizon: int | None = None

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """All arrays, for a fingerprint."""
        return tuple(self.to_arrays().values())

    def to_facts(self) -> dict[str, list[str]]:
        """JSON values, without the arrays."""
        return {"names": list(self.names), "columns": list(self.columns)}

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Arrays by name, for a file of tensors."""
        versions = (
            {} if self.versions is None else {f"versions_{name}": getattr(self.versions, name) for name in _VERSIONS}
        )
        return {
            f"covariates_{name}": array for name, array in ({n: getattr(self, n) for n in _ARRAYS} | versions).items()
        }

    @classmethod
    def from_facts(cls, facts: Mapping[str, Sequence[str]], arrays: Mapping[str, np.ndarray]) -> Covariates:
        """The inverse of `to_facts` and `to_arrays`.

        Raises:
            ValueError: the arrays do not fit together.
            KeyError: one is missing.
        """
        own: dict[str, Any] = {name: arrays[f"covariates_{name}"] for name in _ARRAYS}
        names, columns, values = tuple(facts["names"]), tuple(facts["columns"]), own["values"]
        offsets, blocks, K = own["offsets"], own["blocks"], len(names)
        sizes = (len(columns), len(own["known"]), len(own["static"]), values.shape[1])
        is_valid = sizes == (K,) * 4 and len(offsets) == len(own["starts"]) + 1 and offsets[-1] == len(values)
        if not is_valid or (np.diff(offsets) < 1).any() or blocks.min() < 0 or blocks.max() >= len(own["starts"]):
            raise ValueError("the arrays of the covariates do not fit together")
        versions = None
        if "covariates_versions_rows" in arrays:
            versions = Versions(**{name: arrays[f"covariates_versions_{name}"] for name in _VERSIONS})
        return cls(names=names, columns=columns, **own, versions=versions)

    @property
    def pinned(self) -> dict[str, Any]:
        """Settings that read these columns and categories again, by the keys of `CovariateOptions`."""
        roles = [
            ("static", self.static),
            ("known", self.known & ~self.static),
            ("past", ~self.known),
        ]
        columns = np.array(self.columns)
        found = {key: tuple(dict.fromkeys(columns[mask].tolist())) for key, mask in roles}
        return {
            **found,
            "known": found["known"] or NONE,
            "levels": {name: self.levels.get(name, ()) for name in columns},
        }

    @property
    def levels(self) -> dict[str, tuple[str, ...]]:
        """Categories of each text column."""
        found: dict[str, tuple[str, ...]] = {}
        for name, column in zip(self.names, self.columns, strict=True):
            if name != column:
                found[column] = (*found.get(column, ()), name.removeprefix(f"{column}="))
        return found

    def take(self, series: Ints) -> Covariates:
        """Select or repeat series; values ahead are kept."""
        return replace(self, blocks=self.blocks[series])

    def at(self, series: Ints, positions: Ints, origins: Ints) -> Floats:
        """Values as they were known at origins: NaN outside the data, after the horizon, and for past ones ahead.

        Args:
            series: [B] index of the series.
            positions: [B, P] calendar positions.
            origins: [B] calendar positions of the last known steps.

        Returns:
            [B, P, K].
        """
        block = self.blocks[series][:, None]
        length = np.diff(self.offsets)[block]
        steps = positions - self.starts[block]
        is_inside = (steps >= 0) & (steps < length)
        rows = self.offsets[block] + np.clip(steps, 0, length - 1)
        found = self.values[rows]
        if self.versions is not None:
            origin = np.broadcast_to(origins[:, None], positions.shape)
            revised = self.versions.at(rows.ravel(), origin.ravel()).reshape(found.shape)
            found = np.where(self.static, found, revised)
        is_ahead = positions > origins[:, None]
        is_unknown = (~is_inside[..., None] & ~self.static) | (is_ahead[..., None] & ~self.known)
        if self.horizon is not None:
            is_unknown |= (positions > origins[:, None] + self.horizon)[..., None] & ~self.static
        return np.where(is_unknown, np.nan, found)
