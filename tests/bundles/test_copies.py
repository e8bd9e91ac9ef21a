"""Repositories in which the resources of a case lie several times, as those of 2024 do: each case counts once."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from ecqm.cli.main import main
from tests.bundles import visits
from tests.bundles.visits import BOTH, run


def exported(root: Path, version: str, prefix: str = "") -> Path:
    """A bundle for each case, as the authoring tool exports it from a version of the measure."""
    for name, resources in visits.cases().items():
        changed = [
            each | {"id": prefix + each["id"]} if each["resourceType"] != "Patient" else each for each in resources
        ]
        visits.write(root / f"case-{name}" / f"CMS7FHIR-v{version}-IPPass-{name}.json", *changed)
    return root


def count_visits(root: Path) -> Path:
    """The repository with a measure that counts encounters."""
    cql = visits.CQL.replace("exists ([Encounter]", "([Encounter]").replace(
        '"Numerator": exists [Observation]', '"Numerator": "Denominator" Visit where exists [Observation]'
    )
    measure = visits.measure()
    basis = {"url": "http://hl7.org/fhir/us/cqfmeasures/StructureDefinition/cqfm-populationBasis"}
    measure["group"][0]["extension"] = [basis | {"valueCode": "Encounter"}]
    return visits.repository(root, measure, visits.library(cql))


def test_of_a_case_exported_twice_the_later_version_counts(tmp_path: Path) -> None:
    folder = count_visits(tmp_path) / "input/tests/measure/Visits"
    exported(folder, "0.10.000")
    exported(folder, "0.9.001", "earlier-")
    assert run(tmp_path) == {"case-seen": True, "case-unseen": True}


def test_a_case_counts_once_however_often_its_resources_are_there(tmp_path: Path) -> None:
    folder = exported(count_visits(tmp_path) / "input/tests/measure/Visits", "0.4.000")
    for name, resources in visits.cases().items():
        for each in resources:
            # In the case's folder, and loose in the measure's.
            visits.write(folder / f"case-{name}" / f"{each['resourceType']}-{each['id']}.json", each)
            visits.write(folder / f"{each['resourceType']}-{each['id']}.json", each)
        copies = [each | {"id": f"other-{each['id']}"} for each in resources[1:]]
        visits.write(folder / f"tests-case-{name}-bundle.json", resources[0], *copies)
    visits.write(folder / "Group-Visits.json", {"resourceType": "Group", "id": "Visits", "type": "person"})
    for place in (folder, folder.parent):
        (place / ".DS_Store").write_bytes(b"\x00\x00\x00\x01Bud1\xff\xfe")
    (folder / "case-seen" / "._Patient-seen.json").write_bytes(b"\x00\x05\x16\x07")
    assert run(tmp_path) == run(tmp_path, folder) == {"case-seen": True, "case-unseen": True}


def test_cases_with_the_same_ids_are_apart(tmp_path: Path) -> None:
    folder = count_visits(tmp_path) / "input/tests/measure/Visits"
    for name, resources in visits.cases().items():
        same = [
            each | {"id": "1"} if each["resourceType"] in ("Encounter", "Observation") else each for each in resources
        ]
        visits.write(folder / name / "case.json", *same)
    assert run(tmp_path) == BOTH


def test_folders_that_no_report_names_a_measure_for_are_told(tmp_path: Path) -> None:
    visits.deck(visits.repository(tmp_path) / "input/tests/measure/Visits")
    visits.write(tmp_path / "input/tests/measure/Scripts/one/script.json", {"resourceType": "TestScript", "id": "one"})
    told = CliRunner().invoke(main, ["test", str(tmp_path)])
    assert told.exit_code == 0 and "Scripts: no measure is named by the reports of these 1 cases" in told.stderr
