"""Errors in ELM."""

from __future__ import annotations


class ElmError(Exception):
    """A document is not ELM, or its includes cannot be resolved.

    `library` names the library, with its version if known. `where` is the place in it: a locator, a localId, or a line
    and column of the document.
    """

    def __init__(self, message: str, *, library: str | None = None, where: str | None = None) -> None:
        self.message = message
        self.library = library
        self.where = where
        super().__init__(": ".join(filter(None, (library, where, message))))
