"""Every kernel means what the scalars mean: row by row over small domains, for every overload of its operator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from random import Random
from typing import Any

import numpy as np
import pytest

from ecqm.columns import Column, from_values, to_values
from ecqm.operators import registry
from ecqm.operators.registry import Overload
from ecqm.operators.vectors import Partial, Rest, kernel_of
from ecqm.terminology import CodeIndex
from ecqm.types import core as t
from ecqm.values import (
    Code,
    CqlError,
    Date,
    DateTime,
    EvaluationContext,
    Interval,
    Long,
    Quantity,
    Time,
    Tuple,
    Uncertainty,
    evaluating,
)
from tests.operators.domains import COMMON, DOMAINS, DURATIONS, POINTS, Draw, instances

ROWS = 150
REQUEST = EvaluationContext(DateTime(2024, 5, 6, 7, 8, 9, 10, -300), -300)
TEMPORAL = {t.DATE, t.DATETIME, t.TIME}
PRECISIONS = ("year", "month", "day", "hour", "minute", "second", "millisecond")
COUNTED = (*PRECISIONS, "week")
# Operators of these need a precision.
NEED_PRECISION = {"DurationBetween", "DifferenceBetween", "CalculateAgeAt", "CalculateAge", "DateTimeComponentFrom"}
MOVES = {"Add", "Subtract"}


def kernels() -> Iterator[tuple[str, tuple[t.CqlType, ...], str | None]]:
    for operator in registry.operators():
        if kernel_of(operator.name) is None:
            continue
        for overload in operator.overloads:
            operands = overload.operands * (2 if overload.variadic else 1)
            if not operands:
                continue
            for types in instances(operands):
                if not _possible(types):
                    continue
                for precision in _precisions(operator.name, overload.attributes, types):
                    yield operator.name, types, precision


def _possible(types: Sequence[t.CqlType]) -> bool:
    inner = [type_.element if isinstance(type_, t.ListType) else type_ for type_ in types]
    points = [type_.point for type_ in inner if isinstance(type_, t.IntervalType)]
    known = {
        *DOMAINS,
        *map(t.ListType, DOMAINS),
        *map(t.IntervalType, POINTS),
        *map(t.ListType, map(t.IntervalType, POINTS)),
    }
    nested = [type_ for type_ in types if type_ not in known]
    return all(point in POINTS for point in points) and not nested


def _precisions(name: str, attributes: frozenset[str], types: Sequence[t.CqlType]) -> Sequence[str | None]:
    points = {type_.point if isinstance(type_, t.IntervalType) else type_ for type_ in types}
    if "precision" not in attributes or not points & TEMPORAL:
        return [None]
    if name in NEED_PRECISION:
        return COUNTED if name != "DateTimeComponentFrom" else PRECISIONS
    return [None, "year", "day", "minute", "millisecond"]


CASES = list(kernels())


@pytest.mark.parametrize("name", sorted({name for name, _, _ in CASES}))
def test_kernel_means_what_the_scalars_mean(name: str) -> None:
    decided = 0
    with evaluating(REQUEST):
        for seed, (_, types, precision) in enumerate(case for case in CASES if case[0] == name):
            overload = registry.get(name).resolve(types)
            assert overload is not None
            settings = {} if precision is None else {"precision": precision}
            durations = {t.QUANTITY: DURATIONS} if name in MOVES and types[0] in TEMPORAL else {}
            for domains in (DOMAINS, COMMON):
                draw = Draw(seed, domains | durations)
                rows = draw.rows(types, ROWS)
                decided += _compare(name, overload, [list(column) for column in zip(*rows, strict=True)], settings)
                for place in range(len(types)):
                    # One value for all rows, as constants and parameters are.
                    operands = [list(column) for column in zip(*rows[:60], strict=True)]
                    operands[place] = [draw.value(types[place])]
                    decided += _compare(name, overload, operands, settings)
    assert decided >= len([case for case in CASES if case[0] == name]) * ROWS / 10, "the kernel leaves most rows open"


OF_INTERVALS = sorted({name for name, types, _ in CASES if any(isinstance(one, t.IntervalType) for one in types)})


@pytest.mark.parametrize("name", OF_INTERVALS)
def test_intervals_of_no_type(name: str) -> None:
    """A column of intervals none of which has a boundary does not show of what they are."""
    with evaluating(REQUEST):
        for seed, (_, types, precision) in enumerate(case for case in CASES if case[0] == name):
            overload = registry.get(name).resolve(types)
            assert overload is not None
            settings = {} if precision is None else {"precision": precision}
            places = [place for place, type_ in enumerate(types) if isinstance(type_, t.IntervalType)]
            draw = Draw(seed, DOMAINS)
            for place in places:
                rows = draw.rows(types, 25)
                operands = [list(column) for column in zip(*rows, strict=True)]
                closed = [draw.random.choices([True, False], k=2) for _ in rows]
                operands[place] = [
                    None if draw.random.random() < 0.2 else Interval(None, None, *ends) for ends in closed
                ]
                _compare(name, overload, operands, settings)


@pytest.mark.parametrize("name", ["Distinct", "Union", "Intersect", "Except"])
def test_sets_of_intervals(name: str) -> None:
    with evaluating(REQUEST):
        for seed, point in enumerate(POINTS):
            overload = registry.get(name).overloads[0]
            lists = [t.ListType(t.IntervalType(point))] * (1 if name == "Distinct" else 2)
            rows = Draw(seed, DOMAINS).rows(lists, ROWS)
            _compare(name, overload, [list(column) for column in zip(*rows, strict=True)], {})


ANYTHING: list[Any] = [
    *(None, 1, 2, Long(1), Decimal("1.0"), Decimal("2.50"), Decimal("2.5"), "a", "1", True),
    *(Date(2024), Date(2024, 1, 1), DateTime(2024, offset=0), DateTime(2024, 1, 1, offset=0), Time(1), Time(1, 0)),
    *(DateTime(2024, 1, 1, 0, 0, 0, offset=0), DateTime(2024, 1, 1, 1, 0, 0, 0, 60)),
    *(Quantity(Decimal(1), "g"), Quantity(Decimal(1000), "mg"), Code("a", "s"), Code("a", "s", display="A")),
    *(Tuple({"a": 1}), Tuple({"a": Decimal("1.0")}), Tuple({"a": None}), Tuple({"a": 1, "b": 2})),
    *(Tuple({"b": 2, "a": 1}), Tuple({"a": 1, "b": None}), (1, 2), (1, Decimal("2.0")), (1, None), (), (None,)),
    *(Interval(1, 3), Interval(1, 4, True, False), Interval(Decimal(1), Decimal(3)), Interval(None, 3, False, True)),
    Interval(Date(2024, 1, 1), Date(2024, 2, 1)),
]


@pytest.mark.parametrize("name", ["Distinct", "Union", "Intersect", "Except"])
def test_sets_of_values_of_several_types(name: str) -> None:
    """CQL reference, Distinct: "using equality semantics", whatever else is in the list, and in other lists."""
    overload = registry.get(name).overloads[0]
    with evaluating(REQUEST):
        for seed in range(60):
            draw = Random(seed)
            some = draw.sample(ANYTHING, draw.choice([4, 8, len(ANYTHING)]))
            lists = [[tuple(draw.choices(some, k=draw.randint(0, 4))) for _ in range(20)] for _ in range(2)]
            _compare(name, overload, lists[:1] if name == "Distinct" else lists, {})


def _compare(name: str, overload: Overload, operands: list[list[Any]], settings: dict[str, Any]) -> int:
    """Compares a kernel's results with the scalars', and tells how many rows it has decided."""
    codes = CodeIndex()
    kernel = kernel_of(name)
    assert kernel is not None
    columns = [from_values(values, codes) for values in operands]
    result = kernel(*columns, **settings)
    if result is None:
        return 0
    n = max(map(len, operands))
    left_open, failed = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    column = result
    if isinstance(result, Rest):
        column, left_open = result.column, result.undecided
    elif isinstance(result, Partial):
        column, failed = result.column, result.failed
    assert isinstance(column, Column)
    found = to_values(column.broadcast(n))
    for row in range(n):
        if left_open[row % len(left_open)]:
            continue
        values = [operand[row % len(operand)] for operand in operands]
        expected = _expected(overload, values, settings, codes)
        told = f"{name}{tuple(values)} {settings}: the kernel has {found[row]}, the scalars {expected}"
        if expected is CqlError:
            assert failed[row], told
        else:
            assert not failed[row] and type(found[row]) is type(expected) and found[row] == expected, told
    return n - int(np.broadcast_to(left_open, (n,)).sum())


def _expected(overload: Overload, values: list[Any], settings: dict[str, Any], codes: CodeIndex) -> Any:
    try:
        value = overload.scalar(*values, context=REQUEST, **settings)
    except CqlError:
        return CqlError
    if value is None or isinstance(value, Uncertainty):
        return value
    # As a column holds it: with the offset that a date-time without one means.
    return to_values(from_values([value], codes))[0]
