"""The base of all ELM nodes: records of declared fields that can be compared, printed and walked generically.

A node class follows the declaration of its type in the ELM schema (urn:hl7-org:elm:r1). Fields have the names of the
schema, and the annotation of a field says how it is stored:

    name: str                          a required attribute
    precision: str | None = None       an optional attribute
    distinct: bool = True              an attribute with the schema's default
    valueType: QName                   an attribute that names a type, kept as `{namespace}local`
    source: Expression                 one child node
    operand: list[Expression] = []     any number of child nodes
    statements: Defs[ExpressionDef]    child nodes wrapped in an element of `def`s
    annotation: Raw                    kept as it was read, without interpretation

A field whose ELM name is a Python keyword has a trailing underscore (`return_`). Readers and writers derive everything
from these declarations.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias, TypeVar, cast, dataclass_transform

import msgspec

QName: TypeAlias = str
Raw: TypeAlias = Any

_T = TypeVar("_T")
Defs: TypeAlias = list[_T]


@dataclass_transform(kw_only_default=True, eq_default=False)
class _NodeMeta(msgspec.StructMeta):
    """Gives all node classes the same record settings, so that a declaration has only fields."""

    def __new__(mcls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> _NodeMeta:  # noqa: PYI034
        return super().__new__(mcls, name, bases, namespace, kw_only=True, eq=False, repr_omit_defaults=True)


if TYPE_CHECKING:  # type checkers would use the settings of msgspec.Struct instead of those above

    class _Record(metaclass=_NodeMeta):
        __struct_fields__: ClassVar[tuple[str, ...]]
        __struct_defaults__: ClassVar[tuple[Any, ...]]
else:
    _Record = msgspec.Struct


class Node(_Record, metaclass=_NodeMeta):  # noqa: PLW1641 (its class decides)
    """A node of the expression logical model.

    Two nodes are equal if they have the same class and equal fields. Annotations are not compared, because they are
    comments, and differ between JSON and XML. Use `bare` to compare without positions and result types.
    """

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return False
        return all(getattr(self, name) == getattr(other, name) for name in compared_fields(type(self)))

    def __ne__(self, other: object) -> bool:  # the record's own method would compare identities
        return not self == other


AnyNode = TypeVar("AnyNode", bound=Node)


class Element(Node):
    """A node that may have a local id, a locator, annotations and a result type."""

    localId: str | None = None
    locator: str | None = None
    resultTypeName: QName | None = None
    annotation: Raw = None
    resultTypeSpecifier: TypeSpecifier | None = None


class TypeSpecifier(Element):
    """A type in ELM."""


class Expression(Element):
    """A node that has a value."""


class OperatorExpression(Expression):
    """An operator. `signature` holds the operand types of the chosen overload, if they were recorded."""

    signature: list[TypeSpecifier] = []


class UnaryExpression(OperatorExpression):
    operand: Expression


class BinaryExpression(OperatorExpression):
    operand: list[Expression]


class TernaryExpression(OperatorExpression):
    operand: list[Expression]


class NaryExpression(OperatorExpression):
    operand: list[Expression] = []


FieldKind: TypeAlias = Literal["text", "qname", "boolean", "decimal", "raw", "node", "nodes", "defs"]


@dataclass(frozen=True, slots=True)
class Field:
    """A declared field: `name` in Python, `elm_name` in documents.

    `kind` is `text`, `qname`, `boolean` or `decimal` for attributes; `raw`; `node` for one child, `nodes` for a list of
    children, `defs` for a list of children wrapped in `def`s. `declared` is the declared node class of children; a
    child of exactly that class needs no type in a document.
    """

    name: str
    elm_name: str
    kind: FieldKind
    declared: str
    default: Any

    @property
    def is_required(self) -> bool:
        return self.default is REQUIRED

    @property
    def is_child(self) -> bool:
        return self.kind in ("node", "nodes", "defs")


_ATTRIBUTE_KINDS: dict[str, FieldKind] = {
    "str": "text", "QName": "qname", "bool": "boolean", "Decimal": "decimal", "Raw": "raw",
}  # fmt: skip
_DECLARATION = re.compile(r"(?:(list|Defs)\[)?(\w+)\]?(?: \| None)?")
REQUIRED = msgspec.NODEFAULT


def _field(name: str, declaration: str, default: Any) -> Field:
    match = _DECLARATION.fullmatch(declaration)
    if match is None:
        raise TypeError(f"unsupported declaration of field {name!r}: {declaration!r}")
    container, declared = match.groups()
    kind: FieldKind
    if container:
        kind = "defs" if container == "Defs" else "nodes"
    else:
        kind = _ATTRIBUTE_KINDS.get(declared, "node")
    return Field(name, name.rstrip("_"), kind, declared, default)


@cache
def fields(node_class: type[Node]) -> tuple[Field, ...]:
    """The fields of a node class, with those of its base classes first."""
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
    """The names of the fields that are compared for equality."""
    return tuple(field.name for field in fields(node_class) if field.kind != "raw")


@cache
def child_fields(node_class: type[Node]) -> tuple[tuple[str, bool], ...]:
    """The fields with children, in the schema's order: (name, whether it is a list).

    The result type of a node describes it and is not one of its children.
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
    """`node` and all its descendants in document order, parents before children. Works at any depth."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield current
        waiting.extend(reversed(tuple(children(current))))


def replace(node: AnyNode, **changes: Any) -> AnyNode:
    """A copy of `node` with some fields changed."""
    return cast(AnyNode, msgspec.structs.replace(cast(Any, node), **changes))


def transform(node: Node, change: Callable[[Node], Node]) -> Node:
    """A copy with `change` applied to all nodes, leaves first. Unchanged subtrees are shared, not copied."""
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


_DESCRIPTIVE_FIELDS = ("localId", "locator", "annotation", "resultTypeName", "resultTypeSpecifier")


def _bare(node: Node) -> Node:
    if not isinstance(node, Element) or all(getattr(node, name) is None for name in _DESCRIPTIVE_FIELDS):
        return node
    return replace(node, **dict.fromkeys(_DESCRIPTIVE_FIELDS))


def bare(node: Node) -> Node:
    """A copy without positions, annotations and result types, for comparing the meaning of nodes."""
    return transform(node, _bare)
