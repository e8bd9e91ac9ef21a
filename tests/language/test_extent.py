"""Expressions that are too large or nested too deeply to be written as documents."""

from __future__ import annotations

from tests.language.libraries import messages


def test_expressions_that_grow_beyond_measure_are_refused() -> None:
    body = "define function f(x Interval<DateTime>) returns Interval<Date>: null define A: "
    found = messages(body + "f(" * 12 + "Interval[@2012, @2013]" + ")" * 12)
    assert found and "conversions of choices and intervals repeat" in found[0]
    assert "nested more than" in messages("define A: 1" + " + 1" * 300)[0]
