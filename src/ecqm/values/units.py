"""What units of measure mean: conversion, comparison, products and quotients, of UCUM's units and of the calendar
durations of CQL.

`ecqm.values.unit_expressions` has their syntax, `ecqm.values.ucum` the units that are known. An unknown unit is
comparable only with the very same text. All factors are fractions, so `1 'cm' = 0.01 'm'` is decided without rounding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from ecqm.values.errors import CqlError
from ecqm.values.numbers import to_decimal
from ecqm.values.ucum import AFFINE, ATOMS, BASE_UNITS, BINARY_PREFIXES, METRIC_SCALES, OTHER_SCALES, PREFIXES
from ecqm.values.unit_expressions import Factor, UnitSyntaxError, factors_of, is_digits

Dimension = tuple[tuple[str, int], ...]

# The keywords of calendar durations. Up to the week they are the same as UCUM's units; months and years are not.
CALENDAR_UNITS = {
    "year": "year", "years": "year", "month": "month", "months": "month",
    "week": "wk", "weeks": "wk", "day": "d", "days": "d", "hour": "h", "hours": "h",
    "minute": "min", "minutes": "min", "second": "s", "seconds": "s",
    "millisecond": "ms", "milliseconds": "ms",
}  # fmt: skip

# What equivalence takes calendar years and months for: UCUM's units, or days where the other unit is finer.
_DEFINITE = {"year": "a", "month": "mo"}
_IN_DAYS = {"year": (365, "d"), "month": (30, "d")}

# Units come from patients' data. A text with a larger exponent is no unit, however well it follows the grammar.
_LARGEST_EXPONENT = 100

_SCALES = {prefix: Fraction(10) ** power for prefix, power in PREFIXES.items()}
_SCALES |= {prefix: Fraction(2) ** power for prefix, power in BINARY_PREFIXES.items()}

_CALENDAR_DIMENSION: Dimension = (("calendar month", 1),)


@dataclass(frozen=True, slots=True)
class Measure:
    """The meaning of a unit: a value x is (x + `shift`) * `factor` in the base units whose exponents are `dimension`.
    Only temperature scales have a `shift`."""

    factor: Fraction
    dimension: Dimension
    shift: Fraction = Fraction(0)


class _Definition(NamedTuple):
    """A line of ATOMS: whether the unit takes metric prefixes, and its value in another unit."""

    is_metric: bool
    value: str
    unit: str


def convert(value: Decimal, from_unit: str, to_unit: str) -> Decimal | None:
    """Convert `value` to another unit, rounded to eight decimal places; None if the units have different dimensions.
    Raises CqlError if the result is outside the range of Decimal."""
    exact = convert_exactly(value, from_unit, to_unit)
    if exact is None:
        return None
    return value if from_unit == to_unit else to_decimal(exact)


def convert_exactly(value: Decimal | Fraction, from_unit: str, to_unit: str) -> Fraction | None:
    """`convert` without rounding."""
    if from_unit == to_unit:
        return Fraction(value)
    source, target = measure(from_unit), measure(to_unit)
    if source is None or target is None or source.dimension != target.dimension:
        return None
    return (Fraction(value) + source.shift) * source.factor / target.factor - target.shift


def comparable(a: str, b: str) -> bool:
    """Whether quantities of the two units can be compared."""
    return convert_exactly(Fraction(1), a, b) is not None


def convert_equivalently(value: Decimal | Fraction, from_unit: str, to_unit: str) -> Fraction | None:
    """`convert_exactly` for equivalence, where a calendar year is also 1 'a' or 365 days, and a month 1 'mo' or 30
    days (CQL reference, Equivalent)."""
    exact = convert_exactly(value, from_unit, to_unit)
    if exact is not None:
        return exact
    source, target = CALENDAR_UNITS.get(from_unit, from_unit), CALENDAR_UNITS.get(to_unit, to_unit)
    if {source, target} & set(_DEFINITE.values()):
        return convert_exactly(value, _DEFINITE.get(source, source), _DEFINITE.get(target, target))
    days_of_source, source = _IN_DAYS.get(source, (1, source))
    days_of_target, target = _IN_DAYS.get(target, (1, target))
    exact = convert_exactly(Fraction(value) * days_of_source, source, target)
    return None if exact is None else exact / days_of_target


@lru_cache(maxsize=4096)
def measure(unit: str) -> Measure | None:
    """The meaning of a unit; None if it is unknown or malformed."""
    calendar = CALENDAR_UNITS.get(unit)
    if calendar in ("year", "month"):
        return Measure(Fraction(12 if calendar == "year" else 1), _CALENDAR_DIMENSION)
    try:
        factors = factors_of(calendar or unit)
        if len(factors) == 1 and factors[0][0] in AFFINE and factors[0][1] == 1:
            shift, step = AFFINE[factors[0][0]]
            return Measure(Fraction(step), (("K", 1),), Fraction(shift))
        return _product(factors)
    except UnitSyntaxError:
        return None


def is_known(unit: str) -> bool:
    """Whether a unit is well-formed and known."""
    return measure(unit) is not None


def ucum_code(unit: str) -> str | None:
    """The code of UCUM for a unit or calendar duration; None if there is none."""
    calendar = CALENDAR_UNITS.get(unit)
    code = unit if calendar is None else _DEFINITE.get(calendar, calendar)
    return code if is_known(code) else None


def multiply_units(a: str, b: str) -> str:
    """The unit of a product: `cm` and `cm` give `cm2`. Raises CqlError on malformed units."""
    return _written(_exponents(a, b, 1))


def divide_units(a: str, b: str) -> str:
    """The unit of a quotient: `g` and `cm3` give `g/cm3`, a unit and itself `1`. Raises CqlError on malformed units."""
    return _written(_exponents(a, b, -1))


def _exponents(a: str, b: str, sign: int) -> dict[str, int]:
    exponents: dict[str, int] = {}
    for unit, direction in ((a, 1), (b, sign)):
        try:
            for atom, exponent in factors_of(CALENDAR_UNITS.get(unit, unit)):
                exponents[atom] = exponents.get(atom, 0) + direction * exponent
        except UnitSyntaxError as error:
            raise CqlError(str(error)) from None
    return exponents


def _written(exponents: Mapping[str, int]) -> str:
    above = [atom if n == 1 else f"{atom}{n}" for atom, n in exponents.items() if n > 0 and atom != "1"]
    below = [atom if n == -1 else f"{atom}{-n}" for atom, n in exponents.items() if n < 0 and atom != "1"]
    text = ".".join(above) or ("1" if not below else "")
    return text + "".join(f"/{atom}" for atom in below)


def _product(factors: list[Factor]) -> Measure:
    total = Fraction(1)
    exponents: dict[str, int] = {}
    for symbol, power in factors:
        if abs(power) > _LARGEST_EXPONENT:
            raise UnitSyntaxError(f"{symbol}{power} has too large an exponent")
        factor, dimension = _symbol(symbol)
        total *= factor**power
        for base, n in dimension:
            exponents[base] = exponents.get(base, 0) + n * power
    return Measure(total, tuple(sorted((base, n) for base, n in exponents.items() if n)))


@lru_cache(maxsize=1024)
def _symbol(symbol: str) -> tuple[Fraction, Dimension]:
    """An atom, with or without a prefix, as a factor and dimension in base units. Raises UnitSyntaxError."""
    if is_digits(symbol):
        if int(symbol) == 0:
            raise UnitSyntaxError("0 is not a unit")
        return Fraction(int(symbol)), ()
    if symbol in BASE_UNITS:
        return Fraction(1), ((symbol, 1),)
    if symbol in _definitions():
        return _defined(symbol)
    if symbol in OTHER_SCALES or symbol in AFFINE:
        return Fraction(1), ((symbol, 1),)
    for prefix, scale in _SCALES.items():
        atom = symbol.removeprefix(prefix)
        if atom == symbol or not atom:
            continue
        if atom in BASE_UNITS or (atom in _definitions() and _definitions()[atom].is_metric):
            factor, dimension = _symbol(atom)
            return scale * factor, dimension
        if atom in METRIC_SCALES:
            return Fraction(1), ((symbol, 1),)
    raise UnitSyntaxError(f"{symbol!r} is not a unit of UCUM known here")


@lru_cache(maxsize=1024)
def _defined(symbol: str) -> tuple[Fraction, Dimension]:
    definition = _definitions()[symbol]
    if definition.value == "@":
        return Fraction(1), ((symbol, 1),)
    inner = _product(factors_of(definition.unit))
    return Fraction(definition.value) * inner.factor, inner.dimension


@lru_cache(maxsize=1)
def _definitions() -> dict[str, _Definition]:
    lines = (line.split() for line in ATOMS.strip().splitlines())
    return {code: _Definition(metric == "m", value, unit) for code, metric, value, unit in lines}
