"""A small QDM measure package about hospital stays, and a patient with two of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.data.qdm.patients import code, encounter, patient

QDM = "urn:healthit-gov:qdm:v5_6"
SYSTEM = "urn:hl7-org:elm-types:r1"
SOME = "2.16.840.1.113883.3.666.5.307"


def retrieve(data_type: str, value_set: str = "Stays") -> dict[str, Any]:
    return {"type": "Retrieve", "dataType": f"{{{QDM}}}{data_type}", "templateId": data_type, "codeProperty": "code",
            "codeComparator": "in", "codes": {"type": "ValueSetRef", "name": value_set}}  # fmt: skip


def reference(name: str) -> dict[str, Any]:
    return {"type": "ExpressionRef", "name": name}


def define(name: str, expression: dict[str, Any], number: int) -> dict[str, Any]:
    return {
        "name": name,
        "context": "Patient",
        "accessLevel": "Public",
        "localId": str(number),
        "expression": expression,
    }


def property_of(alias: str, path: str) -> dict[str, Any]:
    return {"type": "Property", "path": path, "scope": alias}


STAY_DAYS = {"type": "Property", "path": "value", "source": {"type": "Property", "path": "lengthOfStay",
             "source": {"type": "OperandRef", "name": "Stay"}}}  # fmt: skip
LIBRARY = {
    "library": {
        "identifier": {"id": "Stays", "version": "1.0.0"},
        "schemaIdentifier": {"id": "urn:hl7-org:elm", "version": "r1"},
        "usings": {"def": [
            {"localIdentifier": "System", "uri": SYSTEM},
            {"localIdentifier": "QDM", "uri": QDM, "version": "5.6"},
        ]},
        "parameters": {"def": [{"name": "Measurement Period", "accessLevel": "Public"}]},
        "valueSets": {"def": [{"name": "Stays", "id": f"urn:oid:{SOME}", "version": "draft"}]},
        "statements": {"def": [
            {"name": "Patient", "context": "Patient",
             "expression": {"type": "SingletonFrom", "operand": {
                 "type": "Retrieve", "dataType": f"{{{QDM}}}Patient", "templateId": "Patient"}}},
            define("Initial Population", {
                "type": "Query", "relationship": [],
                "source": [{"alias": "E", "expression": retrieve("PositiveEncounterPerformed")}],
                "where": {"type": "In", "operand": [
                    {"type": "End", "operand": property_of("E", "relevantPeriod")},
                    {"type": "ParameterRef", "name": "Measurement Period"}]}}, 1),
            define("Diagnosed", {
                "type": "Query", "relationship": [],
                "source": [{"alias": "E", "expression": reference("Initial Population")}],
                "where": {"type": "Exists", "operand": {
                    "type": "Query", "relationship": [],
                    "source": [{"alias": "D", "expression": property_of("E", "diagnoses")}],
                    "where": {"type": "Equal", "operand": [
                        property_of("D", "rank"),
                        {"type": "Literal", "valueType": f"{{{SYSTEM}}}Integer", "value": "1"}]}}}}, 2),
            define("Refused", retrieve("NegativeDeviceOrder"), 3),
            define("Unused", reference("Refused"), 4),
            {"name": "Days", "context": "Patient", "type": "FunctionDef", "localId": "5", "expression": STAY_DAYS,
             "operand": [{"name": "Stay", "operandTypeSpecifier": {
                 "type": "NamedTypeSpecifier", "name": f"{{{QDM}}}PositiveEncounterPerformed"}}]},
        ]},
    }
}  # fmt: skip


def statement(name: str) -> dict[str, str]:
    return {"library_name": "Stays", "statement_name": name}


def measure(method: str = "EPISODE_OF_CARE", scoring: str = "CONTINUOUS_VARIABLE") -> dict[str, Any]:
    return {
        "cms_id": "CMS1v0",
        "main_cql_library": "Stays",
        "measure_scoring": scoring,
        "calculation_method": method,
        "hqmf_set_id": "ABC",
        "measure_period": {"low": {"value": "202601010000"}, "high": {"value": "202612312359"}},
        "cql_libraries": [{"library_name": "Stays", "elm": LIBRARY, "is_main_library": True}],
        "population_sets": [{
            "population_set_id": "Set1",
            "populations": {"_id": "x", "IPP": statement("Initial Population"),
                            "MSRPOPL": statement("Initial Population"), "MSRPOPLEX": statement("Diagnosed")},
            "stratifications": [{"stratification_id": "Set1 Stratum1", "statement": statement("Diagnosed")}],
            "observations": [{"observation_function": statement("Days"), "aggregation_type": "MEDIAN",
                              "observation_parameter": statement("Initial Population")}],
            "supplemental_data_elements": [statement("Refused")],
        }],
    }  # fmt: skip


VALUE_SETS = [
    {"oid": SOME, "version": "1", "concepts": [{"code": "9", "code_system_oid": "2.16.840.1.113883.6.96"}]},
    {"oid": SOME, "version": "2", "concepts": [
        {"code": "183452005", "code_system_oid": "2.16.840.1.113883.6.96"},
        {"code": "442023007", "code_system_oid": "2.16.840.1.113883.6.96"}]},
]  # fmt: skip


def deck(root: Path, *documents: bytes, of: dict[str, Any] | None = None) -> Path:
    (root / "measures" / "CMS1").mkdir(parents=True)
    (root / "patients" / "CMS1").mkdir(parents=True)
    (root / "measures" / "CMS1" / "CMS1.json").write_text(json.dumps(of or measure()))
    (root / "measures" / "CMS1" / "value_sets.json").write_text(json.dumps({"ABC": VALUE_SETS}))
    for number, document in enumerate(documents):
        (root / "patients" / "CMS1" / f"p{number}.json").write_bytes(document)
    return root


def diagnosed(identifier: str, day: int) -> dict[str, Any]:
    diagnosis = {"_type": "QDM::DiagnosisComponent", "code": code("38341003"), "rank": 1}
    return encounter(identifier, day, diagnoses=[diagnosis], lengthOfStay={"value": 1, "unit": "days"})


TWO_STAYS = patient(diagnosed("a", 1), encounter("b", 5, 4, lengthOfStay={"value": 4, "unit": "days"}))
