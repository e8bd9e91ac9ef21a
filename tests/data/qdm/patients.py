"""Patients written for these tests, in the community's JSON."""

from __future__ import annotations

import json
from typing import Any

SNOMED_CT, LOINC, RXNORM = "2.16.840.1.113883.6.96", "2.16.840.1.113883.6.1", "2.16.840.1.113883.6.88"


def code(value: str, system: str = SNOMED_CT, display: str | None = None) -> dict[str, Any]:
    return {"code": value, "system": system, "display": display, "version": None}


def element(data_type: str, identifier: str, codes: list[dict[str, Any]], **attributes: Any) -> dict[str, Any]:
    return {"_type": f"QDM::{data_type}", "id": identifier, "dataElementCodes": codes, **attributes}


def period(low: str | None, high: str | None) -> dict[str, Any]:
    return {"low": low, "high": high, "lowClosed": True, "highClosed": True}


def encounter(identifier: str, day: int = 1, nights: int = 1, **attributes: Any) -> dict[str, Any]:
    stay = period(f"2026-03-{day:02}T08:00:00.000+00:00", f"2026-03-{day + nights:02}T10:30:00.000+00:00")
    return element("EncounterPerformed", identifier, [code("183452005")], relevantPeriod=stay, **attributes)


def patient(*elements: dict[str, Any], identifier: str = "p1", version: str = "5.6") -> bytes:
    """A patient in the envelope of the tools."""
    inner = {
        "birthDatetime": "1960-05-06T00:00:00.000+00:00",
        "qdmVersion": version,
        "dataElements": list(elements),
    }
    outer = {"_id": identifier, "familyName": "Doe", "givenNames": ["Jo"], "qdmPatient": inner}
    return json.dumps(outer).encode()


def full_patient() -> bytes:
    """A patient with an element of many data types, with parts, actors, results of every type and negations."""
    practitioner = {
        "_type": "QDM::Practitioner",
        "id": "dr",
        "identifier": {"namingSystem": "2.16.840.1.113883.4.6", "value": "1234567893"},
        "role": code("158965000"),
        "specialty": code("207RC0000X", "2.16.840.1.113883.6.101"),
        "qualification": None,
    }
    organization = {
        "_type": "QDM::Organization",
        "id": None,
        "identifier": {"namingSystem": "Clinic register", "value": "77"},
        "organizationType": code("73770003"),
    }
    moment = "2026-03-01T09:00:00.000+00:00"
    return patient(
        encounter(
            "e1",
            admissionSource=code("185460008"),
            dischargeDisposition=code("306689006"),
            diagnoses=[
                {"_type": "QDM::DiagnosisComponent", "code": code("111297002"), "rank": 1,
                 "presentOnAdmissionIndicator": code("Y", "2.16.840.1.113883.6.301.11")},
                {"_type": "QDM::DiagnosisComponent", "code": code("38341003"), "rank": None},
            ],
            facilityLocations=[
                {"_type": "QDM::FacilityLocation", "code": code("309905000"), "locationPeriod": period(moment, None)}
            ],
            lengthOfStay={"value": 1, "unit": "days"},
            participant=[practitioner, organization],
        )
        | {"class": code("IMP", "2.16.840.1.113883.5.4")},
        element("Diagnosis", "d1", [code("111297002"), code("I63.9", "2.16.840.1.113883.6.90")],
                prevalencePeriod=period("2025-01-01T00:00:00.000+00:00", None), authorDatetime=moment,
                severity=code("24484000"), anatomicalLocationSite=code("56459004")),
        element("LaboratoryTestPerformed", "l1", [code("2345-7", LOINC)], relevantDatetime=moment,
                result={"value": 121.50, "unit": "mg/dL"}, resultDatetime=moment, status=code("445665009"),
                interpretation=code("H", "2.16.840.1.113883.5.83"),
                referenceRange={"low": {"value": 70, "unit": "mg/dL"}, "high": {"value": 99, "unit": "mg/dL"}},
                components=[{"_type": "QDM::ResultComponent", "code": code("1-8", LOINC), "result": 4}]),
        element("LaboratoryTestPerformed", "l2", [code("5778-6", LOINC)], relevantDatetime=moment, result="amber"),
        element("LaboratoryTestPerformed", "l3", [code("3255-7", LOINC)], relevantDatetime=moment,
                result={"numerator": {"value": 1, "unit": "1"}, "denominator": {"value": 128, "unit": "1"}}),
        element("AssessmentPerformed", "a1", [code("44261-6", LOINC)], relevantPeriod=period(moment, moment), result=7,
                method=code("8350-1", LOINC), relatedTo=["e1"], performer=[practitioner],
                components=[{"_type": "QDM::Component", "code": code("44250-9", LOINC),
                             "result": code("LA6568-5", LOINC)}]),
        element("MedicationOrder", "m1", [code("105152", RXNORM)], authorDatetime=moment, refills=2, daysSupplied=30,
                relevantPeriod=period(moment, None), dosage={"value": 5, "unit": "mg"},
                supply={"value": 60, "unit": "mg"},
                frequency=code("307439001"), route=code("26643006"), setting=code("440655000")),
        element("MedicationAdministered", "m2", [code("105152", RXNORM)], authorDatetime=moment,
                negationRationale=code("183932001")),
        element("MedicationDispensed", "m3", [code("105152", RXNORM)], relevantDatetime=moment,
                dosage={"value": 1, "unit": "{tablet}"}, route=code("26643006"), daysSupplied=10),
        element("DeviceOrder", "o1", [code("442023007")], authorDatetime=moment, negationRationale=code("105480006")),
        element("ProcedurePerformed", "r1", [code("235326000")], relevantPeriod=period(moment, moment), rank=1,
                incisionDatetime=moment, reason=code("125629006"), anatomicalLocationSite=code("71854001")),
        element("CommunicationPerformed", "c1", [code("401270003")], authorDatetime=moment, sentDatetime=moment,
                category=code("183665006"), medium=code("448551000124101"), sender=[practitioner]),
        element("PatientCharacteristicSex", "s", [code("F", "2.16.840.1.113883.5.1", "Female")]),
        element("PatientCharacteristicRace", "x", [code("2106-3", "2.16.840.1.113883.6.238")]),
        element("PatientCharacteristicRace", "y", [code("2054-5", "2.16.840.1.113883.6.238")]),
        element("PatientCharacteristicEthnicity", "z", [code("2186-5", "2.16.840.1.113883.6.238")]),
        element("PatientCharacteristicPayer", "q", [code("1", "2.16.840.1.113883.3.221.5")],
                relevantPeriod=period("2026-01-01T00:00:00.000+00:00", None)),
        element("FamilyHistory", "f1", [code("22298006")], relationship=code("FTH", "2.16.840.1.113883.5.111")),
    )  # fmt: skip
