"""Hypothesis strategies for points and intervals over small domains, where collisions and edges are common."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from ecqm.types.core import CqlType, IntervalType, ListType
from ecqm.values import Code, Concept, Date, DateTime, Interval, Long, Quantity, Ratio, Time
from ecqm.values.ordering import at_most, same

integers = st.integers(-3, 6)
decimals = st.sampled_from([Decimal(text) for text in ("-1", "0", "0.5", "0.50000001", "1.0", "2", "2.25")])
quantities = st.builds(Quantity, decimals, st.sampled_from(["g", "mg", "kg"]))


@st.composite
def dates(draw: st.DrawFn, complete: bool = False) -> Date:
    """Dates around a leap day, of every precision unless `complete`."""
    fields = (draw(st.sampled_from([2011, 2012])), draw(st.sampled_from([2, 3])), draw(st.sampled_from([1, 28])))
    return Date(*fields[: 3 if complete else draw(st.integers(1, 3))])


@st.composite
def datetimes(draw: st.DrawFn, complete: bool = False) -> DateTime:
    """DateTimes of every precision unless `complete`, at two offsets."""
    known = 7 if complete else draw(st.integers(1, 7))
    choices = ([2012], [2, 3], [1, 28], [0, 23], [0, 59], [0, 30], [0, 999])
    fields = tuple(draw(st.sampled_from(some)) for some in choices[:known])
    return DateTime.from_fields(fields, draw(st.sampled_from([None, 0, 60])))


@st.composite
def times(draw: st.DrawFn) -> Time:
    """Times of every precision."""
    fields = (draw(st.sampled_from([9, 10])), draw(st.sampled_from([0, 30])), draw(st.sampled_from([0, 59])), 500)
    return Time(*fields[: draw(st.integers(1, 4))])


def kinds() -> list[st.SearchStrategy[Any]]:
    """One strategy for each kind of point."""
    return [integers, decimals, quantities, dates(), datetimes(), times()]


@st.composite
def intervals(draw: st.DrawFn, points: st.SearchStrategy[Any], bounded: bool = False) -> Interval:
    """Intervals that do not end before they start, with null and open boundaries unless `bounded`."""
    boundary = points if bounded else st.none() | points
    low, high = draw(boundary), draw(boundary)
    if low is not None and high is not None and at_most(low, high) is not True:
        low, high = (high, low) if at_most(high, low) is True else (low, low)
    closed = same(low, high) is True
    low_closed = bounded or closed or draw(st.booleans())
    high_closed = bounded or closed or draw(st.booleans())
    if not low_closed and not high_closed:
        low_closed = True
    return Interval(low, high, low_closed, high_closed)


def of_type(type_: CqlType) -> st.SearchStrategy[Any]:
    """Values of a type, null among them at every level: for tests that compare two ways to evaluate an overload."""
    match type_:
        case ListType(element):
            known: st.SearchStrategy[Any] = st.lists(of_type(element), max_size=4).map(tuple)
        case IntervalType(point):
            known = intervals(_BY_NAME[str(point).removeprefix("System.")])
        case _:
            known = _BY_NAME[str(type_).removeprefix("System.")]
    return st.none() | known


_texts = st.sampled_from(["", "a", "A", "a b", "b"])
_codes = st.builds(Code, st.sampled_from(["1", "2"]), st.sampled_from(["s", "t"]))
_BY_NAME: dict[str, st.SearchStrategy[Any]] = {
    "Any": integers,
    "T": integers,
    "Boolean": st.booleans(),
    "Integer": integers,
    "Long": integers.map(Long),
    "Decimal": decimals,
    "String": _texts,
    "Date": dates(),
    "DateTime": datetimes(),
    "Time": times(),
    "Quantity": quantities,
    "Ratio": st.builds(Ratio, quantities, quantities),
    "Code": _codes,
    "Concept": st.builds(Concept, st.lists(_codes, max_size=2).map(tuple)),
}


def pairs_of_points() -> st.SearchStrategy[tuple[Any, Any]]:
    """Two points of one kind."""
    return st.one_of([st.tuples(kind, kind) for kind in kinds()])


def pairs_of_intervals() -> st.SearchStrategy[tuple[Interval, Interval]]:
    """Two intervals of one kind of point; quantities in one unit, since steps and extremes are those of the unit."""
    grams = st.builds(Quantity, decimals, st.just("g"))
    points = [integers, decimals, grams, dates(), datetimes(), times()]
    return st.one_of([st.tuples(intervals(kind), intervals(kind)) for kind in points])


def pairs_of_complete_intervals() -> st.SearchStrategy[tuple[Interval, Interval]]:
    """Two intervals of one kind of point, of one precision."""
    points = [integers, decimals, dates(complete=True), datetimes(complete=True)]
    return st.one_of([st.tuples(intervals(kind), intervals(kind)) for kind in points])
