"""Comparisons with uncertainties: known only if all points give the same answer (Author's Guide, Uncertainty)."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from ecqm.values import Date, Uncertainty
from ecqm.values.ordering import at_most, less, same

BOUNDS = range(4)
POINTS = [Uncertainty(low, high) for low, high in product(BOUNDS, BOUNDS) if low <= high]


def points_of(value: Uncertainty) -> range:
    return range(value.low, value.high + 1)


def agreed(answers: set[bool]) -> bool | None:
    return answers.pop() if len(answers) == 1 else None


@pytest.mark.parametrize(("a", "b"), list(product(POINTS, POINTS)))
def test_an_answer_is_known_if_all_points_agree(a: Uncertainty, b: Uncertainty) -> None:
    pairs = list(product(points_of(a), points_of(b)))
    assert less(a, b) is agreed({x < y for x, y in pairs})
    assert at_most(a, b) is agreed({x <= y for x, y in pairs})
    assert same(a, b) is agreed({x == y for x, y in pairs})


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (Uncertainty(None, 3), 3, (None, True, None)),
        (Uncertainty(None, 3), 4, (True, True, False)),
        (Uncertainty(None, 3), 2, (None, None, None)),
        (Uncertainty(3, None), 3, (False, None, None)),
        (Uncertainty(3, None), 2, (False, False, False)),
        (None, 2, (None, None, None)),
    ],
)
def test_ranges_without_a_bound(a: Any, b: Any, expected: tuple[bool | None, ...]) -> None:
    assert (less(a, b), at_most(a, b), same(a, b)) == expected


def test_all_points_of_an_uncertainty_may_be_the_same_at_a_coarser_precision() -> None:
    some_day = Uncertainty(Date(2012, 1, 1), Date(2012, 12, 31))
    assert same(some_day, Date(2012, 6, 1), "year") is True
    assert same(some_day, Date(2012, 6, 1)) is None
    assert less(some_day, Date(2012, 6, 1), "year") is False
