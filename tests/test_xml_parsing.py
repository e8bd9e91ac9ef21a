"""XML is read in one safe way, whoever reads it."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import pytest

from ecqm.bundles.content import Content
from ecqm.bundles.content.documents import ContentError
from ecqm.bundles.packages.hqmf import read_hqmf
from ecqm.cli.conformance.suite import SuiteError, read_suite
from ecqm.data import DataError
from ecqm.data.files.fhir_xml import json_of_xml
from ecqm.elm import ElmError, LibrarySource, read_head, read_xml
from ecqm.xml_parsing import UnsafeDocument, parse
from tests.scripts import ROOT

NAMESPACE = "urn:hl7-org:elm:r1"
HEAD = '<identifier id="A" version="1"/><includes><def path="http://example.org/B" version="2"/></includes>'
SECRET = "what no document may tell"


def elm(content: str = HEAD, before: str = "") -> bytes:
    return f'{before}<library xmlns="{NAMESPACE}">{content}</library>'.encode()


@pytest.fixture
def attacks(tmp_path: Path) -> dict[str, tuple[bytes, str]]:
    """Documents that are not read, and what is said of them."""
    secret = tmp_path / "secret.txt"
    secret.write_text(SECRET)
    inside = '<identifier id="&e;" version="1"/>'
    grown = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 20}">' for n in range(12))
    return {
        "an entity": (elm(inside, '<!DOCTYPE library [<!ENTITY e "A">]>'), "document type"),
        "a file": (elm(inside, f'<!DOCTYPE library [<!ENTITY e SYSTEM "{secret.as_uri()}">]>'), "not well-formed XML"),
        "a file in text": (
            elm(f"{HEAD}<annotation>&e;</annotation>", f'<!DOCTYPE library [<!ENTITY e SYSTEM "{secret.as_uri()}">]>'),
            "document type",
        ),
        "a schema elsewhere": (elm(HEAD, '<!DOCTYPE library SYSTEM "http://example.org/elm.dtd">'), "document type"),
        "entities that grow": (
            elm(f"{HEAD}<annotation>&e12;</annotation>", f'<!DOCTYPE library [<!ENTITY e0 "lol">{grown}]>'),
            "XML",
        ),
        "depth": (elm(HEAD + "<statements>" * 300 + "</statements>" * 300), "nested too deeply"),
        "length": (elm(HEAD + f"<annotation>{'x' * (65 << 20)}</annotation>"), "more than 67,108,864"),
        "a cut": (elm()[:-4], "not well-formed XML"),
    }


KINDS = (
    "an entity",
    "a file",
    "a file in text",
    "a schema elsewhere",
    "entities that grow",
    "depth",
    "length",
    "a cut",
)
READERS: tuple[tuple[Callable[[bytes], object], type[Exception]], ...] = (
    (parse, UnsafeDocument),
    (read_xml, ElmError),
    (read_head, ElmError),
    (lambda data: LibrarySource(data, "a.xml"), ElmError),
    (lambda data: read_hqmf(data, "a.xml"), ContentError),
)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_safe_is_not_read(kind: str, attacks: dict[str, tuple[bytes, str]], tmp_path: Path) -> None:
    document, says = attacks[kind]
    for reader, error in READERS:
        with pytest.raises(error, match=says) as failure:
            reader(document)
        assert SECRET not in str(failure.value)
    if kind != "length":  # beyond what libraries may be, and not beyond what patients' data may
        with pytest.raises(DataError, match=says):
            json_of_xml(document)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_not_safe_is_told_and_the_others_are_read(
    kind: str, attacks: dict[str, tuple[bytes, str]], tmp_path: Path
) -> None:
    document, says = attacks[kind]
    (tmp_path / "content").mkdir()
    (tmp_path / "content" / "a.xml").write_bytes(document)
    (tmp_path / "content" / "b.xml").write_bytes(elm('<identifier id="B" version="2"/>'))
    content = Content.open(tmp_path / "content")
    assert [library.name for library in content.libraries] == ["B"]
    (problem,) = content.problems
    assert problem.startswith(f"{tmp_path / 'content' / 'a.xml'}: ") and says in problem and SECRET not in problem
    suite = tmp_path / "suite.xml"
    suite.write_bytes(document)
    with pytest.raises(SuiteError, match=says):
        read_suite(suite)


def test_xml_is_parsed_nowhere_else() -> None:
    parsers = {"XMLParser", "fromstring", "iterparse", "parse", "XML", "HTML"}
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for folder in ("src", "tools", "conformance")
        for path in (ROOT / folder).rglob("*.py")
        if path.name != "xml_parsing.py"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "etree"
        and node.attr in parsers
    ]
    assert not found
