"""Lifting: evaluation on scalars, once for each distinct row of the operands, where there is no kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ecqm.columns import Column, NullColumn, broadcast_length, from_values, to_values
from ecqm.engine.executor import Executor
from ecqm.engine.frame import Frame
from ecqm.kernels.segments import combine_keys, representatives
from ecqm.values import CqlError


def lifted(
    executor: Executor, name: str, evaluate: Callable[..., Any], operands: Sequence[Column], frame: Frame
) -> Column:
    """The results of `evaluate`, a function of scalars, for each row of the operands, which are columns over `frame`.

    If it raises an error, the rows are null and the error is recorded for their patients. The call is counted in
    `executor.lifted` under `name`.
    """
    executor.lifted[name] += 1
    n = broadcast_length(*operands) if operands else 1
    if n == 0:
        return NullColumn(0)
    rows, place = np.zeros(1, np.int64), np.zeros(1, np.int64)
    varying = [operand.keys() for operand in operands if len(operand) == n]
    if varying:
        rows, place = representatives(combine_keys(*varying))
    columns = [
        to_values(operand.take(rows)) if len(operand) == n else to_values(operand) * len(rows) for operand in operands
    ]
    results: list[Any] = []
    failures: dict[str, list[int]] = {}
    for number in range(len(rows)):
        try:
            results.append(evaluate(*(values[number] for values in columns)))
        except (CqlError, ArithmeticError, ValueError) as error:
            results.append(None)
            failures.setdefault(f"{name}: {error}", []).append(number)
    for message, numbers in failures.items():
        executor.fail(np.isin(place, numbers), frame, message)
    return from_values(results, executor.terminology.codes).take(place)
