"""Libraries: declarations, references, functions, includes, and messages for errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecqm.elm import nodes
from ecqm.language import CompiledCache, Compiler, compile_expression, compile_library
from ecqm.types import parse_type

HEADER = """
library Clinic version '1.0'
using QICore version '6.0.0'
include FHIRHelpers version '4.4.000'
codesystem "LOINC": 'http://loinc.org'
valueset "Inpatient": 'urn:oid:1.2.3'
code "Weight": '29463-7' from "LOINC" display 'Body weight'
concept "Weights": { "Weight" } display 'Weights'
parameter "Measurement Period" Interval<DateTime> default Interval[@2026-01-01T00:00, @2027-01-01T00:00)
context Patient
"""

FHIR_HELPERS = """
library FHIRHelpers version '4.4.000'
using FHIR version '4.0.1'
define function ToInterval(period FHIR.Period):
  if period is null then null else Interval[period."start".value, period."end".value]
define function ToInterval(range FHIR.Range): Interval[ToQuantity(range.low), ToQuantity(range.high)]
define function ToQuantity(quantity FHIR.Quantity):
  System.Quantity { value: quantity.value.value, unit: quantity.unit.value }
define function ToConcept(concept FHIR.CodeableConcept): Concept { display: concept.text.value }
define function ToCode(coding FHIR.Coding): Code { code: coding.code.value, system: coding.system.value }
define function ToString(value FHIR.uri): value.value
define function ToString(value FHIR.string): value.value
define function ToValue(value Choice<FHIR.boolean, FHIR.CodeableConcept>): value as FHIR.boolean
"""


def find(name: str, version: str | None) -> str | None:
    return FHIR_HELPERS if (name, version) == ("FHIRHelpers", "4.4.000") else None


def definition(statements: str, name: str) -> nodes.ExpressionDef:
    compilation = compile_library(HEADER + statements, resolver=find)
    assert compilation.errors == (), compilation.errors[0].render()
    return next(s for s in compilation.library.statements if s.name == name)


def messages(source: str) -> list[str]:
    compilation = compile_library(source, resolver=find)
    return [error.render("f") for error in compilation.errors]


def test_declarations_become_definitions_of_elm() -> None:
    library = compile_library(HEADER, resolver=find).library
    assert (library.identifier.id, library.identifier.version) == ("Clinic", "1.0")
    assert [using.uri for using in library.usings] == ["urn:hl7-org:elm-types:r1", "http://hl7.org/fhir"]
    assert [(i.localIdentifier, i.path, i.version) for i in library.includes] == [
        ("FHIRHelpers", "FHIRHelpers", "4.4.000")
    ]
    assert library.codes[0].display == "Body weight" and library.codes[0].codeSystem is not None
    assert [code.name for code in library.concepts[0].code] == ["Weight"]
    assert isinstance(library.parameters[0].default, nodes.Interval)
    patient = library.statements[0]
    assert patient.name == "Patient" and isinstance(patient.expression, nodes.SingletonFrom)


def test_a_retrieve_names_resource_profile_and_codes() -> None:
    retrieve = definition('define A: [Encounter: "Inpatient"]', "A").expression
    assert isinstance(retrieve, nodes.Retrieve)
    assert retrieve.dataType == "{http://hl7.org/fhir}Encounter"
    assert retrieve.templateId == "http://hl7.org/fhir/us/qicore/StructureDefinition/qicore-encounter"
    assert (retrieve.codeProperty, retrieve.codeComparator) == ("type", "in")
    coded = definition('define A: [Procedure: "Weight"]', "A").expression
    assert isinstance(coded, nodes.Retrieve)
    assert coded.codeComparator == "~" and isinstance(coded.codes, nodes.ToList)
    explicit = definition('define A: [Encounter: serviceType in "Inpatient"]', "A").expression
    assert isinstance(explicit, nodes.Retrieve) and explicit.codeProperty == "serviceType"


def test_elements_are_reached_as_the_model_maps_them() -> None:
    statements = "define A: [Encounter] E where E.status = 'finished' return start of E.period"
    query = definition(statements, "A").expression
    assert isinstance(query, nodes.Query) and isinstance(query.where, nodes.Equal) and query.return_ is not None
    status = query.where.operand[0]
    assert isinstance(status, nodes.Property) and status.path == "value"
    start = query.return_.expression
    assert isinstance(start, nodes.Start) and isinstance(start.operand, nodes.FunctionRef)
    assert start.operand.name == "ToInterval" and start.operand.libraryName == "FHIRHelpers"
    period = start.operand.signature[0]
    assert isinstance(period, nodes.NamedTypeSpecifier) and period.name == "{http://hl7.org/fhir}Period"


@pytest.mark.parametrize(
    ("terms", "coded"),
    [
        ('"Inpatient"', nodes.InValueSet),
        ('"Weight"', nodes.Equivalent),
        ('"Weights"', nodes.Equivalent),
        ('{ "Weight" }', nodes.Retrieve),
    ],
)
def test_a_medication_may_be_found_by_reference(terms: str, coded: type[nodes.Expression]) -> None:
    union = definition(f"define A: [MedicationRequest: {terms}]", "A").expression
    assert isinstance(union, nodes.Union)
    by_code, by_reference = union.operand
    assert isinstance(by_code, nodes.Retrieve) and isinstance(by_reference, nodes.Query)
    related, condition = by_reference.relationship[0].expression, by_reference.relationship[0].suchThat
    assert isinstance(related, nodes.Retrieve) and related.dataType == "{http://hl7.org/fhir}Medication"
    if coded is nodes.Retrieve:
        assert related.codeProperty == "code" and isinstance(condition, nodes.Equal)
    else:
        assert isinstance(condition, nodes.And) and isinstance(condition.operand[1], coded)


@pytest.mark.parametrize(
    ("terms", "comparators", "accepted"),
    [
        ('"Inpatient"', ["in", "~"], nodes.ValueSetRef),
        ('"Weight"', ["~", "contains"], nodes.CodeRef),
        ('"Weights"', ["~", "contains"], nodes.ToList),
        ("'1'", ["~", "contains"], nodes.ToList),
    ],
)
def test_what_was_not_done_may_name_a_value_set_in_place_of_a_code(
    terms: str, comparators: list[str], accepted: type[nodes.Expression]
) -> None:
    """As in the reference translator: data may name the value set, or one that contains the code."""
    union = definition(f"define A: [ServiceNotRequested: {terms}]", "A").expression
    assert isinstance(union, nodes.Union)
    retrieves = [each for each in union.operand if isinstance(each, nodes.Retrieve)]
    assert [each.codeComparator for each in retrieves] == comparators
    assert {each.codeProperty for each in retrieves} == {"code"} and isinstance(retrieves[1].codes, accepted)


def test_a_retrieve_by_what_is_no_code_has_a_warning() -> None:
    # As in the reference translator; functions of published libraries have such retrieves.
    statements = "define function provenance(resource Resource): [Provenance: target in resource.id]"
    header = HEADER.replace("QICore version '6.0.0'", "FHIR version '4.0.1'")
    compilation = compile_library(header + statements, resolver=find)
    assert compilation.errors == ()
    (warning,) = compilation.warnings
    assert "filtered by a value set or codes, not by FHIR.id" in warning.message


def test_functions_overloads_and_fluent_calls() -> None:
    statements = """
    define A: twice(2)
    define B: (2.5).twice()
    define function twice(x Integer): x * 2
    define fluent function twice(x Decimal): x * 2.0
    define private function unused(x String) returns Integer: external
    """
    compilation = compile_library(HEADER + statements, resolver=find)
    assert compilation.errors == ()
    by_name = {s.name: s.expression for s in compilation.library.statements if not isinstance(s, nodes.FunctionDef)}
    a, b = by_name["A"], by_name["B"]
    assert isinstance(a, nodes.FunctionRef) and isinstance(b, nodes.FunctionRef)
    assert next(s.name for s in a.signature if isinstance(s, nodes.NamedTypeSpecifier)).endswith("Integer")
    assert next(s.name for s in b.signature if isinstance(s, nodes.NamedTypeSpecifier)).endswith("Decimal")


def test_functions_come_before_operators_of_the_language_with_their_name() -> None:
    statements = """
    define function ToDate(x DateTime): x
    define function Length(x Integer): x
    define A: ToDate(Now())
    define B: Length(1)
    define C: System.Length('abc')
    """
    compilation = compile_library(statements)
    assert compilation.errors == ()
    expressions = [type(s.expression).__name__ for s in compilation.library.statements[2:]]
    assert expressions == ["FunctionRef", "FunctionRef", "Length"]


def test_statements_keep_the_order_of_the_source_whatever_they_refer_to() -> None:
    library = compile_library("define A: B + 1 define B: C define C: 1").library
    assert [s.name for s in library.statements] == ["A", "B", "C"]


def test_an_expression_in_the_light_of_a_library() -> None:
    compilation = compile_expression("A + 0.5", library="define A: 1")
    assert compilation.errors == () and compilation.result == parse_type("Decimal")


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


def test_errors_of_included_libraries_are_reported_where_they_are_included() -> None:
    def broken(name: str, version: str | None) -> str | None:
        return "library Inner define A: 1 define B: wrong"

    compilation = compile_library("library Outer include Inner define C: Inner.A + 1", resolver=broken)
    assert len(compilation.errors) == 1
    assert "the included library Inner has an error" in compilation.errors[0].message
    assert [s.name for s in compilation.library.statements] == ["C"]


def test_libraries_that_include_each_other_are_refused() -> None:
    libraries = {"A": "library A include B", "B": "library B include A"}
    compilation = Compiler(lambda name, _: libraries.get(name)).library("A")
    assert compilation is not None and "cyclic include: A includes B includes A" in compilation.errors[0].message


def test_the_cache_follows_content_and_options(tmp_path: Path) -> None:
    libraries = {"Inner": "library Inner define A: 1", "Outer": "library Outer include Inner define B: Inner.A"}

    def compiled() -> nodes.Library:
        compilation = Compiler(lambda name, _: libraries.get(name), cache=CompiledCache(tmp_path)).library("Outer")
        assert compilation is not None and compilation.ok
        return compilation.library

    first = compiled()
    assert len(list(tmp_path.glob("*.elm"))) == 2
    assert nodes.bare(compiled()) == nodes.bare(first)
    libraries["Inner"] = "library Inner define A: 'text'"
    compiled()
    assert len(list(tmp_path.glob("*.elm"))) == 3, "the outer entry is replaced, the inner one is new"
    for path in tmp_path.glob("*.elm"):
        path.write_bytes(b"not an entry")
    assert nodes.bare(compiled()) == nodes.bare(first)


def test_expressions_that_grow_beyond_measure_are_refused() -> None:
    body = "define function f(x Interval<DateTime>) returns Interval<Date>: null define A: "
    found = messages(body + "f(" * 12 + "Interval[@2012, @2013]" + ")" * 12)
    assert found and "conversions of choices and intervals repeat" in found[0]
    assert "nested more than" in messages("define A: 1" + " + 1" * 300)[0]


@pytest.mark.parametrize(
    ("model", "statements"),
    [
        (
            "FHIR version '4.0.1'",
            """
            define A: [Encounter] E where E.period during Interval[@2012, @2013] and E.status = 'finished'
            define B: [Condition: "Inpatient"] C return (C.onset as FHIR.Period).start
            define C: First(Patient.name).given[0] = 'x' and AgeInYearsAt(@2012) >= 18
            """,
        ),
        (
            "QDM version '5.6'",
            """
            define A: ["Encounter, Performed": "Inpatient"] E where E.lengthOfStay > 3 days
            define B: ["Laboratory Test, Performed": "Inpatient"] L
              where L.result is not null and L.relevantDatetime during Interval[@2012T, @2013T]
              sort by start of relevantPeriod
            define C: ["Encounter, Performed": "Inpatient"] union ["Intervention, Order": "Inpatient"]
            """,
        ),
        (
            "USCore version '6.1.0'",
            """define A: [ConditionProblemsHealthConcernsProfile: "Inpatient"] C return C.onset""",
        ),
        (
            "QICore version '4.1.1'",
            """define A: [Encounter: "Inpatient"] E where E.period during Interval[@2012T, @2013T]""",
        ),
    ],
)
def test_every_model_can_be_used(model: str, statements: str) -> None:
    header = f"""
    library T using {model}
    include FHIRHelpers version '4.4.000'
    valueset "Inpatient": 'urn:oid:1.2.3'
    context Patient
    """
    assert messages(header + statements) == []


def test_a_model_in_a_version_close_to_one_that_is_here() -> None:
    source = "library T using {} define A: [Encounter] E return E.status"
    compilation = compile_library(source.format("QICore version '4.1.0'"))
    assert compilation.errors == ()
    assert [warning.message for warning in compilation.warnings] == [
        "model QICore: version 4.1.0 is not available, using 4.1.1 instead"
    ]
    assert messages(source.format("QICore version '3.3.0'"))[0] == (
        "f:1:11: error: model QICore has no version '3.3.0'; available: 4.1.1, 5.0.0, 6.0.0, 6.0.0-derived, 7.0.0"
    )


def test_what_needs_a_library_that_was_not_found_is_not_reported_as_well() -> None:
    source = (
        "using FHIR version '4.0.1'\ninclude Status\ninclude FHIRHelpers version '9'\ncontext Patient\n"
        "define A: Status.Active\ndefine B: ([Encounter]).verified()\ndefine C: A\n"
        "define D: [Encounter] E where E.period during Interval[@2026, @2027]"
    )
    assert messages(source) == [
        "f:2:1: error: library Status not found",
        "f:3:1: error: library FHIRHelpers version 9 not found",
    ]
