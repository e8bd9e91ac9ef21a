"""Equality and equivalence of values of every type (CQL reference, Equal and Equivalent)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from ecqm.values.boundaries import end_bound, start_bound
from ecqm.values.clinical import Code, Concept, Vocabulary
from ecqm.values.errors import CqlError
from ecqm.values.interval import Interval, Uncertainty
from ecqm.values.numbers import MAX_DECIMAL, is_number, places_of, to_decimal
from ecqm.values.ordering import compare, same
from ecqm.values.quantity import Quantity, Ratio
from ecqm.values.structure import Identified, Tuple
from ecqm.values.temporal import Temporal
from ecqm.values.units import convert_equivalently, divide_units


def equal(a: Any, b: Any) -> bool | None:
    """ELM Equal: None if either operand is null, or if precision, units, or nulls inside the values leave the answer
    open. Values of types that cannot be compared are not equal."""
    if a is None or b is None:
        return None
    match a, b:
        case (Interval(), Interval()):
            return all_true((same(start_bound(a), start_bound(b)), same(end_bound(a), end_bound(b))))
        case (tuple() | list(), tuple() | list()):
            return len(a) == len(b) and all_true(map(equal_or_both_null, a, b))
        case (Tuple(), Tuple()):
            return _elements_equal(a, b)
        case (Code(), Code()):
            return all_true(map(equal_or_both_null, _code_elements(a), _code_elements(b)))
        case (Concept(), Concept()):
            return all_true((equal(a.codes, b.codes), equal_or_both_null(a.display, b.display)))
        case (Ratio(), Ratio()):
            return all_true((equal(a.numerator, b.numerator), equal(a.denominator, b.denominator)))
        case (Vocabulary(), Vocabulary()):
            return type(a) is type(b) and (a.id, a.version, a.name) == (b.id, b.version, b.name)
        case (Identified(), Identified()):
            return a == b
        case (bool(), _) | (_, bool()):
            return a is b
    try:
        return same(a, b)
    except CqlError:
        return False


def equal_or_both_null(a: Any, b: Any) -> bool | None:
    """Equality of the elements of a structure or list, where null equals null."""
    return True if a is None and b is None else equal(a, b)


def all_true(results: Iterable[bool | None]) -> bool | None:
    """Three-valued AND."""
    answer: bool | None = True
    for result in results:
        if result is False:
            return False
        if result is None:
            answer = None
    return answer


def _elements_equal(a: Tuple, b: Tuple) -> bool | None:
    """Compared in the order of the first tuple; the first element that is not equal, or unknown, decides
    (docs/clarifications.md, "Tuples with nulls")."""
    if a.type_name != b.type_name or (a.type_name is None and a.keys() != b.keys()):
        return False
    results = (equal_or_both_null(a.get(name), b.get(name)) for name in {**a, **b})
    return next((result for result in results if result is not True), True)


def _code_elements(code: Code) -> tuple[str | None, ...]:
    return code.code, code.system, code.version, code.display


def equivalent(a: Any, b: Any) -> bool:
    """ELM Equivalent: true or false, never null; null is equivalent to null.

    Strings are compared without case and kinds of white space, decimals at the precision of the less precise one,
    codes without version and display, concepts by any code in common, tuples and lists element by element."""
    if a is None or b is None:
        return a is None and b is None
    match a, b:
        case (str(), str()):
            return normalized(a) == normalized(b)
        case (Quantity(), Quantity()):
            return _quantities_equivalent(a, b)
        case (Ratio(), Ratio()):
            return _ratios_equivalent(a, b)
        case (Code(), Code()):
            return (a.code, a.system) == (b.code, b.system)
        case (Concept(), Concept()):
            return any(equivalent(one, other) for one in a.codes for other in b.codes if one and other)
        case (Concept(), Code()) | (Code(), Concept()):
            return equivalent(_as_concept(a), _as_concept(b))
        case (Interval(), Interval()):
            return _intervals_equivalent(a, b)
        case (tuple() | list(), tuple() | list()):
            return _lists_equivalent(a, b)
        case (Tuple(), Tuple()):
            return _tuples_equivalent(a, b)
        case (Vocabulary(), Vocabulary()):
            return type(a) is type(b) and a.id == b.id
    if isinstance(a, Decimal) or isinstance(b, Decimal):
        return is_number(a) and is_number(b) and _decimals_equivalent(Decimal(a), Decimal(b))
    if isinstance(a, Temporal) and isinstance(b, Temporal):
        return type(a) is type(b) and compare(a, b) == 0
    return equal(a, b) is True


def normalized(text: str) -> str:
    """A string as equivalence compares it: case-folded, every white-space character a space."""
    return "".join(" " if character.isspace() else character for character in text.casefold())


def _decimals_equivalent(a: Decimal, b: Decimal) -> bool:
    if max(a.copy_abs(), b.copy_abs()) > MAX_DECIMAL:
        return a == b  # data may hold numbers beyond the range of the type; `quantize` has no digits for them
    # Zeros at the end are not significant (CQL reference, Equivalent).
    unit = Decimal(1).scaleb(-min(places_of(a.normalize()), places_of(b.normalize())))
    return a.quantize(unit, ROUND_HALF_UP) == b.quantize(unit, ROUND_HALF_UP)


def _quantities_equivalent(a: Quantity, b: Quantity) -> bool:
    """Compared as decimals in the finer of the two units, so that the order of the operands does not matter."""
    step = convert_equivalently(Decimal(1), a.unit, b.unit)
    if step is None:
        return False
    finer, coarser = (a, b) if step <= 1 else (b, a)
    converted = convert_equivalently(coarser.value, coarser.unit, finer.unit)
    try:
        return converted is not None and _decimals_equivalent(finer.value, to_decimal(converted))
    except CqlError:  # beyond the range of Decimal, so different from any value in the finer unit
        return False


def _ratios_equivalent(a: Ratio, b: Ratio) -> bool:
    if 0 in (a.denominator.value, b.denominator.value):
        return equal(a, b) is True
    unit_a = divide_units(a.numerator.unit, a.denominator.unit)
    unit_b = divide_units(b.numerator.unit, b.denominator.unit)
    value_a = Fraction(a.numerator.value) / Fraction(a.denominator.value)
    value_b = Fraction(b.numerator.value) / Fraction(b.denominator.value)
    return convert_equivalently(value_b, unit_b, unit_a) == value_a


def _as_concept(value: Code | Concept) -> Concept:
    return value if isinstance(value, Concept) else Concept((value,))


def _intervals_equivalent(a: Interval, b: Interval) -> bool:
    pairs = ((start_bound(a), start_bound(b)), (end_bound(a), end_bound(b)))
    return all(equivalent(*map(_known, pair)) for pair in pairs)


def _known(bound: Any) -> Any:
    return None if isinstance(bound, Uncertainty) else bound


def _lists_equivalent(a: Sequence[Any], b: Sequence[Any]) -> bool:
    return len(a) == len(b) and all(map(equivalent, a, b))


def _tuples_equivalent(a: Tuple, b: Tuple) -> bool:
    if a.type_name != b.type_name or (a.type_name is None and a.keys() != b.keys()):
        return False
    return all(equivalent(a.get(name), b.get(name)) for name in a.keys() | b.keys())
