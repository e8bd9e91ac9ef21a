"""Logic as it has been published and exported over the years: libraries, attachments, and criteria of measures."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from click.testing import CliRunner

from ecqm.cli.main import main
from ecqm.elm.json_writer import write_json
from ecqm.elm.xml_writer import write_xml
from ecqm.language import Compiler
from tests.bundles import visits


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
    assert visits.run(tmp_path) == visits.BOTH


def test_an_attachment_without_data_is_no_form_of_a_library(tmp_path: Path) -> None:
    elsewhere = {"contentType": "text/cql", "url": "../cql/Visits.cql"}
    visits.repository(tmp_path, visits.measure(), visits.library(content=[elsewhere, {"id": "ig-loader-Visits.cql"}]))
    visits.deck(tmp_path / "input/tests/measure/Visits")
    (tmp_path / "input" / "source").mkdir()
    (tmp_path / "input" / "source" / "Visits.cql").write_text(visits.CQL)
    assert visits.run(tmp_path) == visits.BOTH


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
    assert visits.run(tmp_path) == visits.BOTH


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
    assert visits.run(tmp_path) == visits.BOTH


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
    assert visits.run(tmp_path / "json") == visits.BOTH
    elm = base64.b64encode(write_xml(Compiler().compile_library(visits.CQL).library))
    content = [{"contentType": content_type.replace("json", "xml").replace("JSON", "xml"), "data": elm.decode()}]
    visits.repository(tmp_path / "xml", visits.measure(), visits.library(content=content))
    visits.deck(tmp_path / "xml/input/tests/measure/Visits")
    assert visits.run(tmp_path / "xml") == visits.BOTH
    cql = [{"contentType": "text/cql; charset=UTF-8", "data": base64.b64encode(visits.CQL.encode()).decode()}]
    visits.repository(tmp_path / "cql", visits.measure(), visits.library(content=cql))
    visits.deck(tmp_path / "cql/input/tests/measure/Visits")
    assert visits.run(tmp_path / "cql") == visits.BOTH


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
        assert visits.run(root) == visits.BOTH


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
    assert visits.run(root) == visits.BOTH
