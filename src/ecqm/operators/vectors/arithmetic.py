"""Arithmetic on integers, decimals and quantities (`elm:16`): exact, and null where a result is out of range."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ecqm.columns import (
    POOL,
    Column,
    DecimalColumn,
    IntegerColumn,
    Mask,
    NullColumn,
    QuantityColumn,
    StringColumn,
    TemporalColumn,
    as_decimal,
)
from ecqm.columns.number import Unscaled, absolute, add_exact, multiply_exact, narrow
from ecqm.kernels.segments import combine_keys
from ecqm.operators.quantities import combined_unit
from ecqm.operators.vectors import Result, vector
from ecqm.operators.vectors.answers import with_rest
from ecqm.operators.vectors.calendar import moved
from ecqm.types import LONG
from ecqm.values.numbers import DECIMAL_PLACES, MAX_DECIMAL
from ecqm.values.units import comparable, divide_units, multiply_units

_LARGEST = int(MAX_DECIMAL.scaleb(DECIMAL_PLACES))
Numbers = IntegerColumn | DecimalColumn


def as_numbers(*columns: Column) -> list[Numbers] | None:
    """Operands converted to the widest type among them (Integer, Long, Decimal); None if one is not a number."""
    numbers = [column for column in columns if isinstance(column, (IntegerColumn, DecimalColumn))]
    if len(numbers) < len(columns):
        return None
    if any(isinstance(column, DecimalColumn) for column in numbers):
        return [as_decimal(column) for column in numbers]
    if any(column.type == LONG for column in numbers):
        return [column.retype(LONG) for column in numbers]
    return numbers


def integers(values: Unscaled, valid: Mask, like: IntegerColumn) -> IntegerColumn:
    """A column of the same type as `like`, null where values are out of its range."""
    least, most = like.type_range
    fits = ((values >= least) & (values <= most)).astype(np.bool_)
    kept = values if values.dtype != object else np.where(fits, values, 0).astype(np.int64)
    return IntegerColumn(kept, valid & fits, like.type)


def decimals(unscaled: Unscaled, scale: int, valid: Mask) -> DecimalColumn:
    """A column of decimals rounded to eight places, halves away from zero; null where values are out of range."""
    if scale > DECIMAL_PLACES:
        unscaled, scale = divided(unscaled, 10 ** (scale - DECIMAL_PLACES)), DECIMAL_PLACES
    if unscaled.dtype == object:
        largest = _LARGEST // 10 ** (DECIMAL_PLACES - scale)
        valid = valid & (np.abs(unscaled) <= largest).astype(np.bool_)
        unscaled = narrow(np.where(valid, unscaled, 0))
    return DecimalColumn(unscaled, scale, valid)


def divided(numerator: Unscaled, denominator: Unscaled | int) -> Unscaled:
    """Quotients rounded to integers, halves away from zero; no denominator may be zero. In int64, twice each operand
    must fit."""
    top, bottom = np.abs(numerator), np.abs(denominator)
    quotient = (2 * top + bottom) // (2 * bottom)
    return np.asarray(np.where((numerator < 0) == (np.asarray(denominator) < 0), quotient, -quotient))


# -- sums and products ------------------------------------------------------------------------------------------------


def _add_numbers(left: Numbers, right: Numbers, sign: int) -> Numbers:
    """Sums (`sign` 1) or differences (-1)."""
    valid = left.valid & right.valid
    if isinstance(left, IntegerColumn) and isinstance(right, IntegerColumn):
        return integers(add_exact(left.values, multiply_exact(right.values, sign)), valid, left)
    a, b = as_decimal(left), as_decimal(right)
    scale = max(a.scale, b.scale)
    return decimals(add_exact(a.at_scale(scale), sign * b.at_scale(scale)), scale, valid)


def _negate_numbers(column: Numbers) -> Numbers:
    if isinstance(column, DecimalColumn):
        return DecimalColumn(-column.unscaled, column.scale, column.valid)
    return integers(multiply_exact(column.values, -1), column.valid, column)


def _multiply_numbers(left: Numbers, right: Numbers) -> Numbers:
    valid = left.valid & right.valid
    if isinstance(left, IntegerColumn) and isinstance(right, IntegerColumn):
        return integers(multiply_exact(left.values, right.values), valid, left)
    a, b = as_decimal(left), as_decimal(right)
    return decimals(multiply_exact(a.unscaled, b.unscaled), a.scale + b.scale, valid)


def _divide_numbers(left: Numbers, right: Numbers) -> DecimalColumn:
    a, b = as_decimal(left), as_decimal(right)
    valid = a.valid & b.valid & (b.unscaled != 0).astype(np.bool_)
    # Scaled so that the quotient of the integers has eight decimal places. Twice the operands are computed and halved
    # again to make sure that they fit into int64, as `divided` requires.
    numerator = multiply_exact(a.unscaled, 2 * 10 ** (DECIMAL_PLACES + b.scale)) // 2
    divisor = np.where(b.unscaled == 0, 1, b.unscaled)
    denominator = multiply_exact(divisor, 2 * 10**a.scale) // 2
    return decimals(narrow(divided(numerator, denominator)), DECIMAL_PLACES, valid)


@vector("Add")
def add(left: Column, right: Column) -> Result:
    return _sum(left, right, 1)


@vector("Subtract")
def subtract(left: Column, right: Column) -> Result:
    return _sum(left, right, -1)


def _sum(left: Column, right: Column, sign: int) -> Result:
    if isinstance(left, TemporalColumn) and isinstance(right, QuantityColumn):
        return moved(left, right, sign)
    numbers = as_numbers(left, right)
    if numbers is not None:
        return _add_numbers(numbers[0], numbers[1], sign)
    if isinstance(left, QuantityColumn) and isinstance(right, QuantityColumn):
        value = as_decimal(_add_numbers(left.value, right.value, sign))
        differ = (left.unit.ids != right.unit.ids) & left.valid & right.valid
        return with_rest(QuantityColumn(value, left.unit.broadcast(len(value))), differ)
    return None


@vector("Multiply")
def multiply(left: Column, right: Column) -> Result:
    numbers = as_numbers(left, right)
    if numbers is not None:
        return _multiply_numbers(*numbers)
    if isinstance(left, QuantityColumn) and isinstance(right, QuantityColumn):
        value = as_decimal(_multiply_numbers(left.value, right.value))
        return _with_units(value, left.unit, right.unit, multiply_units, of_one_unit=None)
    return None


@vector("Divide")
def divide(left: Column, right: Column) -> Result:
    numbers = as_numbers(left, right)
    if numbers is not None:
        return _divide_numbers(*numbers)
    if isinstance(left, QuantityColumn) and isinstance(right, QuantityColumn):
        value = _divide_numbers(left.value, right.value)
        return _with_units(value, left.unit, right.unit, divide_units, of_one_unit="1")
    return None


def _with_units(
    value: DecimalColumn,
    left: StringColumn,
    right: StringColumn,
    combine: Callable[[str, str], str],
    of_one_unit: str | None,
) -> Result:
    """Products or quotients with their units, which are combined once per pair of units. `of_one_unit` is the unit of
    the quotient of quantities with the same unit; those with different but comparable units are left to the scalars.
    None for products."""
    n = len(value)
    left, right = left.broadcast(n), right.broadcast(n)
    pairs = combine_keys(left.ids.astype(np.int64), right.ids.astype(np.int64))
    ids = np.full(n, -1, np.int32)
    undecided = np.zeros(n, np.bool_)
    for pair in range(int(pairs.max(initial=-1)) + 1):
        rows = np.flatnonzero((pairs == pair) & value.valid)
        if len(rows) == 0:
            continue
        first, second = (POOL.strings[int(column.ids[rows[0]])] for column in (left, right))
        if of_one_unit is not None and first != second and comparable(first, second):
            undecided[rows] = True
            continue
        unit = of_one_unit if of_one_unit is not None and first == second else combined_unit(combine, first, second)
        if unit is not None:
            ids[rows] = POOL.id_of(unit)
    known = value.where(ids >= 0)
    return with_rest(QuantityColumn(known, StringColumn(ids)), undecided)


# -- one operand ------------------------------------------------------------------------------------------------------


@vector("Negate")
def negate(operand: Column) -> Result:
    if isinstance(operand, (IntegerColumn, DecimalColumn)):
        return _negate_numbers(operand)
    if isinstance(operand, QuantityColumn):
        return QuantityColumn(as_decimal(_negate_numbers(operand.value)), operand.unit)
    return None


def _absolute_numbers(column: Numbers) -> Numbers:
    if isinstance(column, DecimalColumn):
        return DecimalColumn(absolute(column.unscaled), column.scale, column.valid)
    return integers(absolute(column.values), column.valid, column)


@vector("Abs")
def abs_(operand: Column) -> Result:
    if isinstance(operand, (IntegerColumn, DecimalColumn)):
        return _absolute_numbers(operand)
    if isinstance(operand, QuantityColumn):
        return QuantityColumn(as_decimal(_absolute_numbers(operand.value)), operand.unit)
    return None


@vector("TruncatedDivide")
def truncated_divide(left: Column, right: Column) -> Result:
    numbers = as_numbers(left, right)
    if numbers is None:
        return None
    a, b = numbers
    if isinstance(a, IntegerColumn) and isinstance(b, IntegerColumn):
        return integers(_truncated(a.values, b.values), a.valid & b.valid & (b.values != 0), a)
    x, y = as_decimal(a), as_decimal(b)
    scale = max(x.scale, y.scale)
    top, bottom = x.at_scale(scale), y.at_scale(scale)
    return decimals(_truncated(top, bottom), 0, x.valid & y.valid & (bottom != 0).astype(np.bool_))


def _truncated(numerator: Unscaled, denominator: Unscaled) -> Unscaled:
    """Quotients truncated to integers; arbitrary where a denominator is 0."""
    divisor = np.where(denominator == 0, 1, denominator)
    quotient = absolute(numerator) // absolute(divisor)
    return np.where((numerator < 0) == (divisor < 0), quotient, -quotient)


_ROUNDINGS: dict[str, Callable[[Unscaled, int], Unscaled]] = {
    "Ceiling": lambda unscaled, one: -(-unscaled // one),
    "Floor": lambda unscaled, one: unscaled // one,
    "Truncate": lambda unscaled, one: _truncated(unscaled, np.full(1, one, unscaled.dtype)),
}


def _integral(name: str) -> Callable[[Column], Result]:
    def kernel(operand: Column) -> Result:
        if not isinstance(operand, (IntegerColumn, DecimalColumn)):
            return None
        column = as_decimal(operand)
        whole = _ROUNDINGS[name](column.unscaled, 10**column.scale)
        none = IntegerColumn(np.zeros(0, np.int64), np.zeros(0, np.bool_))
        return integers(whole, column.valid, none)

    return kernel


for _name in _ROUNDINGS:
    vector(_name)(_integral(_name))


@vector("Round")
def round_(operand: Column, precision: Column | None = None) -> Result:
    if not isinstance(operand, DecimalColumn) or not isinstance(precision, (IntegerColumn, NullColumn, type(None))):
        return None
    places = 0
    if isinstance(precision, IntegerColumn):
        if len(precision) != 1 or not precision.valid[0]:
            return None
        places = int(precision.values[0])
    if places < 0:
        return None
    if places >= operand.scale:
        return operand
    return decimals(divided(operand.unscaled, 10 ** (operand.scale - places)), places, operand.valid)
