"""Making plan nodes so that equal sub-plans are one node."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, TypeVar

from ecqm.plan.nodes import Constant, Node, PlanNode
from ecqm.types import BOOLEAN
from ecqm.values import Quantity

_N = TypeVar("_N", bound=Node)


class PlanBuilder:
    """Interns nodes: asking twice for a node of the same class and fields gives the same object."""

    def __init__(self) -> None:
        self._nodes: dict[tuple[Any, ...], Node] = {}

    def make(self, node_class: type[_N], *fields: Any) -> _N:
        """The node of this class with these fields (nodes compare by identity, which interning makes equality)."""
        key = (node_class, *fields) if node_class is not Constant else (node_class, _as_written(fields[0]), fields[1])
        found = self._nodes.get(key)
        if found is None:
            found = self._nodes[key] = node_class(*fields)
        assert isinstance(found, node_class)
        return found

    def true(self) -> PlanNode:
        return self.make(Constant, True, BOOLEAN)

    def false(self) -> PlanNode:
        return self.make(Constant, False, BOOLEAN)


def _as_written(value: Any) -> Any:
    """What tells constants apart: of numbers their digits too (1.5 and 1.50 are equal, but differ in precision)."""
    return repr(value) if isinstance(value, (Decimal, Quantity)) else value
