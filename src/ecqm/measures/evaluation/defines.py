"""The defines of a measure: columns of the engine converted to the input of scoring."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ecqm.columns import (
    BooleanColumn,
    ChoiceColumn,
    Column,
    DecimalColumn,
    IntegerColumn,
    ListColumn,
    Mask,
    NullColumn,
    QuantityColumn,
    as_decimal,
    to_values,
)
from ecqm.engine import EvaluationError, Executor, RowError
from ecqm.kernels.segments import representatives
from ecqm.measures.evaluation.planning import EvaluationPlan, Observation
from ecqm.measures.scoring.criteria import Criterion, Episodes, Evaluated, Labels, Observed


def evaluate_defines(plan: EvaluationPlan, executor: Executor) -> Evaluated:
    """The value of every define and observation of a measure for all patients of the executor's cohort."""
    n = executor.cohort.n
    counted = plan.measure.criteria
    needed = {name: node for name, node in plan.defines.items() if name in counted}
    defines: dict[str, Criterion | Labels] = {}
    for name, node in needed.items():
        column = executor.evaluate(node, f'"{name}"')
        defines[name] = criterion(column, n)
    observations = {
        key: _observed(executor, observation, f"observation {key[1]}") for key, observation in plan.observations.items()
    }
    return Evaluated(n, defines, observations, failures(executor)[0])


def criterion(column: Column, n: int) -> Criterion | Labels:
    """A define as a criterion: a mask over patients, a list of episodes, or labels for anything else."""
    column = column.broadcast(n)
    if isinstance(column, BooleanColumn):
        return column.is_true
    if isinstance(column, NullColumn):
        return np.zeros(n, np.bool_)
    if isinstance(column, ListColumn):
        return episodes(column)
    return _labels(column)


def episodes(column: ListColumn) -> Episodes:
    """The elements of lists as episodes, identified by their keys; nulls are left out."""
    keys = column.values.keys()
    present = column.values.valid
    return Episodes(column.parents[present], keys[present])


def _labels(column: Column) -> Labels:
    """Values as labels; each distinct value is converted once."""
    rows, place = representatives(column.keys())
    names: dict[str, int] = {}
    values = to_values(column.take(rows))
    codes = [-1 if value is None else names.setdefault(_label(value), len(names)) for value in values]
    return Labels(np.array(codes, np.int32)[place], tuple(names))


def _label(value: Any) -> str:
    for attribute in ("display", "code"):
        text = getattr(value, attribute, None)
        if text:
            return str(text)
    return str(value)


def _observed(executor: Executor, observation: Observation, name: str) -> Observed:
    n = executor.cohort.n
    column = executor.evaluate(observation.value, name).broadcast(n)
    if observation.of is None:
        return Observed(numbers(column))
    source = executor.evaluate(observation.of, name).broadcast(n)
    if not isinstance(source, ListColumn) or not isinstance(column, ListColumn):
        raise EvaluationError(f"{name} is a function of episodes, but its population is not a list")
    present = source.values.valid
    found = Episodes(source.parents[present], source.values.keys()[present])
    return Observed(numbers(column.values)[present], found)


def numbers(column: Column) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Values as floating-point numbers for statistics; NaN where they are null or not numeric."""
    if isinstance(column, ChoiceColumn):
        parts = [numbers(part) for part in column.alternatives]
        return np.select([column.tag == i for i in range(len(parts))], parts, np.nan)
    if isinstance(column, BooleanColumn):
        return np.where(column.valid, column.is_true.astype(np.float64), np.nan)
    if isinstance(column, QuantityColumn):
        column = column.value
    if isinstance(column, (IntegerColumn, DecimalColumn)):
        decimal = as_decimal(column)
        return np.where(decimal.valid, decimal.unscaled.astype(np.float64) / 10**decimal.scale, np.nan)
    return np.full(len(column), np.nan)


def failures(executor: Executor) -> tuple[Mask, dict[int, str]]:
    """Which patients raised an error, and the first message of each."""
    messages = first_messages(executor.errors)
    failed = np.zeros(executor.cohort.n, np.bool_)
    failed[list(messages)] = True
    return failed, messages


def first_messages(errors: Iterable[RowError]) -> dict[int, str]:
    """The first message of each patient that raised errors."""
    messages: dict[int, str] = {}
    for error in errors:
        messages.setdefault(error.patient, f"{error.origin}: {error.message}" if error.origin else error.message)
    return messages
