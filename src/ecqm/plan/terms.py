"""What a plan asks of the terminology: the value sets that it names, and whether patients' data may name others."""

from __future__ import annotations

from collections.abc import Iterable

from ecqm.plan.nodes import Call, Constant, MakeRecord, Node
from ecqm.types import NamedType
from ecqm.values import ValueSet

_VALUE_SET = NamedType("System", "ValueSet")
_ON_CODE_SYSTEMS = frozenset(("InCodeSystem", "AnyInCodeSystem", "Subsumes", "SubsumedBy"))


def named_value_sets(nodes: Iterable[Node]) -> set[tuple[str, str | None]]:
    """The value sets that are constants of a plan: (identifier, version)."""
    values = (node.value for node in nodes if isinstance(node, Constant))
    return {(value.id, value.version) for value in values if isinstance(value, ValueSet)}


def may_name_more(nodes: Iterable[Node]) -> bool:
    """Whether other value sets may be looked up, or code systems: those of codes in the data, or value sets whose names
    are computed (instances of System.ValueSet that are not constant)."""
    return any(
        (isinstance(node, MakeRecord) and node.type == _VALUE_SET)
        or (isinstance(node, Call) and node.operator in _ON_CODE_SYSTEMS)
        for node in nodes
    )
