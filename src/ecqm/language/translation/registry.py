"""The registry of functions that translate parse trees, and what they take and return."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from ecqm.elm import nodes
from ecqm.language.parse_trees import Context
from ecqm.types import CqlType

if TYPE_CHECKING:
    from ecqm.language.translation.core import Translator


class Typed(NamedTuple):
    """An expression and its type."""

    node: nodes.Expression
    type: CqlType


Translation = Callable[["Translator", Context], Typed]
TRANSLATIONS: dict[str, Translation] = {}
_T = TypeVar("_T", bound=Translation)


def translates(*rules: str) -> Callable[[_T], _T]:
    """Register the function (translator, context) -> typed node for contexts of these alternatives of the grammar."""

    def register(translation: _T) -> _T:
        for rule in rules:
            TRANSLATIONS[rule] = translation
        return translation

    return register
