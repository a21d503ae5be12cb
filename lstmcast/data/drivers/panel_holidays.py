"""Holidays of the days of a panel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from lstmcast.data.drivers.events import is_event_file, read_events
from lstmcast.data.drivers.holidays import Holidays
from lstmcast.data.drivers.options import CovariateOptions
from lstmcast.data.drivers.regions import KEY, find_region, likely_zone
from lstmcast.data.panel import Panel
from lstmcast.data.schema import DataNote, InferredSetting, NoteCode, SettingKey
from lstmcast.data.time.calendar import Calendar
from lstmcast.data.time.zones import DAY
from lstmcast.errors import ConfigError, Fault, FaultCode, UsageError
from lstmcast.types import Ints


def check_holidays(codes: Sequence[str]) -> None:
    """Raise the error of the first code that cannot be loaded; see `Holidays.load`."""
    for code in codes:
        if is_event_file(code):
            read_events(code)
        else:
            find_region(code)


def with_holidays(panel: Panel, section: CovariateOptions) -> Panel:
    """Add the holidays of the days of a panel, and of its default horizon.

    Args:
        section: with codes of holidays, or with those of a model.

    Raises:
        ConfigError: the rows of the panel are counted.
    """
    if panel.calendar.kind == "counter":
        text = f"{KEY}: rows are counted, and holidays require dates; name the column of times with data.time"
        raise ConfigError(Fault(text, FaultCode.NO_DATES, column=KEY))
    horizon = panel.calendar.default_horizon
    steps = np.array([panel.starts.min(), panel.ends.max(), panel.ends.max() + horizon])
    first, last, ahead = local_days(panel.calendar, steps).tolist()
    holidays, notes = _loaded(section, first, ahead)
    notes += _zone_note(panel.calendar, section) if section.dates is None else ()
    setting = InferredSetting(SettingKey.HOLIDAYS, ", ".join(holidays.codes), holidays.summary(first, last))
    notes = (*panel.notes, *notes)
    return replace(panel, holidays=holidays, inferred=(*panel.inferred, setting), notes=notes)


def _zone_note(calendar: Calendar, section: CovariateOptions) -> tuple[DataNote, ...]:
    """Note that holidays of a region begin at midnight in UTC, for hours in UTC."""
    regions = [code for code in section.holidays if not is_event_file(code)]
    if calendar.timezone != "UTC" or calendar.step >= DAY or not regions:
        return ()
    zone = likely_zone(regions[0])
    local = f"; -s data.timezone={zone} for local time" if zone else ""
    return (DataNote(NoteCode.HOLIDAYS_IN_UTC, f"holidays begin at midnight in UTC, the zone of the times{local}"),)


def local_days(calendar: Calendar, positions: Ints) -> Ints:
    """Local days [N], since 1970-01-01, of positions [N]."""
    return calendar.wall(positions).astype(np.int64) // DAY


def _loaded(section: CovariateOptions, first: int, last: int) -> tuple[Holidays, tuple[DataNote, ...]]:
    """Load the holidays of codes; those of a model are kept, with newer events and later years where they are found."""
    known = section.dates
    if known is None:
        return Holidays.load(section.holidays, first, last), ()
    files = [code for code in known.codes if is_event_file(code)]
    missing = [file for file in files if not Path(file).exists()]
    known = known.with_events([file for file in files if file not in missing])
    notes = [DataNote(NoteCode.EVENTS_OF_MODEL, f"{file} is missing: events as of training") for file in missing]
    try:
        known = known.extended(last)
    except UsageError as err:
        notes.append(DataNote(NoteCode.HOLIDAYS_END, f"holidays are known until {known.last_date}: {err}"))
    return known, tuple(notes)
