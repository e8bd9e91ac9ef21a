"""Decks as they have been published and exported over the years, each laid out by hand around one small measure."""

from __future__ import annotations

import base64
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
from ecqm.bundles.decks.runner import DeckRunner
from ecqm.cli.main import main
from ecqm.elm.json_writer import write_json
from ecqm.elm.xml_writer import write_xml
from ecqm.language import Compiler
from tests.bundles import visits
from tests.bundles.contents import bundle

DEQM = "http://hl7.org/fhir/us/davinci-deqm/StructureDefinition/indv-measurereport-deqm"
CQM = "http://hl7.org/fhir/uv/cqm/StructureDefinition/cqm-testcase"


def run(content: Path, tests: Path | None = None) -> dict[str, bool]:
    """Whether each case agrees, by its name."""
    opened = Content.open(content)
    runner = DeckRunner(opened)
    found = {}
    for part in match_deck(opened, tests).measures:
        for result in runner.run(part.measure, part.cases).results:
            found[result.case.name] = result.passes
    return found


BOTH = {"seen": True, "unseen": True}


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
    assert run(tmp_path) == BOTH


@pytest.mark.parametrize("below", [".", "Visits-v1.0.000-FHIR-TestCases", "mat-tests/CMS7FHIR-v1.0.000-FHIR-TestCases"])
@pytest.mark.parametrize("laid_out", [*LOOSE, visits.deck, by_resource])
def test_cases_of_one_measure_wherever_they_lie(tmp_path: Path, laid_out: Callable[[Path], Path], below: str) -> None:
    visits.repository(tmp_path / "content")
    laid_out(tmp_path / "cases" / below)
    assert run(tmp_path / "content", tmp_path / "cases") == BOTH


def test_cases_beside_the_bundle_of_their_measure(tmp_path: Path) -> None:
    files = tmp_path / "bundles" / "measure" / "Visits" / "Visits-files"
    visits.write(files / "Visits.json", visits.measure(), visits.library())
    loose(files)
    assert run(tmp_path / "bundles") == BOTH
    with pytest.raises(ContentError, match="no test cases"):
        match_deck(Content.open(visits.repository(tmp_path / "empty")))


def test_a_case_of_which_two_versions_lie_in_one_folder_is_one_case(tmp_path: Path) -> None:
    visits.repository(tmp_path / "content")
    folder = visits.deck(tmp_path / "cases")
    visits.write(folder / "seen" / "earlier.json", *visits.cases()["seen"])
    assert run(tmp_path / "content", tmp_path / "cases") == BOTH


def test_cases_of_a_measure_that_was_published_elsewhere(tmp_path: Path) -> None:
    visits.repository(tmp_path / "content")
    visits.deck(tmp_path / "cases" / "CMS7", measure="http://elsewhere.org/Measure/Visits")
    assert run(tmp_path / "content", tmp_path / "cases") == BOTH


def test_files_with_a_byte_order_mark(tmp_path: Path) -> None:
    by_resource(visits.repository(tmp_path) / "input/tests/measure/Visits")
    for path in tmp_path.rglob("*.json"):
        path.write_bytes(BOM_UTF8 + path.read_bytes())
    assert run(tmp_path) == BOTH


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
    assert run(tmp_path) == BOTH


def test_reports_without_ids_are_matched_by_code(tmp_path: Path) -> None:
    visits.repository(tmp_path)
    for name, resources in visits.cases().items():
        (group,) = resources[-1]["group"]
        del group["id"]
        for population in group["population"]:
            del population["id"]
        visits.write(tmp_path / "input/tests/measure/Visits" / name / "case.json", *resources)
    assert run(tmp_path) == BOTH


def test_of_a_measure_in_two_versions_cases_are_of_the_one_they_name_or_of_the_latest(tmp_path: Path) -> None:
    later = visits.measure_with("numerator", "Initial Population") | {"version": "1.1.000"}
    visits.repository(tmp_path, visits.measure(), visits.library(), later)
    folder = visits.deck(tmp_path / "input/tests/measure/Visits")
    assert run(tmp_path) == BOTH
    visits.deck(folder, measure=visits.URL)
    assert run(tmp_path) == {"seen": True, "unseen": False}


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


