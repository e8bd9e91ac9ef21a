"""Libraries of measure content: their names, and their ELM and CQL, read when needed."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from enum import StrEnum
from functools import cached_property

import msgspec

from ecqm.bundles.content.declarations import Declarations, library_of_cql, of_cql, of_elm
from ecqm.bundles.content.documents import Constant, ContentError, Document
from ecqm.elm import ElmError, read_head
from ecqm.elm.xml_reader import is_xml
from ecqm.json_decoding import UTF16, is_utf16, json_decoder
from ecqm.versions import version_key


class Format(StrEnum):
    """A form in which a library is available (the content types of FHIR Library.content)."""

    ELM_JSON = "application/elm+json"
    ELM_XML = "application/elm+xml"
    CQL = "text/cql"


# Besides the registered types, those that tools write instead; "application/elm" may be JSON or XML.
_FORMS = {form.value: form for form in Format} | {
    "application/json+elm": Format.ELM_JSON,
    "application/xml+elm": Format.ELM_XML,
}
_EITHER_ELM = "application/elm"
_FHIR_HELPERS = "FHIRHelpers"
# The likeness (difflib) of names that may be meant for each other: Hospice and Hospices, but not CMS122 and CMS125.
_SIMILAR = 0.92


@dataclass(frozen=True)
class LibrarySource:
    """One version of a library: readers of its forms, and the document that each form comes from."""

    name: str
    version: str | None
    forms: dict[Format, Document] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.name}|{self.version}" if self.version else self.name

    def elm_json(self) -> bytes | None:
        """The ELM in JSON, if there is any."""
        return self._read(Format.ELM_JSON)

    def elm_xml(self) -> bytes | None:
        """The ELM in XML, if there is any."""
        return self._read(Format.ELM_XML)

    def cql(self) -> str | None:
        """The CQL, if there is any."""
        data = self._read(Format.CQL)
        return None if data is None else data.decode("utf-8-sig", errors="replace")

    @cached_property
    def elm(self) -> tuple[Format, bytes] | None:
        """Its ELM, JSON before XML; None if it is at hand only as CQL. Kept, because it is read for what the library
        declares and again for its logic. Raises ContentError."""
        for form in (Format.ELM_JSON, Format.ELM_XML):
            if data := self._read(form):
                return form, data
        return None

    @cached_property
    def declared(self) -> Declarations:
        """The includes and value sets that the library declares. Raises ElmError, ContentError."""
        elm = self.elm
        try:
            return of_cql(self.cql() or "") if elm is None else of_elm(elm[1])
        except ElmError as error:
            raise ElmError(error.message, library=str(self)) from error

    def place(self, form: Format) -> str | None:
        """The file that a form comes from."""
        document = self.forms.get(form)
        return document.place if document else None

    def _read(self, form: Format) -> bytes | None:
        document = self.forms.get(form)
        return document.read() if document else None


class LibraryNotFound(LookupError):
    """No such library, or not in the requested version; the message lists the available versions."""


class Libraries:
    """Libraries by name and exact version. Of a form that was added twice the first is taken.

    FHIRHelpers is found also where it was not added, in any version for FHIR 4.0.1; `supplied` has those that were
    asked for.
    """

    def __init__(self) -> None:
        self._sources: dict[str, dict[str | None, LibrarySource]] = {}
        self._names: dict[str, str] = {}
        self.supplied: dict[str | None, LibrarySource] = {}

    def add(self, name: str, version: str | None, form: Format, document: Document) -> None:
        """Add one form of a library. Of several documents in one form, the first counts."""
        source = self._sources.setdefault(name, {}).setdefault(version, LibrarySource(name, version))
        source.forms.setdefault(form, document)

    def call(self, name: str, *others: str | None) -> None:
        """Add other names of a library: its canonical URL, its id."""
        for other in others:
            if other:
                self._names.setdefault(other, name)

    def name_of(self, reference: str) -> str:
        """The name of the library that a canonical URL or a relative reference (`Library/id`) refers to."""
        last = reference.rpartition("/")[2]
        if reference in self._names:
            return self._names[reference]
        return last if last in self._sources else self._names.get(last, last)

    def __iter__(self) -> Iterator[LibrarySource]:
        for versions in self._sources.values():
            yield from versions.values()

    def __len__(self) -> int:
        return sum(len(versions) for versions in self._sources.values())

    def versions(self, name: str) -> tuple[LibrarySource, ...]:
        """All versions of a library, the latest first."""
        found = self._sources.get(name, {}).values()
        return tuple(sorted(found, key=lambda source: version_key(source.version), reverse=True))

    def find(self, name: str, version: str | None = None) -> LibrarySource:
        """The library in exactly this version; without a version, the latest."""
        sources = self.versions(name)
        if version is None and sources:
            return sources[0]
        for source in sources:
            if source.version == version:
                return source
        if name == _FHIR_HELPERS and (own := self._supplied(version)) is not None:
            return own
        available = ", ".join(str(source.version) for source in sources)
        wanted = f"library {name}" + (f" version {version}" if version else "")
        if sources:
            hint = f"available: {available}"
        elif close := get_close_matches(name, self._sources, n=1, cutoff=_SIMILAR):
            hint = f"did you mean {close[0]}? Otherwise add the folder that contains it with --libraries"
        else:
            hint = "add the folder that contains it with --libraries"
        raise LibraryNotFound(f"{wanted} not found; {hint}")

    def nearest(self, name: str, version: str | None = None) -> LibrarySource:
        """The requested version, otherwise the next later one, otherwise the latest."""
        sources = self.versions(name)
        later = [source for source in sources if version_key(source.version) >= version_key(version)]
        return later[-1] if later and version is not None else sources[0] if sources else self.find(name, version)

    def _supplied(self, version: str | None) -> LibrarySource | None:
        """Our own FHIRHelpers; None for versions that are not for FHIR 4.0.1."""
        # Imported only now, because it comes with the compiler, which is slow to load and needed for it.
        from ecqm.language.fhirhelpers import fhir_helpers

        source = fhir_helpers(version)
        if source is not None and version not in self.supplied:
            document = Document(f"{_FHIR_HELPERS} of ecqm", Constant(source.encode()).read)
            self.supplied[version] = LibrarySource(_FHIR_HELPERS, version, {Format.CQL: document})
        return self.supplied.get(version)


class _LibraryHeader(msgspec.Struct, frozen=True):
    name: str | None = None
    id: str | None = None
    url: str | None = None
    version: str | None = None
    content: list[_Attachment] | None = None


class _Attachment(msgspec.Struct, frozen=True):
    contentType: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"")


_decode_header = json_decoder(_LibraryHeader)


def add_library_resource(libraries: Libraries, document: Document, data: bytes) -> bool:
    """Add a FHIR Library resource: every attachment of a known content type with data is a form of the library.
    Attachments with only a URL are ignored.

    Returns False if there is no form (a manifest, a module definition).
    """
    has_logic = False
    header = _decode_header(data)
    name = header.name or header.id
    for attachment in header.content or ():
        attached = memoryview(attachment.data)
        form = _form(attachment.contentType, bytes(attached[1:_HEAD]))
        if name and form is not None and bytes(attached[:1]) == b'"':
            libraries.add(name, header.version, form, replace(document, read=_Attached(document, form).read))
            has_logic = True
    if name:
        libraries.call(name, header.url, header.id)
    return has_logic


# Enough of an attachment to tell XML from JSON, behind a byte order mark and line breaks.
_HEAD = 101


def _form(content_type: str | None, head: bytes) -> Format | None:
    """The form of an attachment by its content type, parameters ignored; `head` is the beginning of its base64."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    if kind != _EITHER_ELM:
        return _FORMS.get(kind)
    letters = re.sub(rb"\\[nrt]|[^A-Za-z0-9+/]", b"", head)
    return Format.ELM_XML if is_xml(base64.b64decode(letters[: len(letters) // 4 * 4])) else Format.ELM_JSON


@dataclass(frozen=True)
class _Attached:
    document: Document
    form: Format

    def read(self) -> bytes:
        try:
            attachments = _decode_header(self.document.read()).content or ()
            for attachment in attachments:
                attached = memoryview(attachment.data)
                if bytes(attached[:1]) == b'"' and _form(attachment.contentType, bytes(attached[1:_HEAD])) == self.form:
                    return base64.b64decode(msgspec.json.decode(attachment.data, type=str))
        except msgspec.DecodeError as error:
            raise ContentError(f"{self.document.place}: {error}") from error
        except ValueError as error:
            raise ContentError(f"{self.document.place}: {self.form} is not base64: {error}") from error
        raise ContentError(f"{self.document.place}: the {self.form} attachment has no data")


class _Several(msgspec.Struct, frozen=True):
    libraries: list[msgspec.Raw] | None = None


_decode_several = json_decoder(_Several)
_decode_list = json_decoder(list[msgspec.Raw])


def add_elm(libraries: Libraries, document: Document, data: bytes) -> bool:
    """Add a file of ELM: a library in JSON or XML, or several in JSON, in a list or under `libraries`. Returns False
    for other files. Raises ElmError or msgspec.DecodeError if it cannot be read, ContentError for a list of other
    things.
    """
    in_list = data.lstrip().startswith(b"[")
    head = None if in_list else read_head(data)
    if head is not None:
        form = Format.ELM_XML if is_xml(data) else Format.ELM_JSON
        libraries.add(head.identifier.name, head.identifier.version, form, document)
        return True
    several = None if is_xml(data) else _decode_list(data) if in_list else _decode_several(data).libraries
    if several is None:
        return False
    parts = [document.part(number, Constant(bytes(part)).read) for number, part in enumerate(several)]
    added = [add_elm(libraries, part, part.read()) for part in parts]
    if not all(added) or not added:
        raise ContentError("a list of what are not ELM libraries")
    return True


def add_cql(libraries: Libraries, document: Document, data: bytes) -> bool:
    """Add a CQL file by its library declaration; returns False if it has none. Raises ContentError for UTF-16."""
    if is_utf16(data):
        raise ContentError(UTF16)
    declared = library_of_cql(data.decode("utf-8-sig", errors="replace"))
    if declared is None:
        return False
    libraries.add(*declared, Format.CQL, document)
    return True
