"""Comparison operators (CQL reference, Comparison Operators; ELM chapter 12).

`ecqm.values.equality` and `ecqm.values.ordering` define what equality, equivalence and order mean for each type; this
module declares which operand types each operator takes.
"""

from __future__ import annotations

from typing import Any

from ecqm.operators.logical import Boolean, negation
from ecqm.operators.registry import NONE, operator, overload
from ecqm.values.equality import equal, equivalent
from ecqm.values.ordering import at_most, less

_ORDERED = ("Integer", "Long", "Decimal", "String", "Quantity", "Date", "DateTime", "Time")
ORDERED_PAIRS = tuple(f"({name}, {name}) -> Boolean" for name in _ORDERED)
# Lists whose run-time element types differ, for example List<Any> of an Integer and of a String.
_LISTS_OF_ANY = "(List<Any>, List<Any>) -> Boolean"


@operator("Equal", spec="elm:12.1")
class Equal:
    """Whether two values are equal; null where nulls, precision or units leave it open."""

    @overload("(T, T) -> Boolean", _LISTS_OF_ANY)
    def any(a: Any, b: Any) -> Boolean:
        return equal(a, b)


@operator("Equivalent", spec="elm:12.2")
class Equivalent:
    """Whether two values are equivalent; never null, and null is equivalent to null."""

    @overload(
        "(T, T) -> Boolean", "(Concept, Code) -> Boolean", "(Code, Concept) -> Boolean", _LISTS_OF_ANY, nulls=NONE
    )
    def any(a: Any, b: Any) -> bool:
        return equivalent(a, b)


@operator("NotEqual", spec="elm:12.7")
class NotEqual:
    """The negation of Equal."""

    @overload("(T, T) -> Boolean", _LISTS_OF_ANY)
    def any(a: Any, b: Any) -> Boolean:
        return negation(equal(a, b))


@operator("Less", spec="elm:12.5")
class Less:
    """Whether the first operand is less than the second."""

    @overload(*ORDERED_PAIRS)
    def ordered(a: Any, b: Any) -> Boolean:
        return less(a, b)


@operator("LessOrEqual", spec="elm:12.6")
class LessOrEqual:
    """Whether the first operand is less than or equal to the second."""

    @overload(*ORDERED_PAIRS)
    def ordered(a: Any, b: Any) -> Boolean:
        return at_most(a, b)


@operator("Greater", spec="elm:12.3")
class Greater:
    """Whether the first operand is greater than the second."""

    @overload(*ORDERED_PAIRS)
    def ordered(a: Any, b: Any) -> Boolean:
        return less(b, a)


@operator("GreaterOrEqual", spec="elm:12.4")
class GreaterOrEqual:
    """Whether the first operand is greater than or equal to the second."""

    @overload(*ORDERED_PAIRS)
    def ordered(a: Any, b: Any) -> Boolean:
        return at_most(b, a)
