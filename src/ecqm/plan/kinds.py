"""The structured types that the values of a plan's nodes may have, as far as the plan shows them."""

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
    SortWithin,
)
from ecqm.types import ANY, ChoiceType, CqlType, ListType, NamedType

# What the values of a node, or the elements of its lists at any depth, may be: names of FHIR types, and tuples, each as
# its elements with what these may be.
Kinds: TypeAlias = "frozenset[str | tuple[tuple[str, Kinds], ...]]"
_NONE: Kinds = frozenset()


def bound_to(nodes: Iterable[Node]) -> dict[PlanNode, tuple[PlanNode, ...]]:
    """The nodes whose values the accumulators among some nodes are bound to, and the elements that Repeat adds."""
    bound: dict[PlanNode, tuple[PlanNode, ...]] = {}
    for node in nodes:
        if isinstance(node, ReduceWithin):
            bound[node.accumulator] = (node.starting, node.step)
        elif isinstance(node, Repeat):
            bound[node.current] = (node.source, node.projection)
    return bound


class KindsOf:
    """The kinds of the values of some nodes of a plan, found once per node.

    They may be more than the data have, never fewer. Types of System have no kind.
    """

    def __init__(self, nodes: Iterable[Node]) -> None:
        self._found: dict[PlanNode, Kinds] = {}
        self._bound = bound_to(nodes)

    def names(self, node: PlanNode) -> frozenset[str]:
        """The FHIR types of the values of a node, of the elements of its lists, and of the elements of its tuples."""
        return frozenset(_names(self.of(node)))

    def of(self, node: PlanNode) -> Kinds:
        """The kinds of the values of a node."""
        known = self._found.get(node)
        if known is None:
            # The value that an accumulator is bound to depends on the accumulator.
            self._found[node] = _NONE
            known = self._found[node] = self._kinds(node)
        return known

    def _kinds(self, node: PlanNode) -> Kinds:
        match node:
            case Retrieve():
                return _kinds_of_type(node.resource_type)
            case Property():
                return self._of_element(self.of(node.source), node.path)
            case MakeRecord():
                if node.type is not None:
                    return _kinds_of_type(node.type)
                return frozenset(((*((name, self.of(part)) for name, part in node.elements),),))
            case Cast():
                return self.of(node.operand) if node.type == ANY else _kinds_of_type(node.type)
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
                return self._of_any(node.operands) if gives_operands(node.operator) else _NONE
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
            found |= _kinds_of_element(kind, path) if isinstance(kind, str) else dict(kind).get(path, _NONE)
        return found


@cache
def _kinds_of_element(type_name: str, path: str) -> Kinds:
    element = load_model("FHIR").element(type_name, path)
    return _NONE if element is None else _kinds_of_type(element.type)


@cache
def _kinds_of_type(type_: CqlType) -> Kinds:
    if isinstance(type_, ListType):
        return _kinds_of_type(type_.element)
    if isinstance(type_, ChoiceType):
        return _NONE.union(*map(_kinds_of_type, type_.choices))
    return frozenset((type_.name,)) if isinstance(type_, NamedType) and type_.model == "FHIR" else _NONE


def _names(kinds: Kinds) -> Iterator[str]:
    for kind in kinds:
        if isinstance(kind, str):
            yield kind
        else:
            for _, of_element in kind:
                yield from _names(of_element)


@cache
def gives_operands(operator: str) -> bool:
    """Whether the result of an operator may hold what its operands hold, as `List<T>` and T do."""
    found = registry.find(operator)
    return found is not None and any(_is_open(overload.result) for overload in found.overloads)


def _is_open(type_: CqlType) -> bool:
    return _is_open(type_.element) if isinstance(type_, ListType) else type_ == ANY or is_variable(type_)
