"""Logical operators: three-valued logic (CQL reference, Logical Operators; ELM chapter 13).

True, False and None (unknown) are compared by identity, because Python's `and`, `or` and `not` are two-valued.
"""

from __future__ import annotations

from ecqm.operators.registry import NONE, operator, overload

Boolean = bool | None


def negation(a: Boolean) -> Boolean:
    """Three-valued negation."""
    return None if a is None else a is False


def conjunction(*operands: Boolean) -> Boolean:
    """Three-valued `and` of any number of operands; true if there are none."""
    if any(operand is False for operand in operands):
        return False
    return None if any(operand is None for operand in operands) else True


def disjunction(*operands: Boolean) -> Boolean:
    """Three-valued `or` of any number of operands; false if there are none."""
    if any(operand is True for operand in operands):
        return True
    return None if any(operand is None for operand in operands) else False


@operator("And", spec="elm:13.1")
class And:
    """False if any operand is false, true if all are true, otherwise null."""

    booleans = overload("(Boolean...) -> Boolean", nulls=NONE)(conjunction)


@operator("Or", spec="elm:13.4")
class Or:
    """True if any operand is true, false if all are false, otherwise null."""

    booleans = overload("(Boolean...) -> Boolean", nulls=NONE)(disjunction)


@operator("Not", spec="elm:13.3")
class Not:
    """True for false, false for true, null for null."""

    boolean = overload("(Boolean) -> Boolean")(negation)


@operator("Xor", spec="elm:13.5")
class Xor:
    """Whether exactly one of two operands is true; null if either is null."""

    @overload("(Boolean, Boolean) -> Boolean")
    def booleans(a: bool, b: bool) -> bool:
        return a is not b


@operator("Implies", spec="elm:13.2")
class Implies:
    """`not a or b`: true if the first operand is false or the second true, false only for true and false."""

    @overload("(Boolean, Boolean) -> Boolean", nulls=NONE)
    def booleans(a: Boolean, b: Boolean) -> Boolean:
        return disjunction(negation(a), b)
