"""Numbers for expressions, equal for equal expressions (hash consing).

Translators repeat an expression wherever it is used: the boundaries of a converted interval contain the same conversion
four times. Code that walks expressions can use the numbers to visit equal expressions only once.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from ecqm.elm.nodes import Element, Node, fields


class ExpressionNumbers:
    """The numbers of nodes. Positions, annotations and result types are ignored.

    Numbered nodes are kept alive, so that no other node gets their `id(…)`.
    """

    def __init__(self) -> None:
        self._numbers: dict[tuple[Any, ...], int] = {}
        self._of_node: dict[int, tuple[Node, int]] = {}

    def add(self, node: Node) -> int:
        """Number a node and all its descendants."""
        found = self._of_node.get(id(node))
        if found is not None:
            return found[1]
        content: list[Any] = [type(node)]
        for name, kind in _meaningful_fields(type(node)):
            value = getattr(node, name)
            if value is None:
                content.append(None)
            elif kind == "node":
                content.append(self.add(value))
            elif kind == "nodes" or kind == "defs":
                content.append(tuple(map(self.add, value)))
            else:
                # 1.0 and 1.00 are equal numbers, but different literals.
                content.append(str(value) if kind == "decimal" else value)
        number = self._numbers.setdefault(tuple(content), len(self._numbers))
        self._of_node[id(node)] = (node, number)
        return number

    def of(self, node: Node) -> int | None:
        """The number of a node that was added, also as a part of another node; None for other nodes."""
        found = self._of_node.get(id(node))
        return None if found is None else found[1]


_OF_ANY_ELEMENT = frozenset(field.name for field in fields(Element))


@cache
def _meaningful_fields(node_class: type[Node]) -> tuple[tuple[str, str], ...]:
    """The names and kinds of the fields that are compared."""
    return tuple((field.name, field.kind) for field in fields(node_class) if field.name not in _OF_ANY_ELEMENT)
