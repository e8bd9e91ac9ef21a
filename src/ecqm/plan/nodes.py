"""The nodes of an evaluation plan.

A plan is a directed acyclic graph: equal sub-plans are one node (see `ecqm.plan.builder`), so that identity is
equality and whatever is evaluated twice is evaluated once. There are two families: `PlanNode`s give a column, one
value per row of the frame they are evaluated on; `RowsNode`s open a frame of their own.

The grain of a node says how often it is evaluated: `once` for a run, for each `patient`, or for each `row` of the
queries whose variables it uses (`free`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ecqm.operators import registry
from ecqm.types import CqlType

NOTHING: frozenset[Variable] = frozenset()


class Node:
    """What all nodes have. The fields of a subclass are its form; what follows from them is computed once here.

    `children`: the nodes that this one is made of; `free`: the query variables that the value depends on; `patient`:
    whether it depends on the patient besides; `may_raise`: whether evaluating it on a row that does not ask for it
    could raise an error.
    """

    children: tuple[Node, ...]
    free: frozenset[Variable]
    patient: bool
    may_raise: bool

    def __post_init__(self) -> None:
        free: frozenset[Variable] = NOTHING
        patient = may_raise = False
        children = tuple(self.made_of())
        for child in children:
            if child.free and child.free is not free:
                free = free | child.free if free else child.free
            patient = patient or child.patient
            may_raise = may_raise or child.may_raise
        set_ = object.__setattr__
        set_(self, "children", children)
        set_(self, "free", free - self.bound() if free else free)
        set_(self, "patient", patient or self.reads_patient())
        set_(self, "may_raise", may_raise or self.raises())

    def __repr__(self) -> str:
        # Not its children: written out as a tree, a graph may have no end (see `ecqm.plan.explain`).
        said = (str(value) for name in ("operator", "name", "path") if (value := getattr(self, name, None)) is not None)
        return f"<{' '.join((type(self).__name__, *said))} per {self.grain}>"

    def made_of(self) -> Iterable[Node]:
        """The nodes among the fields, in their order; asked while there is nothing but fields."""
        return _nodes_in(vars(self).values())

    def bound(self) -> frozenset[Variable]:
        """The variables that this node binds for its children."""
        return NOTHING

    def reads_patient(self) -> bool:
        return False

    def raises(self) -> bool:
        return False

    @property
    def grain(self) -> str:
        """`once`, `patient` or `row`."""
        return "row" if self.free else "patient" if self.patient else "once"


def _nodes_in(parts: Iterable[Any]) -> Iterator[Node]:
    for part in parts:
        if isinstance(part, Node):
            yield part
        elif isinstance(part, tuple):
            yield from _nodes_in(part)


class PlanNode(Node):
    """A node that gives a column."""


class RowsNode(Node):
    """A node that opens a frame: one row per element of what it scans."""


class Variable(PlanNode):
    """A value that a query binds row by row; a node in which one is free is evaluated per row."""

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "children", ())
        set_(self, "free", frozenset((self,)))
        set_(self, "patient", False)
        set_(self, "may_raise", False)


@dataclass(frozen=True, eq=False, repr=False)
class Element(Variable):
    """The current element of `source`, when a query scans it; `nesting` tells apart scans of one source inside another.

    Named by what it ranges over and not by its alias, so that expressions of two queries over one source are equal.
    """

    source: PlanNode
    nesting: int = 0


@dataclass(frozen=True, eq=False, repr=False)
class Accumulator(Variable):
    """What an aggregate clause has gathered so far (CQL author's guide, "Aggregate Queries"), or what `Repeat` looks at
    this time."""

    number: int


@dataclass(frozen=True, eq=False, repr=False)
class Constant(PlanNode):
    """A scalar value of `ecqm.values`; `type` keeps 1 and True and 1.0 apart."""

    value: Any
    type: CqlType


@dataclass(frozen=True, eq=False, repr=False)
class Parameter(PlanNode):
    """A parameter, the same in all libraries of a run: the value that the run gives it, or else its default."""

    name: str
    default: PlanNode | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Retrieve(PlanNode):
    """The resources of one type (and profile) that match a code filter, as a list per patient (`elm:11.1`).

    `unfiltered`: the resources of all patients, as one list.
    """

    resource_type: str
    profile: str | None
    code_property: str | None = None
    comparator: str | None = None
    codes: PlanNode | None = None
    unfiltered: bool = False

    def reads_patient(self) -> bool:
        return not self.unfiltered


@dataclass(frozen=True, eq=False, repr=False)
class Property(PlanNode):
    """An element of a structured value, or of a resource (`elm:2.3`)."""

    source: PlanNode
    path: str


@dataclass(frozen=True, eq=False, repr=False)
class Call(PlanNode):
    """An operator of the registry on operands; `attributes` are the node's other settings, as (name, value) pairs."""

    operator: str
    operands: tuple[PlanNode, ...]
    attributes: tuple[tuple[str, Any], ...] = ()

    def raises(self) -> bool:
        return registry.get(self.operator).may_raise


@dataclass(frozen=True, eq=False, repr=False)
class FunctionKernel(PlanNode):
    """A library function that has a kernel of its own (FHIRHelpers conversions)."""

    name: str
    operand: PlanNode


@dataclass(frozen=True, eq=False, repr=False)
class Membership(PlanNode):
    """Whether a code, a concept or any of a list of them is in a value set (`elm:23.8`, `elm:23.2`)."""

    operand: PlanNode
    value_set: PlanNode


@dataclass(frozen=True, eq=False, repr=False)
class Conditional(PlanNode):
    """If and Case (`elm:15`): the value of the first branch whose condition is true; each on the rows that take it."""

    branches: tuple[tuple[PlanNode, PlanNode], ...]
    otherwise: PlanNode


@dataclass(frozen=True, eq=False, repr=False)
class Cast(PlanNode):
    """As (`elm:22.1`): the value if it is of the type, else null, or an error when `strict`."""

    operand: PlanNode
    type: CqlType
    strict: bool = False

    def raises(self) -> bool:
        return self.strict


@dataclass(frozen=True, eq=False, repr=False)
class TypeTest(PlanNode):
    """Is (`elm:22.18`)."""

    operand: PlanNode
    type: CqlType


@dataclass(frozen=True, eq=False, repr=False)
class MakeRecord(PlanNode):
    """Tuple and Instance (`elm:2.1`, `elm:2.2`): named values; `type` is None for a tuple."""

    type: CqlType | None
    elements: tuple[tuple[str, PlanNode], ...]


@dataclass(frozen=True, eq=False, repr=False)
class MakeList(PlanNode):
    """List (`elm:20.1`)."""

    elements: tuple[PlanNode, ...]
    type: CqlType | None = None


@dataclass(frozen=True, eq=False, repr=False)
class MakeInterval(PlanNode):
    """Interval (`elm:19.1`); whether a boundary is closed may depend on the row.

    `point_type` is that of its points, as far as the plan alone tells: what closed boundaries mean that are both null.
    """

    low: PlanNode
    high: PlanNode
    low_closed: PlanNode
    high_closed: PlanNode
    point_type: CqlType | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Scan(RowsNode):
    """One row per element of a list (or one per value, of a singleton), bound to `variable`.

    `keep` are conditions on the element alone: they hold however often the scan is repeated, so they are asked once
    where the list itself is. `of` is the frame that the scan multiplies: a query's earlier sources.
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
    """The rows for which every condition is true."""

    rows: RowsNode
    conditions: tuple[PlanNode, ...]

    def bound(self) -> frozenset[Variable]:
        return bound_by(self)


def bound_by(rows: RowsNode | None) -> frozenset[Variable]:
    """The variables that a frame binds."""
    found: set[Variable] = set()
    while rows is not None:
        if isinstance(rows, Scan):
            found.add(rows.variable)
            rows = rows.of
        elif isinstance(rows, Filter):
            rows = rows.rows
    return frozenset(found)


class WithinNode(PlanNode):
    """A node that reduces a frame of its own to one value per row of the frame it is evaluated on."""

    rows: RowsNode

    def bound(self) -> frozenset[Variable]:
        return bound_by(self.rows)


@dataclass(frozen=True, eq=False, repr=False)
class CollectWithin(WithinNode):
    """The value of each row, as a list per outer row; `distinct` drops repeats (`elm:10.11`).

    A query whose sources all turn out to be single values gives a single value.
    """

    rows: RowsNode
    value: PlanNode
    distinct: bool = False


@dataclass(frozen=True, eq=False, repr=False)
class ExistsWithin(WithinNode):
    """Whether the outer row has any row."""

    rows: RowsNode
    value: PlanNode


@dataclass(frozen=True, eq=False, repr=False)
class ReduceWithin(WithinNode):
    """Aggregate clause (`elm:10.12`): `step` is evaluated for each row in turn, with `accumulator` bound to what came
    of the row before."""

    rows: RowsNode
    accumulator: Accumulator
    starting: PlanNode
    step: PlanNode
    distinct: bool = False

    def bound(self) -> frozenset[Variable]:
        return bound_by(self.rows) | {self.accumulator}


@dataclass(frozen=True, eq=False, repr=False)
class Position(PlanNode):
    """The place of a query's element in the list that it is of, from 0 (ELM, Iteration)."""

    element: Element


@dataclass(frozen=True, eq=False, repr=False)
class Repeat(PlanNode):
    """What `projection` gives for the elements of `source`, and for what it gave, until nothing is new (`elm:20.24`).

    `current` is the element that the projection is of; a list that it gives is flattened.
    """

    source: PlanNode
    current: Accumulator
    projection: PlanNode

    def bound(self) -> frozenset[Variable]:
        return frozenset((self.current,))


@dataclass(frozen=True, eq=False, repr=False)
class SortWithin(PlanNode):
    """A list in order of `keys`: (value of the element, descending) pairs (`elm:10.13`)."""

    source: PlanNode
    element: Element
    keys: tuple[tuple[PlanNode, bool], ...]

    def bound(self) -> frozenset[Variable]:
        return frozenset((self.element,))
