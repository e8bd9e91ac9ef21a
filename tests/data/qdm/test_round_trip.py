"""Bred patients, of all data types and attributes of QDM 5.6, to QRDA Category I and back."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from types import ModuleType
from typing import Any

import pytest

from ecqm.data.qdm.equality import differences
from ecqm.data.qdm.patients import read_whole
from ecqm.data.qdm.qrda.templates import TEMPLATES
from ecqm.data.qdm.schema import NEGATION, qdm_schema
from ecqm.reporting.submissions.category1 import write_qrda1
from tests.data.qdm.patients import SNOMED_CT
from tests.scripts import imported

CODES = (("http://snomed.info/sct", "183452005"), ("http://loinc.org", "1556-0"))
NOW = datetime(2026, 4, 2, tzinfo=UTC)
EVERY_SIX_HOURS = {"code": "307468000", "system": SNOMED_CT}


@pytest.fixture(scope="module")
def elements() -> ModuleType:
    return imported("conformance/peers/qdm_elements.py")


def words() -> Any:
    """What patients are made of: every data type, done and not done, with all of its attributes."""
    vocabulary = imported("conformance/peers/vocabulary.py")
    made = vocabulary.Vocabulary()
    schema = qdm_schema()
    for name in sorted(schema.data_types):
        made.elements |= set(schema.attributes(name))
        for asked in (name, f"Negative{name}") if NEGATION in schema.attributes(name) else (name,):
            made.asked.append(vocabulary.Asked(asked, "", "code", CODES, None))
    made.codes[""] = set(CODES)
    made.quantities[""] = {(Decimal("7.5"), "mg"), (Decimal(3), "d"), (Decimal(12), "1"), (Decimal("0.25"), "mg/dL")}
    return made


def carried(element: dict[str, Any]) -> bool:
    """What of an element has a place in QRDA is kept: of each thing one date, one reason, no patient that is linked.

    Substances have the templates of medications, and become those.
    """
    if element.get(NEGATION):
        element.pop("reason", None)
    if "relevantDatetime" in element:
        element.pop("relevantPeriod", None)
    if "frequency" in element:
        element["frequency"] = EVERY_SIX_HOURS
    for name in ("linkedPatientId", "lengthOfStay"):
        element.pop(name, None)
    shared = {name for template in TEMPLATES for name in template.data_types[1:]}
    return element["_type"].removeprefix("QDM::") not in shared


@pytest.mark.parametrize("seed", range(25))
def test_bred_patients_read_back_equal(elements: ModuleType, seed: int) -> None:
    random = Random(seed)
    year = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC)
    maker = elements.ElementMaker(words(), "5.6", year, random)
    record = [maker.patient()]
    for asked in random.sample(maker.asked, 15):
        record.append(maker.element(asked, record))
    person, *rest = record
    document = person | {"_id": "p", "dataElements": [element for element in rest if carried(element)]}
    builder, (before,) = read_whole(json.dumps(document).encode(), "patient.json")
    made = write_qrda1(before, now=NOW)
    reader, (after,) = read_whole(made.xml, "patient.xml")
    assert not builder.problems and not made.problems and not reader.problems
    assert differences(before, after) == []
