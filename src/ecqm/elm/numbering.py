"""Numbers for expressions, the same for those that say the same: what a compiler calls hash consing.

Translators write an expression out wherever it is used: the boundaries of a converted interval are the same conversion
four times over. Who walks expressions often asks for numbers first, and walks one of each.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from ecqm.elm.nodes import Element, Node, fields


class ExpressionNumbers:
    """The numbers of nodes. Positions, annotations and result types do not count.

    Nodes that were numbered are kept alive, so that no other node ever has their identity.
    """

    def __init__(self) -> None:
        self._numbers: dict[tuple[Any, ...], int] = {}
        self._of_node: dict[int, tuple[Node, int]] = {}

    def add(self, node: Node) -> int:
        """Number a node and all below it."""
        found = self._of_node.get(id(node))
        if found is not None:
            return found[1]
        said: list[Any] = [type(node)]
        for name, kind in _meaningful_fields(type(node)):
            value = getattr(node, name)
            if value is None:
                said.append(None)
            elif kind == "node":
                said.append(self.add(value))
            elif kind == "nodes" or kind == "defs":
                said.append(tuple(map(self.add, value)))
            else:
                # 1.0 and 1.00 are equal, and not the same.
                said.append(str(value) if kind == "decimal" else value)
        number = self._numbers.setdefault(tuple(said), len(self._numbers))
        self._of_node[id(node)] = (node, number)
        return number

    def of(self, node: Node) -> int | None:
        """The number of a node that was added, itself or as a part of another; None of one that was not."""
        found = self._of_node.get(id(node))
        return None if found is None else found[1]


_OF_ANY_ELEMENT = frozenset(field.name for field in fields(Element))


@cache
def _meaningful_fields(node_class: type[Node]) -> tuple[tuple[str, str], ...]:
    """The names and kinds of the fields that say something of their own."""
    return tuple((field.name, field.kind) for field in fields(node_class) if field.name not in _OF_ANY_ELEMENT)
