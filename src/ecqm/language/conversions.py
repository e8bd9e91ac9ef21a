"""Conversions from one type to another, and their cost (Developer's Guide, Conversion Precedence)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

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


class Kind(Enum):
    """What a conversion does to a value."""

    CAST = "cast"
    OPERATOR = "operator"
    FROM_CHOICE = "from choice"
    TO_CHOICE = "to choice"
    ELEMENTS = "elements"
    POINTS = "points"
    LIST_DEMOTION = "list demotion"
    LIST_PROMOTION = "list promotion"
    INTERVAL_DEMOTION = "interval demotion"
    INTERVAL_PROMOTION = "interval promotion"


@dataclass(frozen=True, slots=True)
class Conversion:
    """A conversion from one type to another; `score` is its cost, with that of converting an element or point.

    `operator` is (library, name), with library `System` for operators of the language. `inner` converts a part: the
    element, the point, or the selected alternative. `alternatives` are the other alternatives of a choice that also
    convert to the type.
    """

    kind: Kind
    from_: CqlType
    to: CqlType
    score: int
    operator: tuple[str, str] | None = None
    inner: Conversion | None = None
    alternatives: tuple[Conversion, ...] = ()


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
            return Conversion(Kind.CAST, from_, to, CAST)
        return self._by_operator(from_, to, implicit) or self._by_structure(from_, to) or self._by_promotion(from_, to)

    def _by_operator(self, from_: CqlType, to: CqlType, implicit: bool) -> Conversion | None:
        above: CqlType | None = from_
        while above is not None:
            for known in self._by_source.get(above, ()):
                if known.to == to and (known.implicit or not implicit):
                    score = COMPLEX if _is_class(to) else SIMPLE
                    return Conversion(Kind.OPERATOR, above, to, score, operator=known.operator)
            above = self.relations.base(above)
        return None

    def _by_structure(self, from_: CqlType, to: CqlType) -> Conversion | None:
        if isinstance(from_, ChoiceType):
            usable = [found for part in from_.choices if (found := self._part(part, to)) is not None]
            if usable:
                first, *others = usable
                return Conversion(Kind.FROM_CHOICE, from_, to, first.score, None, first, tuple(others))
        elif isinstance(to, ChoiceType):
            for part in to.choices:
                inner = self.find(from_, part)
                if inner is not None:
                    return Conversion(Kind.TO_CHOICE, from_, to, inner.score, inner=inner)
        elif isinstance(from_, ListType) and isinstance(to, ListType):
            # Not a cast of the list: one element of another type would make all of it null.
            inner = self.find(from_.element, to.element)
            if inner is not None:
                return Conversion(Kind.ELEMENTS, from_, to, inner.score, inner=inner)
        elif isinstance(from_, IntervalType) and isinstance(to, IntervalType):
            inner = self.find(from_.point, to.point)
            if inner is not None:
                return Conversion(Kind.POINTS, from_, to, inner.score, inner=inner)
        return None

    def _part(self, from_: CqlType, to: CqlType) -> Conversion | None:
        if self.relations.is_subtype(from_, to):
            return Conversion(Kind.CAST, from_, to, CAST)
        return self.find(from_, to)

    def _by_promotion(self, from_: CqlType, to: CqlType) -> Conversion | None:
        allowed = self.promotions
        from_list, to_list = isinstance(from_, ListType), isinstance(to, ListType)
        from_interval, to_interval = isinstance(from_, IntervalType), isinstance(to, IntervalType)
        if isinstance(from_, ListType) and not to_list and allowed.list_demotion:
            return self._through(Kind.LIST_DEMOTION, LIST_DEMOTION, from_, to, from_.element, to)
        if isinstance(to, ListType) and not from_list and allowed.list_promotion:
            return self._through(Kind.LIST_PROMOTION, LIST_PROMOTION, from_, to, from_, to.element)
        if isinstance(from_, IntervalType) and not to_interval and allowed.interval_demotion:
            return self._through(Kind.INTERVAL_DEMOTION, INTERVAL_DEMOTION, from_, to, from_.point, to)
        if isinstance(to, IntervalType) and not from_interval and allowed.interval_promotion:
            return self._through(Kind.INTERVAL_PROMOTION, INTERVAL_PROMOTION, from_, to, from_, to.point)
        return None

    def _through(
        self, kind: Kind, score: int, from_: CqlType, to: CqlType, part: CqlType, wanted: CqlType
    ) -> Conversion | None:
        if self.relations.is_subtype(part, wanted):
            return Conversion(kind, from_, to, score)
        inner = self.find(part, wanted)
        return None if inner is None else Conversion(kind, from_, to, score + inner.score, inner=inner)


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
