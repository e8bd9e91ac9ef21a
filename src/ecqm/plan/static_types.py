"""What the plan alone tells of the type of a value, whatever the data."""

from __future__ import annotations

from functools import cache

from ecqm.operators import registry
from ecqm.plan.nodes import Call, Cast, Constant, ExistsWithin, Membership, PlanNode, TypeTest
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
)

# No value of one of these types is of any other type too.
_APART = frozenset(
    (BOOLEAN, INTEGER, LONG, DECIMAL, STRING, DATE, DATETIME, TIME, QUANTITY, RATIO, CODE, CONCEPT),
)


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


@cache
def _result_of(operator: str) -> CqlType | None:
    """The type of an operator's results, where it is the same for all of its overloads."""
    found = registry.find(operator)
    results = {overload.result for overload in found.overloads} if found is not None else set()
    return results.pop() if len(results) == 1 else None