@pytest.mark.parametrize(
    ("reference", "more"),
    [
        ("http://example.org/Library/visit-logic", {"url": "http://example.org/Library/visit-logic"}),
        ("http://example.org/Library/visit-logic|1.0.000", {"url": "http://example.org/Library/visit-logic"}),
        ("Library/library-visits", {"id": "library-visits"}),
        ("http://elsewhere.org/Library/Visits", {"id": "library-visits"}),
        ("http://example.org/Library/Visits", {"name": None}),
    ],
)
def test_a_library_is_found_by_its_name_its_url_and_its_id(
    tmp_path: Path, reference: str, more: visits.Resource
) -> None:
    visits.repository(tmp_path, visits.measure(library=[reference]), visits.library(**more))
    visits.deck(tmp_path / "input/tests/measure/Visits")
    assert run(tmp_path) == BOTH


def test_an_attachment_without_data_is_no_form_of_a_library(tmp_path: Path) -> None:
    elsewhere = {"contentType": "text/cql", "url": "../cql/Visits.cql"}
    visits.repository(tmp_path, visits.measure(), visits.library(content=[elsewhere, {"id": "ig-loader-Visits.cql"}]))
    visits.deck(tmp_path / "input/tests/measure/Visits")
    (tmp_path / "input" / "source").mkdir()
    (tmp_path / "input" / "source" / "Visits.cql").write_text(visits.CQL)
    assert run(tmp_path) == BOTH


@pytest.mark.parametrize(
    ("criterion", "language"),
    [
        ("Numerator", "text/cql.identifier"),
        ('"Numerator"', "text/cql"),
        ("Visits.Numerator", "text/cql"),
        ('Visits."Numerator"', "text/cql-expression"),
    ],
)
def test_criteria_name_definitions_as_cql_does(tmp_path: Path, criterion: str, language: str) -> None:
    visits.repository(tmp_path, visits.measure_with("numerator", criterion, language), visits.library())
    visits.deck(tmp_path / "input/tests/measure/Visits")
    assert run(tmp_path) == BOTH


@pytest.mark.parametrize("language", ["text/cql", "text/cql-expression", "text/cql.expression"])
@pytest.mark.parametrize(
    "criterion",
    [
        "exists [Observation]",
        '"Denominator" and exists [Observation] // of "any" kind',
        "exists (\n  [Observation] Finding\n  where Finding.status.value = 'final'\n)",
        "'\\\\' = '\\\\' and Numerator",
    ],
)
def test_criteria_that_are_expressions(tmp_path: Path, criterion: str, language: str) -> None:
    visits.repository(tmp_path, visits.measure_with("numerator", criterion, language), visits.library())
    visits.deck(tmp_path / "input/tests/measure/Visits")
    assert run(tmp_path) == BOTH


def test_what_keeps_an_expression_from_being_a_criterion(tmp_path: Path) -> None:
    def told(criterion: str, language: str = "text/cql", **library: visits.Resource) -> str:
        root = tmp_path / str(len(list(tmp_path.iterdir())))
        visits.repository(root, visits.measure_with("numerator", criterion, language), visits.library(**library))
        result = CliRunner().invoke(main, ["plan", str(root), "--measure", "Visits"])
        assert result.exit_code == 2
        return result.stderr

    assert "unknown function 'Fist'" in told("Fist([Observation])") and "does not compile" in told("exists")
    assert "does not compile" in told('true define "Denominator": false')
    assert "does not define: 'exists Numerator'" in told("exists Numerator", "text/cql-identifier")
    elm = base64.b64encode(write_json(Compiler().compile_library(visits.CQL).library))
    attached = [{"contentType": "application/elm+json", "data": elm.decode()}]
    assert "takes the CQL of library Visits|1.0.000, which is not at hand" in told(
        "exists [Condition]", content=attached
    )


