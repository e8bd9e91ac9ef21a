"""Why a value of QDM cannot be read from a document, or written into one."""

from __future__ import annotations


class Unreadable(ValueError):
    """A value that is not of its type."""


class Unwritable(ValueError):
    """A value that CDA has no place for."""
