"""Relations between types: subtypes, compatibility, common supertypes (Author's Guide, Type System)."""

from __future__ import annotations

from collections.abc import Callable

from ecqm.types import ANY, ChoiceType, CqlType, IntervalType, ListType, NamedType, TupleType


class TypeRelations:
    """Relations between pairs of types. `base_of` returns the type that a named type extends, or None."""

    def __init__(self, base_of: Callable[[NamedType], CqlType | None]) -> None:
        self._base_of = base_of
        self._subtypes: dict[tuple[CqlType, CqlType], bool] = {}

    def base(self, type_: CqlType) -> CqlType | None:
        """The type directly above `type_`; None for Any."""
        if type_ == ANY:
            return None
        if isinstance(type_, NamedType):
            return self._base_of(type_) or ANY
        return ANY

    def is_subtype(self, sub: CqlType, super_: CqlType) -> bool:
        """Whether every value of `sub` is also a value of `super_`; a type is its own subtype."""
        if sub == super_ or super_ == ANY:
            return True
        key = (sub, super_)
        known = self._subtypes.get(key)
        if known is None:
            known = self._subtypes[key] = self._is_proper_subtype(sub, super_)
        return known

    def _is_proper_subtype(self, sub: CqlType, super_: CqlType) -> bool:
        if isinstance(sub, ListType) and isinstance(super_, ListType):
            return self.is_subtype(sub.element, super_.element)
        if isinstance(sub, IntervalType) and isinstance(super_, IntervalType):
            return self.is_subtype(sub.point, super_.point)
        if isinstance(sub, TupleType) and isinstance(super_, TupleType):
            above = dict(super_.elements)
            return len(sub.elements) == len(above) and all(
                name in above and self.is_subtype(type_, above[name]) for name, type_ in sub.elements
            )
        if isinstance(sub, ChoiceType) and isinstance(super_, ChoiceType):
            return all(any(self.is_subtype(part, choice) for choice in super_.choices) for part in sub.choices)
        if isinstance(sub, NamedType):
            base = self.base(sub)
            return base is not None and base != ANY and self.is_subtype(base, super_)
        return False

    def is_compatible(self, from_: CqlType, to: CqlType) -> bool:
        """Whether a value of `from_` can be used as `to` with at most a cast (nulls, alternatives of choices)."""
        if from_ in (to, ANY):
            return True
        if isinstance(from_, ChoiceType):
            if isinstance(to, ChoiceType):
                return self.is_subtype(to, from_)
            return any(self.is_compatible(to, part) for part in from_.choices)
        if isinstance(to, ChoiceType):
            return any(self.is_subtype(from_, choice) for choice in to.choices)
        if isinstance(from_, ListType) and isinstance(to, ListType):
            return self.is_compatible(from_.element, to.element)
        if isinstance(from_, IntervalType) and isinstance(to, IntervalType):
            return from_.point == ANY
        if isinstance(from_, TupleType) and isinstance(to, TupleType):
            above = dict(to.elements)
            return len(from_.elements) == len(above) and all(
                name in above and (self.is_subtype(type_, above[name]) or self.is_compatible(type_, above[name]))
                for name, type_ in from_.elements
            )
        return False

    def common_supertype(self, left: CqlType, right: CqlType) -> CqlType | None:
        """The closest common supertype; None if that is Any."""
        above: CqlType | None = left
        while above is not None and above != ANY:
            if self.is_subtype(right, above):
                return above
            above = self.base(above)
        return None
