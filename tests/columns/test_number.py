"""Numbers are exact: decimals are integers of any size at one scale."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from ecqm.columns import DecimalColumn, from_values, to_values
from ecqm.columns.number import INT64_LIMIT, absolute, add_exact, multiply_exact, narrow
from ecqm.terminology import CodeIndex

HUGE = INT64_LIMIT - 1


def decimals(*texts: str | None) -> DecimalColumn:
    column = from_values([None if text is None else Decimal(text) for text in texts], CodeIndex())
    assert isinstance(column, DecimalColumn)
    return column


def test_the_scale_is_large_enough_for_every_value() -> None:
    column = decimals("1.5", None, "0.25")
    assert column.scale == 2
    assert column.unscaled[column.valid].tolist() == [150, 25]


def test_a_joined_column_has_the_larger_scale() -> None:
    assert to_values(decimals("1").concat([decimals("0.00000001")])) == [Decimal(1), Decimal("0.00000001")]


def test_more_digits_than_int64_has_become_python_integers() -> None:
    widened = decimals("92233720368547758").at_scale(8)
    assert widened.dtype == object
    assert widened.tolist() == [92233720368547758 * 10**8]


@pytest.mark.parametrize(("a", "b"), [(2, 3), (HUGE, 2), (-HUGE, HUGE), (-(2**63), -1)])
def test_arithmetic_never_overflows(a: int, b: int) -> None:
    left, right = np.array([a]), np.array([b])
    assert add_exact(left, right).tolist() == [a + b]
    assert multiply_exact(left, right).tolist() == multiply_exact(left, b).tolist() == [a * b]
    assert absolute(left).tolist() == [abs(a)]


def test_what_fits_again_is_int64_again() -> None:
    assert narrow(np.array([2**70, 1], object)).dtype == object
    assert narrow(np.array([2**40, 1], object)).dtype == np.int64


def test_numbers_that_are_written_differently_are_equal_numbers() -> None:
    column = decimals("1.5", "1.50", "1.5")
    assert len(set(column.number_keys().tolist())) == 1
