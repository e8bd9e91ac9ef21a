"""What the compiler accepts and refuses, each with the passage that says so. The reference translator agrees."""

from __future__ import annotations

import pytest

from ecqm.language import compile_expression, compile_library
from tests.language.written import elm, written

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
        # Author's Guide, Structured Values: an element has one value.
        ("Tuple { a: 1, a: 2 }", "the element 'a' is given twice"),
        ("Code { code: 'a', code: 'b' }", "the element 'code' is given twice"),
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
def test_an_expression_without_meaning_is_an_error(source: str, message: str) -> None:
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
def test_an_unusual_expression_is_translated(source: str, expected: str) -> None:
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
        "Concept { Code 'a' from cs, Code 'b' from cs display 'B' } display 'either'",
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


FHIR = """
library Acceptance
using FHIR version '4.0.1'
context Patient
define fluent function finished(E List<Encounter>): E
define function late(a Integer) returns Integer: a
"""


@pytest.mark.parametrize(
    ("source", "message"),
    [
        # Grammar: a retrieve is an expression or a query source, but not a term.
        ("[Encounter].finished()", "must be in parentheses"),
        ("singleton from [Encounter]", "must be in parentheses"),
        # Grammar: a query source is a retrieve, a name, or an expression in parentheses.
        ("First([Encounter]) E return E.id", "a query source must be"),
        ("First([Encounter]).type T return T", "a query source must be"),
        ("Patient.name.first().given G return G", "a query source must be"),
        ("Patient.name[0].given G return G", "a query source must be"),
        ("(Patient).name N return N", "a query source must be"),
        # Author's Guide, Fluent Functions: they are called as methods.
        ("finished([Encounter])", "is a fluent function"),
    ],
)
def test_an_expression_that_misuses_data_is_an_error(source: str, message: str) -> None:
    (error,) = compile_expression(source, library=FHIR).errors
    assert message in error.message


@pytest.mark.parametrize(
    "source",
    [
        # CQL reference, Same As, Before, …: comparisons involving weeks are not supported.
        "@2026-01-01 same week as @2026-01-02",
        "@2026-01-01 before week of @2026-01-02",
        "@2026-01-01 in week of Interval[@2026-01-01, @2026-01-02]",
        # Grammar, startingClause: a literal or an expression in parentheses.
        "({ 1 }) X aggregate R starting 1 + 1: R + X",
        # CQL reference, Coalesce: two to five arguments, or a list.
        "Coalesce(1, 2, 3, 4, 5, 6)",
        # Author's Guide, DateTime: a component needs all those above it.
        "@2026T10:00",
        "@2026-01T10:00",
        # ISO 8601: offsets are at most 14 hours.
        "@2026-01-01T00:00:00.0+15:00",
    ],
)
def test_refused_in_the_grammar_or_the_reference(source: str) -> None:
    assert len(compile_expression(source).errors) == 1
