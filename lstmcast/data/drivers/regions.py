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
from lstmcast.errors import ConfigError, Fault, FaultCode, Fix, UsageError
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


def plain_name(name: str) -> str:
    """Name of a holiday without remarks such as `(observed)`; a day off in place of another is a `Day off`."""
    plain = _REMARK.sub("", name).strip()
    return _RENAMED.get(plain, plain)


def _language(supported: Sequence[str]) -> str | None:
    """English, if the library has it: its default depends on the environment."""
    english = [language for language in supported if language.startswith("en")]
    return "en_US" if "en_US" in english else next(iter([*english, *supported]), None)


def find_region(code: str, codes: Sequence[str]) -> Region:
    """Find the region of a code such as `DE-BY:catholic`; `codes` are all that are requested.

    Raises:
        UsageError: the library is not installed.
        ConfigError: an unknown region or category.
    """
    library = _library(code)
    match = _CODE.fullmatch(code)
    entity: Any = getattr(library, match["entity"].upper(), None) if match else None
    if match is None or not hasattr(entity, "supported_categories"):
        raise ConfigError(_unknown_entity(library, code, codes))
    name = getattr(entity, "country", None) or entity.market
    part, category = match["part"], match["categories"]
    found = _part(entity, part) if part else None
    if part and found is None:
        raise ConfigError(_unknown_part(entity, name, part, code, codes))
    categories = dict.fromkeys([entity.default_category, *(category.lower().split("+") if category else ())])
    if unknown := set(categories) - set(entity.supported_categories):
        raise ConfigError(_unknown_category(entity, sorted(unknown)[0], code, codes))
    spelled = f"{name}-{found}" if found else name
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


def _unknown_entity(library: ModuleType, code: str, codes: Sequence[str]) -> Fault:
    """Fault of a code whose country or market is unknown."""
    known = {**library.list_supported_countries(), **library.list_supported_financial()}
    words = "".join(word.capitalize() for word in re.split(r"[\W_]+", code))
    named = getattr(getattr(library, words, None), "country", None)
    parts = [f"{entity}-{part}" for entity in known if entity[:2] == code[:2].upper() for part in known[entity]]
    close = [named] if named else difflib.get_close_matches(code.upper(), [*known, *parts], n=1, cutoff=0.75)
    text = (
        f"{KEY}: '{code}' is no region: use the code of a country (DE), a subdivision (DE-BY) or a market (XNYS), "
        "or a CSV file of events"
    )
    return Fault(text, FaultCode.UNKNOWN_REGION, column=KEY, fixes=_fixes(code, close, codes))


def _unknown_part(entity: Any, name: str, part: str, code: str, codes: Sequence[str]) -> Fault:
    """Fault of a code whose subdivision is unknown."""
    parts, names = list(entity.subdivisions), dict(entity.subdivisions_aliases)
    close = difflib.get_close_matches(part.title(), list(names), n=1, cutoff=0.7)
    close = [names[close[0]]] if close else difflib.get_close_matches(part.upper(), parts, n=1)
    better = [f"{name}-{close[0]}"] if close else [name]
    listed = f"its subdivisions: {truncate_list(parts)}" if parts else "it has no subdivisions here"
    text = f"{KEY}: '{code}': {name} has no subdivision '{part}'; {listed}"
    return Fault(text, FaultCode.UNKNOWN_REGION, column=KEY, fixes=_fixes(code, better, codes))


def _unknown_category(entity: Any, category: str, code: str, codes: Sequence[str]) -> Fault:
    """Fault of a code whose category is unknown."""
    supported = list(entity.supported_categories)
    close = difflib.get_close_matches(category, supported, n=1)
    region = code.partition(":")[0]
    better = [f"{region}:{close[0]}"] if close else [region]
    text = f"{KEY}: '{code}': there is no category '{category}'; categories: {', '.join(supported)}"
    return Fault(text, FaultCode.UNKNOWN_CATEGORY, column=KEY, fixes=_fixes(code, better, codes))


def _fixes(code: str, better: Sequence[str], codes: Sequence[str]) -> tuple[Fix, ...]:
    """Settings with a better code in place of one."""
    lists = [[other if given == code else given for given in codes] for other in better]
    texts = [listed[0] if len(listed) == 1 else f"[{', '.join(listed)}]" for listed in lists]
    return tuple(Fix(f"{KEY}={text}", f"use {other}") for text, other in zip(texts, better, strict=True))
