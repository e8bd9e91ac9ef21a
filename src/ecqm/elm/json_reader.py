"""Reading ELM from JSON, as the reference translators write it and as measures were published with it.

Tolerated, because published libraries have it: keys given twice (`"type": "ChoiceTypeSpecifier", "type": []`, where
the name of the node type is kept and the list is taken as the alternatives) and the same after some other program
kept only the list; children without a `type` where the schema allows only one; one child where there may be many;
attributes given as null, booleans and numbers given as text. What is not of ELM is reported, not kept.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import msgspec

from ecqm.elm.errors import ElmError
from ecqm.elm.nodes import ExpressionDef, Library, Node
from ecqm.elm.schema import MAX_NESTING, OLDER_NAMES, TOO_DEEP, attribute_value, build, node_declaration, place

_TYPE_GIVEN_AS_LIST = re.compile(rb'"type"\s*:\s*\[')
_decode = msgspec.json.Decoder(float_hook=Decimal).decode


def read_json(data: bytes | str, notes: list[str] | None = None) -> Library:
    """The library that an ELM JSON document holds.

    `notes` collects, where given, what was met that ELM does not know. Raises ElmError, naming the library and the
    place, when the document is cut short, nested too deeply, or no ELM.
    """
    document = _load(data.encode() if isinstance(data, str) else data)
    root = document.get("library", document) if isinstance(document, dict) else None
    if not isinstance(root, dict) or "identifier" not in root:
        raise ElmError("not an ELM library: no `library` with an `identifier`")
    name = library_label(root["identifier"])
    found: list[str] = []
    try:
        library = _JsonReader(found).node(root, "Library", 0)
    except ElmError as error:
        raise ElmError(error.message, library=name, where=error.where) from None
    if notes is not None:
        notes.extend(f"{name}: {note}" for note in found)
    assert isinstance(library, Library)
    return library


def library_label(identifier: Any) -> str:
    """How a message names the library with this identifier, whatever state it is in."""
    if not isinstance(identifier, dict):
        return "library without a name"
    return (
        " ".join(str(identifier[key]) for key in ("id", "version") if identifier.get(key)) or "library without a name"
    )


def _load(data: bytes) -> Any:
    try:
        if _TYPE_GIVEN_AS_LIST.search(data):
            return json.loads(data, parse_float=Decimal, object_pairs_hook=_object)
        return _decode(data)
    except RecursionError:
        raise ElmError(TOO_DEEP) from None
    except (msgspec.DecodeError, ValueError) as error:
        raise ElmError(f"not JSON: {error}", where=_failure_position(data)) from None


def _failure_position(data: bytes) -> str | None:
    try:
        json.loads(data)
    except json.JSONDecodeError as error:
        return f"line {error.lineno} column {error.colno} (of {len(data):,} bytes)"
    except (ValueError, RecursionError):
        pass
    return None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object whose `type` names the node type even where a list was given the same key."""
    result = dict(pairs)
    if len(result) < len(pairs):
        for key, value in pairs:
            if key == "type" and isinstance(value, str):
                result["type"] = value
            elif key == "type" and value and not result.get("choice"):
                result["choice"] = value
    return result


class _JsonReader:
    def __init__(self, notes: list[str]) -> None:
        self._notes = notes

    def node(self, data: Any, declared: str, depth: int) -> Node:
        """The node that `data` spells, where the schema declares a `declared`. One frame per level of nesting."""
        if depth > MAX_NESTING:
            raise ElmError(TOO_DEEP)
        type_name = declared
        try:
            if type(data) is not dict:
                raise ElmError(f"{data!r} stands where a node of {declared} belongs")
            given = data.get("type")
            if type(given) is str:
                type_name = given
            elif type(given) is list and declared == "TypeSpecifier":
                type_name = "ChoiceTypeSpecifier"
            node_class, known = node_declaration(type_name, declared)
            values: dict[str, Any] = {}
            for key, value in data.items():
                if value is None or (key == "type" and value is given and type(given) is str):
                    continue
                field = known.get(key) or self._older(node_class, key, data, known)
                if field is None:
                    self._notes.append(_unknown(type_name, key, data))
                    continue
                kind = field.kind
                if kind == "node":
                    values[field.name] = self.node(value, field.declared, depth + 1)
                elif kind == "text" and type(value) is str:
                    values[field.name] = value
                elif kind == "nodes" or kind == "defs":
                    if kind == "defs":
                        value = value.get("def", []) if type(value) is dict else value
                    parts: list[Node] = []
                    for part in value if type(value) is list else (value,):
                        parts.append(self.node(part, field.declared, depth + 1))
                    values[field.name] = parts
                elif kind == "raw":
                    values[field.name] = value
                else:
                    values[field.name] = attribute_value(field, value)
            return build(node_class, values)
        except ElmError as error:
            raise _placed(error, type_name, data) from None

    def _older(self, node_class: type[Node], key: str, data: dict[str, Any], known: dict[str, Any]) -> Any:
        present = OLDER_NAMES.get(node_class.__name__, {}).get(key)
        return known[present] if present and not data.get(present) else None


def _unknown(type_name: str, key: str, data: dict[str, Any]) -> str:
    where = place(type_name, data.get("locator"), data.get("localId")) or type_name
    return f"{where}: {key!r} is not of ELM, left out"


def _placed(error: ElmError, type_name: str, data: Any) -> ElmError:
    """`error` with the place of the innermost node that has one, and of the definition around it."""
    if not isinstance(data, dict):
        return error
    where = error.where or place(type_name, data.get("locator"), data.get("localId"))
    if type_name in (ExpressionDef.__name__, "FunctionDef"):
        where = ", ".join(filter(None, (f"define {data.get('name')!r}", where)))
    return ElmError(error.message, where=where)
