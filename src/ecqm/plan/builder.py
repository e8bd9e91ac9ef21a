"""Making plan nodes so that equal sub-plans are one node."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, TypeVar

from ecqm.plan.nodes import (
    Call,
    Collect,
    Conditional,
    Constant,
    ExistsWithin,
    Filter,
    MakeRecord,
    Node,
    PlanNode,
    RowsNode,
    Scan,
    TypeTest,
    Variable,
)
from ecqm.plan.static_types import is_never
from ecqm.types import BOOLEAN, CqlType
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
            return self.make(ExistsWithin, self._without_last_sources(operand.rows, operand.value), operand.value)
        return self.make(Call, "Exists", (operand,))

    def _without_last_sources(self, rows: RowsNode, value: PlanNode) -> RowsNode:
        """Rows of which at least one is wanted, and not how many: a last source that the value does not ask for turns
        into a condition that there is such an element. It is asked of the sources that its own conditions are about,
        once for each of their elements and not for each row of all sources before.
        """
        scan = rows
        conditions: tuple[PlanNode, ...] = ()
        while isinstance(scan, Filter):
            conditions = (*scan.conditions, *conditions)
            scan = scan.rows
        assert isinstance(scan, Scan)
        needed = (scan.source, *scan.keep, *conditions)
        if scan.of is None or scan.variable in value.free or any(node.may_raise for node in needed):
            return rows
        if not isinstance(value, (Variable, MakeRecord)):
            return rows  # where all sources are single values it matters whether it is a list, which is not known here
        alone: RowsNode = self.make(Scan, scan.source, scan.variable, scan.keep, None)
        if conditions:
            alone = self.make(Filter, alone, conditions)
        found = self.make(ExistsWithin, alone, self.true())
        return self._without_last_sources(self.filter(scan.of, found), value)

    def type_test(self, operand: PlanNode, type_: CqlType) -> PlanNode:
        """Is (`elm:22.2`), already answered where no data could make it true."""
        return self.false() if is_never(operand, type_) else self.make(TypeTest, operand, type_)

    def conditional(self, branches: tuple[tuple[PlanNode, PlanNode], ...], otherwise: PlanNode) -> PlanNode:
        """If and Case (`elm:15`), without the branches that no row can take: these could raise no error either."""
        taken = tuple(branch for branch in branches if branch[0] is not self.false())
        return self.make(Conditional, taken, otherwise) if taken else otherwise

    def true(self) -> PlanNode:
        return self.make(Constant, True, BOOLEAN)

    def false(self) -> PlanNode:
        return self.make(Constant, False, BOOLEAN)


def _as_written(field: Any) -> Any:
    """What tells fields apart: of numbers their digits too (1.5 and 1.50 are equal, but differ in precision)."""
    return repr(field) if isinstance(field, (Decimal, Quantity)) else field


def _conjuncts(condition: PlanNode) -> list[PlanNode]:
    if isinstance(condition, Call) and condition.operator == "And":
        return [part for operand in condition.operands for part in _conjuncts(operand)]
    return [condition]
