"""Reading ELM from JSON, as the reference translators write it and as measures are published.

Published libraries deviate from the schema. The reader accepts

- duplicate keys (`"type": "ChoiceTypeSpecifier", "type": []`): the string is the node type, the list the alternatives;
  also if another program has kept only the list;
- children without a `type` where the schema allows only one type, and a single child in place of a list;
- attributes given as null, and booleans and numbers given as strings.

Keys that ELM does not define are reported and ignored.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from ecqm.elm.errors import ElmError
from ecqm.elm.nodes import Field, Library, Node
from ecqm.elm.schema import (
    MAX_NESTING,
    OLDER_NAMES,
    TOO_DEEP,
    attribute_value,
    build,
    located,
    node_declaration,
    read_library,
    unknown_key,
)

_TYPE_GIVEN_AS_LIST = re.compile(rb'"type"\s*:\s*\[')
_decode = msgspec.json.Decoder(float_hook=Decimal).decode


def read_json(data: bytes | str, notes: list[str] | None = None) -> Library:
    """The library in an ELM JSON document.

    `notes` collects a message for each key that ELM does not define. Raises ElmError, with the library and the place,
    if the document is truncated, nested too deeply, or not ELM.
    """
    document = _load(data.encode() if isinstance(data, str) else data)
    root = document.get("library", document) if isinstance(document, dict) else None
    if not isinstance(root, dict) or "identifier" not in root:
        raise ElmError("not an ELM library: no `library` with an `identifier`")
    return read_library(root["identifier"], lambda found: _JsonReader(found).node(root, "Library", 0), notes)


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
    """A JSON object whose `type` is the node type, even if the key `type` also has a list."""
    result = dict(pairs)
    if len(result) < len(pairs):
        for key, value in pairs:
            if key == "type" and isinstance(value, str):
                result["type"] = value
            elif key == "type" and value and not result.get("choice"):
                result["choice"] = value
    return result


def _type_name(given: Any, declared: str) -> str:
    """The type of a node whose key `type` is `given`, where the schema declares the type `declared`."""
    if type(given) is str:
        return given
    return "ChoiceTypeSpecifier" if type(given) is list and declared == "TypeSpecifier" else declared


class _JsonReader:
    def __init__(self, notes: list[str]) -> None:
        self._notes = notes

    def node(self, data: Any, declared: str, depth: int) -> Node:
        """The node in `data`, where the schema declares the type `declared`. Recurses once per level of nesting."""
        if depth > MAX_NESTING:
            raise ElmError(TOO_DEEP)
        if type(data) is not dict:
            raise ElmError(f"expected a node of type {declared}, found {data!r}")
        type_name = _type_name(data.get("type"), declared)
        try:
            node_class, known = node_declaration(type_name, declared)
            values: dict[str, Any] = {}
            for key, value in data.items():
                if value is None or (key == "type" and type(value) is str):
                    continue
                field = known.get(key) or self._older(node_class, key, data, known)
                if field is None:
                    self._notes.append(unknown_key(type_name, key, data))
                    continue
                kind = field.kind
                if kind == "node":
                    values[field.name] = self.node(value, field.declared, depth + 1)
                elif kind == "text" and type(value) is str:
                    values[field.name] = value
                elif kind == "nodes" or kind == "defs":
                    listed = value.get("def", []) if kind == "defs" and type(value) is dict else value
                    parts = listed if type(listed) is list else (listed,)
                    values[field.name] = [self.node(part, field.declared, depth + 1) for part in parts]
                elif kind == "raw":
                    values[field.name] = value
                else:
                    values[field.name] = attribute_value(field, value)
            return build(node_class, values)
        except ElmError as error:
            raise located(error, type_name, data) from None

    def _older(
        self, node_class: type[Node], key: str, data: dict[str, Any], known: Mapping[str, Field]
    ) -> Field | None:
        """The field that `key` is a former name of, unless the current name is present too."""
        present = OLDER_NAMES.get(node_class.__name__, {}).get(key)
        return known[present] if present and not data.get(present) else None
