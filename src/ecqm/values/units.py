"""Units of measure: UCUM expressions and the calendar durations of CQL, with exact conversion factors.

The known units are those of `ecqm.values.ucum`. An unknown unit is comparable only with the very same text. All factors
are fractions, so `1 'cm' = 0.01 'm'` is decided without rounding.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from ecqm.values.errors import CqlError
from ecqm.values.numbers import to_decimal
from ecqm.values.ucum import AFFINE, ATOMS, BASE_UNITS, BINARY_PREFIXES, OTHER_SCALES, PREFIXES

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

# Units come from patients' data. Beyond these limits a text is no unit, however well it follows the grammar.
_LONGEST_UNIT = 200
_LARGEST_EXPONENT = 100

_CALENDAR_DIMENSION: Dimension = (("calendar month", 1),)


@dataclass(frozen=True, slots=True)
class Measure:
    """The meaning of a unit: a value x is (x + `shift`) * `factor` in the base units whose exponents are `dimension`.
    Only temperature scales have a `shift`."""

    factor: Fraction
    dimension: Dimension
    shift: Fraction = Fraction(0)


class UnitSyntaxError(ValueError):
    """Text that is not a unit expression."""


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
        factors = list(_factors(calendar or unit))
        if len(factors) == 1 and factors[0][0] in AFFINE and factors[0][1] == 1:
            shift, step = AFFINE[factors[0][0]]
            return Measure(Fraction(step), (("K", 1),), Fraction(shift))
        return _product(factors)
    except UnitSyntaxError:
        return None


def is_known(unit: str) -> bool:
    """Whether a unit is well-formed and known."""
    return measure(unit) is not None


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
            for atom, exponent in _factors(CALENDAR_UNITS.get(unit, unit)):
                exponents[atom] = exponents.get(atom, 0) + direction * exponent
        except UnitSyntaxError as error:
            raise CqlError(str(error)) from None
    return exponents


def _written(exponents: Mapping[str, int]) -> str:
    above = [atom if n == 1 else f"{atom}{n}" for atom, n in exponents.items() if n > 0 and atom != "1"]
    below = [atom if n == -1 else f"{atom}{-n}" for atom, n in exponents.items() if n < 0 and atom != "1"]
    text = ".".join(above) or ("1" if not below else "")
    return text + "".join(f"/{atom}" for atom in below)


def _factors(unit: str) -> Iterator[tuple[str, int]]:
    """The symbols (atoms with their prefixes) of a unit expression, with their exponents. Raises UnitSyntaxError."""
    if len(unit) > _LONGEST_UNIT:
        raise UnitSyntaxError(f"a text of {len(unit)} characters is not a unit")
    found, end = _term(unit, 0, 1)
    if end != len(unit):
        raise UnitSyntaxError(f"{unit!r} is not a unit: {unit[end:]!r} is left over")
    return iter(found)


# The functions below parse `text` from position `at` and return what they found with the position after it. `sign` is
# -1 inside a divisor.


def _term(text: str, at: int, sign: int) -> tuple[list[tuple[str, int]], int]:
    found: list[tuple[str, int]] = []
    direction = sign
    if text[at : at + 1] == "/":
        direction, at = -sign, at + 1
    while True:
        part, at = _component(text, at, direction)
        found += part
        operator = text[at : at + 1]
        if operator not in (".", "/"):
            return found, at
        direction = sign if operator == "." else -sign
        at += 1


def _component(text: str, at: int, sign: int) -> tuple[list[tuple[str, int]], int]:
    if text[at : at + 1] == "(":
        inside, at = _term(text, at + 1, sign)
        if text[at : at + 1] != ")":
            raise UnitSyntaxError(f"{text!r} is not a unit: a parenthesis is not closed")
        exponent, at = _exponent(text, at + 1)
        return [(atom, n * exponent) for atom, n in inside], _annotation(text, at)
    start = at
    at = _annotation(text, at)
    if at > start:
        return [("1", sign)], at
    at = _atom_end(text, at)
    symbol = text[start:at]
    if symbol == "10" and text[at : at + 1] in ("*", "^"):
        symbol, at = text[start : at + 1], at + 1
    if not symbol:
        raise UnitSyntaxError(f"{text!r} is not a unit")
    exponent, at = (1, at) if _is_digits(symbol) else _exponent(text, at)
    return [(symbol, sign * exponent)], _annotation(text, at)


def _atom_end(text: str, at: int) -> int:
    if _is_digits(text[at : at + 1]):
        return _digits_end(text, at)
    depth = 0
    while at < len(text):
        character = text[at]
        depth += (character == "[") - (character == "]")
        if depth == 0 and character in "./(){}+-0123456789":
            break
        at += 1
    if depth:
        raise UnitSyntaxError(f"{text!r} is not a unit: a bracket is not closed")
    return at


def _exponent(text: str, at: int) -> tuple[int, int]:
    start = at
    if text[at : at + 1] in ("+", "-") and _is_digits(text[at + 1 : at + 2]):
        at += 1
    at = _digits_end(text, at)
    return (int(text[start:at]), at) if at > start else (1, at)


def _digits_end(text: str, at: int) -> int:
    while _is_digits(text[at : at + 1]):
        at += 1
    return at


def _is_digits(text: str) -> bool:
    """Digits of ASCII alone: the superscript of `m²` is a digit to Python, too."""
    return text.isascii() and text.isdigit()


def _annotation(text: str, at: int) -> int:
    while text[at : at + 1] == "{":
        end = text.find("}", at)
        if end < 0:
            raise UnitSyntaxError(f"{text!r} is not a unit: an annotation is not closed")
        at = end + 1
    return at


def _product(factors: list[tuple[str, int]]) -> Measure:
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
    if _is_digits(symbol):
        if int(symbol) == 0:
            raise UnitSyntaxError("0 is not a unit")
        return Fraction(int(symbol)), ()
    if symbol in BASE_UNITS:
        return Fraction(1), ((symbol, 1),)
    if symbol in _definitions():
        return _defined(symbol)
    if symbol in OTHER_SCALES or symbol in AFFINE:
        return Fraction(1), ((symbol, 1),)
    scales = [(prefix, Fraction(10) ** power) for prefix, power in PREFIXES.items()]
    scales += [(prefix, Fraction(2) ** power) for prefix, power in BINARY_PREFIXES.items()]
    for prefix, scale in scales:
        atom = symbol.removeprefix(prefix)
        if atom == symbol or not atom:
            continue
        if atom in BASE_UNITS or (atom in _definitions() and _definitions()[atom][0]):
            factor, dimension = _symbol(atom)
            return scale * factor, dimension
    raise UnitSyntaxError(f"{symbol!r} is not a unit of UCUM known here")


@lru_cache(maxsize=1024)
def _defined(symbol: str) -> tuple[Fraction, Dimension]:
    _, value, unit = _definitions()[symbol]
    if value == "@":
        return Fraction(1), ((symbol, 1),)
    inner = _product(list(_factors(unit)))
    return Fraction(value) * inner.factor, inner.dimension


@lru_cache(maxsize=1)
def _definitions() -> dict[str, tuple[bool, str, str]]:
    lines = (line.split() for line in ATOMS.strip().splitlines())
    return {code: (metric == "m", value, unit) for code, metric, value, unit in lines}
