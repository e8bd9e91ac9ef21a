"""The tools for maintainers, on small inputs."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.scripts import SAMPLE, run

DEFINITION = """<modelInfo xmlns="urn:hl7-org:elm-modelinfo:r1" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
  name="Tiny" version="1.0" url="http://example.org/tiny" targetUrl="http://example.org">
  <typeInfo xsi:type="ClassInfo" name="Thing" baseType="System.Any" retrievable="true" primaryCodePath="kind">
    <element name="kind" elementType="System.Code"/>
    <element name="parts"><elementTypeSpecifier xsi:type="ListTypeSpecifier" elementType="Thing"/></element>
  </typeInfo></modelInfo>"""


def test_a_model_file_of_a_definition(tmp_path: Path) -> None:
    (tmp_path / "definitions").mkdir()
    (tmp_path / "definitions" / "tiny.xml").write_text(DEFINITION)
    told = run("tools/build_models.py", tmp_path / "definitions", "--into", tmp_path / "models")
    assert told.startswith("Tiny-1.0.model") and told.endswith(" 1 types\n")
    assert (tmp_path / "models" / "Tiny-1.0.model").read_text().splitlines() == [
        "model\tTiny\t1.0\thttp://example.org/tiny",
        "targetUrl\thttp://example.org",
        "",
        "class\tThing\tSystem.Any\tprimaryCodePath=kind\tretrievable",
        "\tkind\tSystem.Code",
        "\tparts\tList<Tiny.Thing>",
    ]


def test_figures_of_elm(tmp_path: Path) -> None:
    (tmp_path / "libraries-2025").mkdir()
    shutil.copytree(SAMPLE, tmp_path / "ecqm-content-qicore-2025")
    # The folder of additional libraries must not be empty.
    shutil.copytree(SAMPLE / "input" / "cql", tmp_path / "libraries-2025" / "cql")
    told = run("tools/elm_figures.py", tmp_path)
    assert told.startswith("3 libraries identified in ")
    assert "3 of 3 libraries are unchanged after writing and reading them" in told
    assert "3 of 3 libraries find all their includes (up to 2 libraries with itself)" in told


def test_the_parser_is_that_of_the_grammar() -> None:
    assert run("tools/regenerate_parser.py", "--check") == ""
