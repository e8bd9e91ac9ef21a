"""What the readers and writers of both spellings of ELM, JSON and XML, have in common."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any

from ecqm.elm import nodes
from ecqm.elm.errors import ElmError
from ecqm.elm.nodes import Field, Node, fields

ELM = "urn:hl7-org:elm:r1"
ANNOTATIONS = "urn:hl7-org:cql-annotations:r1"
XSI = "http://www.w3.org/2001/XMLSchema-instance"

OLDER_NAMES: dict[str, dict[str, str]] = {
    "ChoiceTypeSpecifier": {"type": "choice"},
    "TupleElementDefinition": {"type": "elementType"},
}
"""Fields that earlier drafts of ELM r1 named otherwise, by node type; used where the present name is absent."""

MAX_NESTING = 250
"""How deep expressions may be nested. The deepest that was ever published is 63; and XML parsers stop at 256."""

TOO_DEEP = f"expressions are nested too deeply (more than {MAX_NESTING} levels)"

Declaration = tuple[type[Node], dict[str, Field]]


@cache
def node_declaration(type_name: str, declared: str) -> Declaration:
    """The class named `type_name`, which must be one that `declared` admits, and its fields by ELM name."""
    try:
        found = nodes.node_class(type_name.rpartition(":")[2])
    except KeyError:
        if type_name == declared:
            raise ElmError(f"a node of {declared} does not say which type it is of") from None
        raise ElmError(f"unknown node type {type_name!r}") from None
    if not issubclass(found, getattr(nodes, declared)):
        raise ElmError(f"{type_name} stands where a node of {declared} belongs")
    return found, {field.elm_name: field for field in fields(found)}


_TRUTH = {"true": True, "false": False, "1": True, "0": False}


def _number(value: str | int | Decimal) -> Decimal | None:
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def attribute_value(field: Field, value: Any) -> Any:
    """The value of an attribute that a document spells as `value` (text, or a value of JSON). Raises ElmError."""
    kind = field.kind
    if (kind == "text" or kind == "qname") and isinstance(value, str):
        return value
    if kind == "boolean":
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value in _TRUTH:
            return _TRUTH[value]
    if kind == "decimal" and isinstance(value, str | int | Decimal) and not isinstance(value, bool):
        number = _number(value)
        if number is not None:
            return number
    raise ElmError(f"attribute {field.elm_name!r} cannot be {value!r}: it is {_KIND_NAMES[kind]}")


_KIND_NAMES = {"text": "text", "qname": "the name of a type", "boolean": "a boolean", "decimal": "a number"}


def build(node_class: type[Node], values: dict[str, Any]) -> Node:
    """The node with these field values. Raises ElmError when one that the schema requires is absent."""
    try:
        return node_class(**values)
    except TypeError as error:
        missing = [f.elm_name for f in fields(node_class) if f.name not in values and f.is_required]
        if not missing:
            raise
        raise ElmError(f"{node_class.__name__} lacks {', '.join(missing)}") from error


def place(type_name: str, locator: Any, local_id: Any) -> str | None:
    """How a message points at a node, if there is anything to point with."""
    if isinstance(locator, str) and locator:
        return f"{type_name} at {locator}"
    return f"{type_name} with localId {local_id}" if local_id else None
