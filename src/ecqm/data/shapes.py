"""NDJSON of one resource type parsed straight into Arrow arrays, with the types that FHIR gives to what occurs in it.

Arrow's reader makes no Python objects, but has to be told every field beforehand, and each takes time for every
resource, there or not. So the *shape* of a type, the fields that it was seen to have, is learned: from a sample first,
and from everything when the reader meets a field that it was not told of.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from pyarrow import json as arrow_json

from ecqm.data.schema import FhirSchema

# Digits after the point that fast parsing has room for; 64 bits hold ten more before it.
DECIMAL_SCALE = 8
_ARROW_TYPES = {
    "Boolean": pa.bool_(),
    "Integer": pa.int64(),
    "Decimal": pa.decimal128(38, DECIMAL_SCALE),
}
_SAMPLE = 200
_BLOCK = 1 << 20

# The fields that objects have, by name; those of a primitive are empty.
Shape = dict[str, Any]


class NotPlain(Exception):
    """Data that are outside of what is made straight from Arrow's arrays: they take the general way."""


class ShapedParser:
    """Parses lines of JSON by resource type, and remembers the shapes that it learned."""

    def __init__(self, schema: FhirSchema) -> None:
        self._schema = schema
        self._shapes: dict[str, Shape] = {}

    def parse(self, resource_type: str, lines: pa.Array) -> pa.Table:
        """A table with one row per line (each a resource of this type, with its newline) and one column per field.

        Raises NotPlain for what is no NDJSON, has fields that FHIR does not know, values of other types than FHIR
        gives them, numbers beyond DECIMAL_SCALE digits, or contained resources.
        """
        content = _content(lines)
        shape = self._shapes.get(resource_type) or _learned(lines[:_SAMPLE], {})
        try:
            parsed = self._parsed(resource_type, content, shape, len(lines))
        except pa.ArrowInvalid as error:
            if "unexpected field" not in str(error):
                raise NotPlain(str(error)) from error
            shape = _learned(lines, shape)
            try:
                parsed = self._parsed(resource_type, content, shape, len(lines))
            except pa.ArrowInvalid as error:
                raise NotPlain(str(error)) from error
        # Only now: the shape of what is not plain would spoil all that comes after.
        self._shapes[resource_type] = shape
        return parsed

    def _parsed(self, resource_type: str, content: pa.Buffer, shape: Shape, n: int) -> pa.Table:
        table = arrow_json.read_json(
            pa.BufferReader(content),
            read_options=arrow_json.ReadOptions(use_threads=False, block_size=_BLOCK),
            parse_options=arrow_json.ParseOptions(
                explicit_schema=pa.schema(list(self._fields(resource_type, shape))), unexpected_field_behavior="error"
            ),
        )
        if len(table) != n:
            raise NotPlain("other than one resource per line")
        return table.combine_chunks()

    def _fields(self, type_name: str, shape: Shape) -> Iterator[tuple[str, pa.DataType]]:
        known = {
            json_name: (element_type, element.repeated)
            for element in self._schema.elements(type_name)
            for json_name, element_type in element.json_names
        }
        for name, inner in shape.items():
            if name == "resourceType":
                yield name, pa.utf8()
                continue
            element_type, repeated = known.get(name.removeprefix("_"), (None, False))
            if element_type is None or element_type == "Resource" or name == "contained":
                raise NotPlain(f"{type_name} with {name}")
            primitive = self._schema.primitive(element_type)
            if name.startswith("_"):
                type_: pa.DataType = pa.struct(list(self._fields("Element", inner)))
            elif primitive is not None:
                type_ = _ARROW_TYPES.get(primitive, pa.utf8())
            else:
                type_ = pa.struct(list(self._fields(element_type, inner)))
            yield name, pa.list_(type_) if repeated else type_


def _content(lines: pa.Array) -> pa.Buffer:
    """The bytes of all lines, one after the other."""
    _, offsets, data = lines.buffers()
    ends = np.frombuffer(offsets, np.int64)[lines.offset : lines.offset + len(lines) + 1]
    content = data.slice(int(ends[0]), int(ends[-1] - ends[0]))
    text = np.frombuffer(content, np.uint8)
    if not (text[ends[1:] - ends[0] - 1] == ord("\n")).all() or np.count_nonzero(text == ord("\n")) != len(lines):
        raise NotPlain("a resource on several lines")
    if (text >= 128).any():
        try:
            str(content, "utf-8")
        except UnicodeDecodeError as error:
            raise NotPlain(str(error)) from error
    return content


def _learned(lines: pa.Array, known: Shape) -> Shape:
    """A known shape with what lines have beyond it."""
    shape = deepcopy(known)
    try:
        for line in lines.to_pylist():
            _learn(msgspec.json.decode(line), shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotPlain(str(error)) from error
    return shape


def _learn(value: Any, shape: Shape) -> None:
    if isinstance(value, dict):
        for name, inner in value.items():
            known = shape.get(name)
            if known is None:
                known = shape[name] = {}
            if isinstance(inner, (dict, list)):
                _learn(inner, known)
    elif isinstance(value, list):
        for item in value:
            _learn(item, shape)
