"""The head of an ELM document: the library's identifier, its includes, its data models and its value sets.

The logic, which is most of a document, is skipped. The head is enough to find a library, the libraries that it
includes, and the models and value sets that it needs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from ecqm.elm.errors import ElmError
from ecqm.elm.library import LibraryIdentifier, included_identifier
from ecqm.elm.nodes import IncludeDef
from ecqm.elm.schema import ELM
from ecqm.elm.xml_reader import is_xml, parse_xml
from ecqm.json_decoding import json_decoder


@dataclass(frozen=True)
class LibraryHead:
    """The identifier of a library, the libraries that it includes, its value sets (identifier, version), and the names
    of its data models."""

    identifier: LibraryIdentifier
    includes: tuple[LibraryIdentifier, ...] = ()
    value_sets: tuple[tuple[str, str | None], ...] = ()
    models: tuple[str, ...] = ()


def read_head(data: bytes) -> LibraryHead | None:
    """The head of an ELM document in JSON or XML; None if a well-formed document has no library with a name.

    Raises ElmError if the document cannot be read, or is unsafe to read (see `ecqm.xml_parsing`).
    """
    return _of_xml(data) if is_xml(data) else _of_json(data)


def _head(
    identifier: LibraryIdentifier,
    includes: Iterable[tuple[str | None, str | None]],
    value_sets: Iterable[tuple[str | None, str | None]],
    models: Iterable[str | None],
) -> LibraryHead:
    return LibraryHead(
        identifier,
        tuple(included_identifier(IncludeDef(path=path, version=version)) for path, version in includes if path),
        tuple((name, version) for name, version in value_sets if name),
        tuple(filter(None, models)),
    )


class _Named(msgspec.Struct):
    id: str | None = None
    version: str | None = None
    system: str | None = None
    path: str | None = None
    localIdentifier: str | None = None


class _Section(msgspec.Struct):
    definitions: list[_Named] | None = msgspec.field(default=None, name="def")


class _Library(msgspec.Struct):
    identifier: _Named | None = None
    usings: _Section | None = None
    includes: _Section | None = None
    valueSets: _Section | None = None


class _Document(msgspec.Struct):
    library: _Library | None = None


_decode = json_decoder(_Document)


def _of_json(data: bytes) -> LibraryHead | None:
    try:
        library = _decode(data).library
    except msgspec.DecodeError as error:
        raise ElmError(f"not ELM in JSON: {error}") from None
    stated = library.identifier if library else None
    if library is None or stated is None or not stated.id:
        return None
    return _head(
        LibraryIdentifier(stated.id, stated.version, stated.system),
        ((each.path, each.version) for each in _definitions(library.includes)),
        ((each.id, each.version) for each in _definitions(library.valueSets)),
        (each.localIdentifier for each in _definitions(library.usings)),
    )


def _definitions(section: _Section | None) -> list[_Named]:
    return (section.definitions if section else None) or []


def _of_xml(data: bytes) -> LibraryHead | None:
    root = parse_xml(data)
    stated = root.find(f"{{{ELM}}}identifier") if root.tag == f"{{{ELM}}}library" else None
    name = None if stated is None else stated.get("id")
    if stated is None or not name:
        return None
    return _head(
        LibraryIdentifier(name, stated.get("version"), stated.get("system")),
        ((each.get("path"), each.get("version")) for each in root.iterfind(f"{{{ELM}}}includes/{{{ELM}}}def")),
        ((each.get("id"), each.get("version")) for each in root.iterfind(f"{{{ELM}}}valueSets/{{{ELM}}}def")),
        (each.get("localIdentifier") for each in root.iterfind(f"{{{ELM}}}usings/{{{ELM}}}def")),
    )
