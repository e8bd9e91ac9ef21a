"""NDJSON of one resource type parsed straight into Arrow arrays, with the types that FHIR gives to what occurs in it.

The reader (arrow-rs, by way of arro3) makes no Python objects, but has to be told every field beforehand, and each
takes time for every resource, there or not. So the *shape* of a type, the fields that it was seen to have, is learned:
from a sample first, and then from what had fields that the reader was not told of. It passes over these without a
word; that it did is seen by counting: each key and each string of JSON has its own pair of quotes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from arro3.io import read_json

from ecqm.columns import Rows
from ecqm.data.jsontext import count_quotes, has_plain_characters, has_plain_numbers
from ecqm.data.nested import Arrays, fields_of, items_of
from ecqm.data.schema import FhirSchema
from ecqm.kernels.isodates import Bytes

# Digits after the point that there is room for: as many as a number of `ecqm.data.jsontext` may have.
DECIMAL_SCALE = 18
_ARROW_TYPES = {
    "Boolean": pa.bool_(),
    "Integer": pa.int64(),
    "Decimal": pa.decimal128(38, DECIMAL_SCALE),
}
_SAMPLE = 64
# Resources that are parsed at a time (a processor's cache holds as many), and looked at for fields to learn.
_AT_A_TIME = 2048
_FEW = 64

# The fields that objects have, by name; those of a primitive are empty.
Shape = dict[str, Any]


class NotPlain(Exception):
    """Data that are outside of what is made straight from Arrow's arrays: they take the general way."""


@dataclass(frozen=True)
class _Lines:
    """Lines of JSON, row i the bytes `ends[i]` to `ends[i + 1]` of a text."""

    content: pa.Buffer
    ends: Rows

    @classmethod
    def of(cls, lines: pa.Array) -> _Lines:
        """Those of an array, which are one after the other. Raises NotPlain."""
        _, offsets, data = lines.buffers()
        ends = np.frombuffer(offsets, np.int64)[lines.offset : lines.offset + len(lines) + 1]
        made = cls(data.slice(int(ends[0]), int(ends[-1] - ends[0])), ends - ends[0])
        if not (np.frombuffer(made.content, np.uint8)[made.ends[1:] - 1] == ord("\n")).all():
            raise NotPlain("a resource without a line of its own")
        if not all(has_plain_characters(text) for text in made.texts()):
            raise NotPlain("rare characters, written as escapes")
        return made

    def __len__(self) -> int:
        return len(self.ends) - 1

    def text(self, rows: slice) -> Bytes:
        """The bytes of some rows."""
        return np.frombuffer(self.content, np.uint8)[self.ends[rows.start] : self.ends[min(rows.stop, len(self))]]

    def texts(self) -> Iterator[Bytes]:
        """All bytes, those of some rows at a time."""
        return (self.text(slice(start, start + _AT_A_TIME)) for start in range(0, len(self), _AT_A_TIME))

    def passed_over(self, batches: Sequence[pa.RecordBatch]) -> list[slice]:
        """Rows that have more strings than what was parsed of them, a few together."""
        found = []
        start = 0
        for batch in batches:
            if not self._is_complete(batch, start):
                places = range(0, len(batch), _FEW)
                found += [
                    slice(start + place, start + place + _FEW)
                    for place in places
                    if not self._is_complete(batch.slice(place, _FEW), start + place)
                ]
            start += len(batch)
        return found

    def _is_complete(self, batch: pa.RecordBatch, start: int) -> bool:
        return 2 * _strings(batch.columns) == count_quotes(self.text(slice(start, start + len(batch))))


class ShapedParser:
    """Parses lines of JSON by resource type, and remembers the shapes that it learned."""

    def __init__(self, schema: FhirSchema) -> None:
        self._schema = schema
        self._learned: dict[str, tuple[Shape, pa.Schema]] = {}

    def parse(self, resource_type: str, lines: pa.Array) -> dict[str, pa.Array]:
        """An array for each field of some lines (each a resource of this type in valid JSON, with its newline).

        Raises NotPlain for other than one resource per line, for fields that FHIR does not know, values of other types
        than FHIR gives them, nulls, a field twice, numbers that are not plain, and contained resources.
        """
        text = _Lines.of(lines)
        if resource_type not in self._learned:
            self._learn(resource_type, lines.take(pa.array(np.arange(0, len(lines), 1 + len(lines) // _SAMPLE))))
        batches = self._parsed(resource_type, text)
        if unseen := text.passed_over(batches):
            self._learn(resource_type, pa.concat_arrays([lines[rows] for rows in unseen]))
            batches = self._parsed(resource_type, text)
            if text.passed_over(batches):
                raise NotPlain(f"{resource_type} with a field twice, or null")
        table = pa.Table.from_batches(batches).combine_chunks()
        arrays = {name: table[name].chunk(0) for name in table.column_names}
        integers = set(_filled(arrays, pa.types.is_integer))
        has_numbers = integers or any(_filled(arrays, pa.types.is_decimal))
        if has_numbers and not all(has_plain_numbers(part, integers) for part in text.texts()):
            raise NotPlain(f"{resource_type} with numbers that are not plain")
        return arrays

    def _learn(self, resource_type: str, lines: pa.Array) -> None:
        """Add what lines have to the shape of their type."""
        shape = deepcopy(self._learned[resource_type][0]) if resource_type in self._learned else {}
        try:
            for line in lines.to_pylist():
                _learn(msgspec.json.decode(line), shape)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise NotPlain(str(error)) from error
        self._learned[resource_type] = shape, pa.schema(list(self._fields(resource_type, shape)))

    def _parsed(self, resource_type: str, lines: _Lines) -> list[pa.RecordBatch]:
        try:
            reader = read_json(
                pa.BufferReader(lines.content), schema=self._learned[resource_type][1], batch_size=_AT_A_TIME
            )
            parsed = pa.table(reader.read_all())
        except Exception as error:
            # The reader has no errors of its own.
            raise NotPlain(str(error)) from error
        if len(parsed) != len(lines):
            raise NotPlain("other than one resource per line")
        return parsed.to_batches()  # type: ignore[no-any-return]

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


def _strings(arrays: Sequence[pa.Array]) -> int:
    """How many keys and strings the objects with some fields have, all the way down."""
    return sum(len(array) - array.null_count + _strings_within(array) for array in arrays)


def _strings_within(array: pa.Array) -> int:
    if pa.types.is_struct(array.type):
        return _strings([*fields_of(array).values()])
    if pa.types.is_list(array.type):
        return _strings_within(items_of(array))
    return len(array) - array.null_count if pa.types.is_string(array.type) else 0


def _filled(arrays: Arrays, is_wanted: Callable[[pa.DataType], bool]) -> Iterator[str]:
    """The names of fields that have values of some type, all the way down."""
    for name, array in arrays.items():
        values = items_of(array) if pa.types.is_list(array.type) else array
        if pa.types.is_struct(values.type):
            yield from _filled(fields_of(values), is_wanted)
        elif is_wanted(values.type) and values.null_count < len(values):
            yield name
