"""Steps for which known covariates have values ahead."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lstmcast.errors import DataError, Fault, FaultCode
from lstmcast.text import MAX_SHOWN, pluralize, truncate_items, truncate_list
from lstmcast.types import Bools, Ints

if TYPE_CHECKING:
    from lstmcast.data.drivers.covariates import Covariates
    from lstmcast.data.panel import Panel


def horizon_ahead(panel: Panel) -> int | None:
    """Steps after the end of every series for which all known covariates have values, without a gap.

    Series that ended long ago do not count.

    Returns:
        The number of steps; None without known covariates that change with time.
    """
    covariates = panel.covariates
    if covariates is None or not (covariates.known & ~covariates.static).any():
        return None
    last = (covariates.starts + np.diff(covariates.offsets) - 1)[covariates.blocks]
    longest = max(1, int((last - panel.ends).max()))
    is_missing = np.asarray(_missing(panel, covariates, longest).any(axis=2), dtype=np.bool_)
    steps = np.where(is_missing.any(axis=1), is_missing.argmax(axis=1), longest)
    return int(np.delete(steps, panel.ended).min())


def require_ahead(panel: Panel, horizon: int) -> None:
    """Raise DataError if a known covariate lacks a value in the next `horizon` steps of a series.

    Series that ended long ago do not count.
    """
    covariates = panel.covariates
    if covariates is None or not covariates.known.any():
        return
    missing = _missing(panel, covariates, horizon)
    missing[panel.ended] = False
    if not missing.any():
        return
    found = np.argwhere(missing)
    series = int(found[found[:, 1].argmin(), 0])
    names = truncate_list(list(dict.fromkeys(covariates.columns[k] for k in np.unique(found[:, 2]).tolist())))
    steps = np.unique(found[found[:, 0] == series, 1])
    texts = panel.calendar.text(panel.ends[series] + 1 + steps[:MAX_SHOWN])
    of = f" of series '{', '.join(panel.keys[series])}'" if panel.keys[series] else ""
    text = f"{panel.source}: {names}: no value at {pluralize(len(steps), 'step')} ahead{of} "
    text += (
        f"({truncate_items(texts, len(steps))}); add rows without a target, or name a file of them (covariates.future)"
    )
    if works := horizon_ahead(panel):
        text += f"; --horizon {works} works"
    raise DataError(Fault(text, FaultCode.COVARIATE_AHEAD, column=covariates.columns[int(found[:, 2].min())]))


def _missing(panel: Panel, covariates: Covariates, horizon: int) -> Bools:
    """[S, H, K] true where a known covariate has no value after the end of a series."""
    ends: Ints = panel.ends
    values = covariates.at(np.arange(panel.n_series), ends[:, None] + np.arange(1, horizon + 1), ends)
    return np.isnan(values) & covariates.known
