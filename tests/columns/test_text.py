"""Strings: functions and predicates are asked once for each distinct string."""

from __future__ import annotations

from ecqm.columns import StringColumn

ASKED: list[str] = []


def _shouted(text: str) -> str | None:
    ASKED.append(text)
    return text.upper() if text else None


def test_a_function_of_strings_is_asked_once_for_each() -> None:
    column = StringColumn.of(["ab", "", None, "ab", "xy"])
    assert column.mapped(_shouted).texts() == ["AB", None, None, "AB", "XY"]
    assert StringColumn.of(["xy", "never seen before"]).mapped(_shouted).texts() == ["XY", "NEVER SEEN BEFORE"]
    assert sorted(ASKED) == ["", "ab", "never seen before", "xy"]


def test_a_predicate_is_asked_once_for_each_string() -> None:
    asked: list[str] = []

    def starts_with_a(text: str) -> bool:
        asked.append(text)
        return text.startswith("a")

    assert StringColumn.of(["ab", None, "b", "ab"]).matches(starts_with_a).tolist() == [True, False, False, True]
    assert sorted(asked) == ["ab", "b"]
