"""The text of a measure's definitions, divided into clauses if their library has annotations or locators."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from ecqm.elm import IndexedLibrary
from ecqm.elm.narrative import SourceText, Span
from ecqm.measures.explanation.logic import LogicDefine

Sources = Callable[[IndexedLibrary], str | None]
"""The CQL of a library, where it is at hand."""


class Words:
    """Finds the text of definitions: in the annotations of their library, by locators in its CQL, or, without either,
    in the formatted CQL, where clauses are not distinguished."""

    def __init__(self, source_of: Sources) -> None:
        self._source_of = source_of
        self._texts: dict[str, SourceText] = {}
        self._formatted: dict[str, dict[str, str]] = {}

    def of(self, define: LogicDefine) -> Span | None:
        """The text of a definition; None if it is not available."""
        library = str(define.library.identifier)
        if library not in self._texts:
            self._texts[library] = SourceText(define.library, self._source_of(define.library))
        found = self._texts[library].span(define.definition)
        if found is None:
            text = self._formatted_of(define.library).get(define.definition.name)
            found = Span(None, (text,)) if text is not None else None
        return found

    def _formatted_of(self, library: IndexedLibrary) -> dict[str, str]:
        name = str(library.identifier)
        if name not in self._formatted:
            self._formatted[name] = dict(_definitions(self._source_of(library) or ""))
        return self._formatted[name]


# In the formatter's layout a definition begins its line, and the lines of its body are indented.
_DEFINITION = re.compile(
    r'^define (?:public |private )?(?:"((?:[^"\\]|\\.)*)"|(\w+)):.*(?:\n(?:[ \t].*)?$)*', re.MULTILINE
)


def _definitions(source: str) -> Iterator[tuple[str, str]]:
    # The parser takes 0.2 s to load, and most libraries have their text in their annotations.
    from ecqm.language.formatting import FormatError, format_source

    try:
        formatted = format_source(source)
    except FormatError:
        return
    for found in _DEFINITION.finditer(formatted):
        yield found[1] or found[2], found[0].rstrip()
