"""Aggregate functions (CQL reference, aggregate functions; ELM chapter 21).

Null elements are ignored. If there are no others the result is null, except for Count, AllTrue and AnyTrue. Sums and
means are exact until the result is rounded to its type; a result out of range is null. Quantities must have one
dimension, and the result is in the most granular of their units. That includes products and variances: the reference
gives `24.0 'mg'` as the product of four quantities in `mg`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from ecqm.operators.list_membership import same
from ecqm.operators.numeric import EXACT, Number, in_decimal, in_integer, in_type_of, quantity, require_certain
from ecqm.operators.powers import power
from ecqm.operators.quantities import in_finer_unit, in_unit
from ecqm.operators.registry import NONE, operator, overload
from ecqm.values.interval import Uncertainty
from ecqm.values.ordering import at_most, highest, less, lowest
from ecqm.values.quantity import Quantity

List = Sequence[Any]
_DECIMALS = "(List<Decimal>) -> Decimal"
_QUANTITIES = "(List<Quantity>) -> Quantity"
_NUMBERS = ("(List<Integer>) -> Integer", "(List<Long>) -> Long", _DECIMALS)
_ORDERED = tuple(
    f"(List<{kind}>) -> {kind}"
    for kind in ("Integer", "Long", "Decimal", "Quantity", "Date", "DateTime", "Time", "String")
)


def present(source: List) -> list[Any]:
    """The elements that are not null."""
    return [element for element in source if element is not None]


def of_numbers(name: str, statistic: Callable[[list[Decimal]], Decimal | None], source: List) -> Decimal | None:
    """A statistic of the Decimals of a list, rounded to a Decimal; raises CqlError in the name of an operator if some
    are uncertain."""
    values = present(source)
    require_certain(name, *values)
    result = statistic(values) if values else None
    return None if result is None else in_decimal(result)


def of_quantities(statistic: Callable[[list[Decimal]], Decimal | None], source: List) -> Quantity | None:
    """A statistic of the quantities of a list in the most granular of their units; None if their dimensions differ."""
    quantities: list[Quantity] = present(source)
    if not quantities:
        return None
    finest = quantities[0]
    for other in quantities[1:]:
        pair = in_finer_unit(finest, other)
        if pair is None:
            return None
        finest = finest if pair[2] == finest.unit else other
    result = statistic([in_unit(element, finest.unit) for element in quantities])
    return None if result is None else quantity(in_decimal(result), finest.unit)


@operator("Count", spec="elm:21.4")
class Count:
    """The number of elements that are not null."""

    @overload("(List<T>) -> Integer", nulls=NONE)
    def lists(source: List | None) -> int | None:
        return 0 if source is None else in_integer(len(present(source)))


@operator("Sum", spec="elm:21.13")
class Sum:
    """The sum of the elements."""

    @overload(*_NUMBERS)
    def numbers(source: List) -> Any:
        values = present(source)
        if any(isinstance(value, Uncertainty) for value in values):
            return Uncertainty.between(sum(map(lowest, values)), sum(map(highest, values)))
        return in_type_of(values[0], _sum(values)) if values else None

    @overload(_QUANTITIES)
    def quantities(source: List) -> Quantity | None:
        return of_quantities(_sum, source)


@operator("Product", spec="elm:21.6")
class Product:
    """The product of the elements."""

    @overload(*_NUMBERS)
    def numbers(source: List) -> Any:
        values = present(source)
        require_certain("Product", *values)
        result = _product(values) if values else None
        return None if result is None else in_type_of(values[0], result)

    @overload(_QUANTITIES)
    def quantities(source: List) -> Quantity | None:
        return of_quantities(_product, source)


@operator("Min", spec="elm:21.9")
class Min:
    """The least element; null if comparison leaves open which it is."""

    @overload(*_ORDERED)
    def ordered(source: List) -> Any:
        return _extreme(source, less, at_most)


@operator("Max", spec="elm:21.7")
class Max:
    """The greatest element; null if comparison leaves open which it is."""

    @overload(*_ORDERED)
    def ordered(source: List) -> Any:
        return _extreme(source, _more, _at_least)


@operator("Avg", spec="elm:21.3")
class Avg:
    """The arithmetic mean."""

    @overload(_DECIMALS)
    def decimals(source: List) -> Decimal | None:
        return of_numbers("Avg", _mean, source)

    @overload(_QUANTITIES)
    def quantities(source: List) -> Quantity | None:
        return of_quantities(_mean, source)


@operator("GeometricMean", spec="elm:21.5")
class GeometricMean:
    """The n-th root of the product of n elements; null if it is not a real number."""

    @overload(_DECIMALS)
    def decimals(source: List) -> Decimal | None:
        return of_numbers("GeometricMean", _geometric_mean, source)


@operator("Median", spec="elm:21.8")
class Median:
    """The middle element in order, or the mean of the two middle ones."""

    @overload(_DECIMALS)
    def decimals(source: List) -> Decimal | None:
        return of_numbers("Median", _median, source)

    @overload(_QUANTITIES)
    def quantities(source: List) -> Quantity | None:
        return of_quantities(_median, source)


@operator("Mode", spec="elm:21.10")
class Mode:
    """The most frequent element; of several, the one that appears first."""

    @overload("(List<T>) -> T")
    def lists(source: List) -> Any:
        found: list[list[Any]] = []
        for element in present(source):
            group = next((group for group in found if same(group[0], element)), None)
            if group is None:
                found.append([element])
            else:
                group.append(element)
        return max(found, key=len)[0] if found else None


@operator("Variance", spec="elm:21.15")
class Variance:
    """The sample variance; null for a single element."""

    @overload(_DECIMALS)
    def decimals(source: List) -> Decimal | None:
        return of_numbers("Variance", _variance, source)

    @overload(_QUANTITIES)
    def quantities(source: List) -> Quantity | None:
        return of_quantities(_variance, source)


@operator("PopulationVariance", spec="elm:21.11")
class PopulationVariance:
    """The population variance."""

    @overload(_DECIMALS)
    def decimals(source: List) -> Decimal | None:
        return of_numbers("PopulationVariance", _population_variance, source)

    @overload(_QUANTITIES)
    def quantities(source: List) -> Quantity | None:
        return of_quantities(_population_variance, source)


@operator("StdDev", spec="elm:21.14")
class StdDev:
    """The sample standard deviation; null for a single element."""

    @overload(_DECIMALS)
    def decimals(source: List) -> Decimal | None:
        return of_numbers("StdDev", _deviation, source)

    @overload(_QUANTITIES)
    def quantities(source: List) -> Quantity | None:
        return of_quantities(_deviation, source)


@operator("PopulationStdDev", spec="elm:21.12")
class PopulationStdDev:
    """The population standard deviation."""

    @overload(_DECIMALS)
    def decimals(source: List) -> Decimal | None:
        return of_numbers("PopulationStdDev", _population_deviation, source)

    @overload(_QUANTITIES)
    def quantities(source: List) -> Quantity | None:
        return of_quantities(_population_deviation, source)


@operator("AllTrue", spec="elm:21.1")
class AllTrue:
    """Whether no element is false."""

    @overload("(List<Boolean>) -> Boolean", nulls=NONE)
    def booleans(source: List | None) -> bool:
        return not any(element is False for element in source or ())


@operator("AnyTrue", spec="elm:21.2")
class AnyTrue:
    """Whether some element is true."""

    @overload("(List<Boolean>) -> Boolean", nulls=NONE)
    def booleans(source: List | None) -> bool:
        return any(element is True for element in source or ())


def _sum(values: Sequence[Any]) -> Any:
    total: Number = 0
    for value in values:
        total = EXACT.add(Decimal(total), value) if isinstance(value, Decimal) else total + value
    return total


def _product(values: Sequence[Any]) -> Any:
    total: Number = 1
    for value in values:
        total = EXACT.multiply(Decimal(total), value) if isinstance(value, Decimal) else total * value
    return total


def _mean(values: list[Decimal]) -> Decimal:
    return EXACT.divide(_sum(values), Decimal(len(values)))


def _median(values: list[Decimal]) -> Decimal:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else _mean(ordered[middle - 1 : middle + 1])


def _geometric_mean(values: list[Decimal]) -> Decimal | None:
    return power(_product(values), EXACT.divide(Decimal(1), Decimal(len(values))))


def _sum_of_squared_deviations(values: list[Decimal]) -> Decimal:
    """(n Σx² - (Σx)²) / n: exact sums and a single division, so that it is rounded only once."""
    count, total = Decimal(len(values)), _sum(values)
    of_squares = _sum([EXACT.multiply(value, value) for value in values])
    return EXACT.divide(EXACT.subtract(EXACT.multiply(count, of_squares), EXACT.multiply(total, total)), count)


def _variance(values: list[Decimal]) -> Decimal | None:
    return EXACT.divide(_sum_of_squared_deviations(values), Decimal(len(values) - 1)) if len(values) > 1 else None


def _population_variance(values: list[Decimal]) -> Decimal:
    return EXACT.divide(_sum_of_squared_deviations(values), Decimal(len(values)))


def _deviation(values: list[Decimal]) -> Decimal | None:
    variance = _variance(values)
    return None if variance is None else EXACT.sqrt(variance)


def _population_deviation(values: list[Decimal]) -> Decimal:
    return EXACT.sqrt(_population_variance(values))


def _extreme(
    source: List, beyond: Callable[[Any, Any], bool | None], reached: Callable[[Any, Any], bool | None]
) -> Any:
    """The element that is beyond all others. One pass finds the only candidate; a second compares it with all, since
    comparison may be unable to decide."""
    values = present(source)
    if not values:
        return None
    best = values[0]
    for value in values[1:]:
        if beyond(value, best):
            best = value
    return best if all(value is best or reached(best, value) for value in values) else None


def _more(a: Any, b: Any) -> bool | None:
    return less(b, a)


def _at_least(a: Any, b: Any) -> bool | None:
    return at_most(b, a)
