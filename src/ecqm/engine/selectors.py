"""Selectors: tuples and instances (`elm:2.1`, `elm:2.2`), lists (`elm:20.1`) and intervals (`elm:19.1`) from their
parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ecqm.columns import (
    BooleanColumn,
    Column,
    IntervalColumn,
    ListColumn,
    Mask,
    NullColumn,
    QuantityColumn,
    RecordColumn,
    StringColumn,
    broadcast_length,
    choose,
    concat,
    from_values,
)
from ecqm.columns.number import DecimalColumn, IntegerColumn, as_decimal
from ecqm.engine.calls import apply
from ecqm.engine.executor import EvaluationError, Executor, evaluates, truth
from ecqm.engine.frame import Frame
from ecqm.engine.lifting import lifted
from ecqm.engine.values import system_type
from ecqm.plan.nodes import MakeInterval, MakeList, MakeRecord
from ecqm.terminology import CodeIndex
from ecqm.types import ANY, QUANTITY, CqlType, IntervalType, ListType, NamedType, TupleType
from ecqm.values import Code, CodeSystem, Concept, Ratio, ValueSet
from ecqm.values.steps import maximum, minimum


@evaluates(MakeRecord)
def make_record(executor: Executor, node: MakeRecord, frame: Frame) -> Column:
    fields = {name: executor.value(part, frame) for name, part in node.elements}
    n = broadcast_length(*fields.values()) if fields else 1
    fields = {name: column.broadcast(n) for name, column in fields.items()}
    if node.type is None:
        type_: CqlType = TupleType(tuple((name, column.type) for name, column in fields.items()))
        return RecordColumn.of(fields, np.ones(n, np.bool_), type_)
    if isinstance(node.type, NamedType) and node.type.model == "System":
        return _quantity(fields, n) if node.type == QUANTITY else _instance(executor, node.type.name, fields, frame)
    return RecordColumn.of(fields, np.ones(n, np.bool_), node.type)


_MAKERS: dict[str, Callable[..., Any]] = {
    "Code": Code,
    "CodeSystem": CodeSystem,
    "Concept": Concept,
    "Ratio": Ratio,
    "ValueSet": ValueSet,
}


def _quantity(fields: dict[str, Column], n: int) -> Column:
    """Instances of System.Quantity; without a unit, the unit is 1."""
    value, unit = fields.get("value"), fields.get("unit")
    if not isinstance(value, (DecimalColumn, IntegerColumn)):
        return NullColumn(n)
    return QuantityColumn(as_decimal(value), unit if isinstance(unit, StringColumn) else StringColumn.of(["1"] * n))


def _instance(executor: Executor, name: str, fields: dict[str, Column], frame: Frame) -> Column:
    """Instances of the other structured types of System, which have layouts of their own."""
    maker = _MAKERS.get(name)
    if maker is None:
        raise EvaluationError(f"an instance of System.{name} cannot be made")

    def make(*parts: Any) -> Any:
        return maker(**dict(zip(fields, parts, strict=True)))

    return lifted(executor, name, make, list(fields.values()), frame)


@evaluates(MakeList)
def make_list(executor: Executor, node: MakeList, frame: Frame) -> Column:
    if not node.elements:
        element = ANY if node.type is None else node.type
        return ListColumn(np.zeros(2, np.int64), NullColumn(0, element), None, node.type and ListType(element))
    columns = [executor.value(element, frame) for element in node.elements]
    n = broadcast_length(*columns)
    end_to_end = concat([column.broadcast(n) for column in columns])
    width = len(columns)
    order = (np.arange(n)[:, None] + np.arange(width)[None, :] * n).ravel()
    return ListColumn(np.arange(n + 1) * width, end_to_end.take(order))


@evaluates(MakeInterval)
def make_interval(executor: Executor, node: MakeInterval, frame: Frame) -> Column:
    parts = [executor.value(part, frame) for part in (node.low, node.high, node.low_closed, node.high_closed)]
    n = broadcast_length(*parts)
    low, high, low_closed, high_closed = (part.broadcast(n) for part in parts)
    made = interval_of(system_type(low), system_type(high), _closed(low_closed), _closed(high_closed))
    if node.point_type is not None:
        made = _for_all_time(made, node.point_type)
    if not node.patient and not node.free:
        # An interval that the logic states, and that ends before it starts, is an error. One computed from a patient's
        # data keeps its boundaries, as FHIRHelpers does for a Period: published test cases expect evaluation to go on
        # (docs/clarifications.md).
        end, start = (apply(executor, bound, [made], frame) for bound in ("End", "Start"))
        ends_early = truth(apply(executor, "Less", [end, start], frame), n)
        executor.fail(ends_early, frame, "an interval cannot end before it starts")
    return made


def interval_of(low: Column, high: Column, low_closed: Mask, high_closed: Mask) -> IntervalColumn:
    """Intervals from their boundaries (n each); an untyped null boundary takes the point type of the other."""
    if isinstance(low, NullColumn) and not isinstance(high, NullColumn):
        low = high.nulls(len(high))
    if isinstance(high, NullColumn) and not isinstance(low, NullColumn):
        high = low.nulls(len(low))
    return IntervalColumn(low, high, low_closed, high_closed, np.ones(len(low), np.bool_), IntervalType(low.type))


def _for_all_time(interval: IntervalColumn, type_: CqlType) -> IntervalColumn:
    """Closed boundaries that are both null replaced by the minimum and maximum of the point type that they stand for
    (CQL reference, Start and End). Later operators could not tell the type from the nulls."""
    boundless = interval.low_closed & interval.high_closed & ~interval.low.valid & ~interval.high.valid
    if not boundless.any():
        return interval
    first, last = (from_values([extreme], CodeIndex()) for extreme in (minimum(type_), maximum(type_)))
    low, high = choose(boundless, first, interval.low), choose(boundless, last, interval.high)
    return interval_of(low, high, interval.low_closed, interval.high_closed)


def _closed(column: Column) -> Mask:
    return column.is_true if isinstance(column, BooleanColumn) else np.zeros(len(column), np.bool_)
