"""What the header of a QRDA document tells of the patient: QDM has it as patient characteristics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ecqm.data.qdm.qrda.codes import read_identifier
from ecqm.data.qdm.qrda.datatypes import CODES, IDENTIFIER, TEXT, TIME
from ecqm.data.qdm.qrda.entry_template import LOINC
from ecqm.data.qdm.qrda.places import Reading
from ecqm.data.qdm.qrda.xml import Element, find_all
from ecqm.data.qdm.schema import CODES as DATA_ELEMENT_CODES
from ecqm.data.qdm.structs import Code

BIRTHDATE = "PatientCharacteristicBirthdate"
BIRTHDATE_CODE = Code("21112-8", LOINC)
# Data types that are told by codes of the patient: where each is; a second code of the kind has an element of its own.
CODED: dict[str, tuple[str, ...]] = {
    "PatientCharacteristicSex": ("administrativeGenderCode",),
    "PatientCharacteristicRace": ("raceCode", "sdtc:raceCode"),
    "PatientCharacteristicEthnicity": ("ethnicGroupCode", "sdtc:ethnicGroupCode"),
}


@dataclass(frozen=True)
class Demographics:
    """The patient of a header: `elements` are (data type, attributes) pairs. `authority` is the root of the identifier,
    an OID that says whose identifier it is."""

    identifier: str | None
    authority: str | None
    given_names: list[str]
    family_name: str | None
    birth: str | None
    elements: list[tuple[str, dict[str, Any]]]


def read_demographics(record_target: Element, reading: Reading) -> Demographics:
    """What a recordTarget tells."""

    def values(path: str, codec: Any) -> list[Any]:
        found = [reading.take(element, codec) for element in find_all(record_target, f"patientRole/{path}")]
        return [value for value in found if value is not None]

    birth = next(iter(values("patient/birthTime", TIME)), None)
    elements: list[tuple[str, dict[str, Any]]] = []
    if birth is not None:
        elements.append((BIRTHDATE, {"birthDatetime": birth, DATA_ELEMENT_CODES: [BIRTHDATE_CODE]}))
    for data_type, paths in CODED.items():
        for path in paths:
            elements += [(data_type, {DATA_ELEMENT_CODES: codes}) for codes in values(f"patient/{path}", CODES)]
    identified = next((each for each in find_all(record_target, "patientRole/id") if read_identifier(each)), None)
    return Demographics(
        None if identified is None else reading.take(identified, IDENTIFIER),
        None if identified is None else identified.get("root"),
        values("patient/name/given", TEXT),
        next(iter(values("patient/name/family", TEXT)), None),
        birth,
        elements,
    )
