"""The phrases that messages share."""

from __future__ import annotations

from lstmcast.text import pluralize, suggest, truncate_items, truncate_list


def test_only_the_first_five_are_shown() -> None:
    """Up to five items stand alone; beyond, the rest is counted."""
    assert truncate_items(["a", "b"], 2) == "a, b"
    assert truncate_items(map(str, range(5)), 5) == "0, 1, 2, 3, 4"
    assert truncate_items(map(str, range(12)), 12) == "0, 1, 2, 3, 4 and 7 more"


def test_the_nearest_name_comes_first() -> None:
    """A misspelling and a wrong case are recognised; nonsense only gets the list."""
    assert suggest("sales", ["Date", "Sales"]) == "did you mean 'Sales'? columns: Date, Sales"
    assert suggest("Slaes", ["Date", "Sales"]) == "did you mean 'Sales'? columns: Date, Sales"
    assert suggest("qqq", ["Date", "Sales"]) == "columns: Date, Sales"


def test_very_many_names_are_cut_short() -> None:
    """Twenty names stand alone; beyond, the rest is counted."""
    names = [f"c{k}" for k in range(5000)]
    assert truncate_list(names[:20]) == ", ".join(names[:20])
    assert truncate_list(names) == ", ".join(names[:20]) + " and 4980 more"
    assert suggest("c4999", names).endswith("c19 and 4980 more")


def test_one_thing_is_singular() -> None:
    """Only 1 takes no s, and thousands are separated."""
    assert [pluralize(n, "row") for n in (0, 1, 2, 2000)] == ["0 rows", "1 row", "2 rows", "2,000 rows"]
    assert [pluralize(n, "series") for n in (1, 2)] == ["1 series", "2 series"]
