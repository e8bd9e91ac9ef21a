"""Making plan nodes so that equal sub-plans are one node."""

from __future__ import annotations

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
    innermost_scan,
)
from ecqm.types import BOOLEAN

_N = TypeVar("_N", bound=Node)


class PlanBuilder:
    """Interns nodes: asking twice for a node of the same class and fields gives the same object."""

    def __init__(self) -> None:
        self._nodes: dict[tuple[Any, ...], Node] = {}

    def make(self, node_class: type[_N], *fields: Any) -> _N:
        """The node of this class with these fields (nodes compare by identity, which interning makes equality)."""
        key = (node_class, *fields)
        found = self._nodes.get(key)
        if found is None:
            found = self._nodes[key] = node_class(*fields)
        assert isinstance(found, node_class)
        return found

    def filter(self, rows: RowsNode, condition: PlanNode) -> RowsNode:
        """The rows for which `condition` is true, its conjuncts asked where they cost least.

        Only true matters to a filter, so a conjunction is the same as one condition after another. Those on the
        scanned element alone go into the scan; the rest stay in order, those that could raise an error last.
        """
        scan = innermost_scan(rows)
        own = frozenset((scan.variable,))
        conjuncts = _conjuncts(condition)
        early = [c for c in conjuncts if not c.may_raise and c.free <= own]
        late = [c for c in conjuncts if c not in early]
        late.sort(key=lambda c: c.may_raise)
        if early and isinstance(rows, Scan):
            rows = self.make(Scan, rows.source, rows.variable, rows.keep + tuple(early), rows.of)
        else:
            late = early + late
        return self.make(Filter, rows, tuple(late)) if late else rows

    def exists(self, operand: PlanNode) -> PlanNode:
        """Exists (`elm:20.10`); over a query it needs neither the list nor its order."""
        if isinstance(operand, Collect):
            return self.make(ExistsWithin, operand.rows, operand.value)
        return self.make(Call, "Exists", (operand,))

    def true(self) -> PlanNode:
        return self.make(Constant, True, BOOLEAN)


def _conjuncts(condition: PlanNode) -> list[PlanNode]:
    if isinstance(condition, Call) and condition.operator == "And":
        return [part for operand in condition.operands for part in _conjuncts(operand)]
    return [condition]
