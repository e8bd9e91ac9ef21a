"""Nodes of queries: variables, frames of rows, and what reduces the rows to one value per outer row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ecqm.plan.nodes.base import Node, PlanNode, RowsNode, Variable


@dataclass(frozen=True, eq=False, repr=False)
class Element(Variable):
    """The current element of the list `source` in a query. `nesting` distinguishes queries over the same source one
    inside the other.

    A variable is identified by its source and not by its alias, so that equal expressions of two queries over the same
    source are one node.
    """

    source: PlanNode
    nesting: int = 0


@dataclass(frozen=True, eq=False, repr=False)
class Accumulator(Variable):
    """The current result of an aggregate clause (CQL Author's Guide, "Aggregate Queries"), or the current element of
    `Repeat`; `number` identifies the clause."""

    number: int


@dataclass(frozen=True, eq=False, repr=False)
class Scan(RowsNode):
    """One row per element of a list (or for a single value), bound to `variable`.

    `keep` are conditions on the element alone, which are evaluated once per element, even if the scan is repeated for
    several outer rows. `of` is the frame of the query's earlier sources, each row of which is combined with the
    elements.
    """

    source: PlanNode
    variable: Element
    keep: tuple[PlanNode, ...] = ()
    of: RowsNode | None = None

    def made_of(self) -> Iterable[Node]:
        # Not the variable, which is bound here.
        return (self.source, *self.keep, *(() if self.of is None else (self.of,)))

    def bound(self) -> frozenset[Variable]:
        return bound_by(self)


@dataclass(frozen=True, eq=False, repr=False)
class Filter(RowsNode):
    """The rows for which all conditions are true."""

    rows: RowsNode
    conditions: tuple[PlanNode, ...]

    def bound(self) -> frozenset[Variable]:
        return bound_by(self)


def bound_by(rows: RowsNode | None) -> frozenset[Variable]:
    """The variables that a frame binds."""
    return frozenset(scan.variable for scan in sources_of(rows))


def sources_of(rows: RowsNode | None) -> Iterator[Scan]:
    """The scans of a frame, the last source of the query first."""
    while rows is not None:
        if isinstance(rows, Scan):
            yield rows
            rows = rows.of
        else:
            assert isinstance(rows, Filter)
            rows = rows.rows


class WithinNode(PlanNode):
    """A node that opens a frame (`rows`) and reduces it to one value per outer row."""

    rows: RowsNode

    def bound(self) -> frozenset[Variable]:
        return bound_by(self.rows)


@dataclass(frozen=True, eq=False, repr=False)
class CollectWithin(WithinNode):
    """The value of each row, as a list per outer row; `distinct` drops duplicates (`elm:10.11`).

    A query whose sources are all single values gives a single value.
    """

    rows: RowsNode
    value: PlanNode
    distinct: bool = False


@dataclass(frozen=True, eq=False, repr=False)
class ExistsWithin(WithinNode):
    """Whether an outer row has any row whose `value` is not null."""

    rows: RowsNode
    value: PlanNode


@dataclass(frozen=True, eq=False, repr=False)
class ReduceWithin(WithinNode):
    """Aggregate clause (`elm:10.12`): `step` is evaluated for the rows of an outer row one after the other, with
    `accumulator` bound to the previous result, first to `starting`."""

    rows: RowsNode
    accumulator: Accumulator
    starting: PlanNode
    step: PlanNode
    distinct: bool = False

    def bound(self) -> frozenset[Variable]:
        return bound_by(self.rows) | {self.accumulator}


@dataclass(frozen=True, eq=False, repr=False)
class Position(PlanNode):
    """The position of a query's current element in its list, counted from 0 (ELM, Iteration)."""

    element: Element


@dataclass(frozen=True, eq=False, repr=False)
class Repeat(PlanNode):
    """`projection` applied to the elements of `source`, then to its results, until there are no new ones (`elm:20.24`).

    `current` is the element that it is applied to; lists among the results are flattened.
    """

    source: PlanNode
    current: Accumulator
    projection: PlanNode

    def bound(self) -> frozenset[Variable]:
        return frozenset((self.current,))


@dataclass(frozen=True, eq=False, repr=False)
class SortWithin(PlanNode):
    """A list sorted by `keys`: pairs of a value of the element and whether it is descending (`elm:10.13`)."""

    source: PlanNode
    element: Element
    keys: tuple[tuple[PlanNode, bool], ...]

    def bound(self) -> frozenset[Variable]:
        return frozenset((self.element,))
