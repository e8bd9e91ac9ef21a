"""Frames: sets of rows under evaluation, and how their rows lie in one another.

    Frame               one row: what is the same for the whole run
      └ patients        one row per patient
          └ scan        one row per element of a list, for each row of the frame that the list is evaluated on
          └ product     a scan repeated for every row of a frame further in: pairs
              └ selection   some of the rows of the frame above it, with the same variables

Every frame but the first has a `parent` and, per row, the row `up` in it (non-decreasing). A product also knows the
frame of its list, its `base`, and per row the `elements` row there, so that what depends on the list's element alone
is evaluated on the list and not on the pairs.
"""

from __future__ import annotations

from collections.abc import Container, Iterator

import numpy as np

from ecqm.columns import Column, Rows
from ecqm.plan.nodes import Node, PlanNode, Variable

Raised = dict[tuple[int, str], tuple[PlanNode, ...]]
"""Errors by patient and message, each with the nodes that were under evaluation, outermost first."""


class Frame:
    """`n` rows; `own`: the variables that they bind; `memo`: the columns already evaluated on them.

    `raised`: the errors that evaluating a node of `memo` raised.
    `scans`: the frames of the lists that were evaluated here, so that queries over one list share what they evaluate.
    """

    def __init__(self, n: int, parent: Frame | None = None, up: Rows | None = None) -> None:
        self.n = n
        self.parent = parent
        self.up = up
        self.base: Frame | None = None
        self.elements: Rows | None = None
        self.own: frozenset[Variable] = frozenset()
        self.scope: frozenset[Variable] = parent.scope if parent is not None else frozenset()
        # Does every row belong to a patient? Not those of lists that are the same for the whole run.
        self.is_of_patients: bool = parent is not None and parent.is_of_patients
        self.is_selection = False
        self.is_conditional = False
        self.memo: dict[PlanNode, Column] = {}
        self.raised: dict[PlanNode, Raised] = {}
        self.scans: dict[tuple[PlanNode, Variable], Frame] = {}
        self._paths: dict[Frame, Rows] = {}

    def bind(self, variable: Variable, column: Column) -> None:
        """Give `variable` its value in each of the rows."""
        self.own |= {variable}
        self.scope |= {variable}
        self.memo[variable] = column

    def binding(self, variable: Variable) -> Frame:
        """The frame of the list whose elements are the values of `variable`: this one, or one that it lies in."""
        if variable in self.own and not self.is_selection and self.base is None:
            return self
        for frame, _ in self._links():
            if variable in frame.scope:
                return frame.binding(variable)
        raise LookupError("a frame was asked for a variable that it does not have")

    def forget(self, keep: Container[Node]) -> None:
        """Free the columns of all nodes but those in `keep`, here and on the lists that were evaluated here."""
        self.memo = {node: column for node, column in self.memo.items() if node in keep or node in self.own}
        self.raised = {node: errors for node, errors in self.raised.items() if node in keep}
        self.scans = {key: scan for key, scan in self.scans.items() if key[0] in keep}
        for scan in self.scans.values():
            scan.forget(keep)

    def rows_in(self, ancestor: Frame) -> Rows:
        """For each row, the row of `ancestor` that it belongs to. The ancestor is above, or beside as a base."""
        found = self._paths.get(ancestor)
        if found is None:
            found = self._find_path(ancestor)
            if found is None:
                raise LookupError("a frame was asked for rows of one that it does not lie in")
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
        """The frame of some of the rows (increasing). `conditional`: the others must not be evaluated for it."""
        frame = Frame(len(rows), self, rows)
        frame.is_selection = True
        frame.is_conditional = conditional
        frame.own = self.own
        return frame

    def product(self, base: Frame, up: Rows, elements: Rows, own: frozenset[Variable]) -> Frame:
        """The frame of pairs of this frame's rows `up` and `base`'s rows `elements`."""
        frame = Frame(len(up), self, up)
        frame.base = base
        frame.elements = elements
        frame.own = own
        frame.scope = self.scope | base.scope
        return frame
