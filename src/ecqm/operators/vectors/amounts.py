"""Quantities with different units as integers that compare like the quantities (`ecqm.values.units` defines units)."""

from __future__ import annotations

from fractions import Fraction
from math import gcd, lcm
from typing import Any, NamedTuple

import numpy as np

from ecqm.columns import POOL, QuantityColumn, Rows
from ecqm.columns.number import INT64_LIMIT, Unscaled, add_exact, multiply_exact
from ecqm.kernels.segments import distinct
from ecqm.values.units import measure


class Amounts(NamedTuple):
    """Quantities can be compared if they have the same `kind` (n), and then compare like their `number` (n). Both are
    arbitrary where a quantity is null. The order of kinds does not depend on which units occur."""

    kind: Rows
    number: Unscaled


def amounts(*columns: QuantityColumn) -> list[Amounts]:
    """The quantities of columns as amounts that can be compared across these columns."""
    ends = np.cumsum([len(column) for column in columns])[:-1]
    ids, places = distinct(np.concatenate([column.unit.ids for column in columns]))
    scales = _common_scales(["1" if text_id < 0 else POOL.strings[text_id] for text_id in ids.tolist()])
    scale = max(column.value.scale for column in columns)
    found = []
    for column, place in zip(columns, np.split(places, ends), strict=True):
        number = multiply_exact(column.value.at_scale(scale), _exactly(scales.factors)[place])
        if any(scales.shifts):
            number = add_exact(number, multiply_exact(_exactly(scales.shifts)[place], 10**scale))
        found.append(Amounts(scales.kinds[place], number))
    return found


def _exactly(numbers: list[int]) -> Unscaled:
    return np.array(numbers, np.int64 if max(map(abs, numbers), default=0) < INT64_LIMIT else object)


class _Scales(NamedTuple):
    """For each of several units its kind, and `factors` and `shifts` that make values x of units of one kind
    comparable integers: x * factor + shift."""

    kinds: Rows
    factors: list[int]
    shifts: list[int]


def _common_scales(units: list[str]) -> _Scales:
    kinds: list[tuple[int, Any]] = []
    factors, shifts = [], []
    for unit in units:
        meaning = measure(unit)
        # An unknown unit is comparable only with itself.
        kinds.append((1, unit) if meaning is None else (0, meaning.dimension))
        factors.append(Fraction(1) if meaning is None else meaning.factor)
        shifts.append(Fraction(0) if meaning is None else meaning.shift * meaning.factor)
    numbers = {kind: number for number, kind in enumerate(sorted(set(kinds)))}
    for kind in numbers:
        # The largest fraction of which all factors and shifts of the kind are multiples.
        places = [place for place, other in enumerate(kinds) if other == kind]
        parts = [part for place in places for part in (factors[place], shifts[place])]
        common = Fraction(gcd(*(part.numerator for part in parts)), lcm(*(part.denominator for part in parts)))
        for place in places:
            factors[place] /= common
            shifts[place] /= common
    kind_numbers = np.array([numbers[kind] for kind in kinds], np.int64)
    return _Scales(kind_numbers, list(map(int, factors)), list(map(int, shifts)))
