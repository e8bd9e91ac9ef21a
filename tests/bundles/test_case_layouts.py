"""Cases as they have been published and exported over the years, laid out by hand around one small measure."""

from __future__ import annotations

import gzip
import json
import re
import zipfile
from codecs import BOM_UTF8
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from click.testing import CliRunner

from ecqm.bundles.content import Content
from ecqm.bundles.content.documents import ContentError
from ecqm.bundles.decks.matching import match_deck
from ecqm.cli.main import main
from tests.bundles import visits
from tests.bundles.contents import bundle

DEQM = "http://hl7.org/fhir/us/davinci-deqm/StructureDefinition/indv-measurereport-deqm"
CQM = "http://hl7.org/fhir/uv/cqm/StructureDefinition/cqm-testcase"


def by_resource(root: Path) -> Path:
    """A file for each resource."""
    for name, resources in visits.cases().items():
        for resource in resources:
            visits.write(root / name / f"{resource['resourceType']}-{resource['id']}.json", resource)
    return root


def by_type(root: Path) -> Path:
    """A folder for each type of resource, and a bundle of each type beside them."""
    for name, resources in visits.cases().items():
        for resource in resources:
            kind = resource["resourceType"]
            visits.write(root / name / kind / f"{resource['id']}.json", resource)
            visits.write(root / name / f"tests-{kind}-bundle.json", resource, resource)
    return root


def loose(root: Path) -> Path:
    """A bundle for each case, in no folder of its own."""
    for name, resources in visits.cases().items():
        visits.write(root / f"tests-{name}-bundle.json", *resources)
    return root


def reports_beside(root: Path) -> Path:
    """A bundle for the data of each case, and a file for its report."""
    for name, resources in visits.cases().items():
        visits.write(root / f"tests-{name}-bundle.json", *resources[:-1])
        visits.write(root / f"{name}-MeasureReport.json", resources[-1])
    return root


def reports_together(root: Path) -> Path:
    """A bundle for the data of each case, and one for all reports."""
    cases = visits.cases()
    for name, resources in cases.items():
        visits.write(root / f"{name}.json", *resources[:-1])
    visits.write(root / "MeasureReports.json", *(resources[-1] for resources in cases.values()))
    return root


def half_loose(root: Path) -> Path:
    """One case in a folder with a copy beside it, the other beside it only."""
    visits.deck(root)
    loose(root)
    (root / "unseen" / "unseen.json").unlink()
    (root / "unseen").rmdir()
    return root


LOOSE = (loose, reports_beside, reports_together)


@pytest.mark.parametrize("laid_out", [*LOOSE, visits.deck, by_resource, by_type, half_loose])
@pytest.mark.parametrize("below", ["input/tests/measure/Visits", "input/tests/Visits", "tests/measure/Visits"])
def test_cases_of_a_repository(tmp_path: Path, laid_out: Callable[[Path], Path], below: str) -> None:
    laid_out(visits.repository(tmp_path) / below)
    assert visits.run(tmp_path) == visits.BOTH


@pytest.mark.parametrize("below", [".", "Visits-v1.0.000-FHIR-TestCases", "mat-tests/CMS7FHIR-v1.0.000-FHIR-TestCases"])
@pytest.mark.parametrize("laid_out", [*LOOSE, visits.deck, by_resource])
def test_cases_of_one_measure_wherever_they_lie(tmp_path: Path, laid_out: Callable[[Path], Path], below: str) -> None:
    visits.repository(tmp_path / "content")
    laid_out(tmp_path / "cases" / below)
    assert visits.run(tmp_path / "content", tmp_path / "cases") == visits.BOTH


def test_cases_beside_the_bundle_of_their_measure(tmp_path: Path) -> None:
    files = tmp_path / "bundles" / "measure" / "Visits" / "Visits-files"
    visits.write(files / "Visits.json", visits.measure(), visits.library())
    loose(files)
    assert visits.run(tmp_path / "bundles") == visits.BOTH
    with pytest.raises(ContentError, match="no test cases"):
        match_deck(Content.open(visits.repository(tmp_path / "empty")))


def test_a_case_of_which_two_versions_lie_in_one_folder_is_one_case(tmp_path: Path) -> None:
    visits.repository(tmp_path / "content")
    folder = visits.deck(tmp_path / "cases")
    visits.write(folder / "seen" / "earlier.json", *visits.cases()["seen"])
    assert visits.run(tmp_path / "content", tmp_path / "cases") == visits.BOTH


def test_cases_of_a_measure_that_was_published_elsewhere(tmp_path: Path) -> None:
    visits.repository(tmp_path / "content")
    visits.deck(tmp_path / "cases" / "CMS7", measure="http://elsewhere.org/Measure/Visits")
    assert visits.run(tmp_path / "content", tmp_path / "cases") == visits.BOTH


