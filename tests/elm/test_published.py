"""All published libraries can be read, are unchanged after writing, and are equal in JSON and XML."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from typing import Any

import msgspec

from ecqm.bundles.content import Content
from ecqm.bundles.content.elm import elm_source
from ecqm.bundles.content.libraries import Libraries
from ecqm.elm import (
    LibraryCollection,
    LibrarySource,
    read_head,
    read_json,
    read_xml,
    write_json,
    write_xml,
)
from ecqm.elm.nodes import walk
from tests.content import CONTENT, needs_content

pytestmark = needs_content

_decode = msgspec.json.Decoder(float_hook=Decimal).decode

DEFAULTS: set[tuple[str, object]] = {
    ("accessLevel", "Public"),
    ("external", False),
    ("fluent", False),
    ("highClosed", True),
    ("lowClosed", True),
    ("mediaType", "application/elm+xml"),
    ("preserve", False),
    ("strict", False),
}


@cache
def libraries() -> Libraries:
    return Content.open(CONTENT / "ecqm-content-qicore-2025", (CONTENT / "libraries-2025",)).libraries


@cache
def sources() -> tuple[LibrarySource, ...]:
    return tuple(source for library in libraries() if (source := elm_source(library)))


def qdm_documents() -> Iterator[bytes]:
    for path in sorted((CONTENT / "qdm").glob("*/measures/**/*.json")):
        yield from map(msgspec.json.encode, _libraries_within(msgspec.json.decode(path.read_bytes())))


def _libraries_within(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if isinstance(value.get("library"), dict) and "identifier" in value["library"]:
            yield {"library": value["library"]}
        else:
            for part in value.values():
                yield from _libraries_within(part)
    elif isinstance(value, list):
        for part in value:
            yield from _libraries_within(part)


def significant(value: Any, within: str = "") -> Any:
    """A JSON value without empty lists, nulls, and attributes that equal the schema's default."""
    if isinstance(value, list):
        return [significant(part, within) for part in value]
    if not isinstance(value, dict):
        return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value
    kept = {}
    for key, part in value.items():
        if part in ([], None) or (not isinstance(part, list | dict) and (key, part) in DEFAULTS):
            continue
        if key == "distinct" and part is (within == "return"):
            continue
        kept[key] = part if key == "annotation" else significant(part, key)
    return kept


def test_every_library_of_the_year_is_read_and_written_back_as_it_was() -> None:
    assert len(sources()) == 80
    for source in sources():
        document, library = source.data, source.library
        assert library.notes == (), source
        if document.lstrip().startswith(b"{"):
            expected = {"library": _decode(document)["library"]}
            assert significant(_decode(write_json(library.node))) == significant(expected), source


def test_both_spellings_of_a_library_are_one_tree() -> None:
    compared = 0
    for library in libraries():
        as_json, as_xml = library.elm_json(), library.elm_xml()
        if as_json and as_xml:
            assert read_json(as_json) == read_xml(as_xml), library
            assert read_head(as_json) == read_head(as_xml), library
            compared += 1
    assert compared >= 46


def test_qdm_libraries_of_every_age_are_read() -> None:
    count = 0
    for document in qdm_documents():
        library = read_json(document)
        assert read_json(write_json(library)) == library
        assert read_xml(write_xml(library)) == library
        count += 1
    assert count >= 90


def test_every_library_of_the_year_finds_all_that_it_includes() -> None:
    collection = LibraryCollection(sources())
    for identifier in collection.identifiers():
        resolved = collection.resolve(identifier)
        assert resolved.warnings == ()
        for library in resolved.libraries:
            for alias in library.includes:
                assert resolved.included(library, alias) in resolved.libraries
    assert sum(1 for source in sources() for _ in walk(source.library.node)) > 50_000
