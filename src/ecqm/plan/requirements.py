"""What a plan retrieves: types and profiles, the codes that retrieves are limited to, and the elements in use.

This is what a DataRequirement of FHIR states (R4, "DataRequirement"), and follows from the logic alone. What readers
decode is a `Demand`, which is wider and does not tell retrieves apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ecqm.models import load_model
from ecqm.plan.kinds import bound_to, gives_operands
from ecqm.plan.nodes import (
    Accumulator,
    Call,
    Cast,
    CollectWithin,
    Conditional,
    Constant,
    Element,
    MakeList,
    MakeRecord,
    Node,
    PlanNode,
    Property,
    ReduceWithin,
    Repeat,
    Retrieve,
    SortWithin,
)
from ecqm.types import ChoiceType, CqlType, ListType, NamedType
from ecqm.values import Code, Concept, ValueSet


@dataclass(frozen=True)
class DataRequirement:
    """Resources of a type and profile; `code_path` is the element that must have one of the codes, which are those of
    `value_set` or `codes`. Without either, all resources are required.

    `elements` are paths of the elements that the logic uses (`period`, `hospitalization.dischargeDisposition`).
    """

    type: NamedType
    profile: str | None
    code_path: str | None
    value_set: ValueSet | None
    codes: tuple[Code, ...]
    elements: frozenset[str]


def data_requirements(nodes: Iterable[Node]) -> tuple[DataRequirement, ...]:
    """The requirements of all retrieves of a plan, by type and profile. Retrieves that differ in the use of the
    resources only are one requirement."""
    among = tuple(nodes)
    origins = _Origins(among)
    used: dict[Retrieve, set[str]] = {node: {node.code_property or ""} for node in among if isinstance(node, Retrieve)}
    for node in among:
        if isinstance(node, Property):
            for retrieve, path in origins.of(node):
                used[retrieve].add(path)
    merged: dict[DataRequirement, frozenset[str]] = {}
    for retrieve, paths in used.items():
        elements = frozenset(filter(None, (_element(retrieve.resource_type, path) for path in paths)))
        required = DataRequirement(
            retrieve.resource_type, retrieve.profile, retrieve.code_property, *_codes(retrieve), frozenset()
        )
        merged[required] = merged.get(required, frozenset()) | elements
    found = (replace(required, elements=elements) for required, elements in merged.items())
    return tuple(sorted(found, key=_in_order))


def _in_order(requirement: DataRequirement) -> tuple[str, ...]:
    value_set = requirement.value_set
    filtered = (value_set.id, value_set.version or "") if value_set else tuple(map(repr, requirement.codes))
    return str(requirement.type), requirement.profile or "", requirement.code_path or "", *filtered


def _codes(retrieve: Retrieve) -> tuple[ValueSet | None, tuple[Code, ...]]:
    """The value set or the codes that a retrieve is limited to; neither if they are computed."""
    node = retrieve.codes
    while isinstance(node, Call) and node.operator == "ToList":
        (node,) = node.operands
    parts = node.elements if isinstance(node, MakeList) else (node,)
    values = [part.value for part in parts if isinstance(part, Constant)]
    if len(values) == 1 and isinstance(values[0], ValueSet):
        return values[0], ()
    codes = [code for value in values for code in (value.codes if isinstance(value, Concept) else (value,))]
    return None, tuple(code for code in codes if isinstance(code, Code))


def _element(type_: NamedType, path: str) -> str:
    """The element that a path leads to. What is within a primitive is left out: the `value` that FHIR's model has, and
    the parts of what a conversion makes of it."""
    if type_.model != "FHIR":
        return path
    model = load_model("FHIR")
    found: list[str] = []
    kinds: tuple[CqlType, ...] = (type_,)
    for name in path.split("."):
        elements = (model.element(kind, name) for kind in kinds)
        element = next((each for each in elements if each is not None), None)
        if element is None or (name == "value" and _is_of_system(element.type)):
            break
        found.append(name)
        inner = element.type.element if isinstance(element.type, ListType) else element.type
        kinds = tuple(inner.choices) if isinstance(inner, ChoiceType) else (inner,)
    return ".".join(found)


def _is_of_system(type_: CqlType) -> bool:
    return isinstance(type_, NamedType) and type_.model == "System"


# The retrieves that a value may come from, each with the path of the element in its resources ("": the resource); and
# tuples, as their elements with where these come from.
_Origin = tuple[Retrieve, str]


class _Origins:
    """Where the values of nodes come from, found once per node: perhaps too much, never too little."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        self._found: dict[PlanNode, frozenset[_Origin]] = {}
        self._records: dict[PlanNode, frozenset[MakeRecord]] = {}
        self._bound = bound_to(nodes)

    def of(self, node: PlanNode) -> frozenset[_Origin]:
        """The origins of the values of a node, or of the elements of its lists."""
        known = self._found.get(node)
        if known is None:
            # The value that an accumulator is bound to depends on the accumulator.
            self._found[node] = frozenset()
            known = self._found[node] = self._of(node)
        return known

    def _of(self, node: PlanNode) -> frozenset[_Origin]:
        if isinstance(node, Retrieve):
            return frozenset(((node, ""),))
        if isinstance(node, Property):
            parts = (dict(each.elements).get(node.path) for each in self._records_of(node.source))
            own = frozenset((retrieve, _joined(path, node.path)) for retrieve, path in self.of(node.source))
            return own.union(*(self.of(part) for part in parts if part is not None))
        return frozenset[_Origin]().union(*map(self.of, self._passed_on(node)))

    def _records_of(self, node: PlanNode) -> frozenset[MakeRecord]:
        """The tuples that the values of a node may be."""
        known = self._records.get(node)
        if known is None:
            self._records[node] = frozenset()
            if isinstance(node, MakeRecord):
                known = frozenset((node,))
            elif isinstance(node, Property):
                parts = (dict(each.elements).get(node.path) for each in self._records_of(node.source))
                known = frozenset[MakeRecord]().union(*(self._records_of(part) for part in parts if part is not None))
            else:
                known = frozenset[MakeRecord]().union(*map(self._records_of, self._passed_on(node)))
            self._records[node] = known
        return known

    def _passed_on(self, node: PlanNode) -> Iterable[PlanNode]:
        """The nodes whose values, or elements, may be values of a node."""
        match node:
            case Cast():
                return (node.operand,)
            case Conditional():
                return (*(value for _, value in node.branches), node.otherwise)
            case CollectWithin():
                return (node.value,)
            case Element() | SortWithin():
                return (node.source,)
            case ReduceWithin():
                return (node.starting, node.step)
            case Repeat():
                return (node.source, node.projection)
            case MakeList():
                return node.elements
            case Accumulator():
                return self._bound.get(node, ())
            case Call() if gives_operands(node.operator):
                return node.operands
        return ()


def _joined(path: str, element: str) -> str:
    return f"{path}.{element}" if path else element
