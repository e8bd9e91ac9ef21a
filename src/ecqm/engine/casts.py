"""As and Is: which rows of a column are of a type (`elm:22.1`, `elm:22.18`)."""

from __future__ import annotations

from functools import cache

import numpy as np

from ecqm.columns import BooleanColumn, ChoiceColumn, Column, IntervalColumn, ListColumn, Mask, NullColumn, RecordColumn
from ecqm.engine.executor import Executor, evaluates
from ecqm.engine.frame import Frame
from ecqm.kernels.segments import any_within
from ecqm.models import load_model, model_versions
from ecqm.plan.nodes import Cast, TypeTest
from ecqm.types import ANY, ChoiceType, CqlType, IntervalType, ListType, NamedType, TupleType


def is_of_type(column: Column, type_: CqlType) -> bool:
    """Whether all values of a column, not a choice, are of a type; lists and intervals of nulls are of any type."""
    if type_ == ANY or column.type == type_:
        return True
    if isinstance(type_, ChoiceType):
        return any(is_of_type(column, choice) for choice in type_.choices)
    if isinstance(type_, NamedType):
        return _is_named(column.type, type_)
    if isinstance(type_, ListType):
        return isinstance(column, ListColumn) and _all_of_type(column.values, type_.element)
    if isinstance(type_, IntervalType):
        return isinstance(column, IntervalColumn) and _all_of_type(column.low, type_.point)
    if isinstance(type_, TupleType):
        parts = _elements(column, type_)
        return parts is not None and all(_all_of_type(part, part_type) for part_type, part in parts)
    return False


def _is_named(actual: CqlType, wanted: NamedType) -> bool:
    if not isinstance(actual, NamedType) or actual.model != wanted.model:
        return False
    if wanted.model == "FHIR":
        return is_derived(actual, wanted)
    if wanted.model == "System":
        return wanted.name == "Vocabulary" and actual.name in ("ValueSet", "CodeSystem")
    return _related(actual, wanted)


@cache
def is_derived(actual: NamedType, wanted: NamedType) -> bool:
    """Whether a FHIR type is derived from another, as Encounter from DomainResource, Age from Quantity, code from
    string."""
    return load_model("FHIR").is_subtype(actual, wanted)


@cache
def _related(actual: NamedType, wanted: NamedType) -> bool:
    """Whether one type is derived from the other, in any version of their model.

    Instances of a profile (QDM's PositiveX and NegativeX) have its base as their type. The retrieve has decided which
    of them conform to the profile, so a cast to the profile accepts all of them.
    """
    models = [load_model(actual.model, version) for version in model_versions(actual.model)]
    return any(model.is_subtype(actual, wanted) or model.is_subtype(wanted, actual) for model in models)


def _all_of_type(elements: Column, type_: CqlType) -> bool:
    if isinstance(elements, NullColumn):
        return True
    if isinstance(elements, ChoiceColumn):
        return all(is_of_type(part, type_) for part in elements.alternatives)
    return is_of_type(elements, type_)


@evaluates(TypeTest)
def type_test(executor: Executor, node: TypeTest, frame: Frame) -> Column:
    column = executor.value(node.operand, frame)
    return BooleanColumn.of(rows_of_type(column, node.type))


def rows_of_type(column: Column, type_: CqlType) -> Mask:
    """Mask (n) of the rows whose value is of a type; null is of none."""
    if isinstance(column, ChoiceColumn):
        found = np.zeros(len(column), np.bool_)
        for alternative in column.alternatives:
            found |= rows_of_type(alternative, type_)
        return found
    if is_of_type(column, type_):
        return column.valid
    if isinstance(type_, ChoiceType):
        of_any: Mask = np.logical_or.reduce([rows_of_type(column, choice) for choice in type_.choices])
        return of_any
    parts = _parts(column, type_)
    if parts is None:
        return np.zeros(len(column), np.bool_)
    found = column.valid
    for part_type, part in parts:
        other = part.valid & ~rows_of_type(part, part_type)
        found = found & ~(any_within(other, column.parents, len(column)) if isinstance(column, ListColumn) else other)
    return found


_Parts = list[tuple[CqlType, Column]]
"""Parts of values, each with a type to test it for."""


def _parts(column: Column, type_: CqlType) -> _Parts | None:
    """What to test row by row: the elements of lists of choices and of tuples, and the boundaries of intervals. None if
    no row is of the type."""
    if isinstance(type_, ListType) and isinstance(column, ListColumn) and isinstance(column.values, ChoiceColumn):
        return [(type_.element, column.values)]
    if isinstance(type_, IntervalType) and isinstance(column, IntervalColumn):
        return [(type_.point, column.low), (type_.point, column.high)]
    return _elements(column, type_) if isinstance(type_, TupleType) else None


def _elements(column: Column, type_: TupleType) -> _Parts | None:
    """The elements of tuples; None if `type_` has other elements."""
    if not isinstance(column, RecordColumn) or not isinstance(column.type, TupleType):
        return None
    if dict(column.type.elements).keys() != dict(type_.elements).keys():
        return None
    return [(part_type, column.field(name)) for name, part_type in type_.elements]


@evaluates(Cast)
def cast(executor: Executor, node: Cast, frame: Frame) -> Column:
    column = executor.value(node.operand, frame)
    if isinstance(column, NullColumn):
        return NullColumn(len(column), node.type)
    result = as_type(column, node.type)
    if node.strict:
        lost = column.valid & ~result.valid
        executor.fail(lost, frame, f"a value of type {column.type} is not {node.type}, as a cast demands")
    return result


def as_type(column: Column, type_: CqlType) -> Column:
    """The column with null in the rows whose value is not of a type."""
    if not isinstance(column, ChoiceColumn):
        if is_of_type(column, type_):
            return column
        rows = rows_of_type(column, type_)
        return _narrowed(column.where(rows), type_) if rows.any() else NullColumn(len(column), type_)
    kept = [part for part in (as_type(part, type_) for part in column.alternatives) if not isinstance(part, NullColumn)]
    if kept == list(column.alternatives):
        return column
    if not kept:
        return NullColumn(len(column), type_)
    return kept[0] if len(kept) == 1 else ChoiceColumn.of(kept)


def _narrowed(column: Column, type_: CqlType) -> Column:
    """A column whose values are all of a type, with choices of parts reduced to that type."""
    if isinstance(column, ListColumn) and isinstance(type_, ListType):
        return column.with_values(as_type(column.values, type_.element))
    if isinstance(column, IntervalColumn) and isinstance(type_, IntervalType):
        low, high = (as_type(bound, type_.point) for bound in (column.low, column.high))
        return IntervalColumn(low, high, column.low_closed, column.high_closed, column.valid, type_)
    if isinstance(column, RecordColumn) and isinstance(type_, TupleType):
        fields = {name: as_type(column.field(name), part_type) for name, part_type in type_.elements}
        return RecordColumn.of(fields, column.valid, type_)
    return column
