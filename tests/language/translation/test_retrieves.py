"""Retrieves, and the elements of what they return (Author's Guide, Retrieve; Filtering with Terminology)."""

from __future__ import annotations

import pytest

from ecqm.elm import nodes
from ecqm.language import compile_library
from tests.language.libraries import HEADER, definition, find


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
