"""Calls of operators: by a kernel, for each alternative of a choice, or lifted, that is, on scalars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from ecqm.columns import ChoiceColumn, Column, NullColumn, broadcast_length, merge
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
    return apply(executor, node.operator, operands, dict(node.attributes), frame)


def apply(
    executor: Executor, name: str, operands: Sequence[Column], settings: Mapping[str, Any], frame: Frame
) -> Column:
    """The result of an operator for operands over `frame`; `settings` are the attributes of the ELM node."""
    if not takes_choices(name):
        for position, operand in enumerate(operands):
            if isinstance(operand, ChoiceColumn):
                return _by_alternative(executor, name, operands, position, settings, frame)
    if any(isinstance(operand, NullColumn) for operand in operands) and registry.get(name).propagates_null:
        return NullColumn(broadcast_length(*operands), result_type(name, operands))
    kernel = kernel_of(name)
    if kernel is not None:
        result = kernel(*operands, **settings)
        if isinstance(result, Rest):
            return _with_rest(executor, name, operands, settings, frame, result)
        if isinstance(result, Partial):
            executor.fail(result.failed, frame, f"{name}: {result.reason}")
            return result.column
        if result is not None:
            return result
    return lift(executor, name, operands, settings, frame)


def _by_alternative(
    executor: Executor,
    name: str,
    operands: Sequence[Column],
    position: int,
    settings: Mapping[str, Any],
    frame: Frame,
) -> Column:
    """Evaluate a call for each alternative of the choice at `position`, on the rows that have it."""
    choice = operands[position]
    assert isinstance(choice, ChoiceColumn)
    n = broadcast_length(*operands)
    choice = choice.broadcast(n)
    pieces = []
    for tag in range(-1, len(choice.alternatives)):
        rows = np.flatnonzero(choice.tag == tag)
        if len(rows) == 0:
            continue
        part = NullColumn(len(rows)) if tag < 0 else system_type(choice.alternatives[tag].take(rows))
        others = [operand if len(operand) == 1 else operand.take(rows) for operand in operands]
        others[position] = part
        inside = frame.select(rows) if n == frame.n else frame
        pieces.append((rows, apply(executor, name, others, settings, inside)))
    return merge(n, pieces) if pieces else NullColumn(n)


def _with_rest(
    executor: Executor, name: str, operands: Sequence[Column], settings: Mapping[str, Any], frame: Frame, result: Rest
) -> Column:
    """The column of a kernel, with the rows that it left undecided evaluated on scalars."""
    n = len(result.column)
    rows = np.flatnonzero(result.undecided)
    others = [operand if len(operand) == 1 else operand.take(rows) for operand in operands]
    inside = frame.select(rows) if n == frame.n else frame
    decided = np.flatnonzero(~result.undecided)
    return merge(n, [(decided, result.column.take(decided)), (rows, lift(executor, name, others, settings, inside))])


def lift(
    executor: Executor, name: str, operands: Sequence[Column], settings: Mapping[str, Any], frame: Frame
) -> Column:
    """Evaluate an operator on scalars, once for each distinct row of the operands."""
    operator = registry.get(name)
    chosen = operator.resolve([operand.type for operand in operands], settings)

    def evaluate(*values: Any, context: EvaluationContext, **attributes: Any) -> Any:
        # A null does not show its type, so the overload is chosen by the types of the columns.
        if chosen is not None and any(value is None for value in values):
            return chosen.scalar(*values, context=context, **attributes)
        return operator.call(*values, context=context, **attributes)

    result = lifted(executor, name, partial(evaluate, context=executor.context, **settings), operands, frame)
    return NullColumn(len(result), result_type(name, operands)) if isinstance(result, NullColumn) else result


def result_type(name: str, operands: Sequence[Column]) -> CqlType:
    """The type of the result of an operator. Nulls need it: they choose between overloads for lists and intervals."""
    return registry.get(name).result_type([operand.type for operand in operands])
