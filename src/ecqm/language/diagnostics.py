"""Errors and warnings of the compiler, each with its place in the source."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

_SYSTEM = re.compile(r"\bSystem\.(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Span:
    """A range of the source: lines and columns count from 1 and the end is inclusive, as in ELM locators."""

    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        start, end = f"{self.line}:{self.column}", f"{self.end_line}:{self.end_column}"
        return start if start == end else f"{start}-{end}"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A message about one place: `text` is the source there, `expected` is what could be there instead, `definition`
    the name of the expression or function that it is in."""

    message: str
    span: Span
    severity: str = "error"
    text: str = ""
    expected: tuple[str, ...] = ()
    suggestion: str | None = None
    library: str | None = None
    definition: str | None = None

    def render(self, file: str | None = None) -> str:
        """`file:line:column: error: message (in "definition")`, with the expected alternatives and a suggestion if
        there are any."""
        place = f"{file or self.library or '<cql>'}:{self.span.line}:{self.span.column}"
        line = f"{place}: {self.severity}: {self.message}"
        if self.expected:
            line += f"; expected {_either(self.expected)}"
        if self.suggestion:
            line += f"; did you mean {self.suggestion!r}?"
        if self.definition:
            line += f' (in "{self.definition}")'
        return line


@dataclass(slots=True)
class Diagnostics:
    """All diagnostics of one source; `errors` and `warnings` are in the order of the source, with its `library`."""

    library: str | None = None
    found: list[Diagnostic] = field(default_factory=list)

    def add(self, diagnostic: Diagnostic) -> None:
        """Add a diagnostic, unless it was added before."""
        if diagnostic not in self.found:
            self.found.append(diagnostic)

    def _of(self, severity: str) -> tuple[Diagnostic, ...]:
        chosen = (replace(found, library=self.library) for found in self.found if found.severity == severity)
        return tuple(sorted(chosen, key=lambda found: (found.span.line, found.span.column)))

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The errors."""
        return self._of("error")

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """The warnings."""
        return self._of("warning")


class TranslationError(Exception):
    """Raised when an expression cannot be translated; caught per definition and reported at `context`."""

    def __init__(
        self,
        message: str,
        context: Any = None,
        *,
        expected: Iterable[str] = (),
        suggestion: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = _without_system(message)
        self.context = context
        self.expected = tuple(map(_without_system, expected))
        self.suggestion = suggestion


def _without_system(text: str) -> str:
    """Types of the language as authors write them, without the model name: `Integer` for `System.Integer`."""
    return _SYSTEM.sub("", text)


def nearest(name: str, known: Iterable[str], cutoff: float = 0.7) -> str | None:
    """The known name that is most similar to `name`; None if no name is similar enough."""
    candidates = list(dict.fromkeys(known))
    folded = {candidate.lower(): candidate for candidate in candidates}
    if name.lower() in folded and folded[name.lower()] != name:
        return folded[name.lower()]
    close = difflib.get_close_matches(name, candidates, n=1, cutoff=cutoff)
    return close[0] if close and close[0] != name else None


def _either(options: tuple[str, ...]) -> str:
    return options[0] if len(options) == 1 else f"{', '.join(options[:-1])} or {options[-1]}"
