"""Text → numbers: exactly, or refused with its lines."""

from __future__ import annotations

import re
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmcast.data.numbers.fields import COMMON_MARKS, NumberStyle, looks_like_numbers
from lstmcast.data.numbers.parser import check_points, parse_numbers
from lstmcast.data.schema import NoteCode
from lstmcast.errors import ConfigError, DataError, Fault, FaultCode
from lstmcast.types import Floats


def numbers(*fields: str, **options: str) -> Floats:
    """Parses fields that lie on lines 2, 3, 4 and so on."""
    lines = np.arange(2, len(fields) + 2)
    style = NumberStyle(**options)
    return parse_numbers(pd.Series(fields, dtype=str), lines, column="y", source="d.csv", style=style)[0]


def refused(*fields: str, **options: str) -> str:
    """The message of the refusal."""
    with pytest.raises(DataError) as caught:
        numbers(*fields, **options)
    return str(caught.value)


def test_plain_and_exponent_forms() -> None:
    """Every way to write a decimal number, with blanks around it."""
    fields = ["1", "-2.5", "+.5", "3.", "007", "1e3", "2.5E-3", " 4 ", "\t5", "-0"]
    assert numbers(*fields).tolist() == [1, -2.5, 0.5, 3, 7, 1000, 0.0025, 4, 5, 0]


@pytest.mark.parametrize("missing", ["", " ", "NA", "n/a", "NaN", "nan", "NULL", "none", "?", "-", ".", " NA "])
def test_spellings_of_missing(missing: str) -> None:
    """Each becomes NaN, and other numbers are unchanged."""
    np.testing.assert_array_equal(numbers("1.5", missing, "2"), [1.5, np.nan, 2])
    np.testing.assert_array_equal(numbers("1,5", missing, "2", decimal=","), [1.5, np.nan, 2])


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1), st.booleans())
def test_every_float_comes_back_to_the_last_bit(values: list[float], also_missing: bool) -> None:
    """Numbers printed by Python are read as the same floats by the fast and the careful parser."""
    fields = [repr(value) for value in values] + ["NA"] * also_missing
    found = numbers(*fields)
    assert found[: len(values)].tobytes() == np.array(values).tobytes()


@given(st.lists(st.integers(-(10**13), 10**13).map(lambda number: Decimal(number).scaleb(-4)), min_size=1))
def test_grouped_numbers_with_a_decimal_comma(values: list[Decimal]) -> None:
    """German notation of any number is read as the number."""
    fields = [f"{value:,.4f}".translate(str.maketrans(",.", ".,")) for value in values]
    assert numbers(*fields, decimal=",", thousands=".").tolist() == [float(value) for value in values]


@given(st.lists(st.text(alphabet="0123456789.,+-eE_ xNan", max_size=6), min_size=1, max_size=6))
def test_wild_text_is_a_number_by_the_rule_or_refused(fields: list[str]) -> None:
    """A field passes if and only if it is missing or has the form digits, point, exponent."""
    rule = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
    empty = [field.strip().lower() in ("", "na", "nan", "-", ".", "n/a", "null", "none", "?") for field in fields]
    expected = [
        float("nan") if gone else float(f) for f, gone in zip(fields, empty, strict=True) if gone or rule.fullmatch(f)
    ]
    if len(expected) == len(fields) and not all(empty) and np.isfinite(expected)[~np.array(empty)].all():
        np.testing.assert_array_equal(numbers(*fields), expected)
    else:
        refused(*fields)


def test_text_is_refused_with_five_lines_and_the_count() -> None:
    """The first five values with their lines, then how many more."""
    assert refused("1", *"abcdefg", "2") == (
        "d.csv:3: column 'y': 7 values are not numbers: 'a' (line 3), 'b' (line 4), 'c' (line 5), 'd' (line 6), "
        "'e' (line 7) and 2 more; correct them, or leave the field empty where a value is missing"
    )
    assert refused("1", "a").startswith("d.csv:3: column 'y': 1 value is not a number: 'a' (line 3);")


@pytest.mark.parametrize(
    "field", ["1_000", "0x1F", "1e", "1.2.3", "--1", "1 2", "٣", "1\n2", "TRUE", "1e5.5", "1,2,3", "−5"]
)
def test_what_python_or_pandas_would_let_through_is_refused(field: str) -> None:
    """Underscores, other scripts' digits, hexadecimal and the like are no plain numbers."""
    assert "1 value is not a number" in refused("1", field)


