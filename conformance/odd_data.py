"""Copy NDJSON, and add unusual content that real exports have and `ecqm load` must rewrite before parsing.

    python conformance/odd_data.py FROM TO KIND

KIND `odd`: one resource in a hundred has a field that FHIR does not have, a null, an exponent, an element of a wrong
type, or a character written as a surrogate pair of escapes. `contained`: each Observation, Encounter, Condition and
Procedure contains a ServiceRequest and a Coverage, as in the claims of Synthea. `unknown`: each resource has a field
that FHIR does not have.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable
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


def _odd(resource_type: str, chance: random.Random) -> str:
    return chance.choice(_ODD) if chance.random() < 0.01 else ""


def _contained(resource_type: str, chance: random.Random) -> str:
    return _FIELD_OF_CONTAINED if resource_type in _CONTAINERS else ""


def _unknown(resource_type: str, chance: random.Random) -> str:
    return '"source":"ehr",'


_KINDS: dict[str, Callable[[str, random.Random], str]] = {"odd": _odd, "contained": _contained, "unknown": _unknown}


def main() -> None:
    source, target, kind = Path(sys.argv[1]), Path(sys.argv[2]), _KINDS[sys.argv[3]]
    target.mkdir()
    chance = random.Random(5)
    for path in sorted(source.glob("*.ndjson")):
        resource_type = path.name.partition(".")[0]
        with path.open(encoding="utf-8") as lines, (target / path.name).open("w", encoding="utf-8") as copy:
            for line in lines:
                copy.write("{" + kind(resource_type, chance) + line[1:])


if __name__ == "__main__":
    main()
