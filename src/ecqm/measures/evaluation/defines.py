"""The defines of a measure: columns of the engine converted to the input of scoring."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
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
    ResourceColumn,
    ResourceRow,
    Rows,
    as_decimal,
    to_values,
)
from ecqm.engine import EvaluationError, Executor, RowError
from ecqm.engine.identity import numbered
from ecqm.kernels.segments import representatives
from ecqm.measures.evaluation.functions import PlannedFunction
from ecqm.measures.evaluation.planning import EvaluationPlan
from ecqm.measures.scoring.criteria import Criterion, Episodes, Evaluated, Labels, Observed
from ecqm.measures.scoring.observed_units import ONE, ObservedUnits
from ecqm.plan.nodes import PlanNode
from ecqm.types import NamedType
from ecqm.values import Code, Concept
from ecqm.values.temporal import Temporal
from ecqm.values.text import iso_text, to_cql


def evaluate_defines(plan: EvaluationPlan, executor: Executor) -> Evaluated:
    """The value of every define and observation of a measure for all patients of the executor's cohort.

    Raises EvaluationError if they are not what can be counted.
    """
    n = executor.cohort.n
    counted = plan.measure.criteria
    named = {name: node for name, node in plan.defines.items() if name in counted}
    columns = {node: executor.evaluate(node, f'"{name}"').broadcast(n) for name, node in named.items()}
    for key, function in (*plan.observations.items(), *plan.stratifiers.items()):
        if function.of is not None and function.of not in columns:
            columns[function.of] = executor.evaluate(function.of, f"the episodes of {key[1]}").broadcast(n)
    lists = {node: column for node, column in columns.items() if isinstance(column, ListColumn)}
    bases = frozenset(group.basis for group in plan.measure.groups)
    listed = dict(zip(lists, episodes(lists.values(), bases), strict=True))
    defines = {name: listed.get(node) or criterion(columns[node], n) for name, node in named.items()}
    for group in plan.measure.groups:
        for population in group.criteria:
            if isinstance(defines[population.expression], Labels):
                raise EvaluationError(
                    f"group {group.id}: population {population.id} ({population.expression}) is neither true or false "
                    "nor a list"
                )
    observations = {
        key: _observed(executor, observation, columns, listed, bases, f"observation {key[1]}")
        for key, observation in plan.observations.items()
    }
    strata = {
        key: _strata(executor, stratifier, columns, listed, bases, f"stratifier {key[1]}")
        for key, stratifier in plan.stratifiers.items()
    }
    for key, node in _value_stratifiers(plan):
        column = columns[node]
        if isinstance(column, ListColumn) and _resources(column.values, bases) is None:
            labels = _labels(column.values)
            strata[key] = Labels(labels.code, labels.names, patient=column.parents)
    return Evaluated(n, defines, observations, failures(executor)[0], strata)


def _value_stratifiers(plan: EvaluationPlan) -> Iterator[tuple[tuple[str, str], PlanNode]]:
    """The stratifiers of patients that are defines: if they are lists of values, patients are in several strata."""
    for group in plan.measure.groups:
        for component in (each for stratifier in group.stratifiers for each in stratifier.components):
            if group.patient_based and component.expression in plan.defines:
                yield (group.id, component.expression), plan.defines[component.expression]


def criterion(column: Column, n: int) -> Criterion | Labels:
    """A define as a criterion: a mask over patients, a list of episodes, or labels for anything else."""
    column = column.broadcast(n)
    if isinstance(column, BooleanColumn):
        return column.is_true
    if isinstance(column, NullColumn):
        return np.zeros(n, np.bool_)
    if isinstance(column, ListColumn):
        return episodes([column])[0]
    return _labels(column)


def episodes(lists: Iterable[ListColumn], bases: Container[str] = ()) -> list[Episodes]:
    """The elements of lists as episodes, identified across the lists; nulls are left out.

    Resources are identified by their row. Those of a type that no group counts are left out where the others are of
    one of the `bases`. Other values are the same episode if they are equal. Raises EvaluationError if that cannot be
    told.
    """
    found = list(lists)
    resources = [_resources(column.values, bases) for column in found]
    others = [column.values for column, rows in zip(found, resources, strict=True) if rows is None]
    of_others = iter(numbered(others))
    episodes_of = []
    for column, rows in zip(found, resources, strict=True):
        key, present = (next(of_others), column.values.valid) if rows is None else (rows, rows >= 0)
        episodes_of.append(Episodes(column.parents[present], key[present]))
    return episodes_of


def _listed(values: Column, bases: Container[str]) -> Mask:
    """Which elements of a list are among its episodes, see `episodes`."""
    rows = _resources(values, bases)
    return values.valid if rows is None else rows >= 0


def _resources(values: Column, bases: Container[str]) -> Rows | None:
    """The rows of resources in their table, -1 for null; None for other values."""
    if isinstance(values, (ResourceColumn, NullColumn)):
        return values.rows if isinstance(values, ResourceColumn) else np.full(len(values), -1, np.int64)
    if not isinstance(values, ChoiceColumn) or not all(isinstance(e, ResourceColumn) for e in values.alternatives):
        return None
    tables = [part for part in values.alternatives if isinstance(part, ResourceColumn)]
    counted = [part for part in tables if part.table.resource_type in bases] or tables
    rows: Rows = np.max([part.rows for part in counted], axis=0)
    return rows


def _labels(column: Column) -> Labels:
    """Values as labels; each distinct value is converted once."""
    rows, place = representatives(column.keys())
    names: dict[str, int] = {}
    values = to_values(column.take(rows))
    codes = [-1 if value is None else names.setdefault(_label(value), len(names)) for value in values]
    return Labels(np.array(codes, np.int32)[place], tuple(names))


def _label(value: Any) -> str:
    """A value as people read it: codes by their display, concepts by theirs or that of their first code, resources by
    their type."""
    if isinstance(value, Code):
        return value.display or value.code or ""
    if isinstance(value, Concept):
        return value.display or next((_label(code) for code in value.codes if code is not None), "")
    if isinstance(value, Temporal):
        return iso_text(value)
    if isinstance(value, ResourceRow):
        return value.table.resource_type
    return value if isinstance(value, str) else to_cql(value)


def _strata(
    executor: Executor,
    stratifier: PlannedFunction,
    columns: Mapping[PlanNode, Column],
    listed: Mapping[PlanNode, Episodes],
    bases: Container[str],
    name: str,
) -> Criterion | Labels:
    """The value of a stratifier that is a function: a criterion if it is true or false, otherwise labels."""
    column = executor.evaluate(stratifier.value, name).broadcast(executor.cohort.n)
    if stratifier.of is None:
        return criterion(column, executor.cohort.n)
    source = columns[stratifier.of]
    if not isinstance(source, ListColumn) or not isinstance(column, ListColumn):
        raise EvaluationError(f"{name} is a function of episodes, but its population is not a list")
    episodes = listed[stratifier.of]
    values = column.values.take(np.flatnonzero(_listed(source.values, bases)))
    if isinstance(values, BooleanColumn):
        return Episodes(episodes.patient[values.is_true], episodes.key[values.is_true])
    labels = _labels(values)
    return Labels(labels.code, labels.names, episodes)


def _observed(
    executor: Executor,
    observation: PlannedFunction,
    columns: Mapping[PlanNode, Column],
    listed: Mapping[PlanNode, Episodes],
    bases: Container[str],
    name: str,
) -> Observed:
    n = executor.cohort.n
    column = executor.evaluate(observation.value, name).broadcast(n)
    if observation.of is None:
        return Observed(_numbers(column, name), units=_units(column))
    source = columns[observation.of]
    if isinstance(source, NullColumn):
        return Observed(np.full(n, np.nan))
    if not isinstance(source, ListColumn) or not isinstance(column, ListColumn):
        raise EvaluationError(f"{name} is a function of episodes, but its population is not a list")
    values = column.values.take(np.flatnonzero(_listed(source.values, bases)))
    return Observed(_numbers(values, name), listed[observation.of], _units(values))


def _numbers(column: Column, name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The values of an observation. Raises EvaluationError if they are not numbers."""
    for part in column.alternatives if isinstance(column, ChoiceColumn) else (column,):
        if not isinstance(part, _NUMERIC) and part.type != _UNCERTAIN and part.valid.any():
            raise EvaluationError(f"{name} has values of type {part.type}, which are not numbers")
    return numbers(column)


def _units(column: Column) -> ObservedUnits | None:
    """The units of the values of an observation; None if none of them has any."""
    names = {ONE: 0}
    codes = np.zeros(len(column), np.int32)
    for part in column.alternatives if isinstance(column, ChoiceColumn) else (column,):
        if isinstance(part, QuantityColumn) and part.valid.any():
            rows, place = representatives(part.unit.where(part.valid).keys())
            of_rows = [names.setdefault(unit or ONE, len(names)) for unit in part.unit.take(rows).texts()]
            codes = np.where(part.valid, np.array(of_rows, np.int32)[place], codes)
    return None if len(names) == 1 else ObservedUnits(codes, tuple(names))


_NUMERIC = (NullColumn, BooleanColumn, IntegerColumn, DecimalColumn, QuantityColumn)
# The type of numbers of which only the bounds are known (a duration between imprecise dates); none can be observed.
_UNCERTAIN = NamedType("System", "Uncertainty")


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
