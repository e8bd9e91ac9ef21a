"""Plans as text, as JSON, and in a canonical form.

plan_text({"Numerator": node}, places)      a tree; a node that is used several times is shown once, then by its number
plan_json({"Numerator": node}, places)      a list of numbered nodes with the numbers of their children
form(node)                                  a text that is equal for equal plans, whichever builder made them

`places` maps nodes to their places in the source (`ecqm.plan.lowering.Lowered.places`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ecqm.operators.vectors import kernel_of
from ecqm.plan.nodes import Accumulator, Call, Constant, Element, FunctionKernel, MakeRecord, Node, PlanNode
from ecqm.types import QUANTITY, CqlType, NamedType
from ecqm.values.text import to_cql

if TYPE_CHECKING:
    from ecqm.plan.lowering import Place

_BRANCH = ("when", "then")
# Nodes that are repeated in full, because a reference would not be shorter.
_BRIEF = (Constant, Element, Accumulator)
# Roles of children that the tree does not show.
_OBVIOUS = frozenset({"operand", "operands", "elements"})


def title(node: Node) -> str:
    """The operator of a call, otherwise the class of a node, with the name of a library function."""
    if isinstance(node, Call):
        return node.operator
    return f"{type(node).__name__} {node.name}" if isinstance(node, FunctionKernel) else type(node).__name__


def execution(node: Node) -> str | None:
    """`kernel` for an operator that works on columns, `lifted` for one that is evaluated on scalars, once for each
    distinct row; None for other nodes.

    A kernel may leave single rows, and layouts that it does not handle, to the scalars.
    """
    if isinstance(node, FunctionKernel):
        return "kernel"
    if isinstance(node, MakeRecord) and isinstance(node.type, NamedType) and node.type.model == "System":
        return "kernel" if node.type == QUANTITY else "lifted"
    if isinstance(node, Call):
        return "kernel" if kernel_of(node.operator) is not None else "lifted"
    return None


def settings(node: Node) -> dict[str, str]:
    """The fields of a node other than its children, as text; those that are not set are left out."""
    found: dict[str, str] = {}
    for field in fields(node):  # type: ignore[arg-type]  # every subclass is a dataclass
        value = getattr(node, field.name)
        if isinstance(node, (Call, FunctionKernel)) and field.name in ("operator", "name"):
            continue
        if isinstance(node, Call) and field.name == "attributes":
            found |= {name: _text(setting) for name, setting in value}
        elif isinstance(node, Constant) or (not _has_nodes(value) and value not in (None, False, 0, ())):
            found[field.name] = _text(value)
    return found


def children(node: Node) -> Iterator[tuple[str, Node]]:
    """The children of a node, each with its role."""
    if isinstance(node, Element):
        return
    for field in fields(node):  # type: ignore[arg-type]
        yield from _parts(field.name, getattr(node, field.name))


def _parts(name: str, value: Any) -> Iterator[tuple[str, Node]]:
    if isinstance(value, Node):
        yield name, value
    elif isinstance(value, tuple) and _has_nodes(value):
        for part in value:
            if isinstance(part, Node):
                yield name, part
                continue
            first, second = part
            if isinstance(first, str):
                yield first, second
            elif isinstance(second, Node):
                yield from zip(_BRANCH, part, strict=True)
            else:
                yield "descending" if second else "ascending", first


def _has_nodes(value: Any) -> bool:
    return isinstance(value, Node) or (isinstance(value, tuple) and any(map(_has_nodes, value)))


def _text(value: Any) -> str:
    if isinstance(value, CqlType):
        return str(value)
    try:
        return to_cql(value)
    except TypeError:
        return str(value)


@dataclass(frozen=True)
class Outline:
    """The tree of some plans (`roots`, by name), in which nodes that are used several times have numbers."""

    roots: Mapping[str, Node]
    places: Mapping[PlanNode, Place]

    @cached_property
    def numbers(self) -> dict[Node, int]:
        """The nodes used several times and the sources of queries, numbered in the order of the tree."""
        uses: dict[Node, int] = {}
        order: list[Node] = []

        def visit(node: Node) -> None:
            uses[node] = uses.get(node, 0) + 1
            if uses[node] > 1:
                return
            order.append(node)
            for _, child in children(node):
                visit(child)
            if isinstance(node, Element):
                uses[node.source] = uses.get(node.source, 0) + 1

        for root in self.roots.values():
            visit(root)
        shared = [node for node in order if uses[node] > 1 and not isinstance(node, _BRIEF)]
        return {node: number for number, node in enumerate(shared, 1)}

    def text(self) -> str:
        """All plans as trees; a shared node is expanded where it occurs first."""
        shown: set[Node] = set()
        lines: list[str] = []
        for name, root in self.roots.items():
            lines += [f'"{name}"', *self._branch(root, "", "└─ ", "   ", shown), ""]
        return "\n".join(lines).rstrip("\n")

    def _branch(self, node: Node, role: str, start: str, further: str, shown: set[Node]) -> Iterator[str]:
        head = start + (f"{role}: " if role and role not in _OBVIOUS else "")
        number = self.numbers.get(node)
        if node in shown and number is not None:
            yield f"{head}→ #{number} {title(node)}"
            return
        shown.add(node)
        yield head + self._line(node, number)
        below = list(children(node))
        for place, (part, child) in enumerate(below):
            last = place == len(below) - 1
            yield from self._branch(
                child, part, further + ("└─ " if last else "├─ "), further + ("   " if last else "│  "), shown
            )

    def _line(self, node: Node, number: int | None) -> str:
        label = f"#{number} " if number is not None else ""
        if isinstance(node, Constant):
            return f"{label}{_text(node.value)}"
        if isinstance(node, Element):
            return f"{label}element of #{self.numbers.get(node.source, '?')}" + (
                f" (nested {node.nesting})" if node.nesting else ""
            )
        said = "".join(f" {name}={value}" for name, value in settings(node).items())
        notes = [node.grain, execution(node), "may raise" if node.raises() else None]
        place = self.places.get(node) if isinstance(node, PlanNode) else None
        where = "" if place is None else f"  {place}"
        return f"{label}{title(node)}{said}  [{', '.join(note for note in notes if note)}]{where}"


def plan_text(roots: Mapping[str, Node], places: Mapping[PlanNode, Place] | None = None) -> str:
    """Plans, by name, as text."""
    return Outline(roots, places or {}).text()


def plan_json(roots: Mapping[str, Node], places: Mapping[PlanNode, Place] | None = None) -> dict[str, Any]:
    """Plans, by name, as plain data: `nodes`, children first, and `roots`, the numbers of the plans' own nodes."""
    numbers = _in_order(roots.values())
    nodes = []
    for node, number in numbers.items():
        shown: dict[str, Any] = {"id": number, "node": type(node).__name__, "grain": node.grain}
        if isinstance(node, (Call, FunctionKernel)):
            shown["operator"] = node.operator if isinstance(node, Call) else node.name
        if (how := execution(node)) is not None:
            shown["execution"] = how
        if isinstance(node, Element):
            shown["source"] = numbers[node.source]
        if node.raises():
            shown["may_raise"] = True
        if places and isinstance(node, PlanNode) and node in places:
            shown["place"] = places[node].to_json()
        shown |= {"settings": said} if (said := settings(node)) else {}
        below = [{"part": part, "id": numbers[child]} for part, child in children(node)]
        shown |= {"children": below} if below else {}
        nodes.append(shown)
    return {"roots": {name: numbers[node] for name, node in roots.items()}, "nodes": nodes}


def form(node: PlanNode) -> str:
    """The canonical form of a plan, with one line per node, children first: the same for two plans exactly if they are
    equal, whichever builder made them."""
    numbers = _in_order([node])
    lines = []
    for each, number in numbers.items():
        # The number of an accumulator depends on how many were made before; here its place identifies it.
        said = {} if isinstance(each, Accumulator) else settings(each)
        parts = [f"{name}={value}" for name, value in said.items()]
        parts += [f"{part}=#{numbers[child]}" for part, child in children(each)]
        if isinstance(each, Element):
            parts.append(f"of=#{numbers[each.source]}")
        lines.append(f"#{number} {title(each)}({', '.join(parts)})")
    return "\n".join(lines)


def _in_order(roots: Iterable[Node]) -> dict[Node, int]:
    """Number all nodes of some plans from 1, children first."""
    numbers: dict[Node, int] = {}

    def visit(node: Node) -> None:
        if node in numbers:
            return
        if isinstance(node, Element):
            visit(node.source)
        for _, child in children(node):
            visit(child)
        numbers.setdefault(node, len(numbers) + 1)

    for root in roots:
        visit(root)
    return numbers
