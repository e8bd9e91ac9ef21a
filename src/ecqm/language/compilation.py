"""The result of compiling a source."""

from __future__ import annotations

from dataclasses import dataclass

from ecqm.elm import nodes
from ecqm.language.diagnostics import Diagnostic
from ecqm.language.symbols import Exports
from ecqm.types import CqlType


@dataclass(frozen=True, slots=True)
class Compilation:
    """The result of compiling one source. With errors, `library` holds the definitions that could be translated.

    `result` is the type of the expression if a single expression was compiled.
    """

    library: nodes.Library
    errors: tuple[Diagnostic, ...]
    warnings: tuple[Diagnostic, ...]
    result: CqlType | None = None

    @property
    def ok(self) -> bool:
        """Whether there are no errors."""
        return not self.errors


@dataclass(frozen=True, slots=True)
class Compiled:
    """A compilation, and the declarations that including libraries can refer to."""

    compilation: Compilation
    exports: Exports
