"""The steps that all layouts share: tokens with their comments, spaces between them, brackets, and commas."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from antlr4 import Token
from antlr4.tree.Tree import TerminalNode

from ecqm.language.formatting.comments import Comments, comment_text
from ecqm.language.formatting.layout import (
    NOTHING_OR_LINE,
    SPACE_OR_LINE,
    Doc,
    Group,
    HardLine,
    LastInLine,
    Nest,
    separated,
)
from ecqm.language.formatting.registry import LAYOUTS, Tree, is_token
from ecqm.language.parse_trees import rule_of

_NOTHING_BEFORE = frozenset((",", ")", "]", ".", ":", ">"))
_NOTHING_AFTER = frozenset(("(", "[", ".", "%"))


class Formatter:
    """Makes documents of the parse trees of one source, each comment in the place where the source has it."""

    def __init__(self, source: str) -> None:
        self.comments = Comments(source)

    def doc(self, tree: Tree) -> Doc:
        """The document of a tree: by the layout registered for its rule, otherwise in one line."""
        if isinstance(tree, TerminalNode):
            return self.token(tree.symbol)
        layout = LAYOUTS.get(rule_of(tree))
        return layout(self, tree) if layout is not None else self.in_line(self.children(tree))

    def docs(self, tree: Tree) -> list[Doc]:
        """The documents of the children of a tree."""
        return [self.doc(child) for child in self.children(tree)]

    def children(self, tree: Tree) -> list[Tree]:
        """The children of a tree, without the end of the source."""
        return [child for child in tree.getChildren() if not is_token(child, "<EOF>")]

    def token(self, token: Token) -> Doc:
        """A token with the comments before and after it."""
        parts: list[Doc] = []
        for comment in self.comments.before.get(token.start, ()):
            parts += [HardLine(), comment_text(comment), HardLine()]
        parts.append(_text(token))
        for comment in self.comments.behind.get(token.start, ()):
            text = f" {comment_text(comment)}"
            parts.append(LastInLine(text) if text.startswith(" //") else text)
        return tuple(parts) if len(parts) > 1 else parts[0]

    def in_line(self, trees: Iterable[Tree]) -> Doc:
        """Trees in one line, with spaces where they are needed."""
        parts: list[Doc] = []
        previous = ""
        for tree in trees:
            if isinstance(tree, TerminalNode):
                first = last = tree.symbol
            elif tree.getChildCount() == 0:
                continue
            else:
                first, last = tree.start, tree.stop
            if parts and first.text not in _NOTHING_BEFORE and previous not in _NOTHING_AFTER:
                parts.append(" ")
            parts.append(self.doc(tree))
            previous = last.text
        return tuple(parts)

    def bracketed(self, trees: Sequence[Tree], inner: Doc = NOTHING_OR_LINE) -> Doc:
        """Brackets around parts separated by commas: in one line, or with each part on its own line."""
        opening, *middle, closing = trees
        if not middle:
            return (self.doc(opening), self.doc(closing))
        content = Nest((inner, self.separated_by_commas(self._arguments(middle))))
        return Group((self.doc(opening), content, inner, self.doc(closing)))

    def separated_by_commas(self, trees: Iterable[Tree]) -> Doc:
        """Parts separated by commas, with a possible line break after each comma."""
        parts: list[Doc] = []
        current: list[Doc] = []
        for tree in trees:
            current.append(self.doc(tree))
            if is_token(tree, ","):
                parts.append(tuple(current))
                current = []
        parts.append(tuple(current))
        return separated(parts, SPACE_OR_LINE)

    def _arguments(self, trees: Iterable[Tree]) -> list[Tree]:
        """Trees, with the arguments of a call one by one."""
        found: list[Tree] = []
        for tree in trees:
            found += self.children(tree) if rule_of(tree) == "Arguments" else [tree]
        return found


def _text(token: Token) -> str:
    """The text of a token; a token of several words is written with single spaces."""
    text = str(token.text)
    return text if text[0] in "'\"`" else " ".join(text.split())
