"""Libraries that use profiles as types derived from FHIR's (Using CQL with FHIR, "Derived model information")."""

from __future__ import annotations

from typing import Any

import pytest

from ecqm.elm import nodes
from ecqm.language import Compilation, Compiler

FHIR_HELPERS = """
library FHIRHelpers version '4.0.1'
using FHIR version '4.0.1'
define function ToInterval(period FHIR.Period): Interval[period."start".value, period."end".value]
define function ToString(value FHIR.EncounterStatus): value.value
define function ToDate(value FHIR.date): value.value
define function ToConcept(concept FHIR.CodeableConcept): System.Concept { display: concept.text.value }
"""
COMMON = """
library FHIRCommon version '2.0.0'
using FHIR version '4.0.1'
include FHIRHelpers version '4.0.1'
define fluent function finished(encounters List<FHIR.Encounter>): encounters E where E.status = 'finished'
define fluent function code(encounter FHIR.Encounter): encounter.type
define fluent function version(encounter FHIR.Encounter): encounter.meta.versionId
"""
HEAD = """
library Test
using USQualityCore version '0.5.0'
using USCore version '6.1.0-derived'
using FHIR version '4.0.1'
include hl7.fhir.uv.cql.FHIRHelpers version '4.0.1' called FHIRHelpers
include hl7.fhir.uv.cql.FHIRCommon version '2.0.0' called FHIRCommon
parameter "Measurement Period" Interval<DateTime>
context Patient
"""


def compiled(body: str, head: str = HEAD) -> Compilation:
    sources = {"FHIRHelpers": FHIR_HELPERS, "FHIRCommon": COMMON}
    return Compiler(lambda name, version: sources.get(name.rpartition(".")[2])).compile_library(head + body)


def definition(compilation: Compilation, name: str) -> Any:
    assert compilation.ok, compilation.errors
    return next(each for each in compilation.library.statements if each.name == name).expression


def test_a_retrieve_is_of_the_type_that_is_profiled() -> None:
    retrieve = definition(compiled("define X: [ConditionEncounterDiagnosis]"), "X")
    assert isinstance(retrieve, nodes.Retrieve)
    assert retrieve.dataType == "{http://hl7.org/fhir}Condition"
    assert retrieve.templateId == (
        "http://fhir.org/guides/onc/us-quality-core/StructureDefinition/us-quality-core-condition-encounter-diagnosis"
    )


@pytest.mark.parametrize(
    "expression",
    [
        "([Encounter]).finished()",
        "[USQualityCore.Encounter] union [FHIR.Encounter]",
        '[Encounter] E where E.period during day of "Measurement Period"',
        "[Encounter] E return E.code()",
        "[Encounter] E return E.version()",
        "([USCore.EncounterProfile]).finished()",
        "AgeInYearsAt(@2026-01-01)",
        "[LaboratoryResultObservation] O return O.value as FHIR.CodeableConcept",
    ],
)
def test_profiles_are_used_as_the_types_of_fhir_that_they_derive_from(expression: str) -> None:
    assert compiled(f"define X: {expression}").errors == ()


def test_the_models_that_a_model_derives_from_need_no_using() -> None:
    head = """
library Test
using USQualityCore version '0.5.0'
include FHIRHelpers version '4.0.1'
context Patient
"""
    assert compiled("define X: [Encounter] E where E.status = 'finished'", head).errors == ()
    assert compiled("define function F(canonical FHIR.canonical): canonical", head).errors == ()


def test_a_call_of_a_function_with_errors_is_no_error_of_its_own() -> None:
    sources = {"Broken": "library Broken define fluent function half(x Integer): x / 'a'"}
    compiler = Compiler(lambda name, version: sources.get(name))
    errors = compiler.compile_library("library Test include Broken define X: (1).half()").errors
    assert len(errors) == 1 and "included library Broken has an error" in str(errors[0])
