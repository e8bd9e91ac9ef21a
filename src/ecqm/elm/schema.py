"""The common parts of the readers and writers of ELM in JSON and XML."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any

from ecqm.elm import nodes
from ecqm.elm.errors import ElmError
from ecqm.elm.nodes import Field, Library, Node, fields

ELM = "urn:hl7-org:elm:r1"
ANNOTATIONS = "urn:hl7-org:cql-annotations:r1"
XSI = "http://www.w3.org/2001/XMLSchema-instance"

OLDER_NAMES: dict[str, dict[str, str]] = {
    "ChoiceTypeSpecifier": {"type": "choice"},
    "TupleElementDefinition": {"type": "elementType"},
}
"""Former names of fields in drafts of ELM r1, by node type; used if the current name is absent."""

MAX_NESTING = 250
"""The limit for nested expressions. Published libraries have at most 63 levels; XML parsers stop at 256."""

TOO_DEEP = f"expressions are nested too deeply (more than {MAX_NESTING} levels)"

Declaration = tuple[type[Node], dict[str, Field]]


@cache
def node_declaration(type_name: str, declared: str) -> Declaration:
    """The class `type_name`, which must be `declared` or a subclass, and its fields by ELM name. Raises ElmError."""
    try:
        found = nodes.node_class(type_name.rpartition(":")[2])
    except KeyError:
        if type_name == declared:
            raise ElmError(f"a node of type {declared} needs a more specific type") from None
        raise ElmError(f"unknown node type {type_name!r}") from None
    if not issubclass(found, getattr(nodes, declared)):
        raise ElmError(f"expected a node of type {declared}, found {type_name}")
    return found, {field.elm_name: field for field in fields(found)}


_TRUTH = {"true": True, "false": False, "1": True, "0": False}


def _number(value: str | int | Decimal) -> Decimal | None:
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def attribute_value(field: Field, value: Any) -> Any:
    """The value of an attribute, given as a string or a JSON value. Raises ElmError."""
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
    raise ElmError(f"attribute {field.elm_name!r} must be {_KIND_NAMES[kind]}, found {value!r}")


_KIND_NAMES = {"text": "a string", "qname": "the name of a type", "boolean": "a boolean", "decimal": "a number"}


def build(node_class: type[Node], values: dict[str, Any]) -> Node:
    """The node with these field values. Raises ElmError if a required field is missing."""
    try:
        return node_class(**values)
    except TypeError as error:
        missing = [f.elm_name for f in fields(node_class) if f.name not in values and f.is_required]
        if not missing:
            raise
        raise ElmError(f"{node_class.__name__} has no {', '.join(missing)}") from error


def read_library(identifier: Any, read: Callable[[list[str]], Node], notes: list[str] | None) -> Library:
    """The library that `read` returns. `read` takes a list to which it adds a message for each key that it ignores;
    those are added to `notes`, with the name of the library. Errors get this name, too.

    `identifier` is the library's, as it is written; it may be malformed. Raises ElmError.
    """
    name = _label(identifier)
    found: list[str] = []
    try:
        library = read(found)
    except ElmError as error:
        raise ElmError(error.message, library=name, where=error.where) from None
    if notes is not None:
        notes.extend(f"{name}: {note}" for note in found)
    assert isinstance(library, Library)
    return library


def _label(identifier: Any) -> str:
    known = identifier if isinstance(identifier, dict) else {}
    return " ".join(str(known[key]) for key in ("id", "version") if known.get(key)) or "library without a name"


def located(error: ElmError, type_name: str, attributes: Mapping[str, Any]) -> ElmError:
    """`error` with the place of the innermost node that has one, and of the definition that contains it."""
    where = error.where or _place(type_name, attributes)
    if type_name in ("ExpressionDef", "FunctionDef"):
        where = ", ".join(filter(None, (f"define {attributes.get('name')!r}", where)))
    return ElmError(error.message, where=where)


def unknown_key(type_name: str, key: str, attributes: Mapping[str, Any]) -> str:
    """The message about a key or element of a node that ELM does not define."""
    return f"{_place(type_name, attributes) or type_name}: unknown ELM attribute {key!r}, ignored"


def _place(type_name: str, attributes: Mapping[str, Any]) -> str | None:
    """A node in messages: by its locator or localId; None if it has neither."""
    locator, local_id = attributes.get("locator"), attributes.get("localId")
    if isinstance(locator, str) and locator:
        return f"{type_name} at {locator}"
    return f"{type_name} with localId {local_id}" if local_id else None
