"""Errors and warnings: their places, and what they say."""

from __future__ import annotations

import pytest

from ecqm.language import compile_library
from tests.language.libraries import messages


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("define A: Fist({ 1 })", "f:1:11: error: unknown function 'Fist'; did you mean 'First'?"),
        ("define A: 1\ndefine B: a", "f:2:11: error: unknown name 'a'; did you mean 'A'?"),
        ("define A: A", "f:1:11: error: the definition of 'A' refers to itself"),
        ("define A: B define B: A", "the definition of 'A' refers to itself"),
        ("define function f(x Integer): f(x)", "the function 'f' calls itself"),
        ("define A: 1 define A: 2", "f:1:20: error: the name 'A' is declared twice"),
        ("define A: 1 +", "f:1:14: error: unexpected end; expected an expression"),
        ("define A: (1 + 2", "expected"),
        ("define A: 'x", "f:1:11: error: missing closing '"),
        ("defin A: 1", "did you mean 'define'?"),
        ("define A: 1 and true", "error: 'and' cannot be applied to (Integer, Boolean)"),
        ("define A: Tuple { a: 1 }.b", "has no element 'b'"),
        ("define A: 5 as String", "can never be"),
        ("define A: convert 1 to Date", "there is no conversion"),
        ("define A: @2012-02-30", "there is no day 30 in 2012-02"),
        ("define A: 1 B", "1"),
        ("include Nowhere", "f:1:1: error: library Nowhere not found"),
        ("define A: { 1, 2\ndefine B: 3", "; the '{' in line 1 is not closed"),
        ("define A: Interval[1, 2) + (3", "; the '(' in line 1 is not closed"),
        ("define A: 'x = 1\ndefine B: 'y'", "; the string from line 1 ends only here: is a quote missing?"),
        ("define A: exist", "f:1:11: error: unknown name 'exist'; did you mean 'exists'?"),
        (
            "define fluent function Twice(n Integer): n * 2\ndefine A: 'a'.Twice()",
            "f:2:11: error: no fluent function 'Twice' accepts a value of type String",
        ),
        ("define A: 1.thrice()", "error: unknown fluent function 'thrice'; is the library that defines it included?"),
        ("using Klingon version '1'", "Klingon"),
        ("context Patent", "unknown context 'Patent'"),
        ("define A: CalculateAgeInYears(@2012, @2013)", "CalculateAgeInYears takes a birth date"),
        ("define A: CalculateAgeInYearsAt(@2012)", "CalculateAgeInYearsAt takes a birth date and a date"),
        ("define A: AgeInYears()", "ages need the Patient context"),
        ("define A: Tail({ 1 }, 2)", "Tail takes a list"),
    ],
)
def test_errors_of_a_library_say_what_is_wrong(source: str, expected: str) -> None:
    found = messages(source)
    assert found and expected in found[0], found


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("define A: ({ 1 }) X where exists (({ 2 }) X where X > 1)", "'X' hides another 'X'"),
        ("define A: 1 = null", "a comparison with null by = is always null"),
    ],
)
def test_warnings_do_not_fail(source: str, expected: str) -> None:
    compilation = compile_library(source)
    assert compilation.ok and expected in compilation.warnings[0].message


def test_errors_in_one_statement_neither_hide_nor_cause_others() -> None:
    source = "define A: 1 +\ndefine B: Fist({ 1 })\ndefine C: A + B\ndefine D: 1 + true\ndefine E: D"
    found = messages(source)
    assert [line.split(":")[1] for line in found] == ["1", "2", "4"]


def test_errors_name_the_definition_that_they_are_in() -> None:
    source = 'library L\nparameter P Integr\ndefine "A b": 1 +\ndefine function f(n Integer): n + true'
    errors = compile_library(source).errors
    assert [(error.library, error.definition) for error in errors] == [("L", None), ("L", "A b"), ("L", "f")]
    assert errors[1].render().endswith('(in "A b")')
