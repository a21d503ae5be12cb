"""Holidays of countries, subdivisions and markets, from the library `holidays`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from types import ModuleType
from typing import Any

from lstmcast.data.drivers.holiday import Holiday
from lstmcast.errors import ConfigError, Fault, FaultCode, UsageError
from lstmcast.text import truncate_list

KEY = "covariates.holidays"
_CODE = re.compile(r"(?P<entity>[A-Za-z][A-Za-z0-9]{1,3})(?:-(?P<part>[^:]+))?(?::(?P<categories>\w+(?:\+\w+)*))?")
_REMARK = re.compile(r"(?:^Alternative holiday for )|\s*\([^()]*(?:observed|estimated|in lieu|substitute)[^()]*\)")
_RENAMED = {"Queen's Birthday": "King's Birthday", "Queen's Day": "King's Day"}
_NOT_OFF = {"armed_forces", "half_day", "optional", "optional_women", "school", "unofficial", "workday"}
_WINDOW = 1  # days before and after a day off
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Region:
    """A region or market of the library.

    Attributes:
        code: as requested, in the library's spelling.
        entity: its class in the library.
        part: its subdivision; None for all of it.
        categories: the default one, and those requested.
    """

    code: str
    entity: Any
    part: str | None
    categories: tuple[str, ...]

    @property
    def weekend(self) -> tuple[int, ...]:
        """Weekdays off, Monday = 0."""
        return tuple(sorted(self.entity.weekend))

    def holidays(self, years: range) -> Iterator[Holiday]:
        """Find the holidays of some years."""
        for category in self.categories:
            is_off = category not in _NOT_OFF
            window = _WINDOW if is_off else 0
            for day, names in self._table(category, years).items():
                for name in names.split("; "):
                    yield Holiday((day - _EPOCH).days, plain_name(name), self.code, window, window, is_off)

    def workdays(self, years: range) -> list[int]:
        """Days of weekends that are worked in some years."""
        table = self._table(self.categories[0], years)
        return [(day - _EPOCH).days for day in table.weekend_workdays]

    def _table(self, category: str, years: range) -> Any:
        """Table of the library, of days and their names joined by `; `."""
        language = _language(self.entity.supported_languages)
        return self.entity(years=years, subdiv=self.part, language=language, categories=category)


def likely_zone(code: str) -> str | None:
    """Time zone of a region by the IANA database: of its subdivision, else of most of its country.

    None for a market and without the table.
    """
    rows = [row for row in _zone_rows() if row[0] == code[:2].upper()]
    region = find_region(code)
    names = [name for name, part in region.entity.subdivisions_aliases.items() if part == region.part]
    likely = [row for row in rows if any(name in row[3] for name in names)]
    likely += [row for row in rows if "most" in row[3]] + rows
    return likely[0][2] if likely else None


def _zone_rows() -> list[tuple[str, ...]]:
    """Country, coordinates, name and remark of each zone."""
    from importlib import resources

    table = resources.files("tzdata") / "zoneinfo" / "zone.tab"
    lines = table.read_text(encoding="utf-8").splitlines() if table.is_file() else []
    return [tuple(f"{line}\t".split("\t")) for line in lines if line and not line.startswith("#")]


def plain_name(name: str) -> str:
    """Name of a holiday without remarks such as `(observed)`; a day off in place of another is a `Day off`."""
    plain = _REMARK.sub("", name).strip()
    return _RENAMED.get(plain, plain)


def _language(supported: Sequence[str]) -> str | None:
    """English, if the library has it: its default depends on the environment."""
    english = [language for language in supported if language.startswith("en")]
    return "en_US" if "en_US" in english else next(iter([*english, *supported]), None)


def find_region(code: str) -> Region:
    """Find the region of a code such as `DE-BY:catholic`.

    Raises:
        UsageError: the library is not installed.
        ConfigError: an unknown region or category.
    """
    library = _library(code)
    match = _CODE.fullmatch(code)
    entity: Any = getattr(library, match["entity"].upper(), None) if match else None
    if match is None or not hasattr(entity, "supported_categories"):
        raise ConfigError(_unknown_entity(library, code))
    name = getattr(entity, "country", None) or entity.market
    part, category = match["part"], match["categories"]
    found = _part(entity, part) if part else None
    if part and found is None:
        raise ConfigError(_unknown_part(entity, name, part))
    spelled = f"{name}-{found}" if found else name
    categories = dict.fromkeys([entity.default_category, *(category.lower().split("+") if category else ())])
    if unknown := set(categories) - set(entity.supported_categories):
        raise ConfigError(_unknown_category(entity, spelled, min(unknown)))
    return Region(f"{spelled}:{category.lower()}" if category else spelled, entity, found, tuple(categories))


def _library(code: str) -> ModuleType:
    try:
        import holidays
    except ImportError as err:
        text = f"{KEY}: '{code}' requires the package holidays; run pip install 'lstmcast[holidays]'"
        raise UsageError(Fault(text, FaultCode.NO_HOLIDAYS, column=KEY)) from err
    return holidays


def _part(entity: Any, part: str) -> str | None:
    """Code of a subdivision by its code or name, in any case."""
    names = {name.lower(): code for name, code in entity.subdivisions_aliases.items()}
    codes = {code.lower(): code for code in entity.subdivisions}
    found: str | None = {**names, **codes}.get(part.lower())
    return found


def _unknown_entity(library: ModuleType, code: str) -> Fault:
    """Fault of a code whose country or market is unknown."""
    known = {**library.list_supported_countries(), **library.list_supported_financial()}
    words = "".join(word.capitalize() for word in re.split(r"[\W_]+", code))
    named = getattr(getattr(library, words, None), "country", None)
    parts = [f"{entity}-{part}" for entity in known if entity[:2] == code[:2].upper() for part in known[entity]]
    close = [named] if named else difflib.get_close_matches(code.upper(), [*known, *parts], n=1, cutoff=0.75)
    valid = "the code of a country (DE), a subdivision (DE-BY) or a market (XNYS), or a CSV file of events"
    return _fault(FaultCode.UNKNOWN_REGION, f"must be {valid} (got '{code}')", close)


def _unknown_part(entity: Any, name: str, part: str) -> Fault:
    """Fault of a code whose subdivision is unknown."""
    parts, names = list(entity.subdivisions), dict(entity.subdivisions_aliases)
    close = [names[alias] for alias in difflib.get_close_matches(part.title(), list(names), n=1, cutoff=0.7)]
    close = close or difflib.get_close_matches(part.upper(), parts, n=1)
    listed = f"use {name}, or one of its subdivisions: {truncate_list(parts)}" if parts else f"use {name}"
    text = f"{name} has no subdivision '{part}'; {listed}"
    return _fault(FaultCode.UNKNOWN_REGION, text, [f"{name}-{code}" for code in close])


def _unknown_category(entity: Any, region: str, category: str) -> Fault:
    """Fault of a code whose category is unknown."""
    supported = list(entity.supported_categories)
    close = difflib.get_close_matches(category, supported, n=1)
    text = f"{region} has no category '{category}'; use {region}, or one of its categories: {', '.join(supported)}"
    return _fault(FaultCode.UNKNOWN_CATEGORY, text, [f"{region}:{code}" for code in close])


def _fault(code: FaultCode, text: str, close: Sequence[str]) -> Fault:
    """Fault with the nearest code, which may be in a flag, a config or a setting."""
    guess = f"; did you mean '{close[0]}'?" if close else ""
    return Fault(f"{KEY}: {text}{guess}", code, column=KEY)
