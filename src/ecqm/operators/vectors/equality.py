"""Equality of values as equality of integers, for look-ups and for lists without duplicates (as in
`ecqm.values.equality`)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ecqm.columns import (
    ChoiceColumn,
    Column,
    DateColumn,
    DateTimeColumn,
    DecimalColumn,
    IntegerColumn,
    IntervalColumn,
    ListColumn,
    Mask,
    QuantityColumn,
    RecordColumn,
    Rows,
    TemporalColumn,
    as_decimal,
    coalesce_rows,
)
from ecqm.kernels.calendar import HOUR
from ecqm.kernels.segments import combine_keys, segment_keys
from ecqm.operators.vectors.amounts import amounts
from ecqm.operators.vectors.bounds import bounds_of
from ecqm.operators.vectors.order import date_time_of
from ecqm.types import DATETIME, DECIMAL


def equality_keys(column: Column) -> Rows | None:
    """An integer per value, the same for two values exactly if they are equal or both null; None for values whose
    equality is left to the scalars."""
    if isinstance(column, QuantityColumn):
        units = column.unit.ids[column.valid]
        if len(units) == 0 or bool((units == units[0]).all()):
            return column.value.number_keys()
        (found,) = amounts(column)
        if found.number.dtype == object:
            return None
        return np.where(column.valid, combine_keys(found.kind, found.number), -1)
    if isinstance(column, DecimalColumn):
        return column.number_keys()
    if isinstance(column, TemporalColumn):
        # Seconds count as milliseconds. Values without a time of day are compared by their local dates.
        points = column.low
        if isinstance(column, DateTimeColumn):
            points = np.where(column.precision >= HOUR, column.low, column.local)
        written = np.minimum(column.precision, column.exact_from).astype(np.int64)
        return np.where(column.valid, combine_keys(points, written), -1)
    if isinstance(column, ListColumn):
        of_elements = equality_keys(column.values)
        return None if of_elements is None else np.where(column.valid, segment_keys(column.offsets, of_elements), -1)
    if isinstance(column, RecordColumn):
        return _keys_of_parts(column.valid, [column.field(name) for name in column.fields])
    if isinstance(column, ChoiceColumn):
        return _choice_keys(column)
    if isinstance(column, IntervalColumn):
        return _interval_keys(column)
    return column.keys()


def _choice_keys(column: ChoiceColumn) -> Rows | None:
    # Values of different types are not equal, except numbers of all types, and dates and date-times.
    of_one_kind: dict[object, list[int]] = {}
    for tag, alternative in enumerate(column.alternatives):
        of_one_kind.setdefault(_COMPARABLE.get(type(alternative), tag), []).append(tag)
    kinds = np.zeros(len(column), np.int64)
    parts = []
    for kind, tags in enumerate(of_one_kind.values()):
        kinds[np.isin(column.tag, tags)] = kind
        alternatives = [column.alternatives[tag] for tag in tags]
        parts.append(alternatives[0] if len(tags) == 1 else coalesce_rows(list(map(_widened, alternatives))))
    return _keys_of_parts(column.valid, parts, kinds)


_COMPARABLE: dict[type[Column], type[Column]] = {
    IntegerColumn: DecimalColumn,
    DecimalColumn: DecimalColumn,
    DateColumn: DateTimeColumn,
    DateTimeColumn: DateTimeColumn,
}
"""Layouts whose values are compared with those of others, and the layout in which they are."""


def _widened(column: Column) -> Column:
    """Numbers as decimals, dates as date-times."""
    if isinstance(column, (IntegerColumn, DecimalColumn)):
        return as_decimal(column).retype(DECIMAL)
    return (date_time_of(column) if isinstance(column, DateColumn) else column).retype(DATETIME)


def _interval_keys(column: IntervalColumn) -> Rows | None:
    # Intervals are equal if their first and last points are, whatever their boundaries.
    bounds = bounds_of(column)
    if bounds is None or bounds.start.undecided is not None or bounds.end.undecided is not None:
        return None
    keys = _keys_of_parts(column.valid, [bounds.start.lowest, bounds.end.lowest])
    if keys is None:
        return None
    unknown = column.valid & ~(bounds.start.lowest.valid & bounds.end.lowest.valid)
    for uncertain in (bounds.start.uncertain, bounds.end.uncertain):
        if uncertain is not None:
            unknown |= uncertain
    if not unknown.any():
        return keys
    # With a start or end that is not known, an interval is certainly the same as no other: each has a key of its own.
    return np.where(unknown, int(keys.max()) + 1 + np.arange(len(keys)), keys)


def _keys_of_parts(valid: Mask, parts: Sequence[Column], *keys: Rows) -> Rows | None:
    of_parts = [equality_keys(part) for part in parts]
    known = [part for part in of_parts if part is not None]
    if len(known) < len(of_parts):
        return None
    return np.where(valid, combine_keys(*keys, *known), -1) if keys or known else np.where(valid, 0, -1)
