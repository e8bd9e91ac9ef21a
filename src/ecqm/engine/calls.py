"""Calls of operators: by a kernel, for each alternative of a choice, or lifted, that is, on scalars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ecqm.columns import ChoiceColumn, Column, NullColumn, Rows, broadcast_length, merge
from ecqm.engine.executor import Executor, evaluates
from ecqm.engine.frame import Frame
from ecqm.engine.lifting import lifted
from ecqm.engine.values import system_type
from ecqm.operators import registry
from ecqm.operators.vectors import Partial, Rest, kernel_of, takes_choices
from ecqm.plan.nodes import Call
from ecqm.types import CqlType
from ecqm.values import EvaluationContext


@evaluates(Call)
def call(executor: Executor, node: Call, frame: Frame) -> Column:
    operands = [system_type(executor.value(operand, frame)) for operand in node.operands]
    return apply(executor, node.operator, operands, frame, **dict(node.attributes))


def apply(executor: Executor, operator: str, operands: Sequence[Column], frame: Frame, **attributes: Any) -> Column:
    """The result of an operator for operands over `frame`; `attributes` are those of the ELM node."""
    return _Application(executor, operator, attributes).to(operands, frame)


@dataclass(frozen=True)
class _Application:
    """An operator, with the attributes of its ELM node, that is applied to columns."""

    executor: Executor
    operator: str
    attributes: Mapping[str, Any]

    def to(self, operands: Sequence[Column], frame: Frame) -> Column:
        """The result for operands over a frame, n rows or one row for all."""
        if not takes_choices(self.operator):
            for position, operand in enumerate(operands):
                if isinstance(operand, ChoiceColumn):
                    return self._by_alternative(operands, position, frame)
        if any(isinstance(operand, NullColumn) for operand in operands) and self._declared.propagates_null:
            return NullColumn(broadcast_length(*operands), self._result_type(operands))
        kernel = kernel_of(self.operator)
        result = None if kernel is None else kernel(*operands, **self.attributes)
        if result is None:
            return self._lifted(operands, frame)
        if isinstance(result, Rest):
            return self._with_rest(operands, result, frame)
        if isinstance(result, Partial):
            self.executor.fail(result.failed, frame, f"{self.operator}: {result.reason}")
            return result.column
        return result

    @property
    def _declared(self) -> registry.Operator:
        return registry.get(self.operator)

    def _by_alternative(self, operands: Sequence[Column], position: int, frame: Frame) -> Column:
        """The result for each alternative of the choice at `position`, on the rows that have it."""
        choice = operands[position]
        assert isinstance(choice, ChoiceColumn)
        n = broadcast_length(*operands)
        choice = choice.broadcast(n)
        pieces = []
        for tag in range(-1, len(choice.alternatives)):
            rows = np.flatnonzero(choice.tag == tag)
            if len(rows) == 0:
                continue
            on_rows, inside = _on_rows(rows, n, operands, frame)
            on_rows[position] = NullColumn(len(rows)) if tag < 0 else system_type(choice.alternatives[tag].take(rows))
            pieces.append((rows, self.to(on_rows, inside)))
        return merge(n, pieces) if pieces else NullColumn(n)

    def _with_rest(self, operands: Sequence[Column], result: Rest, frame: Frame) -> Column:
        """The column of a kernel, with the rows that it left undecided evaluated on scalars."""
        n = len(result.column)
        decided, left = np.flatnonzero(~result.undecided), np.flatnonzero(result.undecided)
        on_scalars = self._lifted(*_on_rows(left, n, operands, frame))
        return merge(n, [(decided, result.column.take(decided)), (left, on_scalars)])

    def _lifted(self, operands: Sequence[Column], frame: Frame) -> Column:
        """The result on scalars, once for each distinct row of the operands."""
        operator = self._declared
        chosen = operator.resolve([operand.type for operand in operands], self.attributes)

        def evaluate(*values: Any, context: EvaluationContext, **attributes: Any) -> Any:
            # A null does not show its type, so the overload is chosen by the types of the columns.
            if chosen is not None and any(value is None for value in values):
                return chosen.scalar(*values, context=context, **attributes)
            return operator.call(*values, context=context, **attributes)

        on_scalars = partial(evaluate, context=self.executor.context, **self.attributes)
        result = lifted(self.executor, self.operator, on_scalars, operands, frame)
        return NullColumn(len(result), self._result_type(operands)) if isinstance(result, NullColumn) else result

    def _result_type(self, operands: Sequence[Column]) -> CqlType:
        """The type of the result. Nulls need it: they choose between overloads for lists and intervals."""
        return self._declared.result_type([operand.type for operand in operands])


def _on_rows(rows: Rows, n: int, operands: Sequence[Column], frame: Frame) -> tuple[list[Column], Frame]:
    """Some of n rows of the operands, and of the frame that they are over."""
    on_rows = [operand if len(operand) == 1 else operand.take(rows) for operand in operands]
    return on_rows, frame.select(rows) if n == frame.n else frame
