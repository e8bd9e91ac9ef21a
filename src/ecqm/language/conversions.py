"""Conversions from one type to another, and their cost (Developer's Guide, Conversion Precedence)."""

from __future__ import annotations

from dataclasses import dataclass, field

from ecqm.language.system_operators import system_conversions
from ecqm.language.type_relations import TypeRelations
from ecqm.types import (
    CODE,
    CONCEPT,
    QUANTITY,
    RATIO,
    ChoiceType,
    CqlType,
    IntervalType,
    ListType,
    NamedType,
    TupleType,
)

# The cost of passing a value as an operand, lowest first.
EXACT, SUBTYPE, COMPATIBLE, CAST, SIMPLE, COMPLEX = range(6)
INTERVAL_PROMOTION, LIST_DEMOTION, INTERVAL_DEMOTION, LIST_PROMOTION = range(6, 10)

_CLASSES_OF_SYSTEM = frozenset((QUANTITY, RATIO, CODE, CONCEPT))


@dataclass(frozen=True, slots=True)
class Conversion:
    """A conversion from one type to another; `score` is its cost, with that of converting an element or point."""

    from_: CqlType
    to: CqlType
    score: int


@dataclass(frozen=True, slots=True)
class Cast(Conversion):
    """The value itself: a null, or an alternative of a choice."""


@dataclass(frozen=True, slots=True)
class ConversionCall(Conversion):
    """The call of an `operator` (library, name), with library `System` for operators of the language."""

    operator: tuple[str, str]


@dataclass(frozen=True, slots=True)
class FromChoice(Conversion):
    """The value as that one of its `alternatives` which it has; these are at least one."""

    alternatives: tuple[Conversion, ...]


@dataclass(frozen=True, slots=True)
class ToChoice(Conversion):
    """The value converted by `inner` to one of the alternatives."""

    inner: Conversion


@dataclass(frozen=True, slots=True)
class ElementConversion(Conversion):
    """A list with each of its elements converted by `inner`."""

    inner: Conversion


@dataclass(frozen=True, slots=True)
class PointConversion(Conversion):
    """An interval with its boundaries converted by `inner`."""

    inner: Conversion


@dataclass(frozen=True, slots=True)
class Promotion(Conversion):
    """A conversion between a value and a list or interval of it. `inner` converts the value, the element or the point;
    None if that needs no conversion."""

    inner: Conversion | None


@dataclass(frozen=True, slots=True)
class ListDemotion(Promotion):
    """The only element of a list."""

    from_: ListType


@dataclass(frozen=True, slots=True)
class ListPromotion(Promotion):
    """A list of the value."""


@dataclass(frozen=True, slots=True)
class IntervalDemotion(Promotion):
    """The only point of an interval."""

    from_: IntervalType


@dataclass(frozen=True, slots=True)
class IntervalPromotion(Promotion):
    """The interval from the value to the value."""


@dataclass(frozen=True, slots=True)
class Promotions:
    """Which conversions between a value and a list or interval of it are allowed. By default, as published, none."""

    list_demotion: bool = False
    list_promotion: bool = False
    interval_demotion: bool = False
    interval_promotion: bool = False


NO_PROMOTIONS = Promotions()


@dataclass(slots=True)
class _Known:
    to: CqlType
    operator: tuple[str, str]
    implicit: bool


