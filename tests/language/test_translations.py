"""The registry of functions that translate parse trees, held against the grammar."""

from __future__ import annotations

from ecqm.language.generated.CqlParser import CqlParser
from ecqm.language.translation.registry import TRANSLATIONS


def alternatives(rule: str) -> set[str]:
    """The names of the contexts that the parser makes for the alternatives of a rule."""
    base = getattr(CqlParser, f"{rule}Context")
    return {name for name, kind in vars(CqlParser).items() if isinstance(kind, type) and base in kind.__bases__}


def test_every_expression_and_term_is_translated() -> None:
    assert alternatives("Expression") | alternatives("Term") == set(TRANSLATIONS)
