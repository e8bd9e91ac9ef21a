"""Columns of the values of attributes: every System type in its layout, parts as records, choices by what they hold."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from operator import attrgetter
from typing import Any

import numpy as np

from ecqm.columns import (
    Column,
    DecimalColumn,
    IntervalColumn,
    ListColumn,
    Mask,
    NullColumn,
    QuantityColumn,
    RecordColumn,
    Rows,
    ScalarColumn,
    StringColumn,
    merge,
)
from ecqm.data.cohort.layouts import LAYOUTS, coding_column
from ecqm.data.qdm.fitting import Unfit, exact, fit, type_of
from ecqm.data.qdm.structs import QdmStructs
from ecqm.kernels.segments import offsets_of_lengths
from ecqm.terminology import CodeIndex
from ecqm.types import CODE, DECIMAL, QUANTITY, RATIO, ChoiceType, CqlType, IntervalType, ListType, NamedType
from ecqm.values import Quantity, Ratio

# Takes a row of the table, and what is wrong with the value there.
Report = Callable[[int, str], None]
# The length of a date-time with milliseconds and no offset.
_EXACT = 23


class AttributeColumns:
    """Makes the columns of one table; `rows` are always rows of that table, so that findings can be placed."""

    def __init__(self, structs: QdmStructs, codes: CodeIndex, default_offset: int, report: Report) -> None:
        self._structs = structs
        self._codes = codes
        self._default_offset = default_offset
        self._report = report

    def column(self, values: list[Any], type_: CqlType, rows: Rows) -> Column:
        """A column of n values (structs, primitives, JSON, or None for null) of a type."""
        n = len(values)
        present = [value for value in values if value is not None]
        if not present:
            return NullColumn(n, type_)
        valid = np.fromiter((value is not None for value in values), np.bool_, n)
        if len(present) == n:
            valid = np.ones(n, np.bool_)
        if isinstance(type_, ListType):
            return self._lists(values, present, valid, type_, rows)
        if isinstance(type_, ChoiceType):
            return self._choices(values, type_, rows)
        if isinstance(type_, IntervalType):
            return self._intervals(present, valid, type_, rows)
        if type_ == CODE:
            return coding_column(present, valid, type_, self._codes)
        if type_ == QUANTITY:
            return self._quantities(present, valid, rows)
        if type_ == RATIO:
            return ScalarColumn.of([None if value is None else _ratio(value) for value in values], RATIO)
        if isinstance(type_, NamedType) and type_.model == "QDM":
            return self._records(present, valid, type_, rows)
        assert isinstance(type_, NamedType)
        places = rows[valid]
        return LAYOUTS[type_.name](
            _plain_times(present) if type_.name == "DateTime" else present,
            valid,
            type_,
            self._default_offset,
            lambda place, message: self._report(int(places[place]), message),
        )

    def shaped(self, values: list[Any], type_: CqlType, rows: Rows) -> list[Any]:
        """JSON values of an attribute that data have in several forms, each in the one that the type has."""
        shaped: list[Any] = [None] * len(values)
        for place, value in enumerate(values):
            try:
                shaped[place] = fit(value, type_, self._structs)
            except Unfit as error:
                self._report(int(rows[place]), str(error))
        return shaped

    def _lists(self, values: list[Any], present: list[Any], valid: Mask, type_: ListType, rows: Rows) -> Column:
        lengths = np.fromiter((0 if items is None else len(items) for items in values), np.int64, len(values))
        elements = self.column(list(chain.from_iterable(present)), type_.element, np.repeat(rows, lengths))
        return ListColumn(offsets_of_lengths(lengths), elements, valid, type_)

    def _choices(self, values: list[Any], type_: ChoiceType, rows: Rows) -> Column:
        """Values by the type that each is of, one column for every type that occurs."""
        kinds: dict[CqlType, list[int]] = {}
        fitted: list[Any] = [None] * len(values)
        for place, value in enumerate(values):
            if value is None:
                continue
            try:
                kind = type_of(value, type_.choices)
                fitted[place] = fit(value, kind, self._structs)
            except Unfit as error:
                self._report(int(rows[place]), str(error))
                continue
            kinds.setdefault(kind, []).append(place)
        pieces = []
        for kind, found in kinds.items():
            places = np.array(found, np.int64)
            pieces.append((places, self.column([fitted[place] for place in found], kind, rows[places])))
        return merge(len(values), pieces) if pieces else NullColumn(len(values), type_)

    def _intervals(self, present: list[Any], valid: Mask, type_: IntervalType, rows: Rows) -> Column:
        def bound(name: str) -> Column:
            return self.column(_parts(present, valid, name), type_.point, rows)

        def closed(name: str) -> Mask:
            mask = np.ones(len(valid), np.bool_)
            mask[valid] = [value is not False for value in map(attrgetter(name), present)]
            return mask

        low, high = bound("low"), bound("high")
        if isinstance(low, NullColumn) and isinstance(high, NullColumn):
            low = high = self._unbounded(type_.point, len(valid))
        elif isinstance(low, NullColumn):
            low = high.nulls(len(valid))
        elif isinstance(high, NullColumn):
            high = low.nulls(len(valid))
        return IntervalColumn(low, high, closed("lowClosed"), closed("highClosed"), valid, type_)

    def _unbounded(self, point: CqlType, n: int) -> Column:
        """Nulls of a point type, for intervals of which no boundary is known."""
        if point == QUANTITY:
            zeros = DecimalColumn(np.zeros(n, np.int64), 0, np.zeros(n, np.bool_))
            return QuantityColumn(zeros, StringColumn(np.full(n, -1, np.int32)))
        assert isinstance(point, NamedType)
        return LAYOUTS[point.name]([], np.zeros(n, np.bool_), point, self._default_offset, lambda *_: None)

    def _quantities(self, present: list[Any], valid: Mask, rows: Rows) -> Column:
        value = self.column(_parts(present, valid, "value"), DECIMAL, rows)
        if not isinstance(value, DecimalColumn):
            return NullColumn(len(valid), QUANTITY)
        units = StringColumn.of([each.unit or "1" for each in present])
        ids = np.full(len(valid), -1, np.int32)
        ids[valid] = units.ids
        return QuantityColumn(value, StringColumn(ids))

    def _records(self, present: list[Any], valid: Mask, type_: NamedType, rows: Rows) -> Column:
        inside = rows[valid]
        attributes = self._structs.attributes(type_.name)
        fields = {
            name: self.column([getattr(part, name, None) for part in present], attribute.type, inside)
            for name, attribute in attributes.items()
        }
        places = np.where(valid, np.cumsum(valid) - 1, -1)
        return RecordColumn(fields, places, type_)


def _parts(present: list[Any], valid: Mask, name: str) -> list[Any]:
    """A part of each of n values, None for the values that are null; `present` are the others."""
    parts: list[Any] = [None] * len(valid)
    for row, value in zip(np.flatnonzero(valid).tolist(), map(attrgetter(name), present), strict=True):
        parts[row] = value
    return parts


def _ratio(value: Any) -> Ratio | None:
    numerator, denominator = _quantity(value.numerator), _quantity(value.denominator)
    return None if numerator is None or denominator is None else Ratio(numerator, denominator)


def _quantity(value: Any) -> Quantity | None:
    return None if value is None or value.value is None else Quantity(value.value, value.unit or "1")


def _plain_times(texts: list[str]) -> list[str]:
    """Date-times in ISO 8601's extended format (the offset `+0000` is `+00:00`), exact to the millisecond."""
    plain = [
        f"{text[:-2]}:{text[-2:]}" if len(text) > 20 and text[-5] in "+-" and text[-3] != ":" else text
        for text in texts
    ]
    return [exact(text) if len(text) < _EXACT else text for text in plain]
