"""A small library for tests, with the FHIRHelpers that it includes."""

from __future__ import annotations

from ecqm.elm import nodes
from ecqm.language import compile_library

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
