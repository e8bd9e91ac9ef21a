"""The executor: evaluates plan nodes on frames.

    executor = Executor(cohort, Membership(codes, value_sets), FhirProfiles(), context, parameters)
    column = executor.evaluate(node, "Initial Population")

A node is evaluated on the outermost frame that has everything it depends on (`home_of`), and its column is gathered
for the frames further in: what depends on no patient is evaluated once per run, what depends on no query variable once
per patient. The evaluators of the classes of nodes are functions of this package, registered with `@evaluates`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from ecqm.columns import BooleanColumn, ChoiceColumn, Column, Mask, NullColumn
from ecqm.engine.frame import Frame, Raised
from ecqm.engine.interfaces import Cohort, Profiles, Terminology
from ecqm.plan.nodes import Node, PlanNode
from ecqm.values import EvaluationContext, evaluating


@dataclass
class RowError:
    """A run-time error of one patient (a row of the cohort). `origin` names the define; `path` has the nodes that were
    being evaluated, from that of the define to the one that raised the error.
    """

    patient: int
    message: str
    origin: str
    path: tuple[PlanNode, ...] = ()


class EvaluationError(Exception):
    """Evaluation failed for all patients, because the plan needs something that the engine does not support."""


Evaluator = Callable[["Executor", Any, Frame], Column]
_EVALUATORS: dict[type[Node], Evaluator] = {}
_E = TypeVar("_E", bound=Evaluator)


def evaluates(*node_classes: type[PlanNode]) -> Callable[[_E], _E]:
    """Register an evaluator, (executor, node, frame) -> column, for classes of nodes. The column has frame.n rows, or
    one row that stands for all."""

    def register(evaluator: _E) -> _E:
        for node_class in node_classes:
            _EVALUATORS[node_class] = evaluator
        return evaluator

    return register


# A node is evaluated on a frame further out, rather than on the rows that need its value, if that has at most so many
# times as many rows. Its values can then be reused by other queries over the same list.
_MOST_ROWS_PER_NEEDED_ROW = 2


@dataclass
class Executor:
    """Evaluates plans over a batch of patients.

    `profiles` defines retrieves in the data model, `context` is the evaluation request, `parameters` are values by
    name. About `pair_limit` pairs of elements are evaluated at a time.

    `errors` collects the run-time errors of the defines evaluated so far, `lifted` counts, by operator, the calls that
    were evaluated on scalars.
    """

    cohort: Cohort
    terminology: Terminology
    profiles: Profiles
    context: EvaluationContext
    parameters: Mapping[str, Any] = field(default_factory=dict)
    pair_limit: int = 2_000_000

    def __post_init__(self) -> None:
        self.once = Frame(1)
        self.patients = Frame(self.cohort.n, self.once, np.zeros(self.cohort.n, np.int64))
        self.patients.is_of_patients = True
        self.errors: list[RowError] = []
        self.lifted: Counter[str] = Counter()
        # The nodes being evaluated, innermost last, and the errors that each of them has raised so far.
        self._path: list[PlanNode] = []
        self._raised: list[Raised] = [{}]

    def evaluate(self, node: PlanNode, origin: str) -> Column:
        """The value of a define for each patient, or one value for all; `origin` names the define in errors.

        Its run-time errors are added to `errors`, including those of shared nodes that were evaluated before. Raises
        EvaluationError if evaluation failed for all patients.
        """
        self._raised = [{}]
        try:
            with evaluating(self.context):
                column = self.value(node, self.patients)
        except EvaluationError:
            raise
        except Exception as error:
            # Any other exception is a defect of the engine, which must not affect other measures of the run.
            raise EvaluationError(f"{origin} cannot be evaluated: {type(error).__name__}: {error}") from error
        self.errors += [RowError(*error, origin, path) for error, path in self._raised[0].items()]
        return column

    def forget(self, keep: Container[Node]) -> None:
        """Free the columns of all nodes but those in `keep`."""
        self.once.forget(keep)
        self.patients.forget(keep)

    # -- values ---------------------------------------------------------------------------------------------------

    def value(self, node: PlanNode, frame: Frame) -> Column:
        """The value of `node` for each row of `frame`; a column with one row stands for the same value in all rows."""
        found = frame.memo.get(node)
        if found is not None:
            if node in frame.raised:
                self._raised[-1].update(frame.raised[node])
            return found
        self._raised.append({})
        self._path.append(node)
        try:
            column = frame.memo[node] = self._evaluate(node, frame)
        finally:
            raised = self._raised.pop()
            self._path.pop()
            if raised:
                raised = frame.raised[node] = self._of_patients_in(frame, raised)
                self._raised[-1].update(raised)
        return column

    def _evaluate(self, node: PlanNode, frame: Frame) -> Column:
        home = self.home_of(node, frame)
        if home is frame:
            try:
                evaluator = _EVALUATORS[type(node)]
            except KeyError:
                raise EvaluationError(f"no evaluator for {type(node).__name__}") from None
            return evaluator(self, node, frame)
        column = self.value(node, home)
        if len(column) == 1 and home.n == 1:
            return column
        return column.broadcast(home.n).take(frame.rows_in(home))

    def home_of(self, node: PlanNode, frame: Frame) -> Frame:
        """The frame to evaluate `node` on when `frame` needs its value: normally the outermost frame that has all that
        the node depends on."""
        if not node.patient and not node.free:
            # An error must not be raised if no row needs the value, so that a node that may raise one stays here.
            return frame if node.may_raise and frame is not self.patients else self.once
        if frame is self.patients or frame.parent is None:
            return frame
        if node.may_raise and frame.is_conditional:
            return frame
        if frame.is_selection:
            return self._home_of_selection(node, frame)
        if node.free & frame.own and frame.base is None:
            return frame
        if node.free <= frame.parent.scope:
            return self.home_of(node, frame.parent)
        base = frame.base
        if base is not None and node.free <= base.scope and (base.is_of_patients or not node.patient):
            # A value that depends only on the element of the list is the same in all pairs with this element.
            home = self.home_of(node, base)
            return home if node in home.memo or not self._is_far_larger(home, frame) else frame
        return frame

    def _home_of_selection(self, node: PlanNode, frame: Frame) -> Frame:
        assert frame.parent is not None
        home = self.home_of(node, frame.parent)
        if home is frame.parent or self._is_far_larger(home, frame):
            # Rows that were not selected need no value, so evaluate on the selection, unless all values exist already.
            return home if node in home.memo or not node.free else frame
        return home

    @staticmethod
    def _is_far_larger(home: Frame, frame: Frame) -> bool:
        return home.n > _MOST_ROWS_PER_NEEDED_ROW * frame.n

    # -- errors ---------------------------------------------------------------------------------------------------

    def _of_patients_in(self, frame: Frame, raised: Raised) -> Raised:
        """The errors of patients with rows in the frame. A node evaluated further out may have raised errors for other
        patients, who do not need its value here."""
        if frame is self.once or frame is self.patients:
            return raised
        present = frozenset(frame.rows_in(self.patients).tolist())
        return {error: path for error, path in raised.items() if error[0] in present}

    def fail(self, rows: Mask, frame: Frame, message: str) -> None:
        """Record a run-time error for the patients of `rows`, a mask over the frame. Raises EvaluationError if the rows
        of the frame do not belong to patients."""
        if not rows.any():
            return
        if len(rows) == 1 and frame.n != 1:
            rows = np.broadcast_to(rows, (frame.n,))
        if not frame.is_of_patients:
            raise EvaluationError(message)
        patients = np.unique(frame.rows_in(self.patients)[rows])
        path = tuple(self._path)
        self._raised[-1].update(((int(patient), message), path) for patient in patients)


def truth(column: Column, n: int) -> Mask:
    """Mask of the `n` rows in which a Boolean column is true; nowhere for untyped nulls, and of a choice only its
    Boolean alternative counts. Raises EvaluationError for other types."""
    if isinstance(column, ChoiceColumn):
        masks = [truth(part, n) for part in column.alternatives if isinstance(part, BooleanColumn)]
        return np.logical_or.reduce(masks) if masks else np.zeros(n, np.bool_)
    if isinstance(column, NullColumn):
        return np.zeros(n, np.bool_)
    if not isinstance(column, BooleanColumn):
        raise EvaluationError(f"a condition has a value of type {column.type}, not Boolean")
    return column.is_true if len(column) == n else np.broadcast_to(column.is_true, (n,))