def test_files_with_a_byte_order_mark(tmp_path: Path) -> None:
    by_resource(visits.repository(tmp_path) / "input/tests/measure/Visits")
    for path in tmp_path.rglob("*.json"):
        path.write_bytes(BOM_UTF8 + path.read_bytes())
    assert visits.run(tmp_path) == visits.BOTH


def test_cql_in_utf16_is_called_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "Visits.cql"
    path.write_bytes(visits.CQL.encode("utf-16"))
    assert Content.open(tmp_path).problems == [f"{path}: it is UTF-16, and has to be UTF-8"]
    result = CliRunner().invoke(main, ["compile", str(path)])
    assert result.exit_code == 2 and f"{path}: it is UTF-16" in result.stderr


@pytest.mark.parametrize(
    "more",
    [
        {"meta": None},
        {"meta": {"profile": [CQM]}},
        {"meta": {"profile": [DEQM]}},
        {"meta": {"profile": [DEQM]}, "modifierExtension": [{"url": "x/cqfm-isTestCase", "valueBoolean": True}]},
        {"measure": "http://elsewhere.org/Measure/Visits"},
        {"period": {"start": "2026-01-01T00:00:00.000+00:00", "end": "2026-12-31T23:59:59.999+00:00"}},
    ],
)
def test_reports_of_other_years(tmp_path: Path, more: visits.Resource) -> None:
    visits.deck(visits.repository(tmp_path) / "input/tests/measure/Visits", **more)
    assert visits.run(tmp_path) == visits.BOTH


def test_reports_without_ids_are_matched_by_code(tmp_path: Path) -> None:
    visits.repository(tmp_path)
    for name, resources in visits.cases().items():
        (group,) = resources[-1]["group"]
        del group["id"]
        for population in group["population"]:
            del population["id"]
        visits.write(tmp_path / "input/tests/measure/Visits" / name / "case.json", *resources)
    assert visits.run(tmp_path) == visits.BOTH


def test_of_a_measure_in_two_versions_cases_are_of_the_one_they_name_or_of_the_latest(tmp_path: Path) -> None:
    later = visits.measure_with("numerator", "Initial Population") | {"version": "1.1.000"}
    visits.repository(tmp_path, visits.measure(), visits.library(), later)
    folder = visits.deck(tmp_path / "input/tests/measure/Visits")
    assert visits.run(tmp_path) == visits.BOTH
    visits.deck(folder, measure=visits.URL)
    assert visits.run(tmp_path) == {"seen": True, "unseen": False}


def zipped(folder: Path, archive: Path) -> Path:
    with zipfile.ZipFile(archive, "w") as made:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            made.write(path, path.relative_to(folder))
    return archive


def test_archives_of_a_measure_and_of_its_cases_and_of_both(tmp_path: Path) -> None:
    files = tmp_path / "files"
    visits.write(files / "Visits-v1.0.000-FHIR.json", visits.measure(), visits.library())
    (files / "Visits.html").write_text("<html></html>")
    (tmp_path / "both").mkdir()
    measure = zipped(files, tmp_path / "both" / "MeasureExport.zip")
    cases = zipped(visits.deck(tmp_path / "cases"), tmp_path / "both" / "TestCaseExport.zip")
    both = zipped(tmp_path / "both", tmp_path / "both.zip")
    folder = both.with_suffix("")
    ways = ([measure, "--tests", cases], [both], [folder], [measure, "--tests", folder])
    for arguments in [["test", *map(str, way)] for way in ways]:
        told = CliRunner().invoke(main, arguments)
        assert told.exit_code == 0, told.output
        assert "Visits            2      2" in told.output


def test_what_could_not_be_read_of_a_case_is_told(tmp_path: Path) -> None:
    visits.deck(visits.repository(tmp_path) / "input/tests/measure/Visits")
    (tmp_path / "input/tests/measure/Visits/seen/cut.json").write_text('{"resourceType": "Observation", ')
    told = CliRunner().invoke(main, ["test", str(tmp_path)])
    assert told.exit_code == 0 and "warning: " in told.stderr and "cut.json" in told.stderr


def agreed(*arguments: object, cases: int = 2) -> str:
    """What `ecqm test` says of so many cases, all of which agree."""
    told = CliRunner().invoke(main, ["test", *map(str, arguments)])
    assert told.exit_code == 0, told.output
    assert re.search(rf"^Visits +{cases} +{cases} ", told.output, re.MULTILINE), told.output
    return told.stderr


