"""Includes of libraries: exact versions, the nearest ones on request, and what goes wrong."""

from __future__ import annotations

import pytest

from ecqm.elm import (
    ElmError,
    LibraryCollection,
    LibraryIdentifier,
    LibrarySource,
    nearest_version,
    read_json,
    write_xml,
)
from tests.elm.documents import define, include, integer, library


def source(name: str, version: str, *includes: tuple[str, str], value: int = 1, origin: str = "") -> LibrarySource:
    document = library(
        name, version, includes=[include(*wanted) for wanted in includes], statements=[define("x", integer(value))]
    )
    return LibrarySource(document, origin or f"{name}.json")


def test_includes_are_resolved_by_exact_version_dependencies_first() -> None:
    collection = LibraryCollection(
        [
            source("Main", "1", ("Common", "2"), ("Helpers", "1")),
            source("Common", "2", ("Helpers", "1")),
            source("Common", "3"),
            source("Helpers", "1"),
        ]
    )
    resolved = collection.resolve(LibraryIdentifier("Main", "1"))
    assert [str(one.identifier) for one in resolved.libraries] == ["Helpers 1", "Common 2", "Main 1"]
    common = resolved.included(resolved.main, "Common")
    assert common.identifier == LibraryIdentifier("Common", "2")
    assert resolved.included(common, "Helpers") is resolved.libraries[0]
    assert resolved.included(common, None) is common
    assert resolved.warnings == ()
    with pytest.raises(ElmError, match="Common 2: includes no library called 'Main'"):
        resolved.included(common, "Main")


def test_a_library_is_parsed_only_when_it_is_needed() -> None:
    unsound = LibrarySource(library("Unsound", "1", statements=[define("x", {"type": "Frobnicate"})]), "unsound.json")
    collection = LibraryCollection([source("Main", "1"), unsound])
    collection.resolve(LibraryIdentifier("Main", "1"))
    with pytest.raises(ElmError, match=r"Unsound 1: define 'x': unknown node type 'Frobnicate' \(in unsound.json\)"):
        collection.library("Unsound")


def test_a_missing_library_names_who_wants_it_and_what_there_is() -> None:
    collection = LibraryCollection(
        [source("Main", "1", ("Common", "2")), source("Common", "1.9"), source("Common", "3")]
    )
    with pytest.raises(ElmError) as failure:
        collection.resolve(LibraryIdentifier("Main", "1"))
    assert str(failure.value) == "library Common 2 (included by Main 1) not found; available versions: 1.9, 3"
    with pytest.raises(ElmError, match="library Other 1 not found; no version of it is available"):
        collection.resolve(LibraryIdentifier("Other", "1"))


def test_relaxed_versions_take_the_nearest_and_say_so() -> None:
    sources = [source("Main", "1", ("Common", "2.1.000")), source("Common", "2.0.000"), source("Common", "3.0.000")]
    resolved = LibraryCollection(sources, relax_versions=True).resolve(LibraryIdentifier("Main", "1"))
    assert str(resolved.libraries[0].identifier) == "Common 2.0.000"
    expected = "library Common 2.1.000 (included by Main 1) not found: using version 2.0.000 instead"
    assert resolved.warnings == (expected,)


@pytest.mark.parametrize(
    ("wanted", "at_hand", "nearest"),
    [
        ("2.1.0", ["1.0.0", "2.0.0", "2.2.0", "3.0.0"], "2.2.0"),
        ("2.3.0", ["1.0.0", "2.0.0", "2.2.0", "3.0.0"], "2.2.0"),
        ("2.1.0", ["1.0.0", "3.0.0"], "3.0.0"),
        ("9", ["1.0.0", "10.0"], "10.0"),
        ("10.2.000", ["10.1.000", "10.10.000", "10.9.000"], "10.9.000"),
    ],
)
def test_nearest_version(wanted: str, at_hand: list[str], nearest: str) -> None:
    assert nearest_version(wanted, at_hand) == nearest


def test_a_circle_is_named() -> None:
    collection = LibraryCollection(
        [source("A", "1", ("B", "1")), source("B", "1", ("C", "1")), source("C", "1", ("B", "1"))]
    )
    with pytest.raises(ElmError, match="B 1 → C 1 → B 1"):
        collection.resolve(LibraryIdentifier("A", "1"))


def test_one_library_in_two_forms_is_ambiguous_and_in_two_spellings_is_not() -> None:
    first = source("A", "1", origin="a.json")
    as_xml = LibrarySource(write_xml(read_json(library("A", "1", statements=[define("x", integer(1))]))), "a.xml")
    assert as_xml.identifier == LibraryIdentifier("A", "1")
    assert LibraryCollection([first, as_xml, source("A", "1")]).library("A", "1").origin == "a.json"
    other = source("A", "1", value=2, origin="b.json")
    with pytest.raises(ElmError, match=r"A 1 is defined differently in a.json and b.json"):
        LibraryCollection([first, as_xml, other]).library("A", "1")


def test_an_include_path_may_have_a_namespace() -> None:
    main = LibrarySource(
        library("Main", "1", includes=[include("http://example.org/libraries/Common", "1", "C")]), "main.json"
    )
    resolved = LibraryCollection([main, source("Common", "1")]).resolve(main.identifier)
    assert resolved.included(resolved.main, "C").identifier.name == "Common"


def test_a_document_that_is_no_library_is_refused_with_its_origin() -> None:
    for data in (b'{"library": {}}', b"[]", b"{", b"<library", b"<library/>"):
        with pytest.raises(ElmError, match=r"there\.file"):
            LibrarySource(data, "there.file")
