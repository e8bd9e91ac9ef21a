"""The registry of functions that lay out parse trees, and what they take and return."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from antlr4 import ParserRuleContext
from antlr4.tree.Tree import TerminalNode

from ecqm.language.formatting.layout import Doc

if TYPE_CHECKING:
    from ecqm.language.formatting.formatter import Formatter

Tree: TypeAlias = "TerminalNode | ParserRuleContext"
"""A node of a parse tree. The generated parser has no types."""

Layout = Callable[["Formatter", Tree], Doc]
LAYOUTS: dict[str, Layout] = {}


def lays_out(*rules: str) -> Callable[[Layout], Layout]:
    """Register the function (formatter, tree) -> document for trees of these alternatives of the grammar."""

    def register(layout: Layout) -> Layout:
        for rule in rules:
            LAYOUTS[rule] = layout
        return layout

    return register


def is_token(tree: Tree, *texts: str) -> bool:
    """Whether a tree is a single token, one of `texts`."""
    return isinstance(tree, TerminalNode) and tree.symbol.text in texts
