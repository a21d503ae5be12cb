"""Styles in which exporters and people write times: each is read, and written back as it was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from lstmcast.data.time.text.column import Times, parse_times
from lstmcast.data.time.text.patterns import ROMAN
from lstmcast.data.time.text.recognition import looks_like_times
from lstmcast.errors import DataError, FaultCode

EPOCH = datetime(1970, 1, 1)
MONTHS = [datetime(2019 + k // 12, k % 12 + 1, 1) for k in range(36)]
QUARTERS = MONTHS[::3]
DAYS = [datetime(2023, 12, 25) + timedelta(days=k) for k in range(400)]
WEEKS = [datetime(2020, 1, 6) + timedelta(weeks=k) for k in range(120)]
HOURS = [datetime(2024, 1, 1) + timedelta(hours=k) for k in range(100)]
NAMES = {
    "German": "Jan Feb Mrz Apr Mai Jun Jul Aug Sep Okt Nov Dez",
    "German with umlaut": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "Austrian": "Jän Feb März Apr Mai Juni Juli Aug Sept Okt Nov Dez",
    "French": "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.",
    "French capitals": "JANVIER FÉVRIER MARS AVRIL MAI JUIN JUILLET AOÛT SEPTEMBRE OCTOBRE NOVEMBRE DÉCEMBRE",
    "Spanish": "ene feb mar abr may jun jul ago sep oct nov dic",
    "Spanish with dots": "ene. feb. mar. abr. may. jun. jul. ago. sep. oct. nov. dic.",
    "Italian": "Gen Feb Mar Apr Mag Giu Lug Ago Set Ott Nov Dic",
    "Portuguese": "jan fev mar abr mai jun jul ago set out nov dez",
    "Dutch": "jan feb mrt apr mei jun jul aug sep okt nov dec",
    "Dutch in full": "januari februari maart april mei juni juli augustus september oktober november december",
    "Polish": "sty lut mar kwi maj cze lip sie wrz paź lis gru",
    "Polish, inflected": "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada "
    "grudnia",
    "Swedish": "jan feb mar apr maj jun jul aug sep okt nov dec",
    "Russian": "январь февраль март апрель май июнь июль август сентябрь октябрь ноябрь декабрь",
    "English with dots": "Jan. Feb. Mar. Apr. May Jun. Jul. Aug. Sep. Oct. Nov. Dec.",
}


def parse(texts: Sequence[str], name: str = "Zeit", **options: object) -> Times:
    """Parse a column that starts on line 2."""
    text = pd.Series(texts, dtype=object, name=name)
    return parse_times(text, np.arange(2, 2 + len(texts)), column=name, source="f.csv", **options)


def check(texts: Sequence[str], moments: Sequence[datetime], name: str = "Zeit") -> Times:
    """Check that texts are read as these times, and written back."""
    assert looks_like_times(pd.Series(texts, dtype=object, name=name))
    times = parse(texts, name)
    expected = [(moment - EPOCH) // timedelta(microseconds=1) for moment in moments]
    assert times.stamps.tolist() == expected
    assert times.style.format(times.stamps, times.timezone) == list(texts)
    assert type(times.style).from_dict(times.style.to_dict()) == times.style
    return times


@pytest.mark.parametrize("language", NAMES)
def test_month_names_of_european_languages(language: str) -> None:
    """Months by name, with years before or after, and names that the file does not hold yet."""
    names = NAMES[language].split()
    for style in ("{name} {year}", "{name}-{year}", "{year} {name}", "{name} {short}"):
        texts = [style.format(name=names[m.month - 1], year=m.year, short=f"{m.year % 100:02d}") for m in MONTHS]
        check(texts, MONTHS)
        later = [(m - EPOCH) // timedelta(microseconds=1) for m in MONTHS]
        half = parse(texts[:7])
        assert half.style.format(np.array(later)) == texts


QUARTER_FORMATS: dict[str, Callable[[int, int], str]] = {
    "Q1 2015": lambda q, y: f"Q{q} {y}",
    "Q12015": lambda q, y: f"Q{q}{y}",
    "1Q15": lambda q, y: f"{q}Q{y % 100:02d}",
    "1Q2015": lambda q, y: f"{q}Q{y}",
    "2015Q1": lambda q, y: f"{y}Q{q}",
    "2015q1": lambda q, y: f"{y}q{q}",
    "2015-Q1": lambda q, y: f"{y}-Q{q}",
    "2015:Q1": lambda q, y: f"{y}:Q{q}",
    "1990:1": lambda q, y: f"Q{q}/{y % 100:02d}",
    "1. Quartal 2015": lambda q, y: f"{q}. Quartal {y}",
    "T1 2015": lambda q, y: f"T{q} {y}",
    "2015-T1": lambda q, y: f"{y}-T{q}",
    "2015K1": lambda q, y: f"{y}K{q}",
    "1er trimestre": lambda q, y: f"{q}{'er' if q == 1 else 'e'} trimestre {y}",
    "1º trimestre": lambda q, y: f"{q}º trimestre {y}",
    "Quarter 1, 2015": lambda q, y: f"Quarter {q}, {y}",
    "FY2015 Q1": lambda q, y: f"FY{y} Q{q}",
    "2015年第1季度": lambda q, y: f"{y}年第{q}季度",
}


@pytest.mark.parametrize("style", QUARTER_FORMATS)
def test_quarters(style: str) -> None:
    """Quarters in words and signs of several languages."""
    check([QUARTER_FORMATS[style](m.month // 3 + 1, m.year) for m in QUARTERS], QUARTERS)


@pytest.mark.parametrize("style", ["H{h} {y}", "{h}H{y}", "{h}. Halbjahr {y}", "{y}S{h}", "{y}-H{h}"])
def test_half_years(style: str) -> None:
    """Half years begin in January and July."""
    check([style.format(h=m.month // 6 + 1, y=m.year) for m in MONTHS[::6]], MONTHS[::6])


@pytest.mark.parametrize(
    "style", ["KW {w}/{y}", "KW{w:02d} {y}", "{y}-W{w:02d}", "{y}W{w:02d}", "Week {w}, {y}", "S{w:02d} {y}", "{y}w{w}"]
)
def test_weeks_with_a_word(style: str) -> None:
    """ISO weeks begin on Monday, and belong to the year of their Thursday."""
    check([style.format(y=m.isocalendar()[0], w=m.isocalendar()[1]) for m in WEEKS], WEEKS)


@pytest.mark.parametrize("style", ["{y}-{w:02d}", "{y}{w:02d}", "{w:02d}/{y}", "{y}/{w}"])
def test_weeks_without_a_word(style: str) -> None:
    """Numbers above 12 are weeks; a column of small numbers is of weeks if its name contains that."""
    texts = [style.format(y=m.isocalendar()[0], w=m.isocalendar()[1]) for m in WEEKS]
    check(texts, WEEKS)
    check(texts[:9], WEEKS[:9], "Kalenderwoche KW")


@pytest.mark.parametrize(
    ("style", "moments"),
    [
        ("{m.year}:{m.month:02d}", MONTHS),
        ("{m.year}M{m.month:02d}", MONTHS),
        ("M{m.month} {m.year}", MONTHS),
        ("{m.year}年{m.month}月", MONTHS),
        ("{m.year}年{m.month}月{m.day}日", DAYS),
        ("{m.year}年{m.month:02d}月{m.day:02d}日 {m.hour:02d}:00", HOURS),
        ("{m.year}년 {m.month}월 {m.day}일", DAYS),
        ("{m.day}. {m:%B} {m.year}", DAYS),
        ("{m:%a %b %d %Y} 00:00:00", DAYS),
        ("{m:%a %d/%m/%Y}", DAYS),
        ("{m:%Y-%m-%d-%H.%M.%S}", HOURS),
        ("{m:%d/%b/%Y:%H:%M:%S}", HOURS),
        ("{m:%d.%m.%Y %H.%M}", HOURS),
        ("{m:%d.%m.%Y} {m.hour} Uhr", HOURS),
        ("{m:%d.%m.%Y %H:%M} Uhr", HOURS),
        ("{m:%Y-%m-%d} {m.hour}h", HOURS),
        ("{m:%d-%b-%y %I.%M.%S %p}", HOURS),
        ("{m:%b %d, %Y, %I:%M:%S %p}", HOURS),
        ("{m:%Y%j}", DAYS),
        ("{m:%y%m%d}", DAYS),
        ("{m:%d%m%Y}", DAYS),
        ("{m:%Y_%m_%d}", DAYS),
        ("{m:%Y. %m. %d.}", DAYS),
        ("{m:%Y%m%d %H%M}", HOURS),
        ("{m:%d/%m/%Y %Hh%M}", HOURS),
        ("Week of {m:%Y-%m-%d}", DAYS),
        ("{m:%a, %d %b %Y %H:%M:%S} GMT", HOURS),
        ("{m.year}MM{m.month:02d}", MONTHS),
        ("M{m.month}-{m.year}", MONTHS),
        ("FY{m.year}", MONTHS[::12]),
        ("{m.year}JJ00", MONTHS[::12]),
        ("{m:%Y-%j}", DAYS),
    ],
)
def test_dates_and_times(style: str, moments: list[datetime]) -> None:
    """Dates with signs, words and clocks of several exporters."""
    check([style.format(m=m) for m in moments], moments, "Date")


def test_halves_of_a_day_and_weekdays_in_other_scripts() -> None:
    """Spanish `p. m.`, Chinese and Japanese halves and weekdays."""
    halves = {"a. m.": "p. m.", "a.m.": "p.m."}
    for am, pm in halves.items():
        check([f"{m:%d/%m/%Y %I:%M} {am if m.hour < 12 else pm}" for m in HOURS], HOURS)
    check([f"{m:%Y/%m/%d} {'上午' if m.hour < 12 else '下午'} {m:%I:%M}" for m in HOURS], HOURS)
    check([f"{m.year}年{m.month}月{m.day}日({'月火水木金土日'[m.weekday()]})" for m in DAYS], DAYS)
    check([f"{m.year}年{m.month}月{m.day}日 星期{'一二三四五六日'[m.weekday()]}" for m in DAYS], DAYS)


def test_years_with_a_point_and_a_month() -> None:
    """2018.01 to 2018.12, in a column with the name of a time."""
    texts = [f"{m.year}.{m.month:02d}" for m in MONTHS]
    times = parse(texts, "date")
    assert times.stamps.tolist() == [(m - EPOCH) // timedelta(microseconds=1) for m in MONTHS]
    assert times.style.format(times.stamps) == texts


def test_dutch_quarters_are_no_weeks() -> None:
    """2015KW01 to 2015KW04 are quarters where the steps are even so, and weeks up to KW53."""
    check([f"{m.year}KW0{m.month // 3 + 1}" for m in QUARTERS], QUARTERS)


@pytest.mark.parametrize("style", ["{}/{:%Y}", "{1:%Y}-{0}", "Q-{} {:%Y}", "{} kwartał {:%Y}", "{1:%Y} {0}"])
def test_roman_quarters(style: str) -> None:
    """Quarters in Roman numerals, in any place."""
    roman = ("I", "II", "III", "IV")
    check([style.format(roman[(m.month - 1) // 3], m) for m in QUARTERS], QUARTERS)


@pytest.mark.parametrize("style", ["{}/{:%Y}", "{1:%Y}-{0}", "1.{}.{:%Y}", "{1:%-d}-{0}-{1:%Y}"])
def test_roman_months(style: str) -> None:
    """Months in Roman numerals, as in Poland and Hungary."""
    check([style.format(ROMAN[m.month - 1], m) for m in MONTHS], MONTHS)


def test_one_year_of_roman_numerals_is_ambiguous() -> None:
    """I to IV of one year may be months or quarters."""
    with pytest.raises(DataError) as caught:
        parse([f"{numeral}/2015" for numeral in ROMAN[:4]])
    settings = {fix.setting for fix in caught.value.faults[0].fixes}
    assert settings == {"data.time_format=%r/%Y", "data.time_format=%R/%Y"}


@pytest.mark.parametrize(
    "style", ["FY{0:%y}/{1:%y}", "FY{0:%Y}-{1:%y}", "{0:%y}/{1:%y}", "{0:%y}-{1:%y}", "AY {0:%Y}/{1:%Y}", "FY{0:%Y}"]
)
def test_fiscal_years(style: str) -> None:
    """Years that end in the next one are named by their first year."""
    years = [datetime(year, 1, 1) for year in range(1990, 2021)]
    check([style.format(year, year.replace(year=year.year + 1)) for year in years[:-1]], years[:-1])


@pytest.mark.parametrize(
    ("zone", "start"),
    [("America/Los_Angeles", "2024-03-05"), ("America/New_York", "2024-10-29"), ("America/Chicago", "2024-03-05"),
     ("Europe/London", "2024-03-20"), ("Australia/Sydney", "2024-03-30"), ("Europe/Berlin", "2024-10-20")],
)  # fmt: skip
@pytest.mark.parametrize("style", ["%Y-%m-%d %H:%M %Z", "%d/%m/%Y %H:%M (%Z)"])
def test_names_of_offsets_decide_the_zone(zone: str, start: str, style: str) -> None:
    """Two names that change with the clock are those of a zone."""
    hours = pd.date_range(start, periods=400, freq="h", tz=zone)
    texts = [hour.strftime(style) for hour in hours]
    times = parse(texts)
    assert times.timezone == zone
    assert times.stamps.tolist() == [hour.value // 1_000 for hour in hours]
    assert times.style.format(times.stamps, times.timezone) == texts


@pytest.mark.parametrize(("name", "minutes"), [("EST", -300), ("MST", -420), ("JST", 540), ("AEST", 600)])
def test_one_name_of_an_offset(name: str, minutes: int) -> None:
    """A name with one meaning is an offset."""
    texts = [f"{hour:%Y-%m-%d %H:%M} {name}" for hour in HOURS]
    times = parse(texts)
    assert times.stamps[0] == (HOURS[0] - EPOCH) // timedelta(microseconds=1) - minutes * 60_000_000
    assert times.style.format(times.stamps, times.timezone) == texts


@pytest.mark.parametrize("name", ["IST", "CST", "BST", "PT", "ET"])
def test_a_name_of_several_zones_is_text(name: str) -> None:
    """Times with one such name are wall times of no zone."""
    check([f"{hour:%Y-%m-%d %H:%M} {name}" for hour in HOURS], HOURS)


@pytest.mark.parametrize("mark", ["p", " p", " (p)", "*", " r", " prel.", " [rev]", "¹"])
@pytest.mark.parametrize("style", ["%Y-%m", "%b %Y", "%m/%Y"])
def test_marks_after_times(style: str, mark: str) -> None:
    """Some times end with the status of their value; forecasts do not."""
    bare = [f"{month:{style}}" for month in MONTHS]
    texts = [text + mark * (k > 30) for k, text in enumerate(bare)]
    assert looks_like_times(pd.Series(texts, dtype=object))
    times = parse(texts)
    assert times.stamps.tolist() == [(month - EPOCH) // timedelta(microseconds=1) for month in MONTHS]
    assert times.style.format(times.stamps) == bare


def test_words_after_times_are_no_marks() -> None:
    """Unknown words after some times are refused, with a setting that counts the rows."""
    with pytest.raises(DataError) as caught:
        parse([f"{day:%Y-%m-%d}{' forecast' * (k > 300)}" for k, day in enumerate(DAYS)])
    assert [fix.setting for fix in caught.value.faults[0].fixes] == ["data.time=none"]


@pytest.mark.parametrize("style", ["%d %b", "%b %d", "%d-%b"])
def test_days_without_a_year_are_no_years(style: str) -> None:
    """01 Jan, 02 Jan … are days, not years."""
    with pytest.raises(DataError) as caught:
        parse([f"{day:{style}}" for day in DAYS[7:67]])
    assert "data.time=none" in {fix.setting for fix in caught.value.faults[0].fixes}


def test_weekdays_in_brackets() -> None:
    """A weekday after a date is that of each day, in forecasts too."""
    names = ("Mo", "Di", "Mi", "Do", "Fr", "Sa", "So")
    check([f"{day:%d.%m.%Y} ({names[day.weekday()]})" for day in DAYS], DAYS)


def test_ordinal_days() -> None:
    """January 1st, 2nd and 11th."""
    letters = {1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd", 31: "st"}
    check([f"{m:%B} {m.day}{letters.get(m.day, 'th')}, {m.year}" for m in DAYS], DAYS)


def test_weekdays_of_other_languages() -> None:
    """A German and a French weekday before the date; a wrong one is refused."""
    german = ["Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"]
    check([f"{german[m.weekday()]}, {m:%d.%m.%Y}" for m in DAYS], DAYS)
    french = ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"]
    names = NAMES["French"].split()
    check([f"{french[m.weekday()]} {m.day} {names[m.month - 1]} {m.year}" for m in DAYS], DAYS)
    with pytest.raises(DataError) as caught:
        parse(["Mo, 01.01.2024", "Mo, 02.01.2024"])
    fault = caught.value.faults[0]
    assert (fault.code, fault.line, fault.column) == (FaultCode.UNREAD_TIME, 3, "Zeit")


QUARTER_HOURS = [datetime(2024, 1, 1) + timedelta(minutes=15 * k) for k in range(200)]
STEP = timedelta(minutes=15)


@pytest.mark.parametrize(
    "style",
    [
        "{s:%d.%m.%Y %H:%M} - {e:%d.%m.%Y %H:%M}",
        "{s:%d.%m.%Y %H:%M} - {e:%H:%M}",
        "{s:%Y-%m-%d %H:%M:%S} - {e:%Y-%m-%d %H:%M:%S}",
        "{s:%Y-%m-%dT%H:%M}/{e:%Y-%m-%dT%H:%M}",
        "{s:%d.%m.%Y %H:%M} bis {e:%d.%m.%Y %H:%M}",
        "{s:%Y-%m-%d %H:%M}-{e:%H:%M}",
        "{s:%d.%m.%Y %H:%M}\N{EN DASH}{e:%H:%M}",
    ],
)
def test_the_start_of_a_range_is_the_time(style: str) -> None:
    """Ranges of a quarter of an hour, with a date or only a clock at their end."""
    check([style.format(s=m, e=m + STEP) for m in QUARTER_HOURS], QUARTER_HOURS)


def test_ranges_of_hours() -> None:
    """Hours 00-01 to 23-24."""
    check([f"{m:%d.%m.%Y} {m.hour:02d}-{m.hour + 1:02d}" for m in HOURS], HOURS)
    check([f"{m:%d-%m-%Y} {m.hour:02d} - {(m.hour + 1) % 24:02d}" for m in HOURS], HOURS)


def test_ranges_of_days_weeks_months_and_years() -> None:
    """The end may be the last day or the first day after."""
    day = timedelta(days=1)
    check([f"{m:%Y-%m-%d} - {m + 6 * day:%Y-%m-%d}" for m in WEEKS], WEEKS)
    check([f"{m:%d/%m/%Y}-{m + 6 * day:%d/%m/%Y}" for m in WEEKS], WEEKS)
    check([f"{m:%d.%m.%Y}-{(m + 31 * day).replace(day=1) - day:%d.%m.%Y}" for m in MONTHS], MONTHS)
    check([f"{m:%Y-%m-%d}/{(m + 31 * day).replace(day=1):%Y-%m-%d}" for m in MONTHS], MONTHS)
    years = [datetime(2000 + k, 1, 1) for k in range(20)]
    check([f"{m.year}-{m.year + 1}" for m in years], years)
    check([f"{m.year}/{m.year % 100 + 1:02d}" for m in years], years)


def test_a_range_with_the_name_of_the_offset() -> None:
    """Summer time in brackets, across the change of clocks."""
    instants = [datetime(2023, 10, 28, 22) + timedelta(hours=k) for k in range(10)]

    def local(moment: datetime) -> str:
        summer = moment < datetime(2023, 10, 29, 1)
        return f"{moment + timedelta(hours=1 + summer):%d/%m/%Y %H:%M:%S} ({'CEST' if summer else 'CET'})"

    texts = [f"{local(m)} - {local(m + timedelta(hours=1))}" for m in instants]
    times = parse(texts, timezone="Europe/Berlin")
    assert [np.datetime64("1970-01-01", "us") + int(stamp) for stamp in times.stamps] == instants
    assert times.style.format(times.stamps, times.timezone) == texts


def test_ranges_of_different_lengths_are_refused() -> None:
    """The end of a forecast could not be written."""
    with pytest.raises(DataError) as caught:
        parse(["2024-01-01 - 2024-01-05", "2024-01-08 - 2024-01-09", "2024-01-15 - 2024-01-21"])
    assert caught.value.faults[0].code == FaultCode.UNREAD_TIME


@pytest.mark.parametrize("style", ["/Date({ms})/", "{s}.500", "{s}.0", "/Date({ms}+0000)/", "new Date({ms})"])
def test_epochs(style: str) -> None:
    """Epochs of JSON and with a fraction."""
    texts = [style.format(s=1704067200 + 3600 * k, ms=1704067200000 + 3600_000 * k) for k in range(50)]
    extra = 500_000 if style.endswith("500") else 0
    times = parse(texts)
    assert looks_like_times(pd.Series(texts, dtype=object))
    assert times.stamps.tolist() == [(1704067200 + 3600 * k) * 1_000_000 + extra for k in range(50)]
    assert times.style.format(times.stamps, times.timezone) == texts


def serial(moment: datetime) -> float:
    """Days as Excel counts them."""
    return (moment - datetime(1899, 12, 30)) / timedelta(days=1)


def test_days_of_excel() -> None:
    """Whole and decimal days, with all digits and with few; seconds are not lost."""
    for moments in (DAYS, HOURS, QUARTER_HOURS):
        numbers = [serial(m) for m in moments]
        for texts in (
            [f"{number:.10f}" for number in numbers],
            [f"{number:.10f}".rstrip("0").rstrip(".") for number in numbers],
            [f"{number:.5f}" for number in numbers],
        ):
            times = parse(texts, "Date")
            assert times.stamps.tolist() == [(m - EPOCH) // timedelta(microseconds=1) for m in moments]
            assert times.style.format(times.stamps) == texts
            assert times.inferred[0].value == "excel"


def test_numbers_that_may_be_days_of_excel() -> None:
    """A column without a date name counts steps; early dates are refused with settings that work."""
    assert parse([str(45292 + k) for k in range(10)], "index").style.pattern == "count"
    texts = [str(19723 + k) for k in range(10)]
    with pytest.raises(DataError) as caught:
        parse(texts, "date")
    fixes = [fix.setting.removeprefix("data.time_format=").strip("'") for fix in caught.value.faults[0].fixes]
    assert fixes == ["excel", "epoch d", "count"]
    assert {parse(texts, "date", time_format=fix).style.format(parse(texts, "date", time_format=fix).stamps)[0]
            for fix in fixes} == {"19723"}  # fmt: skip


def test_decimal_years() -> None:
    """Months and quarters as R writes them, and as rounded decimals."""
    for count, digits in ((12, 11), (12, 3), (12, 2), (4, 2)):
        moments = MONTHS[:: 12 // count]
        texts = [f"{1949 + k / count:.{digits}f}" for k in range(len(moments))]
        times = parse(texts, "time")
        assert times.style.format(times.stamps) == texts
        assert times.stamps[:2].tolist() == [
            (datetime(1949, month, 1) - EPOCH) // timedelta(microseconds=1) for month in (1, 1 + 12 // count)
        ]


@pytest.mark.parametrize("digits", [2, 3, 4])
def test_decimal_years_in_the_middle_of_months(digits: int) -> None:
    """Middles of months, as scientists write monthly means, are the months."""
    texts = [f"{month.year + (month.month - 0.5) / 12:.{digits}f}" for month in MONTHS]
    times = parse(texts, "date")
    assert times.stamps.tolist() == [(month - EPOCH) // timedelta(microseconds=1) for month in MONTHS]
    assert times.style.format(times.stamps) == texts


def test_the_hour_24_is_midnight() -> None:
    """24:00 is the midnight of the next day, and is written so."""
    for style in ("%d/%m/%Y", "%Y-%m-%d"):
        moments = [datetime(2024, 12, 30) + timedelta(hours=k) for k in range(1, 49)]
        texts = [f"{m - timedelta(hours=1):{style}} 24:00" if m.hour == 0 else f"{m:{style} %H:%M}" for m in moments]
        check(texts, moments)


def test_ambiguous_quarters_or_months_are_refused() -> None:
    """1-2015 to 4-2015 may be quarters or months; the name of the column decides; the regular ones are first."""
    texts = [f"{q}-{year}" for year in range(2015, 2019) for q in range(1, 5)]
    with pytest.raises(DataError) as caught:
        parse(texts)
    fixes = [fix.setting for fix in caught.value.faults[0].fixes]
    assert fixes == ["data.time_format=%q-%Y", "data.time_format=%m-%Y"]
    moments = [datetime(year, q, 1) for year in range(2015, 2019) for q in (1, 4, 7, 10)]
    check(texts, moments, "Quarter")
