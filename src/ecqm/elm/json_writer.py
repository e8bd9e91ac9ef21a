"""Writing ELM as JSON. Values that equal the schema's default, and empty lists, are omitted."""

from __future__ import annotations

from typing import Any

import msgspec

from ecqm.elm.nodes import Library, Node, fields

_encode = msgspec.json.Encoder(decimal_format="number").encode


def write_json(library: Library, *, indent: int | None = None) -> bytes:
    """The ELM JSON document of a library, on one line unless `indent` is given."""
    document = _encode({"library": to_json(library, "Library")})
    return document if indent is None else msgspec.json.format(document, indent=indent)


def to_json(node: Node, declared: str) -> dict[str, Any]:
    """A node as a JSON object. `type` is omitted if it is the type `declared` by the schema."""
    name = type(node).__name__
    data: dict[str, Any] = {} if name == declared else {"type": name}
    for field in fields(type(node)):
        value = getattr(node, field.name)
        if value is None or value == field.default:
            continue
        match field.kind:
            case "node":
                data[field.elm_name] = to_json(value, field.declared)
            case "nodes":
                data[field.elm_name] = [to_json(part, field.declared) for part in value]
            case "defs":
                data[field.elm_name] = {"def": [to_json(part, field.declared) for part in value]}
            case _:
                data[field.elm_name] = value
    return data
