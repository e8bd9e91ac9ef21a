"""Declarations of a library: models, includes, terminology, parameters (Author's Guide, Libraries)."""

from __future__ import annotations

import pytest

from ecqm.elm import nodes
from ecqm.language import compile_library
from tests.language.libraries import HEADER, find, messages


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


def test_a_model_is_used_once() -> None:
    source = "using FHIR version '4.0.1'\nusing FHIR version '4.0.1'\ndefine x: 1"
    assert [using.localIdentifier for using in compile_library(source).library.usings] == ["System", "FHIR"]


def test_a_definition_has_a_name_of_its_own() -> None:
    """Author's Guide, Library: names are unique, also beside those of included libraries."""
    source = "include Common\ndefine Common: 1"
    compilation = compile_library(source, resolver=lambda name, version: "library Common\ndefine x: 1")
    assert [error.message for error in compilation.errors] == ["the name 'Common' is declared twice"]
