"""Documents of libraries. They are identified at once, and parsed when they are needed.

A measure may need eight of seventy libraries in a folder. Identifying a document takes a few milliseconds at most,
because the logic is skipped. Parsing it takes ten times as long.
"""

from __future__ import annotations

from functools import cached_property
from hashlib import sha256

from ecqm.elm.errors import ElmError
from ecqm.elm.head import read_head
from ecqm.elm.json_reader import read_json
from ecqm.elm.library import IndexedLibrary, LibraryIdentifier
from ecqm.elm.xml_reader import is_xml, read_xml


class LibrarySource:
    """A document with one library, as ELM in JSON or XML. `data` is the document, `origin` its name in messages."""

    def __init__(self, data: bytes, origin: str, identifier: LibraryIdentifier | None = None) -> None:
        self.data = data
        self.origin = origin
        self.identifier = identifier or _identify(data, origin)

    def __repr__(self) -> str:
        return f"<source of {self.identifier} in {self.origin}>"

    @cached_property
    def digest(self) -> bytes:
        """The SHA-256 of the document."""
        return sha256(self.data).digest()

    @cached_property
    def library(self) -> IndexedLibrary:
        """The library, parsed on first use. Raises ElmError if the document is invalid."""
        notes: list[str] = []
        try:
            node = read_xml(self.data, notes) if is_xml(self.data) else read_json(self.data, notes)
        except ElmError as error:
            library = error.library or str(self.identifier)
            raise ElmError(f"{error.message} (in {self.origin})", library=library, where=error.where) from None
        return IndexedLibrary(node, self.origin, notes)


def _identify(data: bytes, origin: str) -> LibraryIdentifier:
    try:
        head = read_head(data)
    except ElmError as error:
        raise ElmError(f"{origin}: the library cannot be identified: {error.message}") from None
    if head is None:
        raise ElmError(f"{origin}: not an ELM library with an identifier")
    return head.identifier
