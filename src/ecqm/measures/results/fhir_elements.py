"""Elements of FHIR resources, as they are written in JSON."""

from __future__ import annotations

from typing import Any

from ecqm.values import Code
from ecqm.values.units import ucum_code

UCUM = "http://unitsofmeasure.org"

Json = dict[str, Any]


def concept(system: str, code: str) -> Json:
    """A CodeableConcept of one code."""
    return {"coding": [{"system": system, "code": code}]}


def coding(code: Code) -> Json:
    """A Coding."""
    parts = {"system": code.system, "version": code.version, "code": code.code, "display": code.display}
    return {name: part for name, part in parts.items() if part is not None}


def unit_of_quantity(unit: str) -> Json:
    """The elements of a Quantity for a unit: with its code, if it is UCUM's or a calendar duration that has one."""
    code = ucum_code(unit)
    return {"unit": unit, **({} if code is None else {"system": UCUM, "code": code})}