def fault(*fields: str, **options: str) -> Fault:
    """The only fault of the fields."""
    with pytest.raises(DataError) as caught:
        numbers(*fields, **options)
    (found,) = caught.value.faults
    return found


@pytest.mark.parametrize(
    ("field", "options", "settings"),
    [
        ("1,234.5", {}, ["data.thousands=,"]),
        ("1.234,5", {}, ["data.thousands=."]),
        ("1,234", {}, ["data.thousands=,", "data.decimal=,"]),
        ("1 234", {}, ['data.thousands=" "']),
        ("1'234'567", {}, ['data.thousands="\'"']),
        ("1.234,5", {"decimal": ","}, ["data.thousands=."]),
        ("12,5", {}, ["data.decimal=,"]),
        ("12.5", {"decimal": ","}, ["data.decimal=."]),
        ("1.000.000", {}, ["data.thousands=."]),
        ("$12", {"units": "error"}, []),
        ("12(p)", {"units": "auto"}, ["data.units=ignore"]),
        ("12 p", {"units": "auto"}, ["data.units=ignore"]),
        ("5%", {"units": "auto"}, ["data.units=ignore", "data.units=multiply"]),
        ("500%", {"units": "auto"}, ["data.units=multiply", "data.units=ignore"]),
        ("3m", {"units": "auto"}, ["data.units=multiply"]),
        ("-inf", {}, ["data.missing_marks=-inf"]),
        ("unknown", {}, ["data.missing_marks=unknown"]),
        ("#REF!", {}, ['data.missing_marks="#REF!"']),
        ("12,34", {"thousands": ","}, ["data.decimal=,"]),
        ("1x", {}, []),
    ],
)
def test_fixes_are_the_settings_that_read_the_field(field: str, options: dict[str, str], settings: list[str]) -> None:
    """Only settings with which all fields can be read are proposed."""
    found = fault("1", field, **options)
    assert (found.code, found.line, found.column) == (FaultCode.NOT_A_NUMBER, 3, "y")
    assert [fix.setting for fix in found.fixes] == settings


def test_unreadable_texts_are_proposed_as_missing() -> None:
    """A text with digits only if it repeats; several texts as a list."""
    assert [fix.setting for fix in fault("1", "<1", "2", "<1").fixes] == ['data.missing_marks="<1"']
    assert fault("1", "<1", "2").fixes == ()
    assert fault("1.5", "2,5", "2,5").fixes == ()
    (fix,) = fault("1", "bad", "2", "<1", "<1").fixes
    assert fix.setting == 'data.missing_marks=[bad, "<1"]'


@pytest.mark.parametrize("mark", COMMON_MARKS)
def test_common_marks_are_missing(mark: str) -> None:
    """They are read as missing with a note, in either case."""
    fields, style = pd.Series(["1", mark, mark.upper(), "2"], dtype=str), NumberStyle(marks=COMMON_MARKS)
    values, (note,) = parse_numbers(fields, np.arange(4), column="y", source="d.csv", style=style)
    np.testing.assert_array_equal(values, [1, np.nan, np.nan, 2])
    assert note.code is NoteCode.MISSING_MARKS
    assert "2 values" in note.text


@pytest.mark.parametrize(
    ("fields", "values"),
    [
        (["$1.5", "$2", "-$3", "$(4)"], None),
        (["$1.5", "$2", "-$3", "$-4", "($5)"], [1.5, 2, -3, -4, -5]),
        (["€ 12", "12 €", "EUR"], None),
        (["USD 12", "USD 13"], [12, 13]),
        (["$5", "6", "$ -"], [5, 6, np.nan]),
        (["5%", "6.5 %"], [5, 6.5]),
        (["5%", "0.06"], None),
        (["(123)", "4"], [-123, 4]),
        (["123-", "4"], [-123, 4]),
        (["\u22125", "4"], [-5, 4]),
        (["-5-", "4"], None),
        (["(-5)", "4"], None),
        (["792K", "1.2M", "3.4bn", "12"], [792e3, 1.2e6, 3.4e9, 12]),
        (["950k", "1.2m", "800"], [950e3, 1.2e6, 800]),
        (["12m", "13.5m"], [12, 13.5]),
        (["12m", "13"], None),
        (["1.2 Mio. €", "3 Mrd. €"], [1.2e6, 3e9]),
        (["12 kWh", "13.5 kWh"], [12, 13.5]),
        (["12 kWh", "13.5 MWh"], None),
        (["12 kWh", "13.5"], None),
        (["<5", "6"], None),
        (["~5", "6"], None),
    ],
)
def test_signs_around_numbers(fields: list[str], values: list[float] | None) -> None:
    """Signs are read where they are clear in the whole column; None: refused."""
    if values is None:
        assert fault(*fields, units="auto").code is FaultCode.NOT_A_NUMBER
    else:
        text, style = pd.Series(fields, dtype=str), NumberStyle(units="auto")
        read, notes = parse_numbers(text, np.arange(len(fields)), column="y", source="d.csv", style=style)
        np.testing.assert_allclose(read, values)
        assert NoteCode.NUMBER_SIGNS in {note.code for note in notes}


