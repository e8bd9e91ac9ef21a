"""What the compiler accepts and refuses, each with the passage that says so. The reference translator agrees."""

from __future__ import annotations

import pytest

from ecqm.language import compile_expression, compile_library
from tests.language.test_expressions import elm, written

LIBRARY = """
library Acceptance
codesystem cs: 'http://example.org/cs'
valueset vs: 'http://example.org/vs'
parameter dt DateTime
parameter codes List<Code>
parameter mixed List<Choice<Integer, String>>
parameter intStr Choice<Integer, String>
parameter coded Choice<Code, Concept>
parameter moments Choice<DateTime, Interval<DateTime>>
"""


@pytest.mark.parametrize(
    ("source", "message"),
    [
        # Author's Guide, Date and Time Operators: `week from X` is not valid.
        ("week from @2026-01-01", "'week from' is not defined"),
        # CQL reference, Coalesce: all arguments have one type.
        ("Coalesce(true, 1)", "Coalesce"),
        # Author's Guide, Conditional Expressions: the comparand is compared by equality.
        ("case true when 1 then 'a' else 'b' end", "a value of type Boolean cannot equal one of type"),
        # Author's Guide, Sorting: elements are compared.
        ("({ true, false }) X sort asc", "they have no order"),
        # CQL reference, Skip, Tail, Take: the first argument is a list.
        ("Skip('abc', 1)", "Skip takes a list"),
        ("Tail('abc')", "Tail takes a list"),
        # CQL reference, Flatten: a list of lists.
        ("flatten { 1, 'a' }", "flatten"),
        # CQL reference, Type Operators: conversions of a value to its own type are not declared.
        ("ToDateTime(@2026T)", "ToDateTime"),
        ("ToRatio(1:2)", "ToRatio"),
    ],
)
def test_refused(source: str, message: str) -> None:
    (error,) = compile_expression(source).errors
    assert message in error.message


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        # CQL reference, ToQuantity(argument Long).
        ("ToQuantity(1L)", "ToQuantity(1)"),
        # FHIRPath, Conversion: a value of the type is the result.
        ("'a'.toString()", "a"),
    ],
)
def test_accepted(source: str, expected: str) -> None:
    assert written(elm(source)).replace("'", "") == expected.replace("'", "")


@pytest.mark.parametrize(
    "source",
    [
        "vs includes vs",  # ValueSet converts to List<Code>
        "codes included in vs",
        "ExpandValueSet(vs)",
        "duration in days of moments",
        "'a' & intStr",
        "ToString(intStr)",
        "{ 1 } intersect { 'a' }",
        "{ 1 } except { 'a' }",
        "coded in vs",
    ],
)
def test_accepted_with_declarations(source: str) -> None:
    assert compile_expression(source, library=LIBRARY).errors == ()


def test_results_of_an_if_are_a_choice() -> None:
    """Author's Guide, Conditional Expressions: a choice of the types of both results, also if these are lists."""
    assert str(compile_expression("if true then { 1 } else { 'a' }").result).startswith("Choice<List<")


def test_a_precision_is_of_dates_only() -> None:
    (error,) = compile_expression("'a' in day of vs", library=LIBRARY).errors
    assert "in" in error.message


def test_a_list_is_converted_element_by_element() -> None:
    """Elements of other types become null; cast as a whole, the list itself would be null."""
    compilation = compile_library(f"{LIBRARY}define x: Sum(mixed)")
    assert "Query" in written(compilation.library.statements[-1].expression)


def test_a_code_or_concept_in_a_value_set() -> None:
    """Both alternatives are tested, not the Concept alone."""
    compilation = compile_library(f"{LIBRARY}define x: coded in vs")
    membership = written(compilation.library.statements[-1].expression)
    assert "Case" in membership and "ToConcept" in membership
