"""Choosing the overload for a call (Developer's Guide, Function Resolution).

An overload applies if every argument can be converted to the type of its operand. Of the overloads that apply,

1. one whose operand types are all subtypes of those of another hides the other;
2. the one with the lowest total cost of conversions is chosen;
3. among equal costs, the one with the simpler operand types is chosen;
4. if several are left, the call is ambiguous.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice, product

from ecqm.language.conversions import (
    COMPATIBLE,
    EXACT,
    SUBTYPE,
    Conversion,
    ConversionTable,
    Promotions,
    type_precedence,
)
from ecqm.language.signatures import Signature, TypeVariable
from ecqm.types import ANY, ChoiceType, CqlType, IntervalType, ListType, TupleType, leaves, map_leaves

_MOST_COMBINATIONS = 256


@dataclass(frozen=True, slots=True)
class Resolution:
    """The chosen overload, with a conversion (or None) for each operand.

    `signature` is the overload with its type variables bound, `declared` the overload as declared.
    """

    signature: Signature
    conversions: tuple[Conversion | None, ...]
    score: int
    declared: Signature
    has_overloads: bool


class AmbiguousCall(Exception):
    """Several overloads fit equally well."""

    def __init__(self, signatures: Sequence[Signature]) -> None:
        super().__init__("; ".join(map(str, signatures)))
        self.signatures = tuple(signatures)


def has_variables(type_: CqlType) -> bool:
    """Whether a type variable occurs in the type."""
    return any(isinstance(leaf, TypeVariable) for leaf in leaves(type_))


class _Binding:
    """The types bound so far to the type variables of one generic overload."""

    def __init__(self, table: ConversionTable) -> None:
        self.table = table
        self.types: dict[str, CqlType] = {}

    def match(self, wanted: CqlType, given: CqlType) -> bool:
        if isinstance(wanted, TypeVariable):
            return self._bind(wanted.name, given)
        if isinstance(wanted, ListType):
            if isinstance(given, ListType):
                return self.match(wanted.element, given.element)
            return self._match_part(wanted.element, given, ListType)
        if isinstance(wanted, IntervalType):
            if isinstance(given, IntervalType):
                return self.match(wanted.point, given.point)
            return self._match_part(wanted.point, given, IntervalType)
        return True

    def _match_part(self, part: CqlType, given: CqlType, kind: type[CqlType]) -> bool:
        if given == ANY:
            return self.match(part, ANY)
        promotions = self.table.promotions
        promoted = promotions.list_promotion if kind is ListType else promotions.interval_promotion
        targets = [target for target in self.table.targets(given) if isinstance(target, kind)]
        if len(targets) == 1:
            target = targets[0]
            found = target.element if isinstance(target, ListType) else target.point  # type: ignore[attr-defined]
            return self.match(part, found)
        return promoted and self.match(part, given)

    def _bind(self, name: str, given: CqlType) -> bool:
        bound = self.types.get(name)
        if bound is None or bound == ANY:
            self.types[name] = given
            return True
        relations = self.table.relations
        if given == ANY or relations.is_subtype(given, bound):
            return True
        if relations.is_subtype(bound, given):
            self.types[name] = given
            return True
        if self.table.find(given, bound) is not None:
            return True
        if self.table.find(bound, given) is not None:
            self.types[name] = given
            return True
        common = relations.common_supertype(bound, given) or self._common_target(bound, given)
        if common is not None:
            self.types[name] = common
            return True
        return False

    def _common_target(self, bound: CqlType, given: CqlType) -> CqlType | None:
        """A type to which both convert; None if there is none."""
        for target in self.table.targets(bound):
            if self.table.relations.is_subtype(given, target) or self.table.find(given, target) is not None:
                return target
        return None

    def apply(self, type_: CqlType) -> CqlType:
        def bound(part: CqlType) -> CqlType:
            return self.types.get(part.name, ANY) if isinstance(part, TypeVariable) else part

        return map_leaves(type_, bound)


def _combinations(given: Sequence[CqlType], table: ConversionTable) -> Iterable[tuple[CqlType, ...]]:
    """The argument types, then all combinations with one alternative for each: of a choice one of its types, of a list
    or interval its element or point, if demotion is allowed."""
    yield tuple(given)
    parts = [_alternatives(type_, table.promotions) for type_ in given]
    if any(len(alternatives) > 1 for alternatives in parts):
        yield from islice(product(*parts), _MOST_COMBINATIONS)


def _alternatives(type_: CqlType, allowed: Promotions) -> tuple[CqlType, ...]:
    if isinstance(type_, ChoiceType):
        return tuple(type_.choices)
    if isinstance(type_, ListType) and allowed.list_demotion:
        return type_, type_.element
    if isinstance(type_, IntervalType) and allowed.interval_demotion:
        return type_, type_.point
    return (type_,)


def _instances(signature: Signature, given: Sequence[CqlType], table: ConversionTable) -> Iterable[Signature]:
    if not any(map(has_variables, signature.operands)):
        yield signature
        return
    for at, types in enumerate(_combinations(given, table)):
        binding = _Binding(table)
        if all(map(binding.match, signature.operands, types)):
            operands = tuple(map(binding.apply, signature.operands))
            if not all(map(_is_sound, operands)) or (at == 0 and _chooses_too_wide(signature, operands, given)):
                continue
            yield Signature(signature.name, operands, binding.apply(signature.result))


def _is_sound(type_: CqlType) -> bool:
    """Whether an operand can have this type: the points of an interval cannot be intervals, lists or tuples."""
    if isinstance(type_, IntervalType):
        return not isinstance(type_.point, IntervalType | ListType | TupleType)
    return not isinstance(type_, ListType) or _is_sound(type_.element)


def _chooses_too_wide(signature: Signature, operands: Sequence[CqlType], given: Sequence[CqlType]) -> bool:
    """Whether a variable was bound to a choice that other arguments do not have: then one alternative is meant."""
    return any(isinstance(type_, ChoiceType) for type_ in given) and any(
        has_variables(declared) and argument not in (wanted, ANY)
        for declared, wanted, argument in zip(signature.operands, operands, given, strict=True)
    )


def _fit(
    signature: Signature, declared: Signature, given: Sequence[CqlType], table: ConversionTable
) -> Resolution | None:
    conversions: list[Conversion | None] = []
    score = 0
    relations = table.relations
    for wanted, argument in zip(signature.operands, given, strict=True):
        if wanted == argument:
            conversions.append(None)
            score += EXACT
        elif relations.is_subtype(argument, wanted):
            conversions.append(None)
            score += SUBTYPE
        else:
            conversion = table.find(argument, wanted)
            if conversion is None:
                return None
            conversions.append(conversion)
            score += COMPATIBLE if relations.is_compatible(argument, wanted) else conversion.score
    return Resolution(signature, tuple(conversions), score, declared, False)


def _hides(inner: Signature, outer: Signature, table: ConversionTable) -> bool:
    return inner.operands != outer.operands and all(map(table.relations.is_subtype, inner.operands, outer.operands))


def _is_null(type_: CqlType) -> bool:
    if isinstance(type_, ListType):
        return _is_null(type_.element)
    return _is_null(type_.point) if isinstance(type_, IntervalType) else type_ == ANY


def _differ_in_nulls_only(tied: Sequence[Resolution], given: Sequence[CqlType]) -> bool:
    """Whether the overloads differ only in operands given as null. The result is then the same for all of them."""
    return all(
        _is_null(argument)
        for at, argument in enumerate(given)
        if len({found.signature.operands[at] for found in tied}) > 1
    )


def _fitting(signatures: Iterable[Signature], given: Sequence[CqlType], table: ConversionTable) -> Sequence[Resolution]:
    """The overloads that apply, one for each list of operand types."""
    found: dict[tuple[CqlType, ...], Resolution] = {}
    for declared in signatures:
        for instance in _instances(declared, given, table):
            if instance.operands not in found and (fit := _fit(instance, declared, given, table)) is not None:
                found[instance.operands] = fit
    return list(found.values())


def _not_hidden(found: Sequence[Resolution], table: ConversionTable) -> Sequence[Resolution]:
    """The overloads that no other one hides. An exact match hides all that are not exact."""
    exact = [each for each in found if each.score == EXACT]
    return exact or [
        each for each in found if not any(_hides(other.signature, each.signature, table) for other in found)
    ]


def _lowest(found: Sequence[Resolution], rank: Callable[[Resolution], int]) -> Sequence[Resolution]:
    ranks = list(map(rank, found))
    return [each for each, of_one in zip(found, ranks, strict=True) if of_one == min(ranks)]


def _cost(found: Resolution) -> int:
    return found.score


def _complexity(found: Resolution) -> int:
    return sum(map(type_precedence, found.signature.operands))


def resolve(signatures: Iterable[Signature], given: Sequence[CqlType], table: ConversionTable) -> Resolution | None:
    """The overload to call with arguments of the types `given`; None if none applies. Raises AmbiguousCall."""
    candidates = [signature for signature in signatures if len(signature.operands) == len(given)]
    fitting = _fitting(candidates, given, table)
    if not fitting:
        return None
    best = _lowest(_lowest(_not_hidden(fitting, table), _cost), _complexity)
    if len(best) > 1 and not _differ_in_nulls_only(best, given):
        raise AmbiguousCall([found.signature for found in best])
    return replace(best[0], has_overloads=len(candidates) > 1)
