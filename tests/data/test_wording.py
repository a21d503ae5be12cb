"""The phrases that messages share."""

from __future__ import annotations

from lstmcast.data.wording import first_few, nearest


def test_only_the_first_five_are_shown() -> None:
    """Up to five items stand alone; beyond, the rest is counted."""
    assert first_few(["a", "b"], 2) == "a, b"
    assert first_few(map(str, range(5)), 5) == "0, 1, 2, 3, 4"
    assert first_few(map(str, range(12)), 12) == "0, 1, 2, 3, 4 and 7 more"


def test_the_nearest_name_comes_first() -> None:
    """A misspelling and a wrong case are recognised; nonsense only gets the list."""
    assert nearest("sales", ["Date", "Sales"]) == "did you mean 'Sales'? columns: Date, Sales"
    assert nearest("Slaes", ["Date", "Sales"]) == "did you mean 'Sales'? columns: Date, Sales"
    assert nearest("qqq", ["Date", "Sales"]) == "columns: Date, Sales"
