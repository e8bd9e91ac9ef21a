"""The structured types whose values a plan compares: such values are equal if all their elements are.

CQL compares instances of a class by all their elements (CQL reference, Equal), also those that the logic never names.
Readers read only what a plan demands, so that a plan has to demand all elements of the values that it compares.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ecqm.plan.kinds import KindsOf
from ecqm.plan.nodes import Call, CollectWithin, Node, ReduceWithin, Repeat, sources_of

# Operators that compare the values of one operand with those of another, and those that compare them among themselves.
_BETWEEN = frozenset(
    [
        "Equal",
        "NotEqual",
        "Equivalent",
        "In",
        "Contains",
        "Includes",
        "IncludedIn",
        "ProperContains",
        "ProperIn",
        "ProperIncludes",
        "ProperIncludedIn",
        "IndexOf",
    ]
)
_COMPARING = _BETWEEN | {"Distinct", "Union", "Intersect", "Except", "Mode"}


def compared_types(nodes: Iterable[Node]) -> frozenset[str]:
    """The names of the FHIR types (resource types among them) of values that some nodes of a plan compare."""
    among = tuple(nodes)
    kinds = KindsOf(among)
    found: set[str] = set()
    for node in among:
        found.update(_compared(node, kinds))
    return frozenset(found)


def _compared(node: Node, kinds: KindsOf) -> Iterator[str]:
    if isinstance(node, Call) and node.operator in _COMPARING:
        # Values of different types are not equal, whatever is in them.
        of_operands = [kinds.names(operand) for operand in node.operands]
        yield from frozenset.intersection(*of_operands) if node.operator in _BETWEEN else frozenset.union(*of_operands)
    elif isinstance(node, CollectWithin) and node.distinct:
        yield from kinds.names(node.value)
    elif isinstance(node, ReduceWithin) and node.distinct:
        for scan in sources_of(node.rows):
            yield from kinds.names(scan.variable)
    elif isinstance(node, Repeat):
        yield from kinds.names(node.projection)
