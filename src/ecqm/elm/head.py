"""The head of an ELM document: which library it holds, and what that declares to need.

Read without making sense of the logic, which is most of a document: enough to find a library, to gather those that it
includes, and to tell which value sets it wants.
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
    """Which library it is, the libraries that it includes, and the value sets (identifier, version) that it names."""

    identifier: LibraryIdentifier
    includes: tuple[LibraryIdentifier, ...] = ()
    value_sets: tuple[tuple[str, str | None], ...] = ()


def read_head(data: bytes) -> LibraryHead | None:
    """The head of a document of ELM, JSON or XML; None of one that is well formed and holds no library with a name.

    Raises ElmError for one that cannot be read, or is not to be read (see `ecqm.xml_parsing`).
    """
    return _of_xml(data) if is_xml(data) else _of_json(data)


def _head(
    identifier: LibraryIdentifier,
    includes: Iterable[tuple[str | None, str | None]],
    value_sets: Iterable[tuple[str | None, str | None]],
) -> LibraryHead:
    return LibraryHead(
        identifier,
        tuple(included_identifier(IncludeDef(path=path, version=version)) for path, version in includes if path),
        tuple((name, version) for name, version in value_sets if name),
    )


class _Named(msgspec.Struct):
    id: str | None = None
    version: str | None = None
    system: str | None = None
    path: str | None = None


class _Section(msgspec.Struct):
    definitions: list[_Named] | None = msgspec.field(default=None, name="def")


class _Library(msgspec.Struct):
    identifier: _Named | None = None
    includes: _Section | None = None
    valueSets: _Section | None = None


class _Document(msgspec.Struct):
    library: _Library | None = None


_decode = json_decoder(_Document)


def _of_json(data: bytes) -> LibraryHead | None:
    try:
        library = _decode(data).library
    except msgspec.DecodeError as error:
        raise ElmError(f"not JSON of ELM: {error}") from None
    stated = library.identifier if library else None
    if library is None or stated is None or not stated.id:
        return None
    return _head(
        LibraryIdentifier(stated.id, stated.version, stated.system),
        ((each.path, each.version) for each in _definitions(library.includes)),
        ((each.id, each.version) for each in _definitions(library.valueSets)),
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
    )