def test_cases_within_the_bundle_of_their_measure(tmp_path: Path) -> None:
    cases = [each for resources in visits.cases().values() for each in resources]
    organization = {"resourceType": "Organization", "id": "clinic"}
    whole = visits.write(tmp_path / "a" / "whole.json", visits.measure(), visits.library(), organization, *cases)
    agreed(whole)
    agreed(whole.parent)
    measure = visits.write(tmp_path / "measure.json", visits.measure(), visits.library())
    agreed(measure, "--tests", visits.write(tmp_path / "cases.json", *cases))
    visits.write(tmp_path / "several" / "one" / "cases.json", *cases)
    agreed(measure, "--tests", tmp_path / "several")
    # What a case in a folder of its own says counts, and not what copies say.
    visits.write(tmp_path / "several" / "one" / "seen" / "case.json", visits.patient("seen"), visits.report("seen", 1))
    told = CliRunner().invoke(main, ["test", str(measure), "--tests", str(tmp_path / "several")])
    assert told.exit_code == 1 and "Visits            2      1" in told.output, told.output


def test_cases_within_the_bundle_of_their_measure_and_as_files_beside_it(tmp_path: Path) -> None:
    # As the tool that refreshes content makes them of a repository: X-bundle.json, and its parts in X-files.
    folder = tmp_path / "bundles" / "measure" / "Visits"
    visits.write(folder / "Visits-files" / "Visits.json", visits.measure(), visits.library())
    loose(folder / "Visits-files")
    cases = [each for resources in visits.cases().values() for each in resources]
    visits.write(folder / "Visits-bundle.json", visits.measure(), visits.library(), *cases)
    for place in (folder, tmp_path / "bundles", tmp_path, folder / "Visits-files", folder / "Visits-bundle.json"):
        agreed(place)


def test_patients_of_a_bundle_that_are_named_by_urls(tmp_path: Path) -> None:
    text = json.dumps([each for resources in visits.cases().values() for each in resources])
    resources = json.loads(re.sub(r"Patient/(\w+)", r"urn:uuid:\1", text))
    entries = [{"fullUrl": f"urn:uuid:{each['id']}", "resource": each} for each in resources]
    cases = tmp_path / "cases.json"
    cases.write_text(json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}))
    agreed(visits.write(tmp_path / "measure.json", visits.measure(), visits.library()), "--tests", cases)


@pytest.mark.parametrize("pack", [("gz", gzip.compress), ("zst", lambda raw: pa.compress(raw, "zstd", asbytes=True))])
def test_cases_in_compressed_ndjson(tmp_path: Path, pack: tuple[str, Callable[[bytes], bytes]]) -> None:
    measure = visits.write(tmp_path / "measure.json", visits.measure(), visits.library())
    lines = [json.dumps(each) for resources in visits.cases().values() for each in resources]
    (tmp_path / "deck").mkdir()
    (tmp_path / "deck" / f"cases.ndjson.{pack[0]}").write_bytes(pack[1]("\n".join(lines).encode()))
    agreed(measure, "--tests", tmp_path / "deck")
    agreed(measure, "--tests", zipped(tmp_path / "deck", tmp_path / "deck.zip"))


@pytest.mark.parametrize("below", [".", "Visits", "cases"])
def test_cases_in_ndjson(tmp_path: Path, below: str) -> None:
    measure = visits.write(tmp_path / "measure.json", visits.measure(), visits.library())
    folder = tmp_path / "deck" / below
    folder.mkdir(parents=True)
    for each in (each for resources in visits.cases().values() for each in resources):
        with (folder / f"{each['resourceType']}.ndjson").open("a", encoding="utf-8") as file:
            file.write(json.dumps(each) + "\n\n")
    assert "warning" not in agreed(measure, "--tests", tmp_path / "deck")
    with (folder / "Encounter.ndjson").open("a", encoding="utf-8") as file:
        file.write('{"resourceType": "Encounter", ')
    assert "Encounter.ndjson:5: " in agreed(measure, "--tests", tmp_path / "deck")
    # Cases laid out otherwise are there all the same: in a folder, in a bundle.
    for name, file in {"apart": "apart/case.json", "loose": "loose.json"}.items():
        visits.write(folder / file, visits.patient(name), visits.visit(name), visits.report(name, 0))
    visits.deck(tmp_path / "deck" / "Other", measure="http://example.org/Measure/Other")
    assert "the content has no measure" in agreed(measure, "--tests", tmp_path / "deck", cases=4)


def test_cases_in_bundles_within_bundles_with_names_for_codes(tmp_path: Path) -> None:
    visits.repository(tmp_path)
    for name, resources in visits.cases().items():
        for population in resources[-1]["group"][0]["population"]:
            (coding,) = population["code"]["coding"]
            coding["display"] = coding.pop("code").replace("-", " ").title()
        visits.write(tmp_path / f"input/tests/measure/Visits/tests-{name}-bundle.json", bundle(*resources), {})
    assert visits.run(tmp_path) == visits.BOTH
