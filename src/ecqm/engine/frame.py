"""Frames: the sets of rows that nodes are evaluated on.

    once                a single row, for values that are the same for the whole run
      └ patients        one row per patient
          └ scan        one row per element of a list, for each row of the frame that the list is evaluated on
          └ product     pairs: the elements of a scan, repeated for the rows of another frame
              └ selection   some rows of another frame, with the same variables

Every frame except the first has a `parent` and, for each row, the row of the parent that it belongs to (`up`,
non-decreasing). A product also has a `base`, the frame of its list, and for each row the row of the base (`elements`).
What depends on the element of the list alone is evaluated on the base and not on the pairs.
"""

from __future__ import annotations

from collections.abc import Container, Iterator

import numpy as np

from ecqm.columns import Column, Rows
from ecqm.plan.nodes import Node, PlanNode, Variable

Raised = dict[tuple[int, str], tuple[PlanNode, ...]]
"""Run-time errors by (patient, message), with the nodes that were being evaluated, outermost first."""


class Frame:
    """`n` rows.

    - `own`: the variables that the frame binds; `scope`: those and the variables of the frames around it;
    - `memo`: the columns evaluated on the frame; `raised`: the errors raised while evaluating them;
    - `scans`: the frames of lists that were evaluated here, so that queries over the same list share them;
    - `is_of_patients`: whether every row belongs to a patient;
    - `is_selection`: whether the frame has some rows of its parent; `is_conditional`: whether, in addition, nodes that
      may raise errors must not be evaluated for the other rows.
    """

    def __init__(self, n: int, parent: Frame | None = None, up: Rows | None = None) -> None:
        self.n = n
        self.parent = parent
        self.up = up
        self.base: Frame | None = None
        self.elements: Rows | None = None
        self.own: frozenset[Variable] = frozenset()
        self.scope: frozenset[Variable] = parent.scope if parent is not None else frozenset()
        self.is_of_patients: bool = parent is not None and parent.is_of_patients
        self.is_selection = False
        self.is_conditional = False
        self.memo: dict[PlanNode, Column] = {}
        self.raised: dict[PlanNode, Raised] = {}
        self.scans: dict[tuple[PlanNode, Variable], Frame] = {}
        self._paths: dict[Frame, Rows] = {}

    def bind(self, variable: Variable, column: Column) -> None:
        """Set the values of `variable` in the rows of this frame."""
        self.own |= {variable}
        self.scope |= {variable}
        self.memo[variable] = column

    def binding(self, variable: Variable) -> Frame:
        """The scan that binds `variable`: this frame, or one around it. Raises LookupError if there is none."""
        if variable in self.own and not self.is_selection and self.base is None:
            return self
        for frame, _ in self._links():
            if variable in frame.scope:
                return frame.binding(variable)
        raise LookupError("the variable is not bound by this frame or one around it")

    def forget(self, keep: Container[Node]) -> None:
        """Free the columns of all nodes except those in `keep`, on this frame and its `scans`."""
        self.memo = {node: column for node, column in self.memo.items() if node in keep or node in self.own}
        self.raised = {node: errors for node, errors in self.raised.items() if node in keep}
        self.scans = {key: scan for key, scan in self.scans.items() if key[0] in keep}
        for scan in self.scans.values():
            scan.forget(keep)

    def rows_in(self, ancestor: Frame) -> Rows:
        """For each row, the row of `ancestor` that it belongs to. The ancestor is reached by parents and bases. Raises
        LookupError if it is not."""
        found = self._paths.get(ancestor)
        if found is None:
            found = self._find_path(ancestor)
            if found is None:
                raise LookupError("the other frame is not around this one")
            self._paths[ancestor] = found
        return found

    def _links(self) -> Iterator[tuple[Frame, Rows]]:
        if self.base is not None and self.elements is not None:
            yield self.base, self.elements
        if self.parent is not None and self.up is not None:
            yield self.parent, self.up

    def _find_path(self, ancestor: Frame) -> Rows | None:
        if ancestor is self:
            return np.arange(self.n)
        for frame, rows in self._links():
            if frame is ancestor:
                return rows
            if frame._reaches(ancestor):
                return frame.rows_in(ancestor)[rows]
        return None

    def _reaches(self, ancestor: Frame) -> bool:
        return self is ancestor or any(frame._reaches(ancestor) for frame, _ in self._links())

    def select(self, rows: Rows, conditional: bool = False) -> Frame:
        """The frame of some of the rows (increasing); for `conditional` see `is_conditional`."""
        frame = Frame(len(rows), self, rows)
        frame.is_selection = True
        frame.is_conditional = conditional
        frame.own = self.own
        return frame

    def product(self, base: Frame, up: Rows, elements: Rows, own: frozenset[Variable]) -> Frame:
        """The frame of pairs: rows `up` of this frame (non-decreasing) with rows `elements` of `base`. It binds the
        variables `own`."""
        frame = Frame(len(up), self, up)
        frame.base = base
        frame.elements = elements
        frame.own = own
        frame.scope = self.scope | base.scope
        return frame
