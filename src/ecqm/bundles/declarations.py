"""What a library declares that it needs: other libraries and value sets.

Read from the head of its ELM, or from its CQL where there is no ELM, without making sense of the logic: enough to
gather a measure's libraries and to say before a run which value sets it lacks, and for which libraries.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec
from lxml import etree

from ecqm.json_decoding import json_decoder


@dataclass(frozen=True)
class Declarations:
    """The includes (name, version) and the value sets (identifier, with ``|version`` if one is given) of a library.

    ``version`` is what the logic itself says that it is, which need not be what the resource around it says.
    """

    includes: tuple[tuple[str, str | None], ...]
    value_sets: tuple[str, ...]
    version: str | None = None


class _Include(msgspec.Struct, frozen=True):
    path: str = ""
    version: str | None = None


class _ValueSet(msgspec.Struct, frozen=True):
    id: str = ""
    version: str | None = None


class _Includes(msgspec.Struct, frozen=True):
    definitions: list[_Include] = msgspec.field(default_factory=list, name="def")


class _ValueSets(msgspec.Struct, frozen=True):
    definitions: list[_ValueSet] = msgspec.field(default_factory=list, name="def")


class _Identifier(msgspec.Struct, frozen=True):
    version: str | None = None


class _Head(msgspec.Struct, frozen=True):
    identifier: _Identifier = _Identifier()
    includes: _Includes | None = None
    valueSets: _ValueSets | None = None


class _Elm(msgspec.Struct, frozen=True):
    library: _Head = _Head()


_decode = json_decoder(_Elm)

_ELM = "{urn:hl7-org:elm:r1}"
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/|(\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')", re.DOTALL)
_LIBRARY = re.compile(r"^\s*library\s+[^\n]*?\s+version\s+'(?P<version>[^']*)'", re.MULTILINE)
_INCLUDE = re.compile(
    r"^\s*include\s+(?:\w+\.)*(?:\"(?P<quoted>[^\"]+)\"|(?P<plain>\w+))(?:\s+version\s+'(?P<version>[^']*)')?",
    re.MULTILINE,
)
_VALUE_SET = re.compile(
    r"^\s*valueset\s+(?:\"[^\"]+\"|\w+)\s*:\s*'(?P<id>[^']+)'(?:\s+version\s+'(?P<version>[^']*)')?", re.MULTILINE
)


def of_elm_json(data: bytes) -> Declarations:
    head = _decode(data).library
    return _declared(
        [(include.path, include.version) for include in (head.includes.definitions if head.includes else ())],
        [(vs.id, vs.version) for vs in (head.valueSets.definitions if head.valueSets else ())],
        head.identifier.version,
    )


def of_elm_xml(data: bytes) -> Declarations:
    root = etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False))
    return _declared(
        [(str(n.get("path")), n.get("version")) for n in root.iterfind(f"{_ELM}includes/{_ELM}def")],
        [(str(n.get("id")), n.get("version")) for n in root.iterfind(f"{_ELM}valueSets/{_ELM}def")],
        next((n.get("version") for n in root.iterfind(f"{_ELM}identifier")), None),
    )


def of_cql(text: str) -> Declarations:
    text = _COMMENT.sub(lambda match: match[1] or " ", text)
    return _declared(
        [(m["quoted"] or m["plain"], m["version"]) for m in _INCLUDE.finditer(text)],
        [(m["id"], m["version"]) for m in _VALUE_SET.finditer(text)],
        next((m["version"] for m in _LIBRARY.finditer(text)), None),
    )


def _declared(
    includes: Iterable[tuple[str, str | None]], value_sets: Iterable[tuple[str, str | None]], version: str | None
) -> Declarations:
    # A translator may write the path of an include as a namespace URI followed by the name.
    named = [(path.rsplit("/", 1)[-1], wanted) for path, wanted in includes]
    return Declarations(
        includes=tuple(dict.fromkeys(named)),
        value_sets=tuple(dict.fromkeys(f"{vs}|{fixed}" if fixed else vs for vs, fixed in value_sets)),
        version=version,
    )
