"""Quantities of different units as whole numbers that compare as they do (`ecqm.values.units` says what units mean)."""

from __future__ import annotations

from fractions import Fraction
from math import gcd, lcm
from typing import Any, NamedTuple

import numpy as np

from ecqm.columns import POOL, QuantityColumn, Rows
from ecqm.columns.number import Unscaled, add_exact, multiply_exact
from ecqm.kernels.segments import distinct
from ecqm.values.units import measure


class Amounts(NamedTuple):
    """Quantities that can be compared have one `kind`; then they compare as their `number`s do. Any numbers where a
    quantity is null. Kinds are numbered in an order of their own, whatever units occur."""

    kind: Rows
    number: Unscaled


def amounts(*columns: QuantityColumn) -> list[Amounts]:
    """The quantities of columns as amounts that compare across these columns, each of its column's length."""
    places, kinds, factors, shifts = _units(columns)
    scale = max(column.value.scale for column in columns)
    found = []
    for column, place in zip(columns, places, strict=True):
        number = multiply_exact(column.value.at_scale(scale), _exactly(factors)[place])
        if any(shifts):
            number = add_exact(number, multiply_exact(_exactly(shifts)[place], 10**scale))
        found.append(Amounts(kinds[place], number))
    return found


def _exactly(numbers: list[int]) -> Unscaled:
    return np.array(numbers, np.int64 if max(map(abs, numbers), default=0) < 1 << 62 else object)


def _units(columns: tuple[QuantityColumn, ...]) -> tuple[list[Rows], Rows, list[int], list[int]]:
    """For each row of each column the place of its unit; and by place the unit's kind, and what to multiply its values
    by, and then to add, for whole numbers of something that all units of the kind are multiples of."""
    ends = np.cumsum([len(column) for column in columns])[:-1]
    ids, places = distinct(np.concatenate([column.unit.ids for column in columns]))
    strings = POOL.strings
    units = ["1" if number < 0 else strings[number] for number in ids.tolist()]
    names: list[tuple[int, Any]] = []
    factors, shifts = [], []
    for unit in units:
        meaning = measure(unit)
        # What is not known is comparable with its own spelling only.
        names.append((1, unit) if meaning is None else (0, meaning.dimension))
        factors.append(Fraction(1) if meaning is None else meaning.factor)
        shifts.append(Fraction(0) if meaning is None else meaning.shift * meaning.factor)
    numbers = {name: number for number, name in enumerate(sorted(set(names)))}
    for name in numbers:
        alike = [place for place, other in enumerate(names) if other == name]
        parts = [part for place in alike for part in (factors[place], shifts[place])]
        common = Fraction(gcd(*(part.numerator for part in parts)), lcm(*(part.denominator for part in parts)))
        for place in alike:
            factors[place] /= common
            shifts[place] /= common
    kinds = np.array([numbers[name] for name in names], np.int64)
    return np.split(places, ends), kinds, list(map(int, factors)), list(map(int, shifts))
