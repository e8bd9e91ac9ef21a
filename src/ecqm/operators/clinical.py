"""Age, and membership in value sets and code systems (CQL reference, clinical operators; ELM chapter 23).

The terminology of the evaluation request knows what value sets and code systems contain. Two codes are the same if
their code and system are; version and display do not matter.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Protocol, runtime_checkable

from ecqm.operators.registry import NONE, operator, overload
from ecqm.values.calendar import duration_between
from ecqm.values.clinical import Code, CodeSystem, Concept, ValueSet
from ecqm.values.context import EvaluationContext, Terminology
from ecqm.values.errors import CqlError
from ecqm.values.interval import Uncertainty
from ecqm.values.temporal import Date, DateTime

_YEAR = "Year"


@runtime_checkable
class CodeSystems(Protocol):
    """What operators on code systems ask of the terminology, in addition to value sets."""

    def codes(self, code_system: str, version: str | None) -> Collection[str]:
        """The codes of a code system. Raises CqlError if it is unknown."""
        ...

    def is_same(self, one: str, other: str) -> bool:
        """Whether two names are of one code system."""
        ...

    def subsumes(self, ancestor: Code, descendant: Code) -> bool:
        """Whether a code is an ancestor of another in the hierarchy of their system."""
        ...


@operator("CalculateAge", spec="elm:23.3")
class CalculateAge:
    """Whole calendar periods from a birth date to the timestamp of the request; for a Date, to its day."""

    @overload("(Date) -> Integer")
    def date(birth: Date, *, precision: str = _YEAR, context: EvaluationContext) -> int | Uncertainty | None:
        return duration_between(birth, context.now.date(), precision.lower())

    @overload("(DateTime) -> Integer")
    def datetime(birth: DateTime, *, precision: str = _YEAR, context: EvaluationContext) -> int | Uncertainty | None:
        return duration_between(birth, context.now, precision.lower())


@operator("CalculateAgeAt", spec="elm:23.4")
class CalculateAgeAt:
    """Whole calendar periods from a birth date to another date; uncertain if the precision of one leaves it open."""

    @overload("(Date, Date) -> Integer", "(DateTime, DateTime) -> Integer")
    def at(birth: Any, as_of: Any, *, precision: str = _YEAR) -> int | Uncertainty | None:
        return duration_between(birth, as_of, precision.lower())


@operator("InValueSet", spec="elm:23.8")
class InValueSet:
    """Whether a value set contains a code, or any code of a concept; false for null."""

    @overload("(String, ValueSet) -> Boolean", nulls=NONE, may_raise=True)
    def string(code: str | None, value_set: ValueSet | None, *, context: EvaluationContext) -> bool | None:
        """A code without its system; an error if the value set has codes of several systems."""
        return _any_in_value_set([code], value_set, context)

    @overload("(Code, ValueSet) -> Boolean", nulls=NONE, may_raise=True)
    def code(code: Code | None, value_set: ValueSet | None, *, context: EvaluationContext) -> bool | None:
        return _any_in_value_set([code], value_set, context)

    @overload("(Concept, ValueSet) -> Boolean", nulls=NONE, may_raise=True)
    def concept(concept: Concept | None, value_set: ValueSet | None, *, context: EvaluationContext) -> bool | None:
        return _any_in_value_set([concept], value_set, context)


@operator("AnyInValueSet", spec="elm:23.2")
class AnyInValueSet:
    """Whether a value set contains any of the codes, or any code of the concepts; false for null."""

    @overload(
        "(List<String>, ValueSet) -> Boolean",
        "(List<Code>, ValueSet) -> Boolean",
        "(List<Concept>, ValueSet) -> Boolean",
        nulls=NONE,
        may_raise=True,
    )
    def lists(codes: Sequence[Any] | None, value_set: ValueSet | None, *, context: EvaluationContext) -> bool | None:
        return _any_in_value_set(codes or (), value_set, context)


@operator("InCodeSystem", spec="elm:23.7")
class InCodeSystem:
    """Whether a code system contains a code, or any code of a concept; false for null."""

    @overload(
        "(String, CodeSystem) -> Boolean",
        "(Code, CodeSystem) -> Boolean",
        "(Concept, CodeSystem) -> Boolean",
        nulls=NONE,
        may_raise=True,
    )
    def one(code: Any, code_system: CodeSystem | None, *, context: EvaluationContext) -> bool | None:
        return _any_in_code_system([code], code_system, context)


@operator("AnyInCodeSystem", spec="elm:23.1")
class AnyInCodeSystem:
    """Whether a code system contains any of the codes, or any code of the concepts; false for null."""

    @overload(
        "(List<String>, CodeSystem) -> Boolean",
        "(List<Code>, CodeSystem) -> Boolean",
        "(List<Concept>, CodeSystem) -> Boolean",
        nulls=NONE,
        may_raise=True,
    )
    def lists(
        codes: Sequence[Any] | None, code_system: CodeSystem | None, *, context: EvaluationContext
    ) -> bool | None:
        return _any_in_code_system(codes or (), code_system, context)


@operator("ExpandValueSet", spec="elm:23.9")
class ExpandValueSet:
    """The codes of a value set, ordered by system and code (the specification gives no order)."""

    @overload("(ValueSet) -> List<Code>", may_raise=True)
    def value_set(value_set: ValueSet, *, context: EvaluationContext) -> tuple[Code, ...]:
        members = _members(value_set, context)
        return tuple(Code(code, system) for system, code in sorted(members))


@operator("Subsumes", spec="elm:23.12")
class Subsumes:
    """Whether the first code is the second or its ancestor; for concepts, whether that holds for any two codes."""

    @overload("(Code, Code) -> Boolean", "(Concept, Concept) -> Boolean", may_raise=True)
    def codes(left: Any, right: Any, *, context: EvaluationContext) -> bool:
        return _subsumes(left, right, context)


@operator("SubsumedBy", spec="elm:23.11")
class SubsumedBy:
    """Whether the first code is the second or its descendant; for concepts, whether that holds for any two codes."""

    @overload("(Code, Code) -> Boolean", "(Concept, Concept) -> Boolean", may_raise=True)
    def codes(left: Any, right: Any, *, context: EvaluationContext) -> bool:
        return _subsumes(right, left, context)


def _terminology(context: EvaluationContext) -> Terminology:
    if context.terminology is None:
        raise CqlError("the evaluation has no terminology to ask")
    return context.terminology


def _members(value_set: ValueSet, context: EvaluationContext) -> frozenset[tuple[str, str]]:
    """The (system, code) pairs of a value set. Raises CqlError if it is not available."""
    found = _terminology(context).find(value_set.id, value_set.version)
    if found is None:
        name = "|".join(filter(None, (value_set.id, value_set.version)))
        raise CqlError(f"value set {name} is not available")
    return found.codes


def _code_systems(context: EvaluationContext) -> CodeSystems:
    terminology = _terminology(context)
    if not isinstance(terminology, CodeSystems):
        raise CqlError("the terminology of the evaluation does not know the codes of code systems")
    return terminology


def _codes_in(item: str | Code | Concept | None) -> Iterable[str | Code]:
    """The codes to look up for one code, concept or null."""
    if isinstance(item, Concept):
        return [code for code in item.codes if code is not None]
    return [] if item is None else [item]


def _any_in_value_set(
    items: Iterable[str | Code | Concept | None], value_set: ValueSet | None, context: EvaluationContext
) -> bool | None:
    wanted = [code for item in items for code in _codes_in(item)]
    if not wanted:
        return False
    if value_set is None:
        return None
    members = _members(value_set, context)
    pairs = {(code.system, code.code) for code in wanted if isinstance(code, Code)}
    if not pairs.isdisjoint(members):
        return True
    bare = {code for code in wanted if isinstance(code, str)}
    return bool(bare) and not bare.isdisjoint(_codes_of_the_only_system(members, value_set))


def _codes_of_the_only_system(members: Collection[tuple[str, str]], value_set: ValueSet) -> set[str]:
    if len({system for system, _ in members}) > 1:
        raise CqlError(f"a code without a system is ambiguous in {value_set.id}, which has codes of several systems")
    return {code for _, code in members}


def _any_in_code_system(
    items: Iterable[str | Code | Concept | None], code_system: CodeSystem | None, context: EvaluationContext
) -> bool | None:
    wanted = [code for item in items for code in _codes_in(item)]
    if not wanted:
        return False
    if code_system is None:
        return None
    code_systems = _code_systems(context)
    members = code_systems.codes(code_system.id, code_system.version)
    return any(
        code in members
        if isinstance(code, str)
        else code.system is not None and code_systems.is_same(code.system, code_system.id) and code.code in members
        for code in wanted
    )


def _subsumes(ancestor: Code | Concept, descendant: Code | Concept, context: EvaluationContext) -> bool:
    code_systems = _code_systems(context)
    return any(
        (upper.code, upper.system) == (lower.code, lower.system) or code_systems.subsumes(upper, lower)
        for upper in _codes_in(ancestor)
        for lower in _codes_in(descendant)
        if isinstance(upper, Code) and isinstance(lower, Code)
    )
