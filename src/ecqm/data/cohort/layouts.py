"""Columns of FHIR's primitives, codings and concepts, made from JSON values.

Every function takes the values that are not null (`present`), the mask `valid` (n) of their rows, and the type of the
column. A value that cannot be represented becomes null and is reported with its place among the present values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Context, Decimal
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from ecqm.columns import (
    POOL,
    BooleanColumn,
    CodeColumn,
    Column,
    ConceptColumn,
    DateColumn,
    DateTimeColumn,
    DecimalColumn,
    IntegerColumn,
    Mask,
    RecordColumn,
    StringColumn,
    TimeColumn,
)
from ecqm.columns.number import narrow
from ecqm.kernels.calendar import DAY, MILLISECOND, MINUTE, MS_PER_UNIT
from ecqm.kernels.isodates import parse_dates, parse_instants, parse_times
from ecqm.kernels.segments import offsets_of_lengths
from ecqm.terminology import NO_CODE, CodeIndex
from ecqm.types import CqlType, NamedType

# Called with the place of a bad value among the present ones, and the message.
Report = Callable[[int, str], None]
# (present, valid, type, default offset in minutes, report) to a column.
Layout = Callable[[list[Any], Mask, CqlType, int, Report], Column]

# No measurement has larger exponents. A column has the scale of its smallest value, which one of them would widen.
_LARGEST_EXPONENT = 100
_EXACT = Context(prec=4 * _LARGEST_EXPONENT)


def _scatter(
    values: Sequence[Any] | npt.NDArray[Any], valid: Mask, dtype: npt.DTypeLike, empty: int = 0
) -> npt.NDArray[Any]:
    """An array of n with `values` where `valid`."""
    if len(values) == len(valid):
        return np.asarray(values, dtype)
    array = np.full(len(valid), empty, dtype)
    array[valid] = values
    return array


def _checked(present: list[Any], good: Mask, valid: Mask, report: Report, complaint: str) -> Mask:
    """`valid` without the values that are not `good`; those are reported."""
    if good.all():
        return valid
    for place in np.flatnonzero(~good).tolist():
        report(place, f"{str(present[place])[:60]!r} {complaint}")
    return _scatter(good, valid, np.bool_)


def _strings(present: list[Any], valid: Mask, type_: CqlType, offset: int, report: Report) -> Column:
    return StringColumn(_scatter(POOL.ids_of(present), valid, np.int32, -1), type_)


def _booleans(present: list[Any], valid: Mask, type_: CqlType, offset: int, report: Report) -> Column:
    is_true = _scatter(present, valid, np.bool_)
    return BooleanColumn(is_true, valid & ~is_true, type_)


def _integers(present: list[Any], valid: Mask, type_: CqlType, offset: int, report: Report) -> Column:
    good = np.fromiter((-(2**31) <= value < 2**31 for value in present), np.bool_, len(present))
    kept = _checked(present, good, valid, report, "is not an integer of 32 bits")
    numbers = present if kept is valid else [value if fits else 0 for value, fits in zip(present, good, strict=True)]
    return IntegerColumn(_scatter(numbers, valid, np.int64), kept, type_)


def _decimals(present: list[Any], valid: Mask, type_: CqlType, offset: int, report: Report) -> Column:
    good = np.fromiter(map(_is_measurable, present), np.bool_, len(present))
    kept = _checked(present, good, valid, report, "is not a decimal of sensible size")
    zero = Decimal(0)
    numbers = present if kept is valid else [value if ok else zero for value, ok in zip(present, good, strict=True)]
    scale = max(0, -min(_exponent(value) for value in numbers))
    unscaled = np.zeros(len(valid), object)
    unscaled[valid] = [int(value.scaleb(scale, _EXACT)) for value in numbers]
    return DecimalColumn(narrow(unscaled), scale, kept, type_)


def _is_measurable(value: Decimal) -> bool:
    return value.is_finite() and abs(value.adjusted()) <= _LARGEST_EXPONENT and _exponent(value) >= -_LARGEST_EXPONENT


def _exponent(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def _date_times(present: list[Any], valid: Mask, type_: CqlType, offset: int, report: Report) -> Column:
    parsed = parse_instants(present)
    kept = _checked(present, parsed.valid, valid, report, "is not a date-time")
    offsets = np.where(parsed.has_offset, parsed.offset, offset)
    low = parsed.low - offsets.astype(np.int64) * MS_PER_UNIT[MINUTE]
    return DateTimeColumn(
        _scatter(low, valid, np.int64),
        _scatter(parsed.precision, valid, np.uint8, MILLISECOND),
        _scatter(offsets, valid, np.int16),
        kept,
        type_,
    )


def _dates(present: list[Any], valid: Mask, type_: CqlType, offset: int, report: Report) -> Column:
    parsed = parse_dates(present)
    kept = _checked(present, parsed.valid, valid, report, "is not a date")
    low, precision = _scatter(parsed.low, valid, np.int64), _scatter(parsed.precision, valid, np.uint8, DAY)
    return DateColumn(low, precision, kept, type_)


def _times(present: list[Any], valid: Mask, type_: CqlType, offset: int, report: Report) -> Column:
    parsed = parse_times(present)
    kept = _checked(present, parsed.valid, valid, report, "is not a time of day")
    low, precision = _scatter(parsed.low, valid, np.int64), _scatter(parsed.precision, valid, np.uint8, MILLISECOND)
    return TimeColumn(low, precision, kept, type_)


# By the System type of a primitive's value.
LAYOUTS: dict[str, Layout] = {
    "String": _strings,
    "Boolean": _booleans,
    "Integer": _integers,
    "Decimal": _decimals,
    "DateTime": _date_times,
    "Date": _dates,
    "Time": _times,
}


def coding_column(
    present: list[Any], valid: Mask, type_: CqlType, codes: CodeIndex, beside: RecordColumn | None = None
) -> CodeColumn:
    """Codings as ids of the code index; one without a code is null. `beside` (n) is what else they hold."""
    intern = codes.intern
    ids = [NO_CODE if coding.code is None else intern(coding.system, coding.code) for coding in present]
    return CodeColumn(
        _scatter(ids, valid, np.int32, NO_CODE),
        codes,
        _texts([coding.display for coding in present], valid),
        _texts([coding.version for coding in present], valid),
        type_,
        beside,
    )


def concept_column(
    present: list[Any],
    valid: Mask,
    type_: CqlType,
    codes: CodeIndex,
    beside: RecordColumn | None,
    beside_codings: RecordColumn | None,
) -> ConceptColumn:
    """Codeable concepts: their codings, and the text as display. `beside` (n) is what else they hold, `beside_codings`
    what else their codings hold, one after the other."""
    lengths = _scatter([len(concept.coding or ()) for concept in present], valid, np.int64)
    codings = list(chain.from_iterable(concept.coding or () for concept in present))
    return ConceptColumn(
        offsets_of_lengths(lengths),
        coding_column(codings, np.ones(len(codings), np.bool_), NamedType("FHIR", "Coding"), codes, beside_codings),
        valid,
        _texts([concept.text for concept in present], valid),
        type_,
        beside,
    )


def _texts(present: list[str | None], valid: Mask) -> StringColumn | None:
    """A column of strings; None if no value has one."""
    ids = POOL.ids_of(present)
    return StringColumn(_scatter(ids, valid, np.int32, -1)) if (ids >= 0).any() else None
