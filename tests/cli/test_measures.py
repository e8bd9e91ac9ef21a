"""`ecqm measures`: what a content holds."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from ecqm.cli import terminal
from tests.bundles import visits
from tests.bundles.packages.stays import TWO_STAYS, deck
from tests.cli.samples import KIDNEY, SAMPLE, STAY, ecqm
from tests.data.qdm.patients import patient


def listed(*arguments: object) -> list[dict[str, object]]:
    result = ecqm("measures", *arguments, "--format", "json")
    assert result.exit_code == 0, result.output
    found: list[dict[str, object]] = json.loads(result.stdout)
    return found


def test_measures_of_a_content() -> None:
    kidney, stay = listed(SAMPLE)
    assert (kidney["name"], kidney["version"], kidney["cases"]) == (KIDNEY, "1.0.000", 12)
    assert kidney["groups"] == [{"id": "Group_1", "scoring": "proportion", "basis": "boolean"}]
    assert (stay["name"], stay["title"], stay["cases"]) == (STAY, "Sample: Length of Hospital Stay", 6)
    assert [each["name"] for each in listed(SAMPLE, "--measure", STAY)] == [STAY]


def test_table() -> None:
    heading, kidney, stay = ecqm("measures", SAMPLE).stdout.splitlines()
    assert heading.split() == ["CMS", "id", "name", "version", "scoring", "basis", "cases", "title"]
    assert kidney.split()[:5] == [KIDNEY, "1.0.000", "proportion", "patients", "12"]
    assert stay.endswith("6  Sample: Length of Hospital Stay")


@pytest.mark.parametrize(("width", "last"), [(200, "title"), (80, "cases"), (50, "cases")])
def test_narrow_terminals_have_fewer_columns(monkeypatch: pytest.MonkeyPatch, width: int, last: str) -> None:
    monkeypatch.setattr(terminal, "table_width", lambda: width)
    lines = ecqm("measures", SAMPLE).stdout.splitlines()
    assert lines[0].endswith(last) and max(map(len, lines)) <= width
    assert "".join(lines).replace(" ", "").count("Stay") >= 1


def test_cases_in_an_archive_of_their_own(tmp_path: Path) -> None:
    content = visits.repository(tmp_path / "content")
    visits.deck(tmp_path / "cases" / "Visits")
    cases = shutil.make_archive(str(tmp_path / "cases"), "zip", tmp_path / "cases")
    assert [each["cases"] for each in listed(content)] == [0]
    assert [each["cases"] for each in listed(content, "--tests", cases)] == [2]


def test_packages_of_qdm_measures(tmp_path: Path) -> None:
    packages = deck(tmp_path / "deck", TWO_STAYS, patient(identifier="p2"))
    (measure,) = listed(packages)
    assert (measure["cms"], measure["cases"]) == ("CMS1", 2)
    assert [each["cases"] for each in listed(packages / "measures")] == [0]


def test_problems_of_an_archive_name_the_archive(tmp_path: Path) -> None:
    content = visits.repository(tmp_path / "content")
    (content / "input" / "resources" / "measure" / "broken.json").write_text("{", "utf-8")
    archive = shutil.make_archive(str(tmp_path / "Visits"), "zip", content)
    result = ecqm("measures", archive)
    assert f"{archive}/input/resources/measure/broken.json: " in result.stderr


def test_content_without_measures(tmp_path: Path) -> None:
    visits.write(tmp_path / "library.json", visits.library())
    result = ecqm("measures", tmp_path)
    assert result.exit_code == 2 and "has no measures" in result.stderr
