"""What other engines are given, and what is made of their answers; the engines themselves are not needed."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ecqm.bundles.content import Content
from ecqm.bundles.decks.matching import MeasureCases, match_deck
from tests.scripts import SAMPLE, imported, run


@pytest.fixture(scope="module")
def content() -> Content:
    return Content.open(SAMPLE)


@pytest.fixture(scope="module")
def part(content: Content) -> MeasureCases:
    (part,) = match_deck(content, None, ["SampleDiabetesKidneyCheck"]).measures
    return part


@pytest.fixture(scope="module")
def compare() -> ModuleType:
    return imported("conformance/peers/compare.py")


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_every_engine_gets_the_same(compare: ModuleType, content: Content, part: MeasureCases, tmp_path: Path) -> None:
    given = compare.write_inputs(content, part, 13, tmp_path)
    assert (given.patients, given.period) == (24, ("2026-01-01", "2026-12-31"))
    assert given.criteria[: given.initial_populations] == ("Initial Population",)
    types = [entry["resource"]["resourceType"] for entry in json.loads(given.measure_bundle.read_text())["entry"]]
    assert types == ["Measure", "Library", "Library", "ValueSet", "ValueSet", "ValueSet", "ValueSet"]
    assert {path.stem for path in given.cql.iterdir()} == {"SampleDiabetesKidneyCheck", "FHIRHelpers"}
    assert all(value_set["expansion"]["contains"] for value_set in json.loads(given.value_sets.read_text()))

    bundles, resources = lines(given.bundles), lines(given.resources)
    assert len(bundles) == 24
    assert [entry["resource"] for bundle in bundles for entry in bundle["entry"]] == resources
    ids = {f"{resource['resourceType']}/{resource['id']}" for resource in resources}
    assert len(ids) == len(resources)
    subjects = {resource["subject"]["reference"] for resource in resources if "subject" in resource}
    assert subjects and subjects <= ids


def test_libraries_have_their_elm(content: Content) -> None:
    resource = imported("conformance/peers/inputs.py").library_resource(content.libraries.find("FHIRHelpers"))
    (attachment,) = resource["content"]
    assert json.loads(base64.b64decode(attachment["data"]))["library"]["identifier"]["id"] == "FHIRHelpers"


def answered(compare: ModuleType, given: Any, program: str) -> Any:
    return compare.run_peer([sys.executable, "-c", program], given, 12, limit=True)


def test_the_answer_of_a_peer(compare: ModuleType, content: Content, part: MeasureCases, tmp_path: Path) -> None:
    given = compare.write_inputs(content, part, 24, tmp_path)
    answer = {"patients": 24, "setup": 1.5, "seconds": [1.0, 3.0, 2.0], "members": [14, 2, 0]}
    rate = answered(compare, given, f"print('warming up'); print('''{json.dumps(answer)}''')")
    assert (rate.patients, rate.per_second, rate.setup, rate.members) == (24, 12.0, 1.5, (7.0,))

    assert "NameError" in answered(compare, given, "nothing").failure
    assert answered(compare, given, "raise SystemExit(3)").failure == "failed: exit 3"
    absent = compare.run_peer([str(tmp_path / "absent")], given, 12, limit=False)
    assert absent.failure.endswith("is not installed")

    ours = compare.Rate(24, 600.0, members=compare.initial_populations(content, part))
    (*_, row) = compare.table([compare.Comparison(part.measure.name, ours, rate, absent)])
    assert f"| SampleDiabetesKidneyCheck | 600 | 12 | 50 | {absent.failure} | 0 | - | 0.0 |" in row
    assert row.endswith(f"fqm {'yes' if ours.members == (7.0,) else 'no'}, fhir4ds - |")


def test_a_comparison_needs_content(tmp_path: Path) -> None:
    assert "usage" in run("conformance/peers/compare.py", code=2)
