"""Small domains of values by type, where collisions and edges are common, and rows of them drawn at random."""

from __future__ import annotations

import random
from collections.abc import Sequence
from decimal import Decimal
from itertools import product
from typing import Any

from ecqm.types import core as t
from ecqm.values import Code, Concept, Date, DateTime, Interval, Long, Quantity, Time
from ecqm.values.numbers import MAX_DECIMAL, MIN_DECIMAL
from ecqm.values.ordering import less
from ecqm.values.temporal import MAX_DATE, MAX_DATETIME, MIN_DATE, MIN_DATETIME

POINTS = (t.INTEGER, t.LONG, t.DECIMAL, t.QUANTITY, t.DATE, t.DATETIME, t.TIME)
# What a type variable stands for, in turn.
GENERIC = (*POINTS, t.STRING, t.BOOLEAN, t.CODE)


def _dates() -> list[Any]:
    components = list(product([2011, 2012], [1, 2, 3], [1, 28]))
    known = {Date(*fields[:count]) for fields in components for count in (1, 2, 3)}
    return [*sorted(known, key=repr), Date(2012, 2, 29), Date(2012, 12, 31), MIN_DATE, MAX_DATE]


def _datetimes(complete: bool) -> list[Any]:
    components = list(product([2012], [2, 3], [1, 29], [0, 23], [0, 59], [0, 30], [0, 999]))
    found = [
        DateTime.from_fields(fields[:count], offset)
        for fields in random.Random(7).sample(components, 24)
        for offset in (None, 0, -300, 330)
        for count in ((6, 7) if complete else range(1, 8))
    ]
    return [*found, MIN_DATETIME, MAX_DATETIME, DateTime(9999, 12, 31, 20, 0, 0, 0, -300), DateTime(9999, offset=330)]


def _times() -> list[Any]:
    components = list(product([0, 9, 23], [0, 59], [0, 30], [0, 999]))
    return list({Time(*fields[:count]) for fields in components for count in (1, 2, 3, 4)})


_DECIMALS = [Decimal(text) for text in ("-1", "0", "0.5", "0.50000001", "1.0", "2", "2.25", "12345.678", "1000000000")]
# Some are commensurable; one is not known, one of a scale with a zero of its own.
_UNITS = ("g", "mg", "1", "%", "d", "days", "years", "Cel", "K", "furlong")

DOMAINS: dict[t.CqlType, list[Any]] = {
    t.BOOLEAN: [True, False],
    t.INTEGER: [*range(-3, 6), 2**31 - 1, -(2**31), 70_000],
    t.LONG: [Long(value) for value in (*range(-3, 6), 2**40, 2**63 - 1, -(2**63))],
    t.DECIMAL: [*_DECIMALS, MAX_DECIMAL, MIN_DECIMAL, Decimal("-0.00000001"), Decimal("92233720368.54775807")],
    t.QUANTITY: [Quantity(value, unit) for value in _DECIMALS[:7] for unit in _UNITS]
    + [Quantity(MAX_DECIMAL, "g"), Quantity(MAX_DECIMAL, "mg"), Quantity(MIN_DECIMAL, "1")],
    t.STRING: ["", "a", "A", "a b", "a\tb", "b", "a/b/c", "/", "x|y", "2012-02-03", "12", "1.5"],
    t.DATE: _dates(),
    t.DATETIME: _datetimes(complete=False),
    t.TIME: _times(),
    t.CODE: [Code(code, system, None, display) for code in "12" for system in "st" for display in (None, "text")],
}
DOMAINS[t.CONCEPT] = [
    Concept(tuple(codes), display)
    for codes in ([], DOMAINS[t.CODE][:1], DOMAINS[t.CODE][1:4], DOMAINS[t.CODE][5:7])
    for display in (None, "text")
]
# The layouts that most rows have: date-times of full precision, one unit.
COMMON = DOMAINS | {
    t.DATETIME: _datetimes(complete=True),
    t.DATE: [value for value in _dates() if value.precision == "day"],
    t.QUANTITY: [Quantity(value, "g") for value in _DECIMALS],
}
# How durations are written that dates and times are moved by.
DURATIONS = [
    Quantity(Decimal(value), unit)
    for value in ("0", "1", "-1", "3", "1.5", "30", "365", "-400", "100000")
    for unit in ("year", "years", "month", "months", "week", "day", "days", "d", "hour", "h", "minutes", "second", "ms")
] + [Quantity(Decimal(1), unit) for unit in ("a", "mo", "g", "1")]


class Draw:
    """Random values of any type from domains, null now and then at every level."""

    def __init__(self, seed: int, domains: dict[t.CqlType, list[Any]], nulls: float = 0.1) -> None:
        self.random = random.Random(seed)
        self.domains = domains
        self.nulls = nulls

    def value(self, type_: t.CqlType) -> Any:
        if self.random.random() < self.nulls:
            return None
        if isinstance(type_, t.ListType):
            return tuple(self.value(type_.element) for _ in range(self.random.randrange(4)))
        if isinstance(type_, t.IntervalType):
            return self._interval(type_.point)
        return self.random.choice(self.domains[type_])

    def _interval(self, point: t.CqlType) -> Interval:
        low, high = self.value(point), self.value(point)
        if low is not None and high is not None and less(high, low) is not False:
            low, high = (high, low) if less(high, low) else (low, low)
        closed = low is not None and low == high
        return Interval(low, high, closed or self.random.random() < 0.7, closed or self.random.random() < 0.7)

    def rows(self, types: Sequence[t.CqlType], count: int) -> list[tuple[Any, ...]]:
        return [tuple(self.value(type_) for type_ in types) for _ in range(count)]


def instances(operands: Sequence[t.CqlType]) -> list[tuple[t.CqlType, ...]]:
    """The concrete types that operand types with variables stand for."""
    variables = {name for operand in operands for name in _variables(operand)}
    if not variables:
        return [tuple(operands)]
    return [tuple(_with(operand, generic) for operand in operands) for generic in GENERIC]


def _variables(type_: t.CqlType) -> set[str]:
    match type_:
        case t.ListType(inner) | t.IntervalType(inner):
            return _variables(inner)
    return {str(type_)} if str(type_) in ("T", "U", "System.T", "System.U", "System.Any") else set()


def _with(type_: t.CqlType, generic: t.CqlType) -> t.CqlType:
    match type_:
        case t.ListType(inner):
            return t.ListType(_with(inner, generic))
        case t.IntervalType(inner):
            return t.IntervalType(_with(inner, generic))
    return generic if _variables(type_) else type_
