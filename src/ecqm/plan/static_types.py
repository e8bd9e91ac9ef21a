"""What the plan alone tells of the type of a value, whatever the data."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache

from ecqm.operators import registry
from ecqm.plan.nodes import (
    Call,
    Cast,
    CollectWithin,
    Conditional,
    Constant,
    Element,
    ExistsWithin,
    MakeInterval,
    MakeRecord,
    Membership,
    PlanNode,
    Property,
    SortWithin,
    TypeTest,
)
from ecqm.types import (
    ANY,
    BOOLEAN,
    CODE,
    CONCEPT,
    DATE,
    DATETIME,
    DECIMAL,
    INTEGER,
    LONG,
    QUANTITY,
    RATIO,
    STRING,
    TIME,
    ChoiceType,
    CqlType,
    IntervalType,
)

# No value of one of these types is of any other type too.
_APART = frozenset(
    (BOOLEAN, INTEGER, LONG, DECIMAL, STRING, DATE, DATETIME, TIME, QUANTITY, RATIO, CODE, CONCEPT),
)
# Those with a minimum and a maximum; that of quantities has no unit, and so compares with none that has one.
POINT_TYPES = frozenset((INTEGER, LONG, DECIMAL, DATE, DATETIME, TIME))
# Operators whose result is a point of their operand, an interval; and those whose result is of its operand's type.
_POINTS = frozenset(("Start", "End", "PointFrom"))
_OF_ITS_OPERAND = frozenset(("Add", "Subtract", "Successor", "Predecessor", "Coalesce"))

_OF_ITS_ELEMENTS = frozenset(("First", "Last", "SingletonFrom", "Indexer", "Distinct", "Sort"))


def is_never(node: PlanNode, type_: CqlType) -> bool:
    """Is it certain that no value of the node is of the type?"""
    known = _known_type(node)
    if known not in _APART or type_ in (ANY, known):
        return False
    if isinstance(type_, ChoiceType):
        return all(is_never(node, choice) for choice in type_.choices)
    return True


def _known_type(node: PlanNode) -> CqlType | None:
    if isinstance(node, (TypeTest, Membership, ExistsWithin)):
        return BOOLEAN
    if isinstance(node, Cast):
        return _known_type(node.operand) if isinstance(node.type, ChoiceType) else node.type
    if isinstance(node, Constant) and node.value is not None:
        return node.type
    return _result_of(node.operator) if isinstance(node, Call) else None


def point_type_of(low: PlanNode, high: PlanNode) -> CqlType | None:
    """The type of points that an interval with these boundaries has by what the plan says, else None."""
    known = _value_type(low) or _value_type(high)
    return known if known in POINT_TYPES else None


def _value_type(node: PlanNode) -> CqlType | None:
    """The type of a node's values where they are of one simple type by what the plan says, else None."""
    if isinstance(node, Conditional):
        return _first_known(_value_type, [value for _, value in node.branches] + [node.otherwise])
    if isinstance(node, Call) and node.operator in _POINTS:
        return _point_type(node.operands[0])
    if isinstance(node, Call) and node.operator in _OF_ITS_OPERAND:
        return _value_type(node.operands[0])
    if isinstance(node, Element):
        return _value_type(node.source)
    if isinstance(node, Property) and (part := _part(node.source, node.path)) is not None:
        return _value_type(part)
    known = _known_type(node)
    return known if known in _APART else None


def _part(node: PlanNode, name: str) -> PlanNode | None:
    """What the plan computes an element of a tuple from, or of the tuples that a list is made of."""
    while not isinstance(node, MakeRecord):
        if isinstance(node, Call) and node.operator in _OF_ITS_ELEMENTS:
            node = node.operands[0]
        elif isinstance(node, CollectWithin):
            node = node.value
        elif isinstance(node, (SortWithin, Element)):
            node = node.source
        else:
            return None
    return dict(node.elements).get(name)


def _point_type(node: PlanNode) -> CqlType | None:
    """The type of the points of a node's values, which are intervals."""
    if isinstance(node, Conditional):
        return _first_known(_point_type, [value for _, value in node.branches] + [node.otherwise])
    if isinstance(node, MakeInterval):
        return node.point_type
    if isinstance(node, (Cast, Constant)) and isinstance(node.type, IntervalType):
        return node.type.point if node.type.point in _APART else None
    return None


def _first_known(type_of: Callable[[PlanNode], CqlType | None], alternatives: Iterable[PlanNode]) -> CqlType | None:
    """The type that alternatives have in common: CQL gives them one, so the first that shows it tells."""
    return next((known for each in alternatives if (known := type_of(each)) is not None), None)


@cache
def _result_of(operator: str) -> CqlType | None:
    """The type of an operator's results, where it is the same for all of its overloads."""
    found = registry.find(operator)
    results = {overload.result for overload in found.overloads} if found is not None else set()
    return results.pop() if len(results) == 1 else None
