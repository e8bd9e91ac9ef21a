"""What all nodes of a plan have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

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
