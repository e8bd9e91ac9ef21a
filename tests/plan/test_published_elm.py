"""ELM as it is published, by translators of several years: what is odd in it is understood all the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ecqm.elm import IndexedLibrary, LibraryCollection, read_json
from ecqm.plan.lowering import Lowering, PlanError
from ecqm.values import Date, DateTime
from tests.data.resources import coded, encounter, observation
from tests.elm.documents import define, include, integer, library
from tests.plan.evaluating import FHIR, SYSTEM, call, count, evaluated, part, query, retrieve, text
from tests.terminology.documents import value_set

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
LOINC = "http://loinc.org"
ORDER = {
    "resourceType": "MedicationRequest",
    "status": "active",
    "intent": "order",
    "subject": {"reference": "Patient/p1"},
}
DRUG = {"coding": [{"system": RXNORM, "code": "1"}]}
NAMED = {"type": "NamedTypeSpecifier"}
FHIRHELPERS = library(
    "FHIRHelpers",
    "4.4.000",
    statements=[
        {
            "type": "FunctionDef",
            "name": "ToInterval",
            "operand": [{"name": "value", "operandTypeSpecifier": NAMED | {"name": FHIR + type_}}],
            "expression": {"type": "Null"},
        }
        for type_ in ("Period", "Range")
    ],
)


def test_a_type_given_twice(tmp_path: Path) -> None:
    document = library(statements=[define("X", {"type": "Is", "operand": text("a"), "isTypeSpecifier": "SPECIFIER"})])
    choice = [NAMED | {"name": SYSTEM + name} for name in ("Integer", "String")]
    specifier = f'{{"type": "ChoiceTypeSpecifier", "type": [], "choice": {json.dumps(choice)}}}'
    assert evaluated(tmp_path, [document.replace(b'"SPECIFIER"', specifier.encode())]) is True


def test_a_value_set_without_a_type(tmp_path: Path) -> None:
    member = {"type": "InValueSet", "code": text("a"), "valueset": {"name": "VS", "preserve": True}}
    sets = [{"name": "VS", "id": "http://cts.nlm.nih.gov/fhir/ValueSet/1.2.3"}]
    document = library(valueSets=sets, statements=[define("X", member)])
    assert evaluated(tmp_path, [document], value_sets=[value_set("1.2.3", [(LOINC, "a")])]) is True


def test_overloads_without_a_signature_are_chosen_by_what_is_given(tmp_path: Path) -> None:
    functions = [
        {
            "type": "FunctionDef",
            "name": "f",
            "context": "Patient",
            "operand": [{"name": "of", "operandTypeSpecifier": NAMED | {"name": FHIR + type_}}],
            "expression": part("value", source=part(path, source={"type": "OperandRef", "name": "of"})),
        }
        for type_, path in (("Encounter", "status"), ("Observation", "id"))
    ]
    both = {"type": "Union", "operand": [retrieve("Encounter"), retrieve("Observation")]}
    called = query(both, gives=call("f", {"type": "AliasRef", "name": "A"}))
    document = library(statements=[define("X", called), *functions])
    assert list(evaluated(tmp_path, [document], [encounter("e1"), observation("o1")])) == ["finished", "o1"]


def test_an_overload_calls_the_other_without_a_signature(tmp_path: Path) -> None:
    single = NAMED | {"name": FHIR + "Encounter"}
    operand = {"type": "OperandRef", "name": "of"}
    each = query(operand, gives=call("f", {"type": "AliasRef", "name": "A"}))
    functions = [
        {
            "type": "FunctionDef",
            "name": "f",
            "context": "Patient",
            "operand": [{"name": "of", "operandTypeSpecifier": type_}],
            "expression": expression,
        }
        for type_, expression in (
            ({"type": "ListTypeSpecifier", "elementType": single}, each),
            (single, part("value", source=part("status", source=operand))),
        )
    ]
    document = library(statements=[define("X", call("f", retrieve("Encounter"))), *functions])
    assert list(evaluated(tmp_path, [document], [encounter("e1")])) == ["finished"]


def test_overloads_for_elements_and_for_resources_without_a_signature(tmp_path: Path) -> None:
    functions = [
        {
            "type": "FunctionDef",
            "name": "f",
            "context": "Patient",
            "operand": [{"name": "of", "operandTypeSpecifier": NAMED | {"name": FHIR + type_}}],
            "expression": text(type_),
        }
        for type_ in ("DomainResource", "BackboneElement", "Element")
    ]
    visit = encounter("e1", diagnosis=[{"rank": 1}])
    alias = {"type": "AliasRef", "name": "A"}
    for operand, expected in (
        (alias, "DomainResource"),
        ({"type": "First", "source": part("diagnosis", source=alias)}, "BackboneElement"),
        (part("period", source=alias), "Element"),
    ):
        called = query(retrieve("Encounter"), gives=call("f", operand))
        document = library(statements=[define("X", called), *functions])
        assert list(evaluated(tmp_path, [document], [visit])) == [expected]


def test_overloads_that_differ_in_the_profile_are_told_apart_by_their_text(tmp_path: Path) -> None:
    def overload(number: str, profile: str, value: int) -> dict[str, Any]:
        words = ["// of requests\ndefine fluent function ", f'"f"(of {profile}): ', "1"]
        return {
            "type": "FunctionDef",
            "name": "f",
            "context": "Patient",
            "localId": number,
            "annotation": [{"type": "Annotation", "s": {"r": number, "s": [{"value": words}]}}],
            "operand": [{"name": "of", "operandTypeSpecifier": NAMED | {"name": FHIR + "MedicationRequest"}}],
            "expression": integer(value),
        }

    functions = [overload("1", "MedicationRequest", 1), overload("2", "MedicationNotRequested", 2)]
    for profile, found in (("qicore-medicationrequest", 1), ("qicore-medicationnotrequested", 2), ("other", 1)):
        template = f"http://hl7.org/fhir/us/qicore/StructureDefinition/{profile}"
        orders = retrieve("MedicationRequest", templateId=template)
        called = query(orders, gives=call("f", {"type": "AliasRef", "name": "A"}))
        document = library(statements=[define("X", called), *functions])
        declared = ORDER | {"id": "o", "meta": {"profile": [template]}}
        assert list(evaluated(tmp_path / str(profile), [document], [declared])) == [found]


def test_an_unsigned_fhirhelpers_conversion(tmp_path: Path) -> None:
    interval = call("ToInterval", part("period", scope="A"), library="FHIRHelpers")
    started = query(retrieve("Encounter"), gives={"type": "Start", "operand": interval})
    document = library(
        includes=[include("FHIRHelpers", "4.4.000")],
        statements=[define("X", {"type": "First", "source": started})],
    )
    start = evaluated(tmp_path, [document, FHIRHELPERS], [encounter("e1")])
    assert start == DateTime(2026, 1, 2, 8, 0, 0, offset=-300)


def join(id_: dict[str, Any], reference: dict[str, Any], code: dict[str, Any]) -> bytes:
    """Orders by reference to a medication, as `[MedicationRequest: "VS"]` is written, and the plain retrieve."""
    member = {"type": "InValueSet", "code": call("ToConcept", code, library="FHIRHelpers"), "valueset": {"name": "VS"}}
    conditions = [{"type": "Equal", "operand": [id_, reference]}, member]
    related = {"alias": "M", "type": "With", "expression": retrieve("Medication")}
    joined = query(
        retrieve("MedicationRequest"),
        "MR",
        relationship=[related | {"suchThat": {"type": "And", "operand": conditions}}],
    )
    plain = retrieve(
        "MedicationRequest", codeProperty="medication", codeComparator="in", codes={"type": "ValueSetRef", "name": "VS"}
    )
    return library(
        includes=[include("FHIRHelpers", "4.4.000")],
        valueSets=[{"name": "VS", "id": "1.2.3"}],
        statements=[define("X", count({"type": "Union", "operand": [plain, joined]}))],
    )


SPLIT = {"type": "Split", "separator": text("/"), "stringToSplit": part("medication.reference.value", scope="MR")}


@pytest.mark.parametrize(
    "elm",
    [
        join(part("id.value", scope="M"), {"type": "Last", "source": SPLIT}, part("code", scope="M")),
        join(part("id", scope="M"), part("medication.reference", scope="MR"), part("code", scope="M")),
        join(part("id"), part("medication.reference"), part("code")),
        join(part("id"), part("reference", source=part("medication")), part("code")),
    ],
    ids=["split", "raw", "without scope", "without source"],
)
def test_medications_by_reference(tmp_path: Path, elm: bytes) -> None:
    resources = [
        {"resourceType": "Medication", "id": "m1", "code": DRUG},
        {"resourceType": "Medication", "id": "m2", "code": coded("9")},
        ORDER | {"id": "o1", "medicationReference": {"reference": "Medication/m1"}},
        ORDER | {"id": "o2", "medicationReference": {"reference": "Medication/m2"}},
        ORDER | {"id": "o3", "medicationCodeableConcept": DRUG},
        ORDER | {"id": "o4", "medicationReference": {"reference": "Medication/none"}},
    ]
    helpers = FHIRHELPERS.replace(b'"ToInterval"', b'"ToConcept"').replace(b"Period", b"CodeableConcept")
    sets = [value_set("1.2.3", [(RXNORM, "1")])]
    assert evaluated(tmp_path, [elm, helpers], resources, sets) == 2


def test_a_property_of_nothing_is_refused() -> None:
    document = IndexedLibrary(read_json(library(statements=[define("X", part("id"))])))
    resolved = LibraryCollection([document]).resolve(document)
    with pytest.raises(PlanError, match="property 'id' has neither a source nor a scope"):
        Lowering(resolved).define(resolved.main, "X")


def test_boundaries_closed_by_expression_and_dotted_paths(tmp_path: Path) -> None:
    closed = {name + "ClosedExpression": part(f"period.{name}Closed", scope="A") for name in ("low", "high")}
    made = {"type": "Interval", "low": integer(1), "high": integer(3)} | closed
    paths = query(retrieve("Encounter"), gives=part("period.start.value", scope="A"))
    document = library(statements=[define("X", {"type": "First", "source": paths}), define("Y", _over_a_tuple(made))])
    start = evaluated(tmp_path, [document], [encounter("e1")])
    assert start == DateTime(2026, 1, 2, 8, 0, 0, offset=-300)
    interval = evaluated(tmp_path, [document], define="Y")
    assert (interval.low_closed, interval.high_closed) == (True, False)


def _over_a_tuple(expression: dict[str, Any]) -> dict[str, Any]:
    """The expression for an alias A whose `period` has lowClosed true and highClosed false."""
    truths = {"lowClosed": "true", "highClosed": "false"}
    literals = {
        name: {"type": "Literal", "valueType": SYSTEM + "Boolean", "value": value} for name, value in truths.items()
    }
    period = {"type": "Tuple", "element": [{"name": name, "value": value} for name, value in literals.items()]}
    return query({"type": "Tuple", "element": [{"name": "period", "value": period}]}, gives=expression)


@pytest.mark.parametrize(
    ("direction", "ids"), [("asc", "abc"), ("ascending", "abc"), ("desc", "cba"), ("descending", "cba")]
)
@pytest.mark.parametrize(
    "by",
    [
        {"type": "ByColumn", "path": "id"},
        {"type": "ByExpression", "expression": {"type": "IdentifierRef", "name": "id"}},
        {"type": "ByExpression", "expression": part("id.value")},
    ],
    ids=["column", "identifier", "property"],
)
def test_sorting(tmp_path: Path, direction: str, ids: str, by: dict[str, Any]) -> None:
    ordered = query(retrieve("Encounter"), sort={"by": [by | {"direction": direction}]})
    named = query(ordered, gives=part("id.value", scope="A"))
    resources = [encounter(id_) for id_ in "bca"]
    assert "".join(evaluated(tmp_path, [library(statements=[define("X", named)])], resources)) == ids


@pytest.mark.parametrize(
    ("unit", "date"), [("day", (2026, 2, 1)), ("days", (2026, 2, 1)), ("year", (2027, 1, 31)), ("d", (2026, 2, 1))]
)
def test_units_of_the_calendar(tmp_path: Path, unit: str, date: tuple[int, int, int]) -> None:
    start = {"type": "Date", "year": integer(2026), "month": integer(1), "day": integer(31)}
    added = {"type": "Add", "operand": [start, {"type": "Quantity", "value": 1, "unit": unit}]}
    assert evaluated(tmp_path, [library(statements=[define("X", added)])]) == Date(*date)


def test_unfiltered_context(tmp_path: Path) -> None:
    everyone = define("All", retrieve("Encounter")) | {"context": "Unfiltered"}
    document = library(statements=[everyone, define("X", count({"type": "ExpressionRef", "name": "All"}))])
    assert evaluated(tmp_path, [document], [encounter("e1"), encounter("e2")]) == 2


CODE = {"type": "CodeRef", "name": "C"}
IN_SET = {"type": "ValueSetRef", "name": "VS"}


@pytest.mark.parametrize(
    ("comparator", "codes", "found"),
    [
        ("in", IN_SET, 2),
        ("in", IN_SET | {"preserve": True}, 2),
        ("in", {"type": "ExpandValueSet", "operand": IN_SET}, 2),
        ("~", {"type": "ToList", "operand": CODE}, 1),
        ("=", {"type": "ToList", "operand": CODE}, 1),
        ("~", IN_SET, 2),
        ("in", {"type": "List", "element": [CODE]}, 1),
    ],
)
def test_retrieves_by_code(tmp_path: Path, comparator: str, codes: dict[str, Any], found: int) -> None:
    document = library(
        codeSystems=[{"name": "LOINC", "id": LOINC}],
        valueSets=[{"name": "VS", "id": "1.2.3"}],
        codes=[{"name": "C", "id": "a", "codeSystem": {"name": "LOINC"}}],
        statements=[
            define("X", count(retrieve("Observation", codeProperty="code", codeComparator=comparator, codes=codes)))
        ],
    )
    resources = [observation(code, code=coded(code)) for code in ("a", "b", "c")]
    assert evaluated(tmp_path, [document], resources, [value_set("1.2.3", [(LOINC, "a"), (LOINC, "b")])]) == found


def date(year: int, month: int, day: int, hour: int = 0) -> dict[str, Any]:
    parts = zip(("year", "month", "day", "hour"), (year, month, day, hour), strict=True)
    zone = {"timezoneOffset": {"type": "Literal", "valueType": SYSTEM + "Decimal", "value": "0"}}
    return {"type": "DateTime", **{name: integer(value) for name, value in parts}, **zone}


@pytest.mark.parametrize(("type_", "property_", "found"), [("Encounter", "period", 1), ("Observation", "effective", 2)])
def test_retrieves_by_date(tmp_path: Path, type_: str, property_: str, found: int) -> None:
    january = {"type": "Interval", "low": date(2026, 1, 1), "high": date(2026, 2, 1), "highClosed": False}
    dated = retrieve(type_, dateProperty=property_, dateRange=january | {"lowClosed": True})
    within = {"start": "2026-01-30T08:00:00Z", "end": "2026-01-31T08:00:00Z"}
    beyond = {"start": "2026-01-30T08:00:00Z", "end": "2026-02-03T08:00:00Z"}
    resources = [
        encounter("e1", period=within),
        encounter("e2", period=beyond),
        observation("o1", effectiveDateTime="2026-01-30T08:00:00Z"),
        observation("o2", effectiveDateTime="2026-02-20T08:00:00Z"),
        observation("o3", effectivePeriod=beyond),
        observation("o4", effectivePeriod=within),
        observation("o5"),
    ]
    assert evaluated(tmp_path, [library(statements=[define("X", count(dated))])], resources) == found
