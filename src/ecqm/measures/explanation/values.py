"""The values of clauses for one patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ecqm.columns import BooleanColumn, to_values
from ecqm.engine import Executor
from ecqm.engine.frame import Frame
from ecqm.measures.explanation.rows import rows_of
from ecqm.plan.nodes import PlanNode, Variable
from ecqm.values import evaluating

_ROWS_SHOWN = 3


@dataclass(frozen=True)
class PerRow:
    """The values of a clause within queries: `values` for the first of `n` rows; `true` is the number of rows in which
    a condition is true."""

    n: int
    true: int | None
    values: tuple[Any, ...]


class Unknown(str):
    """Why a clause has no value."""


class PatientValues:
    """The values of plan nodes for one patient (`row`) of an executor's cohort."""

    def __init__(self, executor: Executor, row: int) -> None:
        self._executor = executor
        self._row = np.array([row])
        self._frames: dict[frozenset[Variable], Frame | None] = {}

    def of(self, node: PlanNode) -> Any:
        """The value of a node; PerRow for a node within queries, Unknown if it has none."""
        try:
            if not node.free:
                column = self._executor.evaluate(node, "").broadcast(self._executor.cohort.n)
                return to_values(column.take(self._row))[0]
            return self._per_row(node)
        except Exception as error:
            # A clause may fail on rows that no measure evaluates it on; the other clauses are still shown.
            return Unknown(str(error))

    def _per_row(self, node: PlanNode) -> PerRow | Unknown:
        frame = self._frame(node.free)
        if frame is None:
            return Unknown("depends on the rows before it")
        with evaluating(self._executor.context):
            column = self._executor.value(node, frame).broadcast(frame.n)
        true = int(np.count_nonzero(column.is_true)) if isinstance(column, BooleanColumn) else None
        return PerRow(frame.n, true, tuple(to_values(column.take(np.arange(min(frame.n, _ROWS_SHOWN))))))

    def _frame(self, variables: frozenset[Variable]) -> Frame | None:
        """The patient's rows of the queries that bind some variables; None if a variable is not bound by a query."""
        if variables not in self._frames:
            patient = self._executor.patients.select(self._row)
            self._frames[variables] = rows_of(self._executor, variables, patient)
        return self._frames[variables]
