"""Nullological operators: testing for null, and replacing it (CQL reference; ELM chapter 14)."""

from __future__ import annotations

from typing import Any

from ecqm.operators.registry import NONE, operator, overload


@operator("IsNull", spec="elm:14.5")
class IsNull:
    """Whether the operand is null; never null itself."""

    @overload("(Any) -> Boolean", nulls=NONE)
    def any(a: Any) -> bool:
        return a is None


@operator("IsTrue", spec="elm:14.6")
class IsTrue:
    """Whether the operand is true; false for null."""

    @overload("(Boolean) -> Boolean", nulls=NONE)
    def boolean(a: bool | None) -> bool:
        return a is True


@operator("IsFalse", spec="elm:14.4")
class IsFalse:
    """Whether the operand is false; false for null."""

    @overload("(Boolean) -> Boolean", nulls=NONE)
    def boolean(a: bool | None) -> bool:
        return a is False


@operator("Coalesce", spec="elm:14.2")
class Coalesce:
    """The first operand that is not null; for a single list operand, its first element that is not null."""

    @overload("(List<T>) -> T", nulls=NONE)
    def elements(values: tuple[Any, ...] | None) -> Any:
        return first_known(values or ())

    @overload("(T...) -> T", nulls=NONE)
    def operands(*values: Any) -> Any:
        return first_known(values)


def first_known(values: tuple[Any, ...]) -> Any:
    """The first value that is not null; null if there is none."""
    return next((value for value in values if value is not None), None)
