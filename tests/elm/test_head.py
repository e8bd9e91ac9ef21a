"""The head of an ELM document: its identifier, includes and value sets."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ecqm.elm import ElmError, LibraryHead, LibraryIdentifier, read_head

IDENTIFIER = {"id": "A", "version": "1", "system": "http://example.org"}
HEAD = LibraryHead(
    LibraryIdentifier("A", "1", "http://example.org"),
    (LibraryIdentifier("B", "2"), LibraryIdentifier("C")),
    (("urn:oid:1.2", None), ("urn:oid:1.3", "20260101")),
)


def as_json(**library: Any) -> bytes:
    return json.dumps({"library": {"identifier": IDENTIFIER, **library}}).encode()


def test_the_head_of_json_has_no_logic() -> None:
    includes = [{"path": "http://example.org/B", "version": "2"}, {"path": "C", "version": None}]
    value_sets = [{"name": "X", "id": "urn:oid:1.2"}, {"name": "Y", "id": "urn:oid:1.3", "version": "20260101"}]
    document = as_json(includes={"def": includes}, valueSets={"def": value_sets}, statements={"def": [1]})
    assert read_head(document) == HEAD
    assert read_head(as_json(includes=None, valueSets={})) == LibraryHead(LibraryIdentifier("A", "1"))


def test_the_head_of_xml_is_that_of_json() -> None:
    document = (
        b'\xef\xbb\xbf<?xml version="1.0"?><e:library xmlns:e="urn:hl7-org:elm:r1">'
        b'<e:identifier id="A" version="1" system="http://example.org"/>'
        b'<e:includes><e:def path="http://example.org/B" version="2"/><e:def path="C"/></e:includes>'
        b'<e:valueSets><e:def id="urn:oid:1.2"/><e:def id="urn:oid:1.3" version="20260101"/></e:valueSets></e:library>'
    )
    assert read_head(document) == HEAD


@pytest.mark.parametrize(
    "document",
    [
        b"{}",
        b'{"resourceType": "Library"}',
        b'{"library": {}}',
        b'{"library": {"identifier": {"version": "1"}}}',
        b"<library/>",
        b'<library xmlns="urn:hl7-org:elm:r1"/>',
        b'<library xmlns="urn:hl7-org:elm:r1"><identifier version="1"/></library>',
    ],
)
def test_what_is_no_library_has_none(document: bytes) -> None:
    assert read_head(document) is None


@pytest.mark.parametrize("document", [b"", b"{", b"[]", b'{"library": 1}', b'{"library": {"identifier": []}}', b"\xff"])
def test_what_cannot_be_read_is_refused(document: bytes) -> None:
    with pytest.raises(ElmError, match="not ELM in JSON"):
        read_head(document)
