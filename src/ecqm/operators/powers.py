"""Powers and logarithms (CQL reference, arithmetic operators; ELM chapter 16)."""

from __future__ import annotations

from decimal import Decimal

from ecqm.operators.numeric import EXACT, Number, in_decimal, in_type_of, require_certain
from ecqm.operators.registry import operator, overload
from ecqm.values.errors import CqlError


@operator("Exp", spec="elm:16.5")
class Exp:
    """e to the power of the argument. A result too large for a Decimal is a run-time error."""

    @overload("(Decimal) -> Decimal", may_raise=True)
    def decimals(argument: Decimal) -> Decimal:
        require_certain("Exp", argument)
        # exp(60) is beyond the maximum Decimal; computing much larger powers would take long.
        result = in_decimal(EXACT.exp(argument)) if argument < 60 else None
        if result is None:
            raise CqlError(f"Exp({argument}) is too large for a Decimal")
        return result


@operator("Ln", spec="elm:16.10")
class Ln:
    """The natural logarithm; null for negative numbers, a run-time error for zero."""

    @overload("(Decimal) -> Decimal", may_raise=True)
    def decimals(argument: Decimal) -> Decimal | None:
        require_certain("Ln", argument)
        if not argument:
            raise CqlError("Ln(0) is infinite")
        return in_decimal(EXACT.ln(argument)) if argument > 0 else None


@operator("Log", spec="elm:16.8")
class Log:
    """The logarithm of the first argument to the base of the second; null if it does not exist."""

    @overload("(Decimal, Decimal) -> Decimal")
    def decimals(argument: Decimal, base: Decimal) -> Decimal | None:
        require_certain("Log", argument, base)
        if argument <= 0 or base <= 0 or base == 1:
            return None
        return in_decimal(EXACT.divide(EXACT.ln(argument), EXACT.ln(base)))


@operator("Power", spec="elm:16.16")
class Power:
    """The first argument to the power of the second. Integers to a negative power give a Decimal."""

    @overload("(Integer, Integer) -> Integer", "(Long, Long) -> Long", "(Decimal, Decimal) -> Decimal")
    def numbers(argument: Number, exponent: Number) -> Number | None:
        require_certain("Power", argument, exponent)
        result = power(Decimal(argument), Decimal(exponent))
        if result is None or isinstance(argument, Decimal) or exponent < 0:
            return in_decimal(result) if result is not None else None
        # Only a result of few digits is converted to an integer: it may have almost a million.
        return in_type_of(argument, result) if result.is_finite() and result.adjusted() < 20 else None


def power(base: Decimal, exponent: Decimal) -> Decimal | None:
    """`base ** exponent`, not rounded to a Decimal, possibly infinite; None if it is not a real number."""
    if base == 0:
        return (Decimal(1) if exponent == 0 else Decimal(0)) if exponent >= 0 else None
    if base < 0 and exponent != exponent.to_integral_value():
        return None
    return EXACT.power(base, exponent)
