"""How series are read for a labeller: as those it was trained on."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lstmcast.classifier.label.labeller import SeriesClassifier
from lstmcast.data.labelled import UNKNOWN, LabeledPanel
from lstmcast.data.records import ReadOptions
from lstmcast.data.wording import truncate_list


def pinned(classifier: SeriesClassifier) -> ReadOptions:
    """The columns, the time format and the frequency of training: a file without them is refused."""
    columns, calendar = classifier.columns, classifier.calendar
    return ReadOptions.of(
        {
            **classifier.report["config"]["data"],
            "time": columns.time,
            "target": columns.label,
            "series": list(columns.series),
            "features": list(columns.features),
            "format": calendar.style.pattern if calendar.style else None,
            "season": calendar.season,
        }
    )


def data_warnings(classifier: SeriesClassifier, now: LabeledPanel) -> Iterator[str]:
    """What the newest data lack, or have too much of."""
    yield from (f"left out: {reason}" for reason in now.dropped)
    new = [label for label in now.classes if label not in classifier.classes]
    if new:
        many = sum(label in new for label in now.labels if label != UNKNOWN)
        what = f"{many} series with a {now.label} that training did not know, and that cannot be said"
        yield f"{now.source}: {what}: {truncate_list(new)}"


def empty_panel(classifier: SeriesClassifier) -> LabeledPanel:
    """No series at all, in the columns of training."""
    columns = classifier.columns
    return LabeledPanel(
        time=columns.time,
        key_columns=columns.series,
        features=columns.features,
        label=columns.label,
        calendar=classifier.calendar,
        keys=(),
        values=np.empty((0, len(columns.features))),
        observed=np.empty((0, len(columns.features)), np.bool_),
        offsets=np.zeros(1, np.int64),
        starts=np.empty(0, np.int64),
        labels=(),
        findings=(),
        notes=(),
        source=f"{classifier.report['data']['source']} is gone",
    )
