"""The names that the expressions of a library may use: what it declares, and what the libraries it includes export."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from ecqm.language.diagnostics import TranslationError
from ecqm.language.sources import unqualified
from ecqm.language.symbols import Exports, FunctionSymbol, Symbol
from ecqm.types import CqlType


class DependsOnBroken(TranslationError):
    """A reference to a definition with errors, which are reported where it is defined."""


class LibraryNames(ABC):
    """The declarations of a library (`exports`) and, by alias, those of the libraries that it includes (`includes`).

    Statements may refer to later ones, so looking up a name may translate its definition first.
    """

    def __init__(self) -> None:
        self.exports = Exports("", None)
        self.includes: dict[str, Exports] = {}
        self.not_included: dict[str, str] = {}
        """By alias the names of libraries whose include failed: what needs these is not reported once more."""
        self.broken: set[str] = set()
        """The names of declarations with errors."""

    @abstractmethod
    def symbol(self, name: str, context: Any) -> Symbol | None:
        """The declaration `name` of this library. Raises TranslationError if it has errors, or is being
        translated."""

    @abstractmethod
    def names(self) -> list[str]:
        """The names that this library declares, except functions."""

    @abstractmethod
    def result_of(self, function: FunctionSymbol, context: Any) -> CqlType:
        """The result type of a function of this library. Raises TranslationError if it has errors, or is being
        translated."""

    def functions(self, name: str) -> Sequence[FunctionSymbol]:
        """The overloads of a function that this library declares."""
        if name in self.broken:
            raise DependsOnBroken(f"{name!r} has errors")
        return self.exports.functions.get(name, [])

    def function_names(self) -> list[str]:
        """The names of the functions that this library declares."""
        return list(self.exports.functions)

    def functions_of(self, library: str, name: str) -> Sequence[FunctionSymbol]:
        """The overloads of a function of the library named `library`. Raises TranslationError if that is not
        included."""
        alias = self.alias_of(library)
        return self.functions(name) if alias is None else self.includes[alias].functions.get(name, [])

    def alias_of(self, library: str) -> str | None:
        """The alias of an included library; None for this library itself. Raises TranslationError if it is not
        included."""
        if library == self.exports.id:
            return None
        for alias, exports in self.includes.items():
            if unqualified(exports.id) == library:
                return alias
        if library in self.not_included.values():
            raise DependsOnBroken(f"library {library} is not included")
        raise TranslationError(f"this needs the library {library}; include it")
