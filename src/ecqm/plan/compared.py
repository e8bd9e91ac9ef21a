"""The structured types whose values a plan compares: such values are equal if all their elements are.

CQL compares instances of a class by all their elements (CQL reference, Equal), also those that the logic never names.
Readers read only what a plan demands, so that a plan has to demand all elements of the values that it compares.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import TypeAlias

from ecqm.models import load_model
from ecqm.operators import registry
from ecqm.operators.signature import is_variable
from ecqm.plan.nodes import (
    Accumulator,
    Call,
    Cast,
    CollectWithin,
    Conditional,
    Element,
    MakeList,
    MakeRecord,
    Node,
    Parameter,
    PlanNode,
    Property,
    ReduceWithin,
    Repeat,
    Retrieve,
    Scan,
    SortWithin,
)
from ecqm.types import ANY, ChoiceType, CqlType, ListType, NamedType

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

# What the values of a node, or the elements of its lists at any depth, may be: names of FHIR types, and tuples, each as
# its elements with what these may be.
Kinds: TypeAlias = "frozenset[str | tuple[tuple[str, Kinds], ...]]"
_NONE: Kinds = frozenset()


def compared_types(nodes: Iterable[Node]) -> frozenset[str]:
    """The names of the FHIR types (resource types among them) of values that some nodes of a plan compare."""
    among = tuple(nodes)
    kinds = _KindsOf(among)
    found: set[str] = set()
    for node in among:
        found.update(_compared(node, kinds))
    return frozenset(found)


def _compared(node: Node, kinds: _KindsOf) -> Iterator[str]:
    if isinstance(node, Call) and node.operator in _COMPARING:
        # Values of different types are not equal, whatever is in them.
        of_operands = [frozenset(_names(kinds.of(operand))) for operand in node.operands]
        yield from frozenset.intersection(*of_operands) if node.operator in _BETWEEN else frozenset.union(*of_operands)
    elif isinstance(node, CollectWithin) and node.distinct:
        yield from _names(kinds.of(node.value))
    elif isinstance(node, ReduceWithin) and node.distinct:
        for scan in _scans(node):
            yield from _names(kinds.of(scan.variable))
    elif isinstance(node, Repeat):
        yield from _names(kinds.of(node.projection))


def _scans(node: ReduceWithin) -> Iterator[Scan]:
    waiting: list[Node] = [node.rows]
    while waiting:
        each = waiting.pop()
        if isinstance(each, Scan):
            yield each
            waiting += [] if each.of is None else [each.of]
        else:
            waiting += each.children[:1]


@cache
def _gives_operands(operator: str) -> bool:
    """Whether the result of an operator may hold what its operands hold, as `List<T>` and T do."""
    found = registry.find(operator)
    return found is not None and any(_is_open(overload.result) for overload in found.overloads)


def _is_open(type_: CqlType) -> bool:
    return _is_open(type_.element) if isinstance(type_, ListType) else type_ == ANY or is_variable(type_)


def _names(kinds: Kinds) -> Iterator[str]:
    for kind in kinds:
        if isinstance(kind, str):
            yield kind
        else:
            for _, of_element in kind:
                yield from _names(of_element)


class _KindsOf:
    """The kinds of the values of nodes, found once per node. They may be more than the data have, never fewer."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        self._fhir = load_model("FHIR")
        self._found: dict[PlanNode, Kinds] = {}
        # What an accumulator is bound to.
        self._bound: dict[PlanNode, tuple[PlanNode, ...]] = {}
        for node in nodes:
            if isinstance(node, ReduceWithin):
                self._bound[node.accumulator] = (node.starting, node.step)
            elif isinstance(node, Repeat):
                self._bound[node.current] = (node.source, node.projection)

    def of(self, node: PlanNode) -> Kinds:
        known = self._found.get(node)
        if known is None:
            # The value that an accumulator is bound to depends on the accumulator.
            self._found[node] = _NONE
            known = self._found[node] = self._kinds(node)
        return known

    def _kinds(self, node: PlanNode) -> Kinds:
        match node:
            case Retrieve():
                return self._named(NamedType(*node.resource_type.split(".", 1)))
            case Property():
                return self._of_element(self.of(node.source), node.path)
            case MakeRecord():
                if node.type is not None:
                    return self._of_type(node.type)
                return frozenset(((*((name, self.of(part)) for name, part in node.elements),),))
            case Cast():
                return self._of_type(node.type) or self.of(node.operand)
            case Conditional():
                return self._of_any([*(value for _, value in node.branches), node.otherwise])
            case CollectWithin():
                return self.of(node.value)
            case Element() | SortWithin():
                return self.of(node.source)
            case ReduceWithin():
                return self._of_any((node.starting, node.step))
            case Repeat():
                return self._of_any((node.source, node.projection))
            case Call():
                return self._of_any(node.operands) if _gives_operands(node.operator) else _NONE
            case MakeList():
                return self._of_any(node.elements)
            case Parameter():
                return _NONE if node.default is None else self.of(node.default)
            case Accumulator():
                return self._of_any(self._bound.get(node, ()))
        return _NONE

    def _of_any(self, nodes: Iterable[PlanNode]) -> Kinds:
        return _NONE.union(*map(self.of, nodes))

    def _of_element(self, kinds: Kinds, path: str) -> Kinds:
        found = _NONE
        for kind in kinds:
            if not isinstance(kind, str):
                found |= dict(kind).get(path, _NONE)
            elif (element := self._fhir.element(kind, path)) is not None:
                found |= self._of_type(element.type)
        return found

    def _of_type(self, type_: CqlType) -> Kinds:
        if isinstance(type_, ListType):
            return self._of_type(type_.element)
        if isinstance(type_, ChoiceType):
            return _NONE.union(*map(self._of_type, type_.choices))
        return self._named(type_) if isinstance(type_, NamedType) else _NONE

    def _named(self, type_: NamedType) -> Kinds:
        return frozenset((type_.name,)) if type_.model == "FHIR" else _NONE
