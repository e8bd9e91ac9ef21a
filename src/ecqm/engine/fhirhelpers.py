"""Kernels for the functions of FHIRHelpers, the library that converts FHIR values to System values.

The definitions in the library itself are the specification; a test compares the kernels with them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ecqm.columns import (
    POOL,
    ChoiceColumn,
    CodeColumn,
    Column,
    ConceptColumn,
    DecimalColumn,
    IntervalColumn,
    Mask,
    NullColumn,
    QuantityColumn,
    RecordColumn,
    StringColumn,
    to_values,
)
from ecqm.engine.casts import is_derived
from ecqm.engine.executor import Executor, evaluates
from ecqm.engine.frame import Frame
from ecqm.engine.lifting import lifted
from ecqm.engine.selectors import interval_of
from ecqm.engine.values import Scalars, system_type
from ecqm.kernels.segments import combine_keys, first_occurrences, offsets_of_parents
from ecqm.plan.nodes import FunctionKernel
from ecqm.types import CODE, CONCEPT, NamedType
from ecqm.values import Quantity, Ratio

# The units of UCUM that the library converts to calendar durations.
_CALENDAR_DURATIONS = {
    "ms": "millisecond",
    "s": "second",
    "min": "minute",
    "h": "hour",
    "d": "day",
    "wk": "week",
    "mo": "month",
    "a": "year",
}
_UNIT_SYSTEMS = ("http://unitsofmeasure.org", "http://hl7.org/fhirpath/CodeSystem/calendar-units")
_QUANTITY = NamedType("FHIR", "Quantity")

Kernel = Callable[[Executor, Column, Frame], Column]


@evaluates(FunctionKernel)
def function_kernel(executor: Executor, node: FunctionKernel, frame: Frame) -> Column:
    return convert(executor, node.name, executor.value(node.operand, frame), frame)


def convert(executor: Executor, name: str, column: Column, frame: Frame) -> Column:
    """Apply a conversion to a column over `frame`, to each alternative of a choice on the rows that have it."""
    if isinstance(column, NullColumn):
        return column
    kernel = KERNELS[name]
    if not isinstance(column, ChoiceColumn):
        return kernel(executor, column, frame)
    converted = []
    for number, alternative in enumerate(column.alternatives):
        rows = np.flatnonzero(column.tag == number)
        inside = frame.select(rows) if len(column) == frame.n else frame
        result = kernel(executor, alternative.take(rows), inside)
        back = np.full(len(column), -1, np.int64)
        back[rows] = np.arange(len(rows))
        if not isinstance(result, NullColumn):
            converted.append(result.pick(back))
    if not converted:
        return NullColumn(len(column))
    return converted[0] if len(converted) == 1 else ChoiceColumn.of(converted)


def fhir_type(column: Column) -> str:
    """The name of a column's FHIR type, `Quantity` for all types derived from it; empty for other types."""
    if not isinstance(column.type, NamedType) or column.type.model != "FHIR":
        return ""
    return "Quantity" if is_derived(column.type, _QUANTITY) else column.type.name


def to_interval(executor: Executor, column: Column, frame: Frame) -> Column:
    kernel = {"Period": _period, "Range": _range, "Quantity": _quantity_interval}.get(fhir_type(column))
    if kernel is None or not isinstance(column, RecordColumn):
        return NullColumn(len(column))
    return kernel(executor, column, frame)


def _period(executor: Executor, column: RecordColumn, frame: Frame) -> Column:
    start, end = system_type(column.field("start")), system_type(column.field("end"))
    if isinstance(start, NullColumn) and isinstance(end, NullColumn):
        return NullColumn(len(column))
    # A missing start is unknown (open boundary), a missing end is the end of time (closed boundary).
    closed = np.ones(len(column), np.bool_)
    result = interval_of(start, end, start.valid, closed)
    return IntervalColumn(result.low, result.high, result.low_closed, closed, column.valid, result.type)


def _range(executor: Executor, column: RecordColumn, frame: Frame) -> Column:
    low = convert(executor, "ToQuantity", column.field("low"), frame)
    high = convert(executor, "ToQuantity", column.field("high"), frame)
    return _closed_interval(low, high, column.valid)


def _closed_interval(low: Column, high: Column, valid: Mask) -> Column:
    if isinstance(low, NullColumn) and isinstance(high, NullColumn):
        return NullColumn(len(valid))
    closed = np.ones(len(valid), np.bool_)
    result = interval_of(low, high, closed, closed)
    return IntervalColumn(result.low, result.high, closed, closed, valid, result.type)


def _quantity_interval(executor: Executor, column: RecordColumn, frame: Frame) -> Column:
    comparator = column.field("comparator")
    if isinstance(comparator, NullColumn) or not comparator.valid.any():
        point = to_quantity(executor, column, frame)
        return _closed_interval(point, point, column.valid)
    point = to_quantity_ignoring_comparator(executor, column, frame)
    if isinstance(point, NullColumn):
        return NullColumn(len(column))
    signs = np.array(to_values(comparator), object)
    less, greater = np.isin(signs, ["<", "<="]), np.isin(signs, [">", ">="])
    low, high = point.where(~less), point.where(~greater)
    result = interval_of(low, high, signs != ">", signs != "<")
    return IntervalColumn(result.low, result.high, result.low_closed, result.high_closed, column.valid, result.type)


