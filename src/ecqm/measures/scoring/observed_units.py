"""Units of observed values. Values in several units are aggregated in the finest of them: minutes, if there are hours
and minutes.

The choice must not depend on the order of patients or on how they are divided into batches. Values without a unit have
the unit 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from ecqm.measures.definition import MeasureError
from ecqm.values import CqlError
from ecqm.values.units import comparable, convert_exactly, divide_units, measure

ONE = "1"
"""The unit of numbers."""

_Values = NDArray[np.float64]


@dataclass(frozen=True)
class ObservedUnits:
    """The units of values: those of value i are `names[code[i]]`."""

    code: NDArray[np.int32]
    names: tuple[str, ...]

    def common(self, selected: NDArray[np.bool_], what: str) -> str:
        """The unit in which the selected values are aggregated. Raises MeasureError as `common_unit` does."""
        return common_unit((self.names[code] for code in np.unique(self.code[selected]).tolist()), what)

    def converted(self, values: _Values, unit: str) -> _Values:
        """Values of these units in one unit, which must be comparable with those of all that are not NaN."""
        result = values
        for code in np.unique(self.code[~np.isnan(values)]).tolist():
            result = np.where(self.code == code, converted(values, self.names[code], unit), result)
        return result

    @property
    def texts(self) -> list[str | None]:
        """The names of the units, by code; None for 1."""
        return [None if name == ONE else name for name in self.names]


def common_unit(units: Iterable[str], what: str) -> str:
    """The finest of some units; of no units, 1. Raises MeasureError, naming `what` has them, if values cannot be
    converted from each into the others."""
    named = sorted(set(units))
    if any(not comparable(named[0], unit) for unit in named[1:]):
        raise MeasureError(f"{what} has values in units that cannot be converted into each other: {', '.join(named)}")
    return min(named, key=_size, default=ONE)


def _size(unit: str) -> Fraction:
    known = measure(unit)
    return Fraction(1) if known is None else known.factor


def converted(values: _Values, from_unit: str, to_unit: str) -> _Values:
    """Values in another unit that is comparable."""
    if from_unit == to_unit:
        return values
    start, after = convert_exactly(Fraction(0), from_unit, to_unit), convert_exactly(Fraction(1), from_unit, to_unit)
    assert start is not None and after is not None
    step = after - start
    return values * step.numerator / step.denominator + float(start)


def unit_of_quotient(above: str, below: str) -> str:
    """The unit of a quotient of values whose units are not comparable."""
    if below == ONE:
        return above
    try:
        return divide_units(above, below)
    except CqlError:
        # Units that are not UCUM's.
        return f"{above}/{below}"
