"""What comes of compiling a source."""

from __future__ import annotations

from dataclasses import dataclass

from ecqm.elm import nodes
from ecqm.language.diagnostics import Diagnostic
from ecqm.language.symbols import Exports
from ecqm.types import CqlType


@dataclass(frozen=True, slots=True)
class Compilation:
    """What came of compiling one source. `library` holds what could be translated, even beside errors.

    `result` is the type of the expression, for a compilation of one.
    """

    library: nodes.Library
    errors: tuple[Diagnostic, ...]
    warnings: tuple[Diagnostic, ...]
    result: CqlType | None = None

    @property
    def ok(self) -> bool:
        return not self.errors


@dataclass(frozen=True, slots=True)
class Compiled:
    """A compilation, and what the library offers to those that include it."""

    compilation: Compilation
    exports: Exports
