"""What a plan retrieves, from measures of our own (FHIR R4, DataRequirement)."""

from __future__ import annotations

from pathlib import Path

import ecqm
from ecqm.plan.requirements import DataRequirement
from tests.bundles import visits

HEAD = """library Visits version '1.0.000'
using QICore version '6.0.0'
include FHIRHelpers version '4.4.000'
codesystem "LOINC": 'http://loinc.org'
valueset "Office Visit": 'http://example.org/ValueSet/office-visit'
code "Weight": '29463-7' from "LOINC"
parameter "Measurement Period" Interval<DateTime>
context Patient
"""
REST = """
define "Denominator": "Initial Population"
define "Numerator": "Initial Population"
"""


def required(tmp_path: Path, population: str) -> dict[str, DataRequirement]:
    """The requirements of a measure with this logic, by type, without those of the patient."""
    visits.repository(tmp_path, visits.measure(), visits.library(HEAD + population + REST))
    found = ecqm.select(tmp_path, "Visits").requirements
    return {each.type.name: each for each in found if each.type.name != "Patient"}


def test_type_profile_value_set_and_elements(tmp_path: Path) -> None:
    (visit,) = required(
        tmp_path,
        """define "Initial Population": exists ([Encounter: "Office Visit"] V
          where V.status = 'finished' and V.period during day of "Measurement Period"
            and V.hospitalization.dischargeDisposition is not null)""",
    ).values()
    assert visit.profile == "http://hl7.org/fhir/us/qicore/StructureDefinition/qicore-encounter"
    assert (visit.code_path, visit.value_set and visit.value_set.id, visit.codes) == (
        "type",
        "http://example.org/ValueSet/office-visit",
        (),
    )
    assert visit.elements == {
        "type",
        "status",
        "period",
        "hospitalization",
        "hospitalization.dischargeDisposition",
    }


def test_codes(tmp_path: Path) -> None:
    (weight,) = required(
        tmp_path,
        """define "Last Weight": Last([SimpleObservation: "Weight"] W sort by issued)
        define "Initial Population": ("Last Weight".value as Quantity) > 90 'kg'""",
    ).values()
    assert [(code.system, code.code) for code in weight.codes] == [("http://loinc.org", "29463-7")]
    assert weight.value_set is None and weight.elements == {"code", "issued", "value"}


def test_elements_are_followed_through_tuples_functions_and_unions(tmp_path: Path) -> None:
    found = required(
        tmp_path,
        """define function finished(visits List<Encounter>): visits V where V.status = 'finished'
        define "Stays": (finished([Encounter: "Office Visit"]) union [Encounter: "Office Visit"]) V
          return Tuple { visit: V, unused: V.serviceType }
        define "Initial Population": exists ("Stays" S where S.visit.period during "Measurement Period")
          and exists [SimpleObservation]""",
    )
    assert {"type", "status", "period"} <= found["Encounter"].elements
    assert (found["Observation"].elements, found["Observation"].code_path) == (frozenset(), None)


def test_definitions_that_no_population_uses_require_nothing(tmp_path: Path) -> None:
    found = required(tmp_path, 'define "Unused": [Procedure]\ndefine "Initial Population": exists [Encounter]')
    assert set(found) == {"Encounter"}