@pytest.mark.parametrize(
    ("fields", "values"),
    [
        (["0.5 kW", "300 W"], [500, 300]),
        (["12 kWh", "1.5 MWh", "11 kWh"], [12, 1500, 11]),
        (["1 GB", "800 MB"], [1000, 800]),
        (["0.5", "40%"], [0.5, 0.4]),
    ],
)
def test_units_that_differ_by_a_prefix(fields: list[str], values: list[float]) -> None:
    """They are refused with the setting that converts them."""
    assert "data.units=multiply" in {fix.setting for fix in fault(*fields, units="auto").fixes}
    np.testing.assert_allclose(numbers(*fields, units="multiply"), values)


@pytest.mark.parametrize("fields", [["5 kW", "3 kg"], ["5 $", "3 €"], ["5 kW", "3"]])
def test_units_of_different_things_are_not_converted(fields: list[str]) -> None:
    """No factor is offered between other units."""
    assert "data.units=multiply" not in {fix.setting for fix in fault(*fields, units="auto").fixes}


def test_units_that_differ_are_ignored_or_multiplied_where_set() -> None:
    """The values of `data.units`."""
    np.testing.assert_allclose(numbers("12m", "13", units="multiply"), [12e6, 13])
    np.testing.assert_allclose(numbers("12m", "13", units="ignore"), [12, 13])
    np.testing.assert_allclose(numbers("12.3 p", "13", "14*", units="ignore"), [12.3, 13, 14])


def test_indian_groups_have_two_digits() -> None:
    """Lakh and crore, as in 12,34,567.89."""
    assert numbers("12,34,567.89", "5,000", "99", thousands=",").tolist() == [1234567.89, 5000, 99]


@pytest.mark.parametrize(
    ("field", "sign", "value"),
    [
        ("1,234,567.5", ",", 1234567.5),
        ("-1 234", " ", -1234),
        ("1\u202f234\u00a0567", " ", 1234567),
        ("1'000e3", "'", 1e6),
    ],
)
def test_declared_thousands_are_read(field: str, sign: str, value: float) -> None:
    """Groups of three are joined; a space may be any of the unbreakable ones; ungrouped numbers pass too."""
    assert numbers(field, "1234", "12", thousands=sign).tolist() == [value, 1234, 12]


@pytest.mark.parametrize("field", ["12,34", "1,2345", ",123", "1,,234", "1234,567"])
def test_declared_thousands_must_be_groups_of_three(field: str) -> None:
    """A sign in another place may be a decimal comma or a slip: never dropped silently."""
    assert "1 value is not a number" in refused("1", field, thousands=",")


def points(*fields: str, likely: bool = False) -> tuple[NoteCode, ...]:
    """The notes about points that may group thousands."""
    text, lines = pd.Series(fields, dtype=str), np.arange(2, len(fields) + 2)
    values, _ = parse_numbers(text, lines, column="y", source="f.csv")
    return tuple(note.code for note in check_points(text, values, lines, column="y", source="f.csv", likely=likely))


@pytest.mark.parametrize(
    ("fields", "line"), [(("998", "999", "1.000", "1.001"), 4), (("1000", "1001", "", "1.234"), 5)]
)
def test_points_that_may_part_thousands_are_refused(fields: tuple[str, ...], line: int) -> None:
    """A point that may group thousands or separate decimals is refused, with both settings."""
    with pytest.raises(DataError) as caught:
        points(*fields)
    (found,) = caught.value.faults
    assert (found.code, found.line, found.column) == (FaultCode.DECIMAL_UNCLEAR, line, "y")
    assert [fix.setting for fix in found.fixes] == ["data.thousands=.", "data.decimal=."]


