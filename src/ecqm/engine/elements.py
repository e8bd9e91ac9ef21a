"""The elements of values (`elm:2.3`): of resources, tuples, codes, intervals and all other structured values."""

from __future__ import annotations

import numpy as np

from ecqm.columns import (
    BooleanColumn,
    ChoiceColumn,
    CodeColumn,
    Column,
    ConceptColumn,
    IntervalColumn,
    ListColumn,
    NullColumn,
    QuantityColumn,
    RecordColumn,
    ResourceColumn,
    StringColumn,
    coalesce_rows,
    from_values,
)
from ecqm.columns.scalar import ScalarColumn
from ecqm.engine.executor import EvaluationError, Executor, evaluates
from ecqm.engine.frame import Frame
from ecqm.engine.values import Scalars, system_type
from ecqm.kernels.segments import distinct, positions_within
from ecqm.plan.nodes import Element, Property
from ecqm.terminology import CodeIndex
from ecqm.types import CODE, STRING, NamedType


@evaluates(Property)
def property_(executor: Executor, node: Property, frame: Frame) -> Column:
    column = executor.value(node.source, frame)
    return _extensions(executor, node, column, frame) if node.path == "extension" else part_of(column, node.path)


def _extensions(executor: Executor, node: Property, column: Column, frame: Frame) -> Column:
    """The extensions of values. Columns of primitives have no room for them; the extensions of `birthDate` are in the
    element `_birthDate` beside it (`ecqm.data.cohort.elements`)."""
    parts = column.alternatives if isinstance(column, ChoiceColumn) else (column,)
    own = [part_of(part, "extension") for part in parts if not isinstance(part, Scalars)]
    beside: Column = NullColumn(len(column))
    if isinstance(node.source, Property):
        beside = _beside(executor, node.source, frame)
    elif isinstance(node.source, Element) and isinstance(node.source.source, Property):
        scan = frame.binding(node.source)
        beside = _beside_each(executor, node.source.source, scan).take(frame.rows_in(scan))
    return coalesce_rows([*own, part_of(beside, "extension")])


def _beside(executor: Executor, element: Property, frame: Frame) -> Column:
    """The element beside an element: `_birthDate` for `birthDate`."""
    parent = executor.value(element.source, frame)
    if isinstance(parent, (ResourceColumn, RecordColumn)):
        return parent.field(f"_{element.path}")
    return NullColumn(len(parent))


def _beside_each(executor: Executor, element: Property, scan: Frame) -> Column:
    """The values beside the values of a repeated element, for the rows of its scan."""
    assert scan.parent is not None and scan.up is not None
    lists = _beside(executor, element, scan.parent).broadcast(scan.parent.n)
    if not isinstance(lists, ListColumn):
        return NullColumn(scan.n)
    place = positions_within(scan.up, scan.parent.n)
    there = place < lists.lengths[scan.up]
    return lists.values.pick(np.where(there, lists.offsets[scan.up] + place, -1))


def part_of(column: Column, name: str) -> Column:
    """The element `name` of each value (`elm:2.3`); null where there is none."""
    if isinstance(column, (ResourceColumn, RecordColumn)):
        return column.field(name)
    if isinstance(column, ChoiceColumn):
        return coalesce_rows([part_of(alternative, name) for alternative in column.alternatives])
    if isinstance(column, Scalars) and name == "value":
        return system_type(column)
    if isinstance(column, IntervalColumn):
        return _part_of_interval(column, name)
    if isinstance(column, QuantityColumn):
        return {"value": column.value, "unit": column.unit.where(column.valid)}.get(name, NullColumn(len(column)))
    if isinstance(column, CodeColumn):
        return _part_of_code(column, name)
    if isinstance(column, ConceptColumn):
        return _part_of_concept(column, name)
    if isinstance(column, ListColumn):
        return column.with_values(part_of(column.values, name))
    if isinstance(column, ScalarColumn):
        return _part_of_scalar(column, name)
    return NullColumn(len(column))


def _part_of_interval(column: IntervalColumn, name: str) -> Column:
    if name in ("low", "high"):
        bound = column.low if name == "low" else column.high
        return bound.broadcast(len(column)).where(column.valid)
    if name in ("lowClosed", "highClosed"):
        return BooleanColumn.of(column.low_closed if name == "lowClosed" else column.high_closed, column.valid)
    return NullColumn(len(column))


def _part_of_code(column: CodeColumn, name: str) -> Column:
    if name in ("display", "version"):
        text = column.display if name == "display" else column.version
        return NullColumn(len(column)) if text is None else text.where(column.valid)
    if name not in ("code", "system"):
        return _part_beside(column, name)
    place = 0 if name == "system" else 1
    different, rows = distinct(column.ids)
    texts = [None if i < 0 else column.index.code(i)[place] or None for i in different.tolist()]
    fhir = isinstance(column.type, NamedType) and column.type.model == "FHIR"
    type_ = NamedType("FHIR", "uri" if name == "system" else "code") if fhir else STRING
    return StringColumn.of(texts, type_).take(rows)


def _part_of_concept(column: ConceptColumn, name: str) -> Column:
    if name in ("coding", "codes"):
        codes = column.codes.retype(NamedType("FHIR", "Coding") if name == "coding" else CODE)
        return ListColumn(column.offsets, codes, column.valid).where(column.valid)
    if name in ("text", "display") and column.display is not None:
        return column.display.where(column.valid)
    return _part_beside(column, name)


def _part_beside(column: CodeColumn | ConceptColumn, name: str) -> Column:
    return NullColumn(len(column)) if column.beside is None else part_of(column.beside, name)


# Elements of the types of System without a layout of their own (Ratio, ValueSet, CodeSystem), as attributes of values.
_SCALAR_ELEMENTS = {
    "numerator": "numerator",
    "denominator": "denominator",
    "id": "id",
    "version": "version",
    "name": "name",
    "codesystems": "code_systems",
}


def _part_of_scalar(column: ScalarColumn, name: str) -> Column:
    attribute = _SCALAR_ELEMENTS.get(name)
    if attribute is None:
        raise EvaluationError(f"no element {name!r} in values of type {column.type}")
    # None of these elements has codes, so that an index of its own will do.
    return from_values([getattr(value, attribute, None) for value in column.values], CodeIndex())