def to_quantity(executor: Executor, column: Column, frame: Frame) -> Column:
    if not isinstance(column, RecordColumn):
        return NullColumn(len(column))
    compared = column.field("comparator").valid & column.field("value").valid
    executor.fail(compared, frame, "a FHIR Quantity with a comparator cannot be converted to a System.Quantity")
    return to_quantity_ignoring_comparator(executor, column, frame).where(~compared)


def to_quantity_ignoring_comparator(executor: Executor, column: Column, frame: Frame) -> Column:
    if not isinstance(column, RecordColumn):
        return NullColumn(len(column))
    value = system_type(column.field("value"))
    if not isinstance(value, DecimalColumn):
        return NullColumn(len(column))
    system = column.field("system")
    if isinstance(system, StringColumn):
        foreign = value.valid & system.matches(lambda text: text not in _UNIT_SYSTEMS)
        executor.fail(foreign, frame, "a FHIR Quantity has a unit that is not of UCUM")
        value = value.where(~foreign)
    return QuantityColumn(value, _unit(column))


def _unit(column: RecordColumn) -> StringColumn:
    """The code of the unit, or else its text, or else 1, with calendar durations by their keywords."""
    one = StringColumn.of(["1"])
    ids = np.full(len(column), one.ids[0], np.int32)
    for name in ("unit", "code"):
        field = column.field(name)
        if isinstance(field, StringColumn):
            ids = np.where(field.ids >= 0, field.ids, ids)
    for ucum, calendar in _CALENDAR_DURATIONS.items():
        ids = np.where(ids == POOL.id_of(ucum), np.int32(POOL.id_of(calendar)), ids)
    return StringColumn(ids)


def to_code(executor: Executor, column: Column, frame: Frame) -> Column:
    return column.retype(CODE) if isinstance(column, CodeColumn) else NullColumn(len(column))


def to_concept(executor: Executor, column: Column, frame: Frame) -> Column:
    return _without_repeats(column).retype(CONCEPT) if isinstance(column, ConceptColumn) else NullColumn(len(column))


def _without_repeats(concepts: ConceptColumn) -> ConceptColumn:
    """The library returns the codes of a concept by a query, and so each once."""
    ids, parents = concepts.codes.ids, concepts.parents
    longest = int(np.diff(concepts.offsets).max(initial=0))
    # Nearly all concepts have different codes, which is seen faster than repeats are found.
    if not any(((ids[k:] == ids[:-k]) & (parents[k:] == parents[:-k])).any() for k in range(1, longest)):
        return concepts
    kept = np.flatnonzero(first_occurrences(combine_keys(parents, concepts.codes.keys())))
    offsets = offsets_of_parents(parents[kept], len(concepts))
    return ConceptColumn(offsets, concepts.codes.take(kept), concepts.valid, concepts.display, concepts.type)


def to_ratio(executor: Executor, column: Column, frame: Frame) -> Column:
    if not isinstance(column, RecordColumn):
        return NullColumn(len(column))
    parts = [convert(executor, "ToQuantity", column.field(name), frame) for name in ("numerator", "denominator")]
    return lifted(executor, "ToRatio", _ratio, parts, frame)


def _ratio(numerator: Quantity | None, denominator: Quantity | None) -> Ratio | None:
    return None if numerator is None or denominator is None else Ratio(numerator, denominator)


def to_system(executor: Executor, column: Column, frame: Frame) -> Column:
    """ToString, ToBoolean and so on: the value of a primitive type."""
    return system_type(column) if isinstance(column, Scalars) else NullColumn(len(column))


def to_value(executor: Executor, column: Column, frame: Frame) -> Column:
    name = fhir_type(column)
    for names, kernel in _VALUES:
        if name in names:
            return kernel(executor, column, frame)
    return system_type(column)


_VALUES: tuple[tuple[tuple[str, ...], Kernel], ...] = (
    (("CodeableConcept",), to_concept),
    (("Coding",), to_code),
    (("Quantity",), to_quantity),
    (("Period", "Range"), to_interval),
    (("Ratio",), to_ratio),
)

KERNELS: dict[str, Kernel] = {
    "ToInterval": to_interval,
    "ToQuantity": to_quantity,
    "ToQuantityIgnoringComparator": to_quantity_ignoring_comparator,
    "ToRatio": to_ratio,
    "ToCode": to_code,
    "ToConcept": to_concept,
    "ToValue": to_value,
    **dict.fromkeys(("ToString", "ToBoolean", "ToDate", "ToDateTime", "ToDecimal", "ToInteger", "ToTime"), to_system),
}


def kernel_for(library: str, function: str) -> str | None:
    """The name of the kernel for a library function; None if there is none."""
    return function if library == "FHIRHelpers" and function in KERNELS else None
