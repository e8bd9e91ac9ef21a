"""The registry of functions that translate parse trees, held against the grammar."""

from __future__ import annotations

from ecqm.language.generated.CqlParser import CqlParser
from ecqm.language.translation.registry import TRANSLATIONS


def alternatives(rule: str) -> set[str]:
    """The names of the alternatives of a rule: those of the contexts that the parser makes for them."""
    base = getattr(CqlParser, f"{rule}Context")
    contexts = (kind for kind in vars(CqlParser).values() if isinstance(kind, type) and base in kind.__bases__)
    return {context.__name__.removesuffix("Context") for context in contexts}


def test_every_expression_and_term_is_translated() -> None:
    assert alternatives("Expression") | alternatives("Term") == set(TRANSLATIONS)
