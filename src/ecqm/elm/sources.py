"""Where libraries come from: documents that tell at once which library they hold, and are parsed when it is needed.

A measure needs perhaps eight of the seventy libraries that lie in a folder. To identify a document costs a few
milliseconds at most (the reader skips what it does not look for); to parse it costs ten times that.
"""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Iterator
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import msgspec
from lxml import etree

from ecqm.elm.errors import ElmError
from ecqm.elm.json_reader import read_json
from ecqm.elm.library import IndexedLibrary, LibraryIdentifier
from ecqm.elm.schema import ELM
from ecqm.elm.xml_reader import read_xml
from ecqm.json_decoding import json_decoder

ELM_JSON = "application/elm+json"
ELM_XML = "application/elm+xml"


class _Identifier(msgspec.Struct):
    id: str | None = None
    version: str | None = None
    system: str | None = None


class _LibraryHead(msgspec.Struct):
    identifier: _Identifier


class _ElmHead(msgspec.Struct):
    library: _LibraryHead


class _Attachment(msgspec.Struct):
    contentType: str = ""
    data: str | None = None


class _FhirLibrary(msgspec.Struct, tag="Library", tag_field="resourceType"):
    name: str | None = None
    version: str | None = None
    url: str | None = None
    content: list[_Attachment] = []


class LibrarySource:
    """A document of ELM, JSON or XML, that holds one library. `data` is the document, `origin` how messages name it."""

    def __init__(self, data: bytes, origin: str, identifier: LibraryIdentifier | None = None) -> None:
        self.data = data
        self.origin = origin
        self.identifier = identifier or _identify(data, origin)

    def __repr__(self) -> str:
        return f"<source of {self.identifier} in {self.origin}>"

    @cached_property
    def digest(self) -> bytes:
        """Equal for equal documents."""
        return sha256(self.data).digest()

    @cached_property
    def library(self) -> IndexedLibrary:
        """The library, parsed on first use. Raises ElmError when the document is not sound."""
        notes: list[str] = []
        try:
            node = read_xml(self.data, notes) if _is_xml(self.data) else read_json(self.data, notes)
        except ElmError as error:
            library = error.library or str(self.identifier)
            raise ElmError(f"{error.message} (in {self.origin})", library=library, where=error.where) from None
        return IndexedLibrary(node, self.origin, notes)


def _is_xml(data: bytes) -> bool:
    return data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<"


def _identify(data: bytes, origin: str) -> LibraryIdentifier:
    if _is_xml(data):
        return _identify_xml(data, origin)
    try:
        head = json_decoder(_ElmHead)(data).library.identifier
    except msgspec.DecodeError as error:
        raise ElmError(f"{origin} does not say which library it holds: {error}") from None
    return LibraryIdentifier(head.id or "", head.version, head.system)


def _identify_xml(data: bytes, origin: str) -> LibraryIdentifier:
    options = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}
    try:
        for _, element in etree.iterparse(io.BytesIO(data), events=("start",), **options):
            if element.tag == f"{{{ELM}}}identifier":
                return LibraryIdentifier(element.get("id") or "", element.get("version"), element.get("system"))
    except etree.XMLSyntaxError as error:
        raise ElmError(f"{origin} does not say which library it holds: {error.msg}") from None
    raise ElmError(f"{origin} does not say which library it holds")


def fhir_library_source(
    data: bytes, origin: str, content_types: tuple[str, ...] = (ELM_JSON, ELM_XML)
) -> LibrarySource | None:
    """The ELM that a FHIR Library resource (JSON) carries, in the first of the content types that it has; or None.

    Raises ElmError when `data` is no Library resource.
    """
    try:
        resource = json_decoder(_FhirLibrary)(data)
    except msgspec.DecodeError as error:
        raise ElmError(f"{origin} is no FHIR Library: {error}") from None
    for content_type in content_types:
        for attachment in resource.content:
            if attachment.contentType == content_type and attachment.data:
                return LibrarySource(_decoded(attachment.data, origin), f"{origin} ({content_type})")
    return None


def _decoded(text: str, origin: str) -> bytes:
    try:
        return base64.b64decode(text, validate=False)
    except binascii.Error as error:
        raise ElmError(f"{origin} carries an attachment that is not base64: {error}") from None


def folder_sources(folder: Path) -> Iterator[LibrarySource]:
    """The libraries in the files of a folder (not of its folders): ELM JSON, ELM XML, or FHIR Library resources.

    Files of other kinds are passed over; a file that is meant to be ELM and is not sound raises ElmError.
    """
    for path in sorted(folder.iterdir()):
        if path.suffix not in (".json", ".xml") or not path.is_file():
            continue
        data = path.read_bytes()
        if _is_xml(data):
            if b"urn:hl7-org:elm:r1" in data[:2000]:
                yield LibrarySource(data, str(path))
        elif (kind := _json_kind(data)) == "Library":
            if found := fhir_library_source(data, str(path)):
                yield found
        elif kind is None:
            yield LibrarySource(data, str(path))


class _Kind(msgspec.Struct):
    resourceType: str | None = None
    library: msgspec.Raw | None = None


def _json_kind(data: bytes) -> str | None:
    """The resource type of a FHIR resource, None for ELM or what cannot be read, `other` for other JSON."""
    try:
        kind = json_decoder(_Kind)(data)
    except msgspec.DecodeError:
        return None
    return kind.resourceType or (None if kind.library is not None else "other")
