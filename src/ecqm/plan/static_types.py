"""What is known of the type of a value from the plan alone, whatever the data."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from functools import cache

from ecqm.operators import registry
from ecqm.operators.signature import is_variable
from ecqm.plan.nodes import (
    Call,
    Cast,
    CollectWithin,
    Conditional,
    Constant,
    Element,
    ExistsWithin,
    InValueSet,
    MakeInterval,
    MakeList,
    MakeRecord,
    PlanNode,
    Property,
    Repeat,
    Retrieve,
    SortWithin,
    TypeTest,
    sources_of,
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
    ListType,
)

# Types without common values: a value of one of them is of no other type.
_DISJOINT = frozenset(
    (BOOLEAN, INTEGER, LONG, DECIMAL, STRING, DATE, DATETIME, TIME, QUANTITY, RATIO, CODE, CONCEPT),
)
# The point types with a minimum and a maximum. Those of Quantity have no unit, so they compare with no unit.
POINT_TYPES = frozenset((INTEGER, LONG, DECIMAL, DATE, DATETIME, TIME))
# Operators whose result is a point of their first operand, of the type of it, or one of its elements or a list of them.
_GIVE_A_POINT = frozenset(("Start", "End", "PointFrom"))
_KEEP_THE_TYPE = frozenset(("Add", "Subtract", "Successor", "Predecessor", "Coalesce"))
# Operators that are declared for lists and for intervals, and others whose result is like their operands.
_KEEP_THE_SHAPE = frozenset(("Union", "Intersect", "Except", "Coalesce"))
_KEEP_ELEMENTS = frozenset(("First", "Last", "SingletonFrom", "Indexer", "Distinct", "Sort"))


def is_never(node: PlanNode, type_: CqlType) -> bool:
    """Whether certainly no value of a node is of a type."""
    known = _known_type(node)
    if known not in _DISJOINT or type_ in (ANY, known):
        return False
    if isinstance(type_, ChoiceType):
        return all(is_never(node, choice) for choice in type_.choices)
    return True


def _known_type(node: PlanNode) -> CqlType | None:
    """The type of all values of a node, as its class or operator says; None if it does not."""
    if isinstance(node, (TypeTest, InValueSet, ExistsWithin)):
        return BOOLEAN
    if isinstance(node, Cast):
        return _known_type(node.operand) if isinstance(node.type, ChoiceType) else node.type
    if isinstance(node, Constant) and node.value is not None:
        return node.type
    return _result_of(node.operator) if isinstance(node, Call) else None


def point_type_of(low: PlanNode, high: PlanNode) -> CqlType | None:
    """The point type of an interval with these boundaries, one of POINT_TYPES; None if the plan does not show it."""
    known = _value_type(low) or _value_type(high)
    return known if known in POINT_TYPES else None


def _value_type(node: PlanNode) -> CqlType | None:
    """As `_known_type`, for types of _DISJOINT, and found through conditionals, queries and tuples as well."""
    if isinstance(node, Conditional):
        return _first_known(_value_type, [value for _, value in node.branches] + [node.otherwise])
    if isinstance(node, Call) and node.operator in _GIVE_A_POINT:
        return _point_type(node.operands[0])
    if isinstance(node, Call) and node.operator in _KEEP_THE_TYPE:
        return _value_type(node.operands[0])
    if isinstance(node, Element):
        return _value_type(node.source)
    if isinstance(node, Property) and (part := _part(node.source, node.path)) is not None:
        return _value_type(part)
    known = _known_type(node)
    return known if known in _DISJOINT else None


def _part(node: PlanNode, name: str) -> PlanNode | None:
    """The node that computes an element of the tuple, or of the list of tuples, that `node` gives; None if unknown."""
    while not isinstance(node, MakeRecord):
        if isinstance(node, Call) and node.operator in _KEEP_ELEMENTS:
            node = node.operands[0]
        elif isinstance(node, CollectWithin):
            node = node.value
        elif isinstance(node, (SortWithin, Element)):
            node = node.source
        else:
            return None
    return dict(node.elements).get(name)


def _point_type(node: PlanNode) -> CqlType | None:
    """The point type of a node whose values are intervals; None if unknown."""
    if isinstance(node, Conditional):
        return _first_known(_point_type, [value for _, value in node.branches] + [node.otherwise])
    if isinstance(node, MakeInterval):
        return node.point_type
    if isinstance(node, (Cast, Constant)) and isinstance(node.type, IntervalType):
        return node.type.point if node.type.point in _DISJOINT else None
    return None


class Shape(Enum):
    """The form of the values of a node."""

    TRUTH = "Boolean"
    LIST = "list"
    VALUE = "another single value"


def shape_of(node: PlanNode) -> Shape | None:
    """The form of the values of a node; None if the plan does not show it."""
    match node:
        case Retrieve() | MakeList() | SortWithin() | Repeat():
            return Shape.LIST
        case TypeTest() | InValueSet() | ExistsWithin():
            return Shape.TRUTH
        case MakeRecord() | MakeInterval():
            return Shape.VALUE
        case Constant():
            return None if node.value is None else _shape_of_type(node.type)
        case CollectWithin():
            return Shape.LIST if any(shape_of(scan.source) is Shape.LIST for scan in sources_of(node.rows)) else None
        case Cast():
            return _shape_of_type(node.type) or shape_of(node.operand)
        case Conditional():
            return _first_shape([*(value for _, value in node.branches), node.otherwise])
        case Call():
            return _shape_of_result(node.operator) or (
                _first_shape(node.operands) if node.operator in _KEEP_THE_SHAPE else None
            )
    return None


def _shape_of_type(type_: CqlType) -> Shape | None:
    if isinstance(type_, ListType):
        return Shape.LIST
    if type_ == ANY or isinstance(type_, ChoiceType):
        return None
    return Shape.TRUTH if type_ == BOOLEAN else Shape.VALUE


@cache
def _shape_of_result(operator: str) -> Shape | None:
    found = registry.find(operator)
    results = [] if found is None else [overload.result for overload in found.overloads]
    shapes = {None if is_variable(result) else _shape_of_type(result) for result in results}
    return shapes.pop() if len(shapes) == 1 else None


def _first_shape(alternatives: Iterable[PlanNode]) -> Shape | None:
    return next((known for each in alternatives if (known := shape_of(each)) is not None), None)


def _first_known(type_of: Callable[[PlanNode], CqlType | None], alternatives: Iterable[PlanNode]) -> CqlType | None:
    """The type of alternatives, which CQL requires to be the same: the first that is known."""
    return next((known for each in alternatives if (known := type_of(each)) is not None), None)


@cache
def _result_of(operator: str) -> CqlType | None:
    """The result type of an operator; None if its overloads differ."""
    found = registry.find(operator)
    results = {overload.result for overload in found.overloads} if found is not None else set()
    return results.pop() if len(results) == 1 else None
