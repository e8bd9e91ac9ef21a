"""Copy NDJSON, and add unusual content that real exports have and that is more work for `ecqm load`.

    python conformance/odd_data.py FROM TO KIND

KIND `odd`: one resource in a hundred has a field that FHIR does not have, a null, an exponent, an element of a wrong
type, or a character written as a surrogate pair of escapes. `contained`: each Observation, Encounter, Condition and
Procedure contains a ServiceRequest and a Coverage, as in the claims of Synthea. `unknown`: each resource has a field
that FHIR does not have. `medications`: each MedicationRequest refers to a Medication of its own.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

_ODD = (
    '"unknown":{"a":[1,"b"]},',
    '"meta":null,',
    '"extension":[{"url":"u","valueDecimal":1.5E-7}],',
    '"language":5,',
    '"implicitRules":"\\ud83d\\ude00",',
)
_CONTAINERS = ("Observation", "Encounter", "Condition", "Procedure")
_CONTAINED = [
    {
        "resourceType": "ServiceRequest",
        "id": "referral",
        "status": "completed",
        "intent": "order",
        "subject": {"reference": "Patient/x"},
        "requester": {"reference": "Practitioner/p1"},
    },
    {
        "resourceType": "Coverage",
        "id": "coverage",
        "status": "active",
        "type": {"text": "Medicaid"},
        "beneficiary": {"reference": "Patient/x"},
        "payor": [{"display": "Medicaid"}],
    },
]
_FIELD_OF_CONTAINED = f'"contained":{json.dumps(_CONTAINED, separators=(",", ":"))},'


def _odd(resource_type: str, resource: str, chance: random.Random) -> Lines:
    yield resource_type, _with(chance.choice(_ODD), resource) if chance.random() < 0.01 else resource


def _contained(resource_type: str, resource: str, chance: random.Random) -> Lines:
    yield resource_type, _with(_FIELD_OF_CONTAINED, resource) if resource_type in _CONTAINERS else resource


def _unknown(resource_type: str, resource: str, chance: random.Random) -> Lines:
    yield resource_type, _with('"source":"ehr",', resource)


def _medications(resource_type: str, resource: str, chance: random.Random) -> Lines:
    code, name = '"medicationCodeableConcept":', f"m{chance.getrandbits(62)}"
    if resource_type == "MedicationRequest" and code in resource:
        before, _, after = resource.partition(code)
        concept, end = json.JSONDecoder().raw_decode(after)
        resource = f'{before}"medicationReference":{{"reference":"Medication/{name}"}}{after[end:]}'
        yield "Medication", json.dumps({"resourceType": "Medication", "id": name, "code": concept}) + "\n"
    yield resource_type, resource


def _with(field: str, resource: str) -> str:
    return "{" + field + resource[1:]


# Resources of a type in place of one: (type, line of NDJSON).
Lines = Iterator[tuple[str, str]]
_KINDS: dict[str, Callable[[str, str, random.Random], Lines]] = {
    "odd": _odd,
    "contained": _contained,
    "unknown": _unknown,
    "medications": _medications,
}


def main() -> None:
    source, target, kind = Path(sys.argv[1]), Path(sys.argv[2]), _KINDS[sys.argv[3]]
    target.mkdir()
    chance = random.Random(5)
    for path in sorted(source.glob("*.ndjson")):
        resource_type, _, number = path.name.partition(".")
        copies: dict[str, list[str]] = {}
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                for name, resource in kind(resource_type, line, chance):
                    copies.setdefault(name, []).append(resource)
        for name, resources in copies.items():
            (target / f"{name}.{number}").write_text("".join(resources), "utf-8")


if __name__ == "__main__":
    main()