@pytest.mark.parametrize(
    "content_type",
    [
        "application/elm+json",
        "application/json+elm",
        "application/elm",
        "application/elm+json; charset=utf-8",
        "Application/ELM+JSON;version=1",
    ],
)
def test_types_of_attachments(tmp_path: Path, content_type: str) -> None:
    elm = base64.b64encode(write_json(Compiler().compile_library(visits.CQL).library))
    content = [{"contentType": content_type, "data": elm.decode()}]
    visits.repository(tmp_path / "json", visits.measure(), visits.library(content=content))
    visits.deck(tmp_path / "json/input/tests/measure/Visits")
    assert run(tmp_path / "json") == BOTH
    elm = base64.b64encode(write_xml(Compiler().compile_library(visits.CQL).library))
    content = [{"contentType": content_type.replace("json", "xml").replace("JSON", "xml"), "data": elm.decode()}]
    visits.repository(tmp_path / "xml", visits.measure(), visits.library(content=content))
    visits.deck(tmp_path / "xml/input/tests/measure/Visits")
    assert run(tmp_path / "xml") == BOTH
    cql = [{"contentType": "text/cql; charset=UTF-8", "data": base64.b64encode(visits.CQL.encode()).decode()}]
    visits.repository(tmp_path / "cql", visits.measure(), visits.library(content=cql))
    visits.deck(tmp_path / "cql/input/tests/measure/Visits")
    assert run(tmp_path / "cql") == BOTH


def test_models_of_versions_that_are_not_here_are_taken_and_told_once(tmp_path: Path) -> None:
    cql = visits.CQL.replace("FHIR version '4.0.1'", "QICore version '7.0.2'").replace(
        "[Observation]", "[ProcedureDone]"
    )
    visits.repository(tmp_path, visits.measure(), visits.library(cql.replace("status.value", "status")))
    for name, resources in visits.cases().items():
        done = {"resourceType": "Procedure", "id": "done", "status": "completed"}
        visits.write(tmp_path / "input/tests/measure/Visits" / name / "case.json", *resources)
        if name == "seen":
            visits.write(tmp_path / "input/tests/measure/Visits" / name / "done.json", done)
        else:
            visits.write(tmp_path / "input/tests/measure/Visits" / name / "not.json", done | {"status": "not-done"})
    told = CliRunner().invoke(main, ["test", str(tmp_path)])
    assert told.exit_code == 0, told.output
    assert told.stderr.count("model QICore: version 7.0.2 is not available, using 7.0.0 instead") == 1


def test_libraries_with_a_namespace(tmp_path: Path) -> None:
    cql = visits.CQL.replace("parameter", "include hl7.example.Common version '2.0' called Common\nparameter", 1)
    for declared in ("Common", "hl7.example.Common"):
        root = visits.repository(
            tmp_path / declared,
            visits.measure(),
            visits.library(cql.replace("exists [Observation]", "Common.Found")),
        )
        visits.deck(root / "input/tests/measure/Visits")
        (root / "input" / "cql").mkdir()
        (root / "input" / "cql" / "Common.cql").write_text(
            f"library {declared} version '2.0' using FHIR version '4.0.1' context Patient\n"
            "define Found: exists [Observation]\n"
        )
        assert run(root) == BOTH


@pytest.mark.parametrize("listed", ["[%s]", '{"libraries": [%s]}'])
def test_elm_of_several_libraries_in_one_file(tmp_path: Path, listed: str) -> None:
    compiled = Compiler(lambda name, version: visits.CQL if name == "Visits" else None).library("Visits", None)
    assert compiled is not None
    other = '{"library": {"identifier": {"id": "Other", "version": "1"}}}'
    root = visits.repository(tmp_path, visits.measure())
    (root / "input" / "cql").mkdir()
    elm = write_json(compiled.library).decode()
    (root / "input" / "cql" / "all.json").write_text(listed % f"{other}, {elm}")
    visits.deck(root / "input/tests/measure/Visits")
    assert run(root) == BOTH


def test_cases_in_bundles_within_bundles_with_names_for_codes(tmp_path: Path) -> None:
    visits.repository(tmp_path)
    for name, resources in visits.cases().items():
        for population in resources[-1]["group"][0]["population"]:
            (coding,) = population["code"]["coding"]
            coding["display"] = coding.pop("code").replace("-", " ").title()
        visits.write(tmp_path / f"input/tests/measure/Visits/tests-{name}-bundle.json", bundle(*resources), {})
    assert run(tmp_path) == BOTH
