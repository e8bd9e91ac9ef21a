"""Making plan nodes so that equal sub-plans are one node."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, TypeVar

from ecqm.plan.nodes import (
    Call,
    Collect,
    Constant,
    ExistsWithin,
    Filter,
    Node,
    PlanNode,
    RowsNode,
    Scan,
)
from ecqm.types import BOOLEAN
from ecqm.values import Quantity

_N = TypeVar("_N", bound=Node)


class PlanBuilder:
    """Interns nodes: asking twice for a node of the same class and fields gives the same object."""

    def __init__(self) -> None:
        self._nodes: dict[tuple[Any, ...], Node] = {}

    def make(self, node_class: type[_N], *fields: Any) -> _N:
        """The node of this class with these fields (nodes compare by identity, which interning makes equality)."""
        key = (node_class, *map(_as_written, fields))
        found = self._nodes.get(key)
        if found is None:
            found = self._nodes[key] = node_class(*fields)
        assert isinstance(found, node_class)
        return found

    def filter(self, rows: RowsNode, condition: PlanNode) -> RowsNode:
        """The rows for which `condition` is true, its conjuncts asked where they cost least.

        Only true matters to a filter, so a conjunction is the same as one condition after another. Each is asked as
        soon as the sources that it depends on are scanned, those on one element alone in the scan itself; those that
        could raise an error are asked of the rows that pass all others.
        """
        late: list[PlanNode] = []
        for conjunct in _conjuncts(condition):
            narrowed = None if conjunct.may_raise else self._narrowed(rows, conjunct)
            if narrowed is None:
                late.append(conjunct)
            else:
                rows = narrowed
        late.sort(key=lambda conjunct: conjunct.may_raise)
        return self.make(Filter, rows, tuple(late)) if late else rows

    def _narrowed(self, rows: RowsNode, condition: PlanNode) -> RowsNode | None:
        """The rows with a condition asked inside of them; None if it needs all of their sources."""
        if isinstance(rows, Filter):
            inside = self._narrowed(rows.rows, condition)
            return None if inside is None else self.make(Filter, inside, rows.conditions)
        assert isinstance(rows, Scan)
        if rows.of is not None and rows.variable not in condition.free:
            earlier = self._narrowed(rows.of, condition) or self._filtered(rows.of, condition)
            return self.make(Scan, rows.source, rows.variable, rows.keep, earlier)
        if condition.free <= frozenset((rows.variable,)):
            return self.make(Scan, rows.source, rows.variable, (*rows.keep, condition), rows.of)
        return None

    def _filtered(self, rows: RowsNode, condition: PlanNode) -> RowsNode:
        if isinstance(rows, Filter):
            return self.make(Filter, rows.rows, (*rows.conditions, condition))
        return self.make(Filter, rows, (condition,))

    def exists(self, operand: PlanNode) -> PlanNode:
        """Exists (`elm:20.10`); over a query it needs neither the list nor its order."""
        if isinstance(operand, Collect):
            return self.make(ExistsWithin, operand.rows, operand.value)
        return self.make(Call, "Exists", (operand,))

    def true(self) -> PlanNode:
        return self.make(Constant, True, BOOLEAN)


def _as_written(field: Any) -> Any:
    """What tells fields apart: of numbers their digits too (1.5 and 1.50 are equal, but differ in precision)."""
    return repr(field) if isinstance(field, (Decimal, Quantity)) else field


def _conjuncts(condition: PlanNode) -> list[PlanNode]:
    if isinstance(condition, Call) and condition.operator == "And":
        return [part for operand in condition.operands for part in _conjuncts(operand)]
    return [condition]
