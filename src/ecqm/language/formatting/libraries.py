"""The layout of a library and its definitions."""

from __future__ import annotations

from collections.abc import Iterable

from ecqm.language.formatting.comments import comment_text
from ecqm.language.formatting.formatter import Formatter
from ecqm.language.formatting.layout import Doc, HardLine, Nest
from ecqm.language.formatting.registry import Tree, is_token, lays_out
from ecqm.language.parse_trees import rule_of

_WITH_BODY = ("ExpressionDefinition", "FunctionDefinition")


def library(formatter: Formatter, parts: Iterable[Tree]) -> Doc:
    """All definitions and statements of a library, each on its own lines."""
    comments = formatter.comments
    found: list[Doc] = []
    for part in parts:
        if found:
            found.append(HardLine(_blank_lines_before(formatter, part)))
        found.append(_with_leading_comments(formatter, part))
    for comment in comments.at_end:
        found += [HardLine(comments.blank_lines_before(comment.start)), comment_text(comment)]
    return tuple(found)


def _blank_lines_before(formatter: Formatter, part: Tree) -> int:
    if rule_of(part) in _WITH_BODY:
        return 1
    first = part.start.start
    leading = formatter.comments.before.get(first)
    return formatter.comments.blank_lines_before(leading[0].start if leading else first)


def _with_leading_comments(formatter: Formatter, part: Tree) -> Doc:
    """A definition after its leading comments. Of several blank lines between comments, one is kept."""
    comments = formatter.comments
    first = part.start.start
    leading = comments.before.pop(first, [])
    parts: list[Doc] = []
    for at, comment in enumerate(leading):
        parts += [HardLine(comments.blank_lines_before(comment.start) if at else 0), comment_text(comment)]
    if leading:
        parts.append(HardLine(comments.blank_lines_before(first)))
    return (*parts, formatter.doc(part))


@lays_out("ExpressionDefinition")
def expression_definition(formatter: Formatter, tree: Tree) -> Doc:
    *head, body = formatter.children(tree)
    return (formatter.in_line(head), Nest((HardLine(), formatter.doc(body))))


@lays_out("FunctionDefinition")
def function_definition(formatter: Formatter, tree: Tree) -> Doc:
    *head, body = formatter.children(tree)
    opening = next(at for at, child in enumerate(head) if is_token(child, "("))
    closing = next(at for at, child in enumerate(head) if is_token(child, ")"))
    operands = formatter.bracketed(head[opening : closing + 1])
    rest = formatter.in_line(head[closing + 1 :])
    space = " " if len(head) - closing > 2 else ""  # the rest is `returns …:` or only the colon
    return (formatter.in_line(head[:opening]), operands, space, rest, Nest((HardLine(), formatter.doc(body))))
