"""The canonical layout of a source."""

from __future__ import annotations

from collections.abc import Sequence

from ecqm.language.diagnostics import Diagnostic, Diagnostics

# Importing these modules registers their layouts.
from ecqm.language.formatting import operators, queries, terms  # noqa: F401
from ecqm.language.formatting.formatter import Formatter
from ecqm.language.formatting.layout import render
from ecqm.language.formatting.libraries import library
from ecqm.language.nesting import deep_recursion
from ecqm.language.parsing import parse_library

WIDTH = 110


class FormatError(ValueError):
    """A source that cannot be formatted because of syntax errors."""

    def __init__(self, errors: Sequence[Diagnostic]) -> None:
        super().__init__("; ".join(error.render() for error in errors))
        self.errors = tuple(errors)


def format_source(source: str) -> str:
    """The source of a library in the canonical layout. Raises FormatError for syntax errors."""
    diagnostics = Diagnostics()
    text = source.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    parsed = parse_library(text, diagnostics)
    if parsed is None or diagnostics.errors:
        raise FormatError(diagnostics.errors)
    with deep_recursion():
        parts = [part for part in (parsed.header, *parsed.definitions, *parsed.statements) if part is not None]
        return render(library(Formatter(text), parts), WIDTH)
