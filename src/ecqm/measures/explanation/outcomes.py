"""Outcomes of clauses for all patients of a cohort at once, and how far the cases of a deck cover them.

A clause within a query has a value per row. It held for a patient if it held in one of the patient's rows, and failed
if it failed in one; both are possible. Conditions of a query are evaluated on all rows of its sources, including rows
that another condition excludes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import reduce
from operator import or_

import numpy as np

from ecqm.columns import BooleanColumn, Column, Mask, Rows
from ecqm.engine import Executor
from ecqm.engine.frame import Frame
from ecqm.measures.explanation.relevance import passes
from ecqm.measures.explanation.rows import rows_of
from ecqm.plan.nodes import PlanNode, Variable
from ecqm.values import evaluating


class State(StrEnum):
    """The outcome of a clause for one patient."""

    TRUE = "true"
    FALSE = "false"
    MIXED = "true in some rows"
    VALUE = "has a value"
    SOME = "has a value in some rows"
    NOTHING = "null or empty"
    NOT_EVALUATED = "not evaluated"


@dataclass(frozen=True)
class Outcome:
    """Masks over patients: in some row the clause was true or had a value (`held`), was `false`, was null or empty
    (`nothing`). If none is set, there was no row. `condition`: the clause is of type Boolean.
    """

    held: Mask
    false: Mask
    nothing: Mask
    condition: bool

    def __or__(self, other: Outcome) -> Outcome:
        """The outcome of a clause that is evaluated in two places, as the union of both."""
        return Outcome(
            self.held | other.held,
            self.false | other.false,
            self.nothing | other.nothing,
            self.condition or other.condition,
        )

    def state(self, patient: int) -> State:
        """The outcome for one patient (a row of the cohort)."""
        failed = self.false[patient] or self.nothing[patient]
        if self.held[patient]:
            if self.condition:
                return State.MIXED if failed else State.TRUE
            return State.SOME if failed else State.VALUE
        if self.false[patient]:
            return State.FALSE
        return State.NOTHING if failed else State.NOT_EVALUATED


@dataclass(frozen=True)
class Coverage:
    """The number of `cases` in which a clause held (was true or had a value), in which it failed (was false, null or
    empty), and in which it was not evaluated. With several rows, a case can count as both held and failed."""

    held: int = 0
    failed: int = 0
    unseen: int = 0
    cases: int = 0
    condition: bool = False

    @classmethod
    def of(cls, outcome: Outcome) -> Coverage:
        """The coverage by the patients of one cohort."""
        failed = outcome.false | outcome.nothing
        seen = outcome.held | failed
        held, not_held, evaluated = (int(np.count_nonzero(mask)) for mask in (outcome.held, failed, seen))
        return cls(held, not_held, len(seen) - evaluated, len(seen), outcome.condition)

    def __add__(self, other: Coverage) -> Coverage:
        return Coverage(
            self.held + other.held,
            self.failed + other.failed,
            self.unseen + other.unseen,
            self.cases + other.cases,
            self.condition or other.condition,
        )


class Outcomes:
    """The outcomes of plan nodes over the cohort of an executor, each evaluated once."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._known: dict[PlanNode, Outcome | None] = {}
        self._frames: dict[frozenset[Variable], Frame | None] = {}

    def of_clause(self, nodes: Iterable[PlanNode]) -> Outcome | None:
        """The outcome of a clause with several nodes, see `of`."""
        found = [outcome for node in nodes if (outcome := self.of(node)) is not None]
        return reduce(or_, found) if found else None

    def of(self, node: PlanNode) -> Outcome | None:
        """The outcome of a node; None if it cannot be evaluated by itself, because evaluation fails or depends on
        previous rows."""
        if node not in self._known:
            try:
                with evaluating(self._executor.context):
                    self._known[node] = self._evaluated(node)
            except Exception:
                # A clause may fail on rows that no measure evaluates it on; the other clauses are still shown.
                self._known[node] = None
        return self._known[node]

    def _evaluated(self, node: PlanNode) -> Outcome | None:
        patients = self._executor.patients
        if not node.free:
            return _outcome(self._executor.evaluate(node, "").broadcast(patients.n))
        frame = self._frame(node.free)
        if frame is None:
            return None
        rows = _outcome(self._executor.value(node, frame).broadcast(frame.n))
        of_patient = frame.rows_in(patients)
        held, false, nothing = (
            _any_row(mask, of_patient, patients.n) for mask in (rows.held, rows.false, rows.nothing)
        )
        return Outcome(held, false, nothing, rows.condition)

    def _frame(self, variables: frozenset[Variable]) -> Frame | None:
        if variables not in self._frames:
            self._frames[variables] = rows_of(self._executor, variables, self._executor.patients)
        return self._frames[variables]


def _outcome(column: Column) -> Outcome:
    held = passes(column, len(column))
    if isinstance(column, BooleanColumn):
        return Outcome(held, column.is_false, ~(held | column.is_false), True)
    return Outcome(held, np.zeros(len(column), np.bool_), ~held, False)


def _any_row(mask: Mask, of_patient: Rows, n: int) -> Mask:
    """For each of n patients: is the mask set in one of the patient's rows?"""
    found = np.zeros(n, np.bool_)
    found[of_patient[mask]] = True
    return found
