"""Columns that identify a series: given by the user, or inferred from names and values."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations

import numpy as np
import pandas as pd

from lstmcast.data.numbers.fields import SAMPLE, is_missing, looks_like_numbers
from lstmcast.data.schema import InferredSetting, ReadOptions, SettingKey, Table
from lstmcast.errors import DataError, Fault, FaultCode, Fix
from lstmcast.text import pluralize, truncate_list
from lstmcast.types import Ints

TIME_WORDS = {
    "time",
    "date",
    "datetime",
    "timestamp",
    "ds",
    "month",
    "year",
    "quarter",
    "week",
    "day",
    "hour",
    "period",
}
TIME_WORDS |= {"fecha", "datum", "ts"}
SERIES_WORDS = {"id", "unique", "uid", "series", "store", "shop", "dept", "department", "item", "product", "sku", "key"}
SERIES_WORDS |= {"region", "country", "state", "city", "site", "location", "station", "sensor", "customer", "category"}
SERIES_WORDS |= {"client", "device", "material", "artikel", "produkt", "filiale", "werk", "kunde", "standort", "land"}
SERIES_WORDS |= {"produit", "magasin", "pays", "producto", "tienda", "cliente", "sucursal", "prodotto", "negozio"}
SERIES_WORDS |= {"produto", "loja", "filial", "winkel", "sklep"}
SERIES_WORDS |= {"stock"}
PERSON_WORDS = {"customer", "client", "kunde", "cliente", "user"}  # of ids whose rows are not added up
STEP_WORDS = {"t", "step", "index", "period", "ts", "week", "day", "month", "year"}  # of counters with unique values
TIME_PARTS = {"month", "quarter", "week", "weekday", "day", "hour", "minute", "second"}
TARGET_NAMES = {"y", "value", "target"}
TARGET_WORDS = {"value", "values", "sales", "demand", "total", "count", "qty", "quantity"}
TARGET_WORDS |= {"menge", "umsatz", "anzahl", "betrag", "wert", "quantit", "montant", "ventes", "cantidad", "ventas"}
TARGET_WORDS |= {"importe", "valor", "vendite", "vendas", "quantidade", "omzet", "aantal"}
ROW_ID_WORDS = {"id", "uid", "uuid", "guid", "rowid", "unnamed"}  # of columns that differ in every row
RECORD_WORDS = {"order", "invoice", "ticket", "transaction", "receipt", "record", "row"}  # of ascending numbers
NONE = ("none",)  # id columns of a file with one series
LABEL_WORDS = {"label", "class"}


@dataclass(frozen=True)
class ColumnChoice:
    """Columns selected for a role, and the reason."""

    names: tuple[str, ...]
    reason: str

    @property
    def only(self) -> str | None:
        """Only column, or None."""
        return self.names[0] if self.names else None

    def inferred(self, key: SettingKey) -> InferredSetting:
        """Convert to an inferred setting."""
        return InferredSetting(key, truncate_list(self.names) or "none", self.reason)


def words(name: str) -> set[str]:
    """Split a column name: `Weekly_Sales` and `weeklySales` → `{weekly, sales}`, and the name itself."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)} | {name.lower()}


