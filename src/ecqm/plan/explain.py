"""Plans made readable: as a tree, as JSON, and in one canonical text.

plan_text({"Numerator": node}, places)      a tree; what is used in several places is shown once and then by its number
plan_json({"Numerator": node}, places)      nodes by number, each naming its children
form(node)                                  equal for equal plans, whenever and wherever they were made

`places` tells where in the source a node comes from (`ecqm.plan.lowering.Lowered.places`).
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
# What is as short as a reference to it would be, is repeated.
_BRIEF = (Constant, Element, Accumulator)
_OBVIOUS = frozenset({"operand", "operands", "elements"})


def title(node: Node) -> str:
    """What a node is, in a word: its class, and for a call its operator."""
    if isinstance(node, Call):
        return node.operator
    return f"{type(node).__name__} {node.name}" if isinstance(node, FunctionKernel) else type(node).__name__


def execution(node: Node) -> str | None:
    """`kernel` if what a node computes runs on arrays, `lifted` if scalars run on distinct rows; None for a node that
    only moves values about.

    A kernel may still hand single rows, or layouts that it does not know, to the scalars.
    """
    if isinstance(node, FunctionKernel):
        return "kernel"
    if isinstance(node, MakeRecord) and isinstance(node.type, NamedType) and node.type.model == "System":
        return "kernel" if node.type == QUANTITY else "lifted"
    if isinstance(node, Call):
        return "kernel" if kernel_of(node.operator) is not None else "lifted"
    return None


def settings(node: Node) -> dict[str, str]:
    """What a node says beside its children; fields that are unset are left out."""
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
    """The nodes that a node is made of, each with the part that it plays."""
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
    """Some plans (`roots`, by name), with the numbers of the nodes that more than one other refers to, and the places
    of those that have one."""

    roots: Mapping[str, Node]
    places: Mapping[PlanNode, Place]

    @cached_property
    def numbers(self) -> dict[Node, int]:
        """Shared nodes and the lists that queries range over, numbered in the order in which the tree shows them."""
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
        """Every plan as a tree; a shared node is expanded where it comes first."""
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
    """Plans, by name, as trees."""
    return Outline(roots, places or {}).text()


def plan_json(roots: Mapping[str, Node], places: Mapping[PlanNode, Place] | None = None) -> dict[str, Any]:
    """Plans, by name, as plain data: `nodes` in an order in which children come first, `roots` by their numbers."""
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
    """The canonical text of a plan: one line per distinct node, children before what uses them.

    Two plans have one form exactly if they are equal, whichever builder made them.
    """
    numbers = _in_order([node])
    lines = []
    for each, number in numbers.items():
        # An accumulator is told apart by where it stands, not by how many were made before it.
        said = {} if isinstance(each, Accumulator) else settings(each)
        parts = [f"{name}={value}" for name, value in said.items()]
        parts += [f"{part}=#{numbers[child]}" for part, child in children(each)]
        if isinstance(each, Element):
            parts.append(f"of=#{numbers[each.source]}")
        lines.append(f"#{number} {title(each)}({', '.join(parts)})")
    return "\n".join(lines)


def _in_order(roots: Iterable[Node]) -> dict[Node, int]:
    """Numbers for all nodes of some plans, children first."""
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
