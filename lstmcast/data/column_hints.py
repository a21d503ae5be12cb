"""Hints at the role of a column: the words of its name, and the form of its fields."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from lstmcast.data.numbers.fields import SAMPLE, is_missing
from lstmcast.data.schema import InferredSetting, SettingKey
from lstmcast.text import truncate_list

TIME_WORDS = {"time", "date", "datetime", "timestamp", "ds", "month", "year", "quarter", "week", "day", "hour"}
TIME_WORDS |= {"period", "fecha", "datum", "ts"}
SERIES_WORDS = {"id", "unique", "uid", "series", "store", "shop", "dept", "department", "item", "product", "sku", "key"}
SERIES_WORDS |= {"region", "country", "state", "city", "site", "location", "station", "sensor", "customer", "category"}
SERIES_WORDS |= {"client", "device", "material", "artikel", "produkt", "filiale", "werk", "kunde", "standort", "land"}
SERIES_WORDS |= {"produit", "magasin", "pays", "producto", "tienda", "cliente", "sucursal", "prodotto", "negozio"}
SERIES_WORDS |= {"produto", "loja", "filial", "winkel", "sklep", "stock"}
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
EVERY = ("*",)  # target of all numeric columns
MIN_ROWS = 4  # in the median series; shorter ones suggest a covariate
_UUID = r"\s*[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\s*"


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
