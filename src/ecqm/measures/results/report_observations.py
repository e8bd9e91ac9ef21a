"""The contained Observations of MeasureReports: supplemental data and risk-adjustment variables."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal

from ecqm.measures.definition import Measure, SupplementalData
from ecqm.measures.evaluation.supplements import SingleSupplement, Supplement, TupleSupplement
from ecqm.measures.results.fhir_elements import Json, coding, unit_of_quantity
from ecqm.values import Code, DateTime, Quantity
from ecqm.values.temporal import SECOND
from ecqm.values.text import iso_text, to_cql

USAGE_SYSTEM = "http://terminology.hl7.org/CodeSystem/measure-data-usage"
MEASURE_INFO = "http://hl7.org/fhir/StructureDefinition/cqf-measureInfo"


def with_observations(report: Json, observations: Sequence[Json]) -> Json:
    """A report that contains observations and refers to them."""
    if not observations:
        return report
    numbered = [each | {"id": f"supplement-{n}"} for n, each in enumerate(observations, 1)]
    references = [{"reference": f"#{each['id']}"} for each in numbered]
    return report | {"contained": numbered, "evaluatedResource": references}


def _measure_info(measure: Measure, supplement: SupplementalData) -> list[Json]:
    parts = [
        {"url": "measure", "valueCanonical": measure.canonical},
        {"url": "populationId", "valueString": supplement.id},
    ]
    return [{"url": MEASURE_INFO, "extension": parts}]


def observation(measure: Measure, supplement: SupplementalData, value: Supplement) -> Json:
    """One value of one patient."""
    found: Json = {
        "resourceType": "Observation",
        "extension": _measure_info(measure, supplement),
        "status": "final",
        "code": {"coding": _usage(supplement), "text": supplement.expression},
    }
    if isinstance(value, TupleSupplement):
        components = [{"code": {"text": name}} | _value(element) for name, element in value.elements]
        return found | {"component": components}
    return found | _value(value)


def _value(value: SingleSupplement) -> Json:
    """The element `value[x]` of an Observation or its component."""
    if isinstance(value, Code):
        return {"valueCodeableConcept": {"coding": [coding(value)]}}
    if isinstance(value, bool):
        return {"valueBoolean": value}
    if isinstance(value, int):
        return {"valueInteger": int(value)}
    if isinstance(value, Decimal):
        return {"valueQuantity": {"value": float(value)}}
    if isinstance(value, Quantity):
        unit = {} if value.unit == "1" else unit_of_quantity(value.unit)
        return {"valueQuantity": {"value": float(value.value), **unit}}
    if isinstance(value, DateTime):
        return _time(value)
    return {"valueString": value}


def _time(value: DateTime) -> Json:
    """FHIR R4, dateTime: a time of day has seconds and an offset."""
    text = iso_text(value)
    is_complete = "T" not in text or (value.rank >= SECOND and value.offset is not None)
    return {"valueDateTime" if is_complete else "valueString": text}


def counted_observation(measure: Measure, supplement: SupplementalData, code: Json, count: int) -> Json:
    """How many patients have one value."""
    return {
        "resourceType": "Observation",
        "extension": _measure_info(measure, supplement),
        "status": "final",
        "code": code,
        "valueInteger": count,
    }


def _usage(supplement: SupplementalData) -> list[Json]:
    return [{"system": USAGE_SYSTEM, "code": usage} for usage in sorted(supplement.usage)]


def code_of_value(value: SingleSupplement) -> str:
    """JSON of the `code` by which an Observation counts a value."""
    return json.dumps({"coding": [coding(value)]} if isinstance(value, Code) else {"text": _text(value)})


def _text(value: SingleSupplement) -> str:
    if isinstance(value, (Quantity, DateTime)):
        return to_cql(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