@dataclass(slots=True)
class ConversionTable:
    """The conversions of the language and of the models in use."""

    relations: TypeRelations
    promotions: Promotions = NO_PROMOTIONS
    _by_source: dict[CqlType, list[_Known]] = field(default_factory=dict)
    _found: dict[tuple[CqlType, CqlType, bool], Conversion | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for (from_, to), (operator, implicit) in system_conversions().items():
            self.add(from_, to, ("System", operator), implicit=implicit)

    def add(self, from_: CqlType, to: CqlType, operator: tuple[str, str], *, implicit: bool = True) -> None:
        """Register a conversion; `operator` is (library, function)."""
        self._by_source.setdefault(from_, []).append(_Known(to, operator, implicit))
        self._found.clear()

    def targets(self, from_: CqlType) -> list[CqlType]:
        """The types that `from_`, or a supertype of it, converts to implicitly."""
        found: list[CqlType] = []
        above: CqlType | None = from_
        while above is not None:
            found.extend(known.to for known in self._by_source.get(above, ()) if known.implicit)
            above = self.relations.base(above)
        return found

    def find(self, from_: CqlType, to: CqlType, *, implicit: bool = True) -> Conversion | None:
        """The conversion between two types, where `from_` is not a subtype of `to`; None if there is none."""
        key = (from_, to, implicit)
        if key not in self._found:
            self._found[key] = self._search(from_, to, implicit)
        return self._found[key]

    def _search(self, from_: CqlType, to: CqlType, implicit: bool) -> Conversion | None:
        if self.relations.is_compatible(from_, to) and not (isinstance(from_, ListType) and isinstance(to, ListType)):
            return Cast(from_, to, CAST)
        return self._by_operator(from_, to, implicit) or self._by_structure(from_, to) or self._by_promotion(from_, to)

    def _by_operator(self, from_: CqlType, to: CqlType, implicit: bool) -> Conversion | None:
        above: CqlType | None = from_
        while above is not None:
            for known in self._by_source.get(above, ()):
                if known.to == to and (known.implicit or not implicit):
                    score = COMPLEX if _is_class(to) else SIMPLE
                    return ConversionCall(above, to, score, known.operator)
            above = self.relations.base(above)
        return None

    def _by_structure(self, from_: CqlType, to: CqlType) -> Conversion | None:
        if isinstance(from_, ChoiceType):
            usable = tuple(found for part in from_.choices if (found := self._part(part, to)) is not None)
            if usable:
                return FromChoice(from_, to, usable[0].score, usable)
        elif isinstance(to, ChoiceType):
            for part in to.choices:
                inner = self.find(from_, part)
                if inner is not None:
                    return ToChoice(from_, to, inner.score, inner)
        elif isinstance(from_, ListType) and isinstance(to, ListType):
            # Not a cast of the list: one element of another type would make all of it null.
            inner = self.find(from_.element, to.element)
            if inner is not None:
                return ElementConversion(from_, to, inner.score, inner)
        elif isinstance(from_, IntervalType) and isinstance(to, IntervalType):
            inner = self.find(from_.point, to.point)
            if inner is not None:
                return PointConversion(from_, to, inner.score, inner)
        return None

    def _part(self, from_: CqlType, to: CqlType) -> Conversion | None:
        if self.relations.is_subtype(from_, to):
            return Cast(from_, to, CAST)
        return self.find(from_, to)

    def _by_promotion(self, from_: CqlType, to: CqlType) -> Conversion | None:
        allowed = self.promotions
        from_list, to_list = isinstance(from_, ListType), isinstance(to, ListType)
        from_interval, to_interval = isinstance(from_, IntervalType), isinstance(to, IntervalType)
        if isinstance(from_, ListType) and not to_list and allowed.list_demotion:
            return self._promotion(ListDemotion, LIST_DEMOTION, from_, to, from_.element, to)
        if isinstance(to, ListType) and not from_list and allowed.list_promotion:
            return self._promotion(ListPromotion, LIST_PROMOTION, from_, to, from_, to.element)
        if isinstance(from_, IntervalType) and not to_interval and allowed.interval_demotion:
            return self._promotion(IntervalDemotion, INTERVAL_DEMOTION, from_, to, from_.point, to)
        if isinstance(to, IntervalType) and not from_interval and allowed.interval_promotion:
            return self._promotion(IntervalPromotion, INTERVAL_PROMOTION, from_, to, from_, to.point)
        return None

    def _promotion(
        self, kind: type[Promotion], score: int, from_: CqlType, to: CqlType, part: CqlType, wanted: CqlType
    ) -> Conversion | None:
        """A promotion or demotion, if the `part` that it is about is, or converts to, the `wanted` type."""
        if self.relations.is_subtype(part, wanted):
            return kind(from_, to, score, None)
        inner = self.find(part, wanted)
        return None if inner is None else kind(from_, to, score + inner.score, inner)


def _is_class(type_: CqlType) -> bool:
    if isinstance(type_, NamedType):
        return type_.model != "System" or type_ in _CLASSES_OF_SYSTEM
    return False


def type_precedence(type_: CqlType) -> int:
    """The rank of a type: of two overloads with the same cost, the one with the simpler operand types is chosen."""
    if isinstance(type_, NamedType):
        return 3 if _is_class(type_) else 1
    for rank, kind in ((2, TupleType), (4, IntervalType), (5, ListType), (6, ChoiceType)):
        if isinstance(type_, kind):
            return rank
    return 7