def clocks(text: pd.Series) -> bool:
    """True if a sample of the fields are times of day, such as `13:00`, `1:00 PM` or `13:00:00.5`."""
    sample = text.iloc[:: max(1, len(text) // SAMPLE)]
    return bool(sample.str.fullmatch(r"\s*\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?(\s*[AaPp]\.?[Mm]\.?)?\s*").all())


def are_integers(text: pd.Series) -> bool:
    """True if a sample of the fields are integers or missing."""
    sample = text.iloc[:: max(1, len(text) // SAMPLE)]
    return bool((sample.str.fullmatch(r"\s*-?[0-9]+\s*") | is_missing(sample)).all())


def is_row_id(text: pd.Series, name: str) -> bool:
    """True for a column that identifies rows: different in each, and an id by its name, UUIDs or a running number."""
    if named_like_row_id(text, name):
        return True
    head = text.iloc[:SAMPLE]
    running = are_integers(head) and bool((pd.to_numeric(head, errors="coerce").diff().iloc[1:] == 1).all())
    return len(text) >= MIN_ROWS and running and bool(text.is_unique)


def holds_records(text: pd.DataFrame) -> bool:
    """True if rows are records, such as orders: a column identifies them, or is named so."""
    names = [str(name) for name in text.columns]
    return any(words(name) & RECORD_WORDS or named_like_row_id(text[name], name) for name in names)


def named_like_row_id(text: pd.Series, name: str) -> bool:
    """True for a column that is different in every row, with UUIDs, a name of row ids, or ascending records."""
    head = text.iloc[:SAMPLE]
    return len(text) >= MIN_ROWS and head.is_unique and _names_rows(head, name) and bool(text.is_unique)


def _names_rows(head: pd.Series, name: str) -> bool:
    """True for integers and texts with a name of row ids, ascending numbers with one of records, and UUIDs."""
    if head.str.contains(r"[0-9][.,][0-9]").any():
        return False
    if words(name) & ROW_ID_WORDS or head.str.fullmatch(_UUID).all() or head.str.fullmatch(r"#[0-9]+").all():
        return True
    if not words(name) & RECORD_WORDS:
        return False
    numbers = pd.to_numeric(head.str.extract(r"([0-9]+)\s*$")[0], errors="coerce")
    return bool((numbers.diff().iloc[1:] > 0).all())


def setting_of(names: Sequence[str]) -> str:
    """Format column names as the value of a setting."""
    return f"[{', '.join(map(quote_value, names))}]" if len(names) > 1 else quote_value(names[0])


def quote_value(name: str) -> str:
    """Quote a column name as the value of a setting, if YAML reads it as anything but text."""
    return name if name.replace("_", "").isalnum() and not name[0].isdigit() else json.dumps(name, ensure_ascii=False)


Holds = Callable[[pd.Series], bool]

EVERY = ("*",)  # target of all numeric columns

MAX_ID_COLUMNS = 3
MAX_CANDIDATES = 8
MIN_ROWS = 4  # in the median series; shorter ones suggest a covariate
MIN_REPEATED_FRACTION = 0.2  # of rows with a repeated time, for id columns without a typical name
MAX_DUPLICATE_FRACTION = 0.05  # of the repeats may remain, as duplicates
MANY_ROWS = 50  # for each value of a column; fewer may be those of a record, such as an order
MIN_TIMES = 2  # at which the values of an id column occur, on average
MIN_COVERAGE = 0.5  # of the times, for further id columns of rows that are aggregated
SAMPLE_TIMES = 200
_UUID = r"\s*[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\s*"


def find_series(
    table: Table, names: list[str], options: ReadOptions, time: str | None, holds: Holds = looks_like_numbers
) -> ColumnChoice:
    """Find the id columns: if times repeat, the smallest set that, with the time, identifies every row.

    Args:
        holds: true for columns that may be a target; one must remain.
    """
    if options.id_columns == NONE and NONE[0] not in names:
        return ColumnChoice((), "given")
    if options.id_columns:
        return ColumnChoice(options.id_columns, "given")
    if time is None:
        named = _named_series(table.text, [name for name in names if name not in options.target], holds)
        reason = "named so; rows are counted within each" if named else "without times, all rows are one series"
        return ColumnChoice(named, reason)
    stamps = _codes(table.text[time])
    repeats = len(stamps) - _distinct(stamps)
    aggregated = options.aggregate in {"sum", "mean", "last"}
    if repeats == 0 and not aggregated:
        return ColumnChoice((), "no time occurs twice")
    often = repeats >= MIN_REPEATED_FRACTION * len(stamps)
    search = _SeriesKeySearch(table.text, stamps, repeats)
    free = [name for name in names if name != time and name not in options.target]
    persons = {name for name in free if aggregated and words(name) & PERSON_WORDS}
    candidates = search.candidates(
        [name for name in free if name not in persons and (often or words(name) & SERIES_WORDS)]
    )
    left = (
        None if options.target and options.target != EVERY else partial(_leaves_target, table.text, free, holds=holds)
    )
    if repeats and (selected := search.identifying(candidates, left)):
        kept = tuple(name for name in names if name in selected)
        _refuse_time_parts(table, time, kept)
        return ColumnChoice(kept, f"{repeats} rows repeat a time; with the time, the columns identify each row")
    if often:
        _refuse_time_parts(table, time, [name for name in free if _is_time_part(table.text[name], name)])
    if aggregated and (selected := search.recurring(candidates)):
        kept = tuple(name for name in names if name in selected)
        return ColumnChoice(kept, "named so; rows of one time are aggregated")
    rows = f"{pluralize(repeats, 'row')} with the time of another, and no columns distinguish them"
    return ColumnChoice((), rows if repeats else "no time occurs twice")


def _refuse_time_parts(table: Table, time: str, selected: Sequence[str]) -> None:
    """Raise DataError if a selected column is a part of the time, such as an hour, rather than an id."""
    parts = [name for name in selected if _is_time_part(table.text[name], name)]
    if parts:
        pieces = ", ".join(f"'{name}'" for name in (time, *parts))
        text = (
            f"{table.source}: columns {pieces} look like parts of one time; join them into one column, such as "
            "'2024-01-31 13:00'"
        )
        fix = Fix(f"data.id_columns={setting_of(selected)}", "read each value as a series")
        raise DataError(Fault(text, FaultCode.TIME_PARTS, column=parts[0], fixes=(fix,)))


def _is_time_part(text: pd.Series, name: str) -> bool:
    """True for times of day, and for integers with the name of a part of a time."""
    return clocks(text) or bool(words(name) & TIME_PARTS and are_integers(text))


def _named_series(text: pd.DataFrame, names: list[str], holds: Holds) -> tuple[str, ...]:
    """Columns with names of ids and a few rows for each value, if a target remains."""
    found = tuple(
        name
        for name in names
        if words(name) & SERIES_WORDS and (distinct := text[name].nunique()) > 1 and len(text) >= MIN_ROWS * distinct
    )
    return found if _leaves_target(text, names, found, holds) else ()


class _SeriesKeySearch:
    """Search for the id columns of a long table."""

    def __init__(self, text: pd.DataFrame, stamps: Ints, repeats: int) -> None:
        self.text, self.stamps, self.repeats = text, stamps, repeats
        self.codes: dict[str, Ints] = {}
        self.sample = np.flatnonzero(stamps < SAMPLE_TIMES)

    def candidates(self, names: Iterable[str]) -> list[str]:
        """Candidate id columns, most likely first: text or integers, with a few rows for each value."""
        found: list[tuple[bool, bool, int, int, str]] = []
        for position, name in enumerate(names):
            column, named_like_series = self.text[name], bool(words(name) & SERIES_WORDS)
            numeric = looks_like_numbers(column)
            value = numeric and (not are_integers(column) or bool(words(name) & TARGET_WORDS))
            if name.lower() in TARGET_NAMES or (value and not named_like_series):
                continue
            codes = _codes(column)
            distinct = _distinct(codes)
            rows = MIN_TIMES if named_like_series else MIN_ROWS
            if distinct > 1 and len(codes) >= rows * distinct and self._recurs(codes, distinct):
                self.codes[name] = codes
                found.append((not named_like_series, numeric and not named_like_series, distinct, position, name))
        return [name for *_, name in sorted(found)[:MAX_CANDIDATES]]

    def _recurs(self, codes: Ints, distinct: int) -> bool:
        """True if values occur at several times, as those of series do, and those of orders do not."""
        return len(codes) >= MANY_ROWS * distinct or self._times(codes) >= MIN_TIMES * distinct

    def _times(self, group: Ints) -> int:
        """Number of distinct pairs of group and time."""
        return _distinct(_joined([group, self.stamps]))

    def recurring(self, candidates: list[str]) -> tuple[str, ...]:
        """Columns named like ids of which rows may be aggregated: the first, and others that leave long series."""
        selected: tuple[str, ...] = ()
        least = MIN_COVERAGE * _distinct(self.stamps)
        for name in candidates:
            wider = (*selected, name)
            group = _joined([self.codes[column] for column in wider])
            dense = not selected or self._times(group) >= least * _distinct(group)
            if words(name) & SERIES_WORDS and dense and len(wider) <= MAX_ID_COLUMNS:
                selected = wider
        return selected

    def identifying(
        self, candidates: list[str], leaves_target: Callable[[tuple[str, ...]], bool] | None
    ) -> tuple[str, ...]:
        """The smallest set that, with the time, identifies every row or, failing that, nearly every one; or none."""
        for duplicates in (0, int(MAX_DUPLICATE_FRACTION * self.repeats)):
            for selected in self.by_size(candidates):
                if (leaves_target is None or leaves_target(selected)) and self.identifies_rows(selected, duplicates):
                    return selected
        return ()

    def by_size(self, candidates: list[str]) -> Iterable[tuple[str, ...]]:
        """All sets of up to three candidates, small sets first."""
        for size in range(1, MAX_ID_COLUMNS + 1):
            yield from combinations(candidates, size)

    def identifies_rows(self, names: tuple[str, ...], duplicates: int) -> bool:
        """True if at most `duplicates` rows share id and time, and the median series is long enough."""
        group = _joined([self.codes[name] for name in names])
        rows = _joined([group, self.stamps])
        if len(self.sample) - _distinct(rows[self.sample]) > duplicates or len(rows) - _distinct(rows) > duplicates:
            return False
        lengths = pd.Series(group).value_counts()
        named_like_series = all(words(name) & SERIES_WORDS for name in names)
        return bool(lengths.median() >= (MIN_TIMES if named_like_series else MIN_ROWS))


def _codes(text: pd.Series) -> Ints:
    """[N] codes of distinct texts, in order of appearance."""
    return pd.factorize(text)[0].astype(np.int64)


def _distinct(codes: Ints) -> int:
    """Number of distinct codes."""
    return len(pd.unique(codes))


def _joined(columns: list[Ints]) -> Ints:
    """[N] codes of distinct combinations of codes."""
    joined = columns[0]
    for codes in columns[1:]:
        joined = pd.factorize(joined * (int(codes.max()) + 1) + codes)[0].astype(np.int64)
    return joined


def group_codes(text: pd.DataFrame, names: tuple[str, ...]) -> Ints:
    """[N] index of the series of each row, in order of appearance; 0 without id columns."""
    return _joined([np.zeros(len(text), dtype=np.int64), *(_codes(text[name]) for name in names)])


def _leaves_target(text: pd.DataFrame, free: list[str], selected: tuple[str, ...], holds: Holds) -> bool:
    """True if a column is left to forecast."""
    return any(holds(text[name]) and not named_like_row_id(text[name], name) for name in free if name not in selected)
