"""Files with several cases: each case gets the resources of its patient, and those of none."""

from __future__ import annotations

import json
from pathlib import Path

from ecqm.bundles.decks.dealing import dealt
from tests.bundles import visits


def test_cases_get_the_resources_that_their_patient_takes_part_in(tmp_path: Path) -> None:
    first, second = (resources[0]["id"] for resources in visits.cases().values())
    appointments = {"one": [first], "both": [first, second], "none": []}
    resources = [each for case in visits.cases().values() for each in case]
    for name, patients in appointments.items():
        actors = [
            {"actor": {"reference": reference}} for reference in ("Practitioner/x", *map("Patient/{}".format, patients))
        ]
        resources.append({"resourceType": "Appointment", "id": name, "participant": actors})
    (tmp_path / "cases.ndjson").write_text("\n".join(map(json.dumps, resources)), "utf-8")
    found = {}
    with dealt(tmp_path) as root:
        for path in root.rglob("case.json"):
            entries = json.loads(path.read_text("utf-8"))["entry"]
            found[path.parent.name] = [
                each["resource"]["id"] for each in entries if each["resource"]["resourceType"] == "Appointment"
            ]
    assert found == {first: ["one", "both", "none"], second: ["both", "none"]}