def test_points_before_three_digits_alone_are_noted_or_refused() -> None:
    """They are decimal with a note, but refused in a file that may have grouped integers."""
    assert points("1.000", "1.001", "0") == (NoteCode.POINT,)
    with pytest.raises(DataError):
        points("1.000", "1.001", likely=True)


@pytest.mark.parametrize(
    "fields",
    [
        ("149", "149.875", "150.125"),  # of the same size
        ("998", "999", "1.5", "1.001"),  # a decimal for certain
        ("998", "0.125"),  # no group begins with 0
        ("998", "999", "1000"),
    ],
)
def test_other_points_part_decimals(fields: tuple[str, ...]) -> None:
    """Columns with an unambiguous point are accepted."""
    assert points(*fields, likely=True) == ()


def test_decimals_with_two_signs_are_no_matter_of_settings() -> None:
    """Mixed decimal signs are refused."""
    assert fault("100.0", "101,8").fixes == ()


def test_thousands_must_be_one_sign_other_than_the_decimal() -> None:
    """Contradictions name both keys."""
    with pytest.raises(ConfigError, match=r"data\.thousands and data\.decimal must differ \(both are ','\)"):
        numbers("1", decimal=",", thousands=",")
    for sign in ("", "ab", "0", "-"):
        with pytest.raises(ConfigError, match=r"data\.thousands: must be one character"):
            numbers("1", thousands=sign)


def test_numbers_beyond_a_float_are_refused() -> None:
    """1e308 is a number, 1e309 would become infinite."""
    assert numbers("1e308").tolist() == [1e308]
    for fields in (["1", "1e309"], ["NA", "1e309"]):
        assert refused(*fields) == "d.csv:3: column 'y': values must be below 1.8e308: '1e309' (line 3)"


def test_nothing_but_missing_values_is_refused() -> None:
    """A column without a number cannot be forecast."""
    assert refused("", "NA", "") == "d.csv: column 'y': all 3 values are missing; a forecast needs numbers"


def test_integers_that_a_float_cannot_hold_are_counted() -> None:
    """2^53 + 1 is rounded and noted; 2^53, 2^54 and large decimals are not."""
    exact = [str(2**53), str(2**54), "1e300", "12345678901234567.5"]
    fields = [*exact, str(2**53 + 1), str(-(2**53) - 1), " +9007199254740993 "]
    text = pd.Series(fields, dtype=str)
    _, (note,) = parse_numbers(text, np.arange(7), column="y", source="d.csv")
    assert (note.code, "column 'y': 3 integers " in note.text) == (NoteCode.ROUNDED_INTEGERS, True)
    assert parse_numbers(text[:4], np.arange(4), column="y", source="d.csv")[1] == ()


@pytest.mark.parametrize(
    ("fields", "meant"),
    [
        (["1", "2.5", "", "NA"], True),
        (["$1,234.50", "$2"], True),
        (["5%", "7 %"], True),
        ([".5", "-.25", ",5"], True),
        (["1.5", "2", "3", "4", "oops"], True),
        (["a", "b", "1"], False),
        (["", "NA"], False),
        (["12 Main St", "7 High St"], False),
        (["True", "False"], False),
    ],
)
def test_columns_meant_as_numbers_are_recognised(fields: list[str], meant: bool) -> None:
    """Four in five fields must be numbers in some notation; missing ones do not count."""
    assert looks_like_numbers(pd.Series(fields, dtype=str)) is meant


def test_a_number_after_a_long_empty_start_is_seen() -> None:
    """A column that is empty but for one row still is one of numbers."""
    fields = [""] * 5000
    fields[4321] = "7"
    assert looks_like_numbers(pd.Series(fields, dtype=str))


def test_a_million_rows_of_many_spellings() -> None:
    """Each row gets the value of its own text."""
    values = np.random.default_rng(1).integers(-(10**6), 10**6, 10**6) / 1000
    text = pd.Series([str(value) for value in values.tolist()], dtype=str)
    lines = np.arange(2, len(text) + 2)
    assert (parse_numbers(text, lines, column="y", source="d.csv")[0] == values).all()
    text.iloc[7] = "?"
    found, _ = parse_numbers(text, lines, column="y", source="d.csv")
    assert np.flatnonzero(found != values).tolist() == [7]
    assert np.isnan(found[7])
