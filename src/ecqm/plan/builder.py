"""Construction of plan nodes, such that equal sub-plans are one node."""

from __future__ import annotations

from collections.abc import Container
from decimal import Decimal
from typing import Any, TypeVar

from ecqm.plan.nodes import Constant, Element, Node, PlanNode, Variable
from ecqm.types import BOOLEAN
from ecqm.values import Quantity, Ratio

_N = TypeVar("_N", bound=Node)


class PlanBuilder:
    """Interns nodes: two requests for the same class and fields give the same object."""

    def __init__(self) -> None:
        self._nodes: dict[tuple[Any, ...], Node] = {}

    def make(self, node_class: type[_N], *fields: Any) -> _N:
        """The node of a class with the given fields, in the order of their declaration."""
        key: tuple[Any, ...] = (node_class, *fields)
        if node_class is Constant:
            value, type_ = fields
            key = (Constant, _as_written(value), type_)
        found = self._nodes.get(key)
        if found is None:
            found = self._nodes[key] = node_class(*fields)
        assert isinstance(found, node_class)
        return found

    def element(self, source: PlanNode, bound: Container[Variable]) -> Element:
        """A variable for the elements of a list that no enclosing query has bound."""
        nesting = 0
        while (variable := self.make(Element, source, nesting)) in bound:
            nesting += 1
        return variable

    def true(self) -> PlanNode:
        return self.make(Constant, True, BOOLEAN)

    def false(self) -> PlanNode:
        return self.make(Constant, False, BOOLEAN)


def _as_written(value: Any) -> Any:
    """A key for a constant that also distinguishes the digits of numbers: 1.5 and 1.50 differ in precision."""
    return repr(value) if isinstance(value, (Decimal, Quantity, Ratio)) else value
