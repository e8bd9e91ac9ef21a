"""`ecqm requirements` on the sample measures and on QDM packages."""

from __future__ import annotations

import json
from pathlib import Path

from fhir.resources.R4B.library import Library

from tests.bundles.packages.stays import TWO_STAYS, deck
from tests.cli.samples import KIDNEY, SAMPLE, copy_of_sample, ecqm


def test_requirements_as_text() -> None:
    lines = ecqm("requirements", SAMPLE, "--measure", KIDNEY).stdout.splitlines()
    at = lines.index("Encounter (qicore-encounter): period, status, type")
    assert lines[at + 1] == '  type in "Outpatient Visit"'
    assert any(line.split() == ["Dialysis", "2", "https://ecqm.example/ValueSet/dialysis"] for line in lines)
    assert lines[-1] == "bulk export: $export?_type=Condition,Encounter,Observation,Patient,Procedure"


def test_requirements_of_several_measures_are_one_list() -> None:
    both, one = (ecqm("requirements", SAMPLE, *names).stdout for names in ((), ("--measure", KIDNEY)))
    assert both.count("\nEncounter (qicore-encounter): ") == 1 and len(both) > len(one)


def test_requirements_as_a_fhir_library() -> None:
    library = json.loads(ecqm("requirements", SAMPLE, "--measure", KIDNEY, "--format", "json").stdout)
    Library.model_validate(library)
    (encounter,) = [each for each in library["dataRequirement"] if each["type"] == "Encounter"]
    assert encounter["codeFilter"] == [{"path": "type", "valueSet": "https://ecqm.example/ValueSet/outpatient-visit"}]
    assert encounter["mustSupport"] == ["period", "status", "type"]
    assert {"https://ecqm.example/ValueSet/dialysis"} <= {each["resource"] for each in library["relatedArtifact"]}


def test_missing_value_sets_are_told(tmp_path: Path) -> None:
    content = copy_of_sample(tmp_path)
    (content / "input" / "vocabulary" / "valueset" / "external" / "valueset-dialysis.json").unlink()
    lines = ecqm("requirements", content, "--measure", KIDNEY).stdout.splitlines()
    assert any(line.split()[1:] == ["missing", "https://ecqm.example/ValueSet/dialysis"] for line in lines)


def test_requirements_of_qdm_packages(tmp_path: Path) -> None:
    packages = deck(tmp_path / "deck", TWO_STAYS)
    text = ecqm("requirements", packages).stdout
    assert "EncounterPerformed" in text and "bulk export" not in text
    refused = ecqm("requirements", packages, "--format", "json")
    assert refused.exit_code == 2 and "only requirements of FHIR data have a form in FHIR" in refused.stderr
