"""Where libraries come from: documents that tell at once which library they hold, and are parsed when it is needed.

A measure needs perhaps eight of the seventy libraries that lie in a folder. To identify a document costs a few
milliseconds at most (the reader skips what it does not look for); to parse it costs ten times that.
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
            node = read_xml(self.data, notes) if is_xml(self.data) else read_json(self.data, notes)
        except ElmError as error:
            library = error.library or str(self.identifier)
            raise ElmError(f"{error.message} (in {self.origin})", library=library, where=error.where) from None
        return IndexedLibrary(node, self.origin, notes)


def _identify(data: bytes, origin: str) -> LibraryIdentifier:
    try:
        head = read_head(data)
    except ElmError as error:
        raise ElmError(f"{origin} does not say which library it holds: {error.message}") from None
    if head is None:
        raise ElmError(f"{origin} does not say which library it holds")
    return head.identifier
