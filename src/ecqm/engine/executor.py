"""The executor: the value of a plan node for every row of a frame.

    executor = Executor(cohort, Membership(codes, value_sets), FhirProfiles(), context, parameters)
    column = executor.evaluate(node, "Initial Population")

A node is evaluated on the outermost frame that has what it depends on, and gathered from there (`home_of`): what
depends on no patient once per run, what depends on no query variable once per patient. What each class of node does is
in the modules of this package, registered under the class with `@evaluates`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import numpy as np

from ecqm.columns import BooleanColumn, ChoiceColumn, Column, Mask, NullColumn, ResourceColumn, Rows
from ecqm.engine.frame import Frame, Raised
from ecqm.plan.nodes import Constant, Node, PlanNode, Variable
from ecqm.types import NamedType
from ecqm.values import EvaluationContext, evaluating


class Cohort(Protocol):
    """What the executor needs of the data: n patients, a table for every type of resource, references resolved.

    A table tells its rows' `patient` (non-decreasing), which are `contained`, their `serial`, `profiles` and elements.
    """

    @property
    def n(self) -> int: ...

    def table(self, resource_type: str) -> Any: ...

    def resolve(self, references: Column, patients: Rows, resource_type: str, serials: Rows | None = None) -> Rows: ...


class Terminology(Protocol):
    """What the executor needs of the terminology: the index of codes, membership of their ids in value sets, and
    the codes of a value set without their systems."""

    @property
    def codes(self) -> Any: ...

    def table(self, identifier: str, version: str | None = None) -> Mask: ...

    def strings(self, identifier: str, version: str | None = None) -> frozenset[str]: ...


class Profiles(Protocol):
    """What a retrieve of a type and profile means in a data model.

    `instances`: the type of the resources among which a retrieve of `type_` looks; `code_property`: the element that
    holds all codes of what a retrieve filters by `name`; `matching`: which of some rows of a table the retrieve takes.
    """

    def instances(self, type_: NamedType) -> NamedType: ...

    def code_property(self, name: str) -> str: ...

    def matching(self, table: Any, type_: NamedType, profile: str | None, rows: Rows) -> Mask: ...


@dataclass
class RowError:
    """A run-time error of one patient: what was evaluated (`origin`), and what went wrong.

    `path` are the nodes under evaluation, from the define's own to the one that raised the error.
    """

    patient: int
    message: str
    origin: str
    path: tuple[PlanNode, ...] = ()


class EvaluationError(Exception):
    """Evaluation cannot go on for any patient: a plan that asks for what the engine does not have."""


Evaluator = Callable[["Executor", Any, Frame], Column]
_EVALUATORS: dict[type[Node], Evaluator] = {}
_E = TypeVar("_E", bound=Evaluator)


def evaluates(*node_classes: type[PlanNode]) -> Callable[[_E], _E]:
    """Register the evaluator of node classes: (executor, node, frame) -> column of frame.n values, or of one."""

    def register(evaluator: _E) -> _E:
        for node_class in node_classes:
            _EVALUATORS[node_class] = evaluator
        return evaluator

    return register


# A frame with at most so many rows for each that asks is worth a node's evaluation there: values are found again by the
# next query over the same list, where those on fewer rows would be evaluated anew.
_ROWS_PER_ROW_ASKING = 2


@dataclass
class Executor:
    """Evaluates plans over a batch of patients.

    `profiles` says what retrieves mean in the data model, `context` when and at which clock the evaluation was asked
    for; `parameters` gives values by name. No more than `pair_limit` pairs of elements are looked at together.

    `errors` are those of the defines that were evaluated, `lifted` how often scalars were evaluated in place of a
    kernel, by operator.
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
        # The nodes under evaluation, innermost last, and the errors that each has raised so far.
        self._path: list[PlanNode] = []
        self._raised: list[Raised] = [{}]

    def evaluate(self, node: PlanNode, origin: str) -> Column:
        """The value of a define (called `origin` in errors) for each patient, or one value for all of them.

        Errors that it raises, now or when what it shares with others was evaluated, are added to `errors`. Raises
        EvaluationError where there can be no value for any patient.
        """
        self._raised = [{}]
        try:
            with evaluating(self.context):
                column = self.value(node, self.patients)
        except EvaluationError:
            raise
        except Exception as error:
            # Whatever else goes wrong is a defect of the engine; it must not take other measures with it.
            raise EvaluationError(f"{origin} cannot be evaluated: {type(error).__name__}: {error}") from error
        self.errors += [RowError(*error, origin, path) for error, path in self._raised[0].items()]
        return column

    def forget(self, keep: Container[Node]) -> None:
        """Free the columns of all nodes but those in `keep`."""
        self.once.forget(keep)
        self.patients.forget(keep)

    # -- values ---------------------------------------------------------------------------------------------------

    def value(self, node: PlanNode, frame: Frame) -> Column:
        """The value of `node` for each row of `frame`; a column of length 1 stands for one value in all of them."""
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
                raised = frame.raised[node] = self._asked_for(raised, frame)
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
        """The frame to evaluate `node` on for `frame`: the outermost one that has all it depends on."""
        if not node.patient and not node.free:
            # Rows that ask for no value raise no error: where there may be none, nothing is evaluated for all.
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
            # What depends on the list's element alone is the same in all pairs that the element is in.
            home = self.home_of(node, base)
            return home if node in home.memo or not self._is_far_larger(home, frame) else frame
        return frame

    def _home_of_selection(self, node: PlanNode, frame: Frame) -> Frame:
        assert frame.parent is not None
        home = self.home_of(node, frame.parent)
        if home is frame.parent or self._is_far_larger(home, frame):
            # Rows that were not selected need no value, unless all have theirs already.
            return home if node in home.memo or not node.free else frame
        return home

    @staticmethod
    def _is_far_larger(home: Frame, frame: Frame) -> bool:
        return home.n > _ROWS_PER_ROW_ASKING * frame.n

    def is_never_null(self, node: PlanNode, frame: Frame) -> bool:
        """Is it known without evaluation that `node` is null in no row of the frame?"""
        if isinstance(node, Constant):
            return node.value is not None
        return isinstance(node, Variable) and isinstance(self.value(node, frame), ResourceColumn)

    # -- errors ---------------------------------------------------------------------------------------------------

    def _asked_for(self, raised: Raised, frame: Frame) -> Raised:
        """Of errors those of patients with rows in the frame: of what was evaluated further out, no other asks."""
        if frame is self.once or frame is self.patients:
            return raised
        asking = frozenset(frame.rows_in(self.patients).tolist())
        return {error: path for error, path in raised.items() if error[0] in asking}

    def fail(self, rows: Mask, frame: Frame, message: str) -> None:
        """Record a run-time error for the patients of `rows` (mask over the frame)."""
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
    """Where a column that ought to be Boolean is true, over n rows; an untyped null is true nowhere."""
    if isinstance(column, ChoiceColumn):
        masks = [truth(part, n) for part in column.alternatives if isinstance(part, BooleanColumn)]
        return np.logical_or.reduce(masks) if masks else np.zeros(n, np.bool_)
    if isinstance(column, NullColumn):
        return np.zeros(n, np.bool_)
    if not isinstance(column, BooleanColumn):
        raise EvaluationError(f"a condition has a value of type {column.type}, not Boolean")
    return column.is_true if len(column) == n else np.broadcast_to(column.is_true, (n,))
