"""Parse trees: the rules that made them, their words, and their places in the source."""

from __future__ import annotations

from typing import Any, TypeAlias

from ecqm.language.diagnostics import Span

Context: TypeAlias = Any
"""A parse-tree context. The generated parser has no types."""


def rule_of(context: Context) -> str:
    """The name of the rule of the grammar, or of its alternative, that made a context: `IfTerm`."""
    return type(context).__name__.removesuffix("Context")


def word(context: Context, index: int) -> str:
    """The text of a child of a context: usually a keyword or the symbol of an operator."""
    return str(context.getChild(index).getText())


def words(context: Context) -> list[str]:
    """The texts of all children of a context."""
    return [word(context, at) for at in range(context.getChildCount())]


def span_of(context: Context) -> Span:
    """The place of a context in its source."""
    start, stop = context.start, context.stop
    if stop is None or stop.tokenIndex < start.tokenIndex:
        stop = start
    text = stop.text if stop.type != -1 else ""
    newlines = text.count("\n")
    width = len(text) - text.rfind("\n") - 1 if newlines else stop.column + len(text)
    return Span(start.line, start.column + 1, stop.line + newlines, max(width, 1))


def source_of(context: Context) -> str:
    """The source text of a context, as it was written."""
    start, stop = context.start, context.stop
    if stop is None or stop.stop < start.start:
        return str(start.text)
    return str(start.getInputStream().getText(start.start, stop.stop))


def definition_of(context: Context) -> str | None:
    """The name of the expression or function in whose definition a context is."""
    while context is not None:
        match rule_of(context):
            case "ExpressionDefinition":
                return _unquoted(context.identifier())
            case "FunctionDefinition":
                return _unquoted(context.functionName())
        context = context.parentCtx
    return None


def _unquoted(identifier: Context) -> str | None:
    """A name without its quotes; None if a syntax error prevented that it was read."""
    if identifier is None:
        return None
    text = str(identifier.getText())
    return text[1:-1] if text.startswith(('"', "`")) else text
