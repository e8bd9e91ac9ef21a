"""What clauses came to, for all patients of a cohort at once; and which of them a deck's cases put to the test.

A clause of a query has a value per row. It held for a patient if it did in one of the patient's rows, and failed if
it did in one: it can be both. Conditions of a query are asked of all rows of its sources, also of those that another
condition leaves out already.
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
from ecqm.measures.explanation.clauses import rows_of
from ecqm.measures.explanation.relevance import passes
from ecqm.plan.nodes import PlanNode, Variable
from ecqm.values import evaluating


class State(StrEnum):
    """What a clause came to for one patient."""

    TRUE = "true"
    FALSE = "false"
    MIXED = "true in some rows"
    VALUE = "has a value"
    SOME = "has a value in some rows"
    NOTHING = "null or empty"
    NOT_EVALUATED = "not evaluated"


@dataclass(frozen=True)
class Outcome:
    """Per patient: in some row the clause was true or had a value (`held`), was `false`, was null or empty (`nothing`).

    None of these: there was no row to evaluate it for. `condition`: it is of type Boolean.
    """

    held: Mask
    false: Mask
    nothing: Mask
    condition: bool

    def __or__(self, other: Outcome) -> Outcome:
        """That of a clause which is evaluated in two places: what it was in one of them."""
        return Outcome(
            self.held | other.held,
            self.false | other.false,
            self.nothing | other.nothing,
            self.condition or other.condition,
        )

    def state(self, patient: int) -> State:
        """What it came to for one patient (a row of the cohort)."""
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
    """In how many cases a clause held (was true, or had a value), in how many it did not (was false, null or empty),
    and in how many neither, of all `cases`. In a case with several rows it can both have held and not."""

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
        """The outcome of a clause that came to several nodes, see `of`."""
        found = [outcome for node in nodes if (outcome := self.of(node)) is not None]
        return reduce(or_, found) if found else None

    def of(self, node: PlanNode) -> Outcome | None:
        """The outcome of a node; None where it has none by itself: it cannot be evaluated where nobody asks for it, or
        depends on the rows before it."""
        if node not in self._known:
            try:
                with evaluating(self._executor.context):
                    self._known[node] = self._evaluated(node)
            except Exception:
                # A clause that fails where no measure evaluates it must not take the others with it.
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
