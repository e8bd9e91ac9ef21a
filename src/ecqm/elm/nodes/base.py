"""What every ELM node is: a record of declared fields, comparable, printable, and walkable without knowing its type.

A node class is written the way the ELM schema (urn:hl7-org:elm:r1) declares the type: the fields' names are the
schema's, and the annotation of a field says how it is stored:

    name: str                          an attribute that must be there
    precision: str | None = None       an attribute that may be absent
    distinct: bool = True              an attribute with the schema's default
    valueType: QName                   an attribute that names a type, kept as `{namespace}local`
    source: Expression                 one child node
    operand: list[Expression] = []     any number of child nodes
    statements: Defs[ExpressionDef]    child nodes wrapped in an element of `def`s
    annotation: Raw                    carried along as it was read, never looked into

A field whose ELM name is a Python keyword has a trailing underscore (`return_`). Readers and writers take everything
else from here: a node's fields are declared nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, TypeVar, cast, dataclass_transform

import msgspec

QName: TypeAlias = str
Raw: TypeAlias = Any

_T = TypeVar("_T")
Defs: TypeAlias = list[_T]


@dataclass_transform(kw_only_default=True, eq_default=False)
class _NodeMeta(msgspec.StructMeta):
    """Gives every node class the same record settings, so that a declaration is nothing but its fields."""

    def __new__(mcls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> _NodeMeta:
        return super().__new__(mcls, name, bases, namespace, kw_only=True, eq=False, repr_omit_defaults=True)


if TYPE_CHECKING:  # checkers would read the settings of msgspec.Struct in place of those above

    class _Record(metaclass=_NodeMeta):
        __struct_fields__: ClassVar[tuple[str, ...]]
        __struct_defaults__: ClassVar[tuple[Any, ...]]
else:
    _Record = msgspec.Struct


class Node(_Record, metaclass=_NodeMeta):
    """A node of the expression logical model.

    Two nodes are equal when they are of one class and all their fields are, annotations apart (those are
    commentary, and JSON and XML spell them differently). Use `bare` to compare without positions and result types.
    """

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return False
        return all(getattr(self, name) == getattr(other, name) for name in compared_fields(type(self)))

    def __ne__(self, other: object) -> bool:  # the record type's own would compare identities
        return not self == other


AnyNode = TypeVar("AnyNode", bound=Node)


class Element(Node):
    """What may be annotated, located in the source, and typed."""

    localId: str | None = None
    locator: str | None = None
    resultTypeName: QName | None = None
    annotation: Raw = None
    resultTypeSpecifier: TypeSpecifier | None = None


class TypeSpecifier(Element):
    """A type, written out."""


class Expression(Element):
    """What yields a value."""


class OperatorExpression(Expression):
    """An operator; `signature` tells the operand types that its overload was chosen for, where that was recorded."""

    signature: list[TypeSpecifier] = []


class UnaryExpression(OperatorExpression):
    operand: Expression


class BinaryExpression(OperatorExpression):
    operand: list[Expression]


class TernaryExpression(OperatorExpression):
    operand: list[Expression]


class NaryExpression(OperatorExpression):
    operand: list[Expression] = []


@dataclass(frozen=True, slots=True)
class Field:
    """One declared field: `name` in Python, `elm_name` in documents, `kind` one of the words below.

    `text`, `qname`, `boolean`, `decimal`: attributes; `raw`; `node`: one child; `nodes`: a list of
    children; `defs`: a list of children wrapped in `def`s. `declared` names the node class of children as declared:
    a child of just that class needs no type of its own in a document.
    """

    name: str
    elm_name: str
    kind: str
    declared: str
    default: Any

    @property
    def is_required(self) -> bool:
        return self.default is REQUIRED

    @property
    def is_child(self) -> bool:
        return self.kind in ("node", "nodes", "defs")


_ATTRIBUTE_KINDS = {
    "str": "text", "QName": "qname", "bool": "boolean", "Decimal": "decimal", "Raw": "raw",
}  # fmt: skip
_DECLARATION = re.compile(r"(?:(list|Defs)\[)?(\w+)\]?(?: \| None)?")
REQUIRED = msgspec.NODEFAULT


def _field(name: str, declaration: str, default: Any) -> Field:
    match = _DECLARATION.fullmatch(declaration)
    if match is None:
        raise TypeError(f"field {name!r} is declared in a way that no node can have: {declaration!r}")
    container, declared = match.groups()
    if container:
        kind = "defs" if container == "Defs" else "nodes"
    else:
        kind = _ATTRIBUTE_KINDS.get(declared, "node")
    return Field(name, name.rstrip("_"), kind, declared, default)


@cache
def fields(node_class: type[Node]) -> tuple[Field, ...]:
    """The fields of a node class, those of its bases first."""
    declarations: dict[str, str] = {}
    for part in reversed(node_class.__mro__):
        if isinstance(part, _NodeMeta):
            declarations |= part.__annotations__
    names, defaults = node_class.__struct_fields__, node_class.__struct_defaults__
    aligned = (REQUIRED,) * (len(names) - len(defaults)) + defaults
    return tuple(
        _field(name, declarations[name], [] if getattr(default, "factory", None) is list else default)
        for name, default in zip(names, aligned, strict=True)
    )


@cache
def compared_fields(node_class: type[Node]) -> tuple[str, ...]:
    """The names of the fields that equality looks at."""
    return tuple(field.name for field in fields(node_class) if field.kind != "raw")


@cache
def child_fields(node_class: type[Node]) -> tuple[tuple[str, bool], ...]:
    """The fields that hold children, in the schema's order, each with whether it holds a list of them.

    The result type of a node is what is known about it, not a part of it: it is not among its children.
    """
    return tuple(
        (field.name, field.kind != "node")
        for field in fields(node_class)
        if field.is_child and field.name != "resultTypeSpecifier"
    )


def children(node: Node) -> Iterator[Node]:
    """The nodes directly below `node`, in the schema's order."""
    for name, is_list in child_fields(type(node)):
        child = getattr(node, name)
        if is_list:
            yield from child
        elif child is not None:
            yield child


def walk(node: Node) -> Iterator[Node]:
    """`node` and all below it, parents before children, in document order; any depth."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield current
        waiting.extend(reversed(tuple(children(current))))


def replace(node: AnyNode, **changes: Any) -> AnyNode:
    """A copy of `node` with some fields changed."""
    return cast(AnyNode, msgspec.structs.replace(cast(Any, node), **changes))


def transform(node: Node, change: Callable[[Node], Node]) -> Node:
    """`change` applied to every node from the leaves up; unchanged sub-trees are shared, nothing is altered."""
    changed: dict[str, Any] = {}
    for name, is_list in child_fields(type(node)):
        child = getattr(node, name)
        if is_list:
            parts = [transform(part, change) for part in child]
            if any(new is not old for new, old in zip(parts, child, strict=True)):
                changed[name] = parts
        elif child is not None:
            part = transform(child, change)
            if part is not child:
                changed[name] = part
    return change(replace(node, **changed) if changed else node)


_KNOWLEDGE = ("localId", "locator", "annotation", "resultTypeName", "resultTypeSpecifier")


def _bare(node: Node) -> Node:
    if not isinstance(node, Element) or all(getattr(node, name) is None for name in _KNOWLEDGE):
        return node
    return replace(node, **dict.fromkeys(_KNOWLEDGE))


def bare(node: Node) -> Node:
    """`node` with positions, annotations and result types removed throughout: what it means and nothing else."""
    return transform(node, _bare)
