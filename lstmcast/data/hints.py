"""What the names of columns hint at, and the choice of columns for one part."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pandas as pd

from lstmcast.data.numbers import SAMPLE, is_missing
from lstmcast.data.records import InferredSetting
from lstmcast.data.wording import truncate_list

TIME_NAMES = {"time", "date", "datetime", "timestamp", "ds"}
TIME_WORDS = TIME_NAMES | {"month", "year", "quarter", "week", "day", "hour", "period", "fecha", "datum", "ts"}
SERIES_WORDS = {"id", "unique", "uid", "series", "store", "shop", "dept", "department", "item", "product", "sku", "key"}
SERIES_WORDS |= {"region", "country", "state", "city", "site", "location", "station", "sensor", "customer", "category"}
STEP_WORDS = {"t", "step", "index", "period", "ts", "week", "day", "month", "year"}  # may count, where they are unique
PARTS = {"month", "quarter", "week", "weekday", "day", "hour", "minute", "second"}  # of a time
TARGET_NAMES = {"y", "value", "target"}
TARGET_WORDS = {"value", "values", "sales", "demand", "total", "count"}
LABEL_WORDS = {"label", "class"}


@dataclass(frozen=True)
class ColumnChoice:
    """The columns chosen for one part, and why."""

    names: tuple[str, ...]
    reason: str

    @property
    def only(self) -> str | None:
        """The only column, or None."""
        return self.names[0] if self.names else None

    def finding(self, part: str) -> InferredSetting:
        """What to tell the user."""
        return InferredSetting(part, truncate_list(self.names) or "none", self.reason)


def words(name: str) -> set[str]:
    """The words of a column name: `Weekly_Sales` and `weeklySales` → `{weekly, sales}`."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)} | {name.lower()}


def clocks(text: pd.Series) -> bool:
    """Whether a sample of the fields are times of a day, such as `13:00`, `1:00 PM` or `13:00:00.5`."""
    sample = text.iloc[:: max(1, len(text) // SAMPLE)]
    return bool(sample.str.fullmatch(r"\s*\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?(\s*[AaPp]\.?[Mm]\.?)?\s*").all())


def are_integers(text: pd.Series) -> bool:
    """Whether a sample of the fields are whole numbers, or missing."""
    sample = text.iloc[:: max(1, len(text) // SAMPLE)]
    return bool((sample.str.fullmatch(r"\s*-?[0-9]+\s*") | is_missing(sample)).all())
