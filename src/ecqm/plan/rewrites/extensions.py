"""Extensions of primitives behind operators (FHIR, Extensibility).

Columns of primitives have no room for extensions: the engine finds them beside the element that the logic names. Where
an operator selects among values, the same operator selects among their extensions: `First(N.given).extension` is the
first of the lists of extensions of each given name.
"""

from __future__ import annotations

from ecqm.plan.builder import PlanBuilder
from ecqm.plan.nodes import (
    Call,
    Cast,
    CollectWithin,
    Conditional,
    Constant,
    Element,
    PlanNode,
    Position,
    Property,
    Scan,
    TypeTest,
    Variable,
    bound_by,
)
from ecqm.types import ANY, ChoiceType, CqlType, NamedType

EXTENSION = "extension"
_PICKING = frozenset(("First", "Last", "Indexer", "SingletonFrom"))

Bound = frozenset[Variable]
"""The variables of the enclosing queries."""

Branches = tuple[tuple[PlanNode, PlanNode], ...]


def extension_of(builder: PlanBuilder, source: PlanNode, bound: Bound) -> PlanNode:
    """The extensions of a value."""
    found = _selected(builder, source, bound)
    return builder.make(Property, source, EXTENSION) if found is None else found


def _selected(builder: PlanBuilder, source: PlanNode, bound: Bound) -> PlanNode | None:
    """The extensions of the value that an operator selects; None if nothing has to be done."""
    make = builder.make
    if isinstance(source, Cast) and not source.strict and _has_extensions(source.type):
        # An element without a value has no type; its extensions say why it has none.
        fits = (make(Call, "IsNull", (source.operand,)), make(TypeTest, source.operand, source.type))
        of_operand = extension_of(builder, source.operand, bound)
        return make(Conditional, ((make(Call, "Or", fits), of_operand),), make(Constant, None, ANY))
    if isinstance(source, Conditional):
        return _of_first(builder, source.branches, source.otherwise, bound)
    if isinstance(source, Element) and not isinstance(source.source, Property):
        each = _each(builder, source.source, bound)
        return None if each is None else make(Call, "Indexer", (each, make(Position, source)))
    if isinstance(source, Call) and source.operator == "Coalesce" and len(source.operands) > 1:
        *before, last = source.operands
        present = tuple((make(Call, "Not", (make(Call, "IsNull", (value,)),)), value) for value in before)
        return _of_first(builder, present, last, bound)
    if isinstance(source, Call) and source.operator in _PICKING:
        each = _each(builder, source.operands[0], bound)
        return None if each is None else make(Call, source.operator, (each, *source.operands[1:]), source.attributes)
    return None


def _of_first(builder: PlanBuilder, branches: Branches, otherwise: PlanNode, bound: Bound) -> PlanNode | None:
    """The extensions of the first value whose condition is true."""
    values = (*(value for _, value in branches), otherwise)
    if not any(isinstance(value, Property) or _selected(builder, value, bound) is not None for value in values):
        return None
    of_values = tuple((condition, extension_of(builder, value, bound)) for condition, value in branches)
    return builder.make(Conditional, of_values, extension_of(builder, otherwise, bound))


def _each(builder: PlanBuilder, values: PlanNode, bound: Bound) -> PlanNode | None:
    """A list with the extensions of each element of a list, in the same order; None if the plan does not show which
    elements of the data they are."""
    make = builder.make
    if isinstance(values, Property) and values.path != EXTENSION:
        element = builder.element(values, bound)
        return make(CollectWithin, make(Scan, values, element, (), None), make(Property, element, EXTENSION), False)
    if isinstance(values, Call) and values.operator == "Flatten":
        (lists,) = values.operands
        if isinstance(lists, CollectWithin) and not lists.distinct:
            each = _each(builder, lists.value, bound | bound_by(lists.rows))
            return None if each is None else make(Call, "Flatten", (make(CollectWithin, lists.rows, each, False),))
    if isinstance(values, CollectWithin) and not values.distinct:
        value, inside = values.value, bound | bound_by(values.rows)
        if isinstance(value, Property) or _is_of_property(value) or _selected(builder, value, inside) is not None:
            return make(CollectWithin, values.rows, extension_of(builder, value, inside), False)
    return None


def _is_of_property(value: PlanNode) -> bool:
    return isinstance(value, Element) and isinstance(value.source, Property)


def _has_extensions(type_: CqlType) -> bool:
    """Whether values of a type may have extensions: those of FHIR, and of a choice with any of these."""
    if isinstance(type_, ChoiceType):
        return any(map(_has_extensions, type_.choices))
    return isinstance(type_, NamedType) and type_.model == "FHIR"
