"""ELM in a short form, to compare what expressions are compiled to."""

from __future__ import annotations

from typing import Any

from ecqm.elm import nodes
from ecqm.language import CompilerOptions, SignatureLevel, compile_expression

OPTIONS = CompilerOptions(signatures=SignatureLevel.NONE)


def written(node: Any) -> str:
    """A short form of a node: its class and its content."""
    if isinstance(node, list):
        return "[" + ", ".join(map(written, node)) + "]"
    if not isinstance(node, nodes.Node):
        return str(node).rpartition("}")[2]
    if isinstance(node, nodes.Literal):
        return str(node.value)
    if isinstance(node, nodes.Quantity):
        return f"{node.value} {node.unit}"
    parts = []
    for field in nodes.fields(type(node)):
        value = getattr(node, field.name)
        if value not in (None, []) and value != field.default:
            parts.append(written(value) if field.name == "operand" else f"{field.name}={written(value)}")
    return f"{type(node).__name__}({', '.join(parts)})"


def elm(source: str, options: CompilerOptions = OPTIONS) -> nodes.Expression:
    compilation = compile_expression(source, options=options)
    assert compilation.errors == (), compilation.errors[0].render()
    expression = compilation.library.statements[-1].expression
    assert expression is not None
    return expression
