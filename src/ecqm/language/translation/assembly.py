"""Nodes of operators made from their names."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from ecqm.elm import nodes
from ecqm.elm.nodes.base import fields


def assembled(name: str, operands: Sequence[nodes.Expression], **attributes: Any) -> nodes.Expression:
    """A node of class `name`, with its operands in the fields that the class declares for them."""
    node_class: type[nodes.Expression] = getattr(nodes, name)
    names = _operand_fields(node_class)
    if names[:1] == ("operand",) and not issubclass(node_class, nodes.UnaryExpression | nodes.Round):
        attributes["operand"] = list(operands)
    else:
        attributes.update(zip(names, operands, strict=False))
    return node_class(**attributes)


@cache
def _operand_fields(node_class: type[nodes.Expression]) -> tuple[str, ...]:
    return tuple(
        field.name
        for field in fields(node_class)
        if field.is_child and field.name not in ("signature", "resultTypeSpecifier")
    )
