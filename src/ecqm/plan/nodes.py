"""The nodes of an evaluation plan.

A plan is a directed acyclic graph in which equal sub-plans are one node (see `ecqm.plan.builder`). Nodes are therefore
compared by identity, and a sub-plan that occurs several times is evaluated once. There are two families: a `PlanNode`
gives a column, one value per row of the frame that it is evaluated on; a `RowsNode` opens a new frame.

The grain of a node is how often it is evaluated: `once` per run, once per `patient`, or once per `row` of the queries
whose variables it depends on (`free`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ecqm.operators import registry
from ecqm.types import CqlType

NOTHING: frozenset[Variable] = frozenset()


class Node:
    """Base class of all nodes. A subclass has its fields; these attributes are computed from them on construction:

    - `children`: the nodes among the fields;
    - `free`: the query variables that the value depends on;
    - `patient`: whether it depends on the patient, other than by variables;
    - `may_raise`: whether evaluation may raise a run-time error, so that it must not be evaluated for rows that do not
      need its value.
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
        # Without its children: written as a tree, the graph may be very large (see `ecqm.plan.explain`).
        said = (str(value) for name in ("operator", "name", "path") if (value := getattr(self, name, None)) is not None)
        return f"<{' '.join((type(self).__name__, *said))} per {self.grain}>"

    def made_of(self) -> Iterable[Node]:
        """The nodes among the fields, in order; called before the other attributes are set."""
        return _nodes_in(vars(self).values())

    def bound(self) -> frozenset[Variable]:
        """The variables that this node binds for its children."""
        return NOTHING

    def reads_patient(self) -> bool:
        """Whether the node itself, apart from its children, depends on the patient."""
        return False

    def raises(self) -> bool:
        """Whether the node itself, apart from its children, may raise a run-time error."""
        return False

    @property
    def grain(self) -> str:
        """How often the node is evaluated: `once`, per `patient` or per `row`."""
        return "row" if self.free else "patient" if self.patient else "once"


def _nodes_in(parts: Iterable[Any]) -> Iterator[Node]:
    for part in parts:
        if isinstance(part, Node):
            yield part
        elif isinstance(part, tuple):
            yield from _nodes_in(part)


def reachable(roots: Iterable[Node]) -> frozenset[Node]:
    """All nodes reachable from some nodes."""
    found: set[Node] = set()
    waiting = list(roots)
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting += node.children
    return frozenset(found)


class PlanNode(Node):
    """A node that gives a column."""


class RowsNode(Node):
    """A node that opens a frame, with one row per element of a list or per combination of elements of several."""


class Variable(PlanNode):
    """A value that a query binds for each of its rows."""

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "children", ())
        set_(self, "free", frozenset((self,)))
        set_(self, "patient", False)
        set_(self, "may_raise", False)


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
class Constant(PlanNode):
    """A scalar value of `ecqm.values`; `type` distinguishes 1, True and 1.0, which are equal in Python."""

    value: Any
    type: CqlType


@dataclass(frozen=True, eq=False, repr=False)
class Parameter(PlanNode):
    """The value of a parameter, one for all libraries: given by the run, or else its default."""

    name: str
    default: PlanNode | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Retrieve(PlanNode):
    """The resources of a type (and profile) that pass a code filter, as a list per patient (`elm:11.1`); if
    `unfiltered`, those of all patients as one list.
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
    """An operator of the registry with its operands; `attributes` are the other attributes of the ELM node, as (name,
    value) pairs."""

    operator: str
    operands: tuple[PlanNode, ...]
    attributes: tuple[tuple[str, Any], ...] = ()

    def raises(self) -> bool:
        return registry.get(self.operator).may_raise


@dataclass(frozen=True, eq=False, repr=False)
class FunctionKernel(PlanNode):
    """A call of a library function that the engine implements itself (the conversions of FHIRHelpers)."""

    name: str
    operand: PlanNode


@dataclass(frozen=True, eq=False, repr=False)
class Membership(PlanNode):
    """Whether a code, a concept, or any element of a list of them is in a value set (`elm:23.8`, `elm:23.2`)."""

    operand: PlanNode
    value_set: PlanNode


@dataclass(frozen=True, eq=False, repr=False)
class Conditional(PlanNode):
    """If and Case (`elm:15`): the value of the first branch (condition, value) whose condition is true. Each value is
    evaluated only for the rows that take its branch."""

    branches: tuple[tuple[PlanNode, PlanNode], ...]
    otherwise: PlanNode


@dataclass(frozen=True, eq=False, repr=False)
class Cast(PlanNode):
    """As (`elm:22.1`): the value if it is of a type, otherwise null, or a run-time error if `strict`."""

    operand: PlanNode
    type: CqlType
    strict: bool = False

    def raises(self) -> bool:
        return self.strict


@dataclass(frozen=True, eq=False, repr=False)
class TypeTest(PlanNode):
    """Is (`elm:22.18`): whether the value is of a type."""

    operand: PlanNode
    type: CqlType


@dataclass(frozen=True, eq=False, repr=False)
class MakeRecord(PlanNode):
    """Tuple and Instance (`elm:2.1`, `elm:2.2`): a value from named elements; `type` is None for a tuple."""

    type: CqlType | None
    elements: tuple[tuple[str, PlanNode], ...]


@dataclass(frozen=True, eq=False, repr=False)
class MakeList(PlanNode):
    """List (`elm:20.1`): a list of given elements; `type` is the element type, where ELM gives it."""

    elements: tuple[PlanNode, ...]
    type: CqlType | None = None


@dataclass(frozen=True, eq=False, repr=False)
class MakeInterval(PlanNode):
    """Interval (`elm:19.1`); whether a boundary is closed may be computed, too.

    `point_type` is the point type where the plan alone shows it. It decides which minimum and maximum closed boundaries
    stand for that are both null.
    """

    low: PlanNode
    high: PlanNode
    low_closed: PlanNode
    high_closed: PlanNode
    point_type: CqlType | None = None


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
    found: set[Variable] = set()
    while rows is not None:
        if isinstance(rows, Scan):
            found.add(rows.variable)
            rows = rows.of
        elif isinstance(rows, Filter):
            rows = rows.rows
    return frozenset(found)


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
