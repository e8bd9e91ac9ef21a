"""NDJSON of one resource type, parsed straight into Arrow arrays with the types that FHIR gives to its fields.

The parser (arrow-rs, through arro3) makes no Python objects, but has to be told every field beforehand, and every field
takes time for every resource, whether it occurs or not. So the *shape* of a type, which is the fields that occur, is
learned: from a sample first, and later from resources with fields that the parser was not told of. It skips such fields
without an error, but they are noticed (`ecqm.data.parsing.completeness`).

Lines that the parser would misread are found, made plain (`ecqm.data.parsing.plain`), and parsed again with the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from arro3.io import read_json

from ecqm.columns import Rows
from ecqm.data.fhir.demand import Demand
from ecqm.data.fhir.schema import fhir_schema
from ecqm.data.fhir.structs import DEEPEST, ResourceStructs, Unreadable, resource_structs
from ecqm.data.parsing.completeness import incomplete_rows, rows_at, rows_with_odd_numbers
from ecqm.data.parsing.json_text import odd_characters
from ecqm.data.parsing.plain import DECIMAL_PRECISION, DECIMAL_SCALE, NotPlain, made_plain, without_contained
from ecqm.kernels.isodates import Bytes

_ARROW_TYPES = {
    "Boolean": pa.bool_(),
    "Integer": pa.int64(),
    "Decimal": pa.decimal128(DECIMAL_PRECISION, DECIMAL_SCALE),
}
# How many resources are examined for new fields.
_SAMPLE = 64
# How many resources, and bytes, are parsed at a time: what a processor's cache holds.
_AT_A_TIME = 2048
_BYTES_AT_A_TIME = 2 << 20
# If no more than one row in so many is odd, the others are not parsed again.
_ODD_ROWS = 32
# How many resources are refused together.
_FEW = 64

# The fields of objects, by name; empty for a primitive.
Shape = dict[str, Any]


@dataclass
class Parsed:
    """The result of parsing n lines: an array (n) for each field, and what does not fit there, by line.

    `unreadable` lines are null in all arrays. Lines that were `made_plain` have only the demanded elements. `contained`
    has the JSON of contained resources.
    """

    arrays: dict[str, pa.Array] = field(default_factory=dict)
    unreadable: dict[int, Unreadable] = field(default_factory=dict)
    made_plain: set[int] = field(default_factory=set)
    contained: dict[int, Sequence[msgspec.Raw]] = field(default_factory=dict)

    def add(self, part: Parsed, lines: Sequence[int]) -> None:
        """Add what was found in some of the lines."""
        self.made_plain |= {lines[row] for row in part.made_plain}
        self.unreadable |= {lines[row]: error for row, error in part.unreadable.items()}
        self.contained |= {lines[row]: raws for row, raws in part.contained.items()}

    def forget(self, lines: Iterable[int]) -> None:
        """Forget what was found in some lines."""
        for line in lines:
            self.made_plain.discard(line)
            self.unreadable.pop(line, None)
            self.contained.pop(line, None)


class _Lines:
    """Lines of JSON, row i the bytes `ends[i]` to `ends[i + 1]` of a text."""

    def __init__(self, array: pa.Array) -> None:
        _, offsets, data = array.buffers()
        ends = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]
        self.content = data.slice(int(ends[0]), int(ends[-1] - ends[0]))
        self.ends = ends - ends[0]
        self.array = array

    def __len__(self) -> int:
        return len(self.array)

    def text(self) -> Bytes:
        """All bytes of the text."""
        return np.frombuffer(self.content, np.uint8)


class _Block:
    """Lines that are parsed together, some of them made plain before."""

    def __init__(self, array: pa.Array, resource_type: str, parser: ShapedParser) -> None:
        self.lines = _Lines(array)
        self.resource_type = resource_type
        self.found = Parsed()
        # Rows that contained resources were to be cut out of.
        self.tried: set[int] = set()
        self._original = array
        self._parser = parser

    def part(self, rows: Sequence[int]) -> _Block:
        """Some of the rows by themselves, as they were at first."""
        return _Block(self._original.take(pa.array(rows)), self.resource_type, self._parser)

    def holding(self, key: str) -> set[int]:
        """The rows that have a key somewhere."""
        rows: Rows = np.flatnonzero(pc.match_substring(self.lines.array, f'"{key}"').to_numpy(zero_copy_only=False))
        return set(rows.tolist())

    def make_plain(self, rows: AbstractSet[int]) -> None:
        """Replace some rows by their plain form."""
        changed = {}
        structs = self._parser.structs(self.resource_type)
        nothing = msgspec.json.encode({"resourceType": self.resource_type}) + b"\n"
        for row in sorted(rows):
            self.found.contained.pop(row, None)
            try:
                changed[row], contained = made_plain(self._original[row].as_py(), structs)
            except Unreadable as error:
                self.found.unreadable[row] = error
                changed[row] = nothing
                continue
            if contained:
                self.found.contained[row] = contained
        self.found.made_plain.update(rows)
        self._change(changed)

    def cut(self, rows: AbstractSet[int]) -> bool:
        """Cut contained resources out of some rows, of which none was cut; is there any that they can be cut out of?"""
        changed = {}
        for row in sorted(rows):
            plain = without_contained(self._original[row].as_py())
            if plain is not None:
                changed[row], self.found.contained[row] = plain
        self.tried |= rows
        self._change(changed)
        return bool(changed)

    def _change(self, changed: dict[int, bytes]) -> None:
        if changed:
            lines = self.lines.array.to_pylist()
            for row, line in changed.items():
                lines[row] = line
            self.lines = _Lines(pa.array(lines, pa.large_binary()))


class ShapedParser:
    """Parses lines of JSON by resource type, and remembers the shapes that it learned."""

    def __init__(self, demand: Demand) -> None:
        """The demand says which elements of lines that are not plain are needed."""
        self._demand = demand
        self._schema = fhir_schema()
        self._learned: dict[str, tuple[Shape, pa.Schema]] = {}

    def structs(self, resource_type: str) -> ResourceStructs:
        """The structs for lines of a type that are not plain. Those of all types would take a while to make."""
        return resource_structs(replace(self._demand, types=frozenset([resource_type])))

    def parse(self, resource_type: str, lines: pa.Array) -> Parsed:
        """Parse lines (large_binary, at least one; each the JSON of a resource of this type).

        Raises NotPlain for numbers with too many digits, strings with a NUL, and types that hold resources
        (Parameters).
        """
        lines = _with_ends(lines)
        if resource_type not in self._learned:
            self._learn(resource_type, lines.take(pa.array(np.arange(0, len(lines), 1 + len(lines) // _SAMPLE))))
        parsed = Parsed()
        tables = []
        at_a_time = max(_SAMPLE, min(_AT_A_TIME, _BYTES_AT_A_TIME * len(lines) // lines.nbytes))
        for start in range(0, len(lines), at_a_time):
            block = _Block(lines.slice(start, at_a_time), resource_type, self)
            tables.append(self._parsed(block))
            parsed.add(block.found, range(start, start + len(block.lines)))
        # Blocks that were parsed after new fields were learned have more of them.
        table = pa.concat_tables(tables, promote_options="permissive").combine_chunks()
        parsed.arrays = {name: table[name].chunk(0) for name in table.column_names}
        return parsed

    def _parsed(self, block: _Block) -> pa.Table:
        if odd := rows_at(odd_characters(block.lines.text()), block.lines.ends):
            block.make_plain(odd)
        if "contained" in self._learned[block.resource_type][0]:
            block.cut(block.holding("contained") - odd)
        plain = block.found.made_plain
        while True:
            batch = self._read(block.resource_type, block.lines)
            if batch is None:
                refused = self._refused(block.resource_type, block.lines)
                if refused <= plain:
                    raise NotPlain(f"{block.resource_type} with what the reader does not take even when it is plain")
                block.make_plain(refused - plain)
                continue
            text, ends = block.lines.text(), block.lines.ends
            odd = incomplete_rows(text, ends, batch) | (rows_with_odd_numbers(text, ends, batch) - plain)
            if not odd:
                return pa.table(batch)
            if len(odd) * _ODD_ROWS <= len(batch):
                return self._parsed_again(block, sorted(odd), batch)
            # Lines that only have new fields are plain: learning the fields is enough.
            looked_at = sorted(odd - plain)[: _SAMPLE // 4] or sorted(odd)
            if self._learn(block.resource_type, block.lines.array.take(pa.array(looked_at))):
                continue
            if odd <= plain:
                raise NotPlain(f"{block.resource_type} with what the reader does not take as it is written")
            if not block.cut(odd - plain - block.tried):
                block.make_plain(odd - plain)

    def _parsed_again(self, block: _Block, rows: Sequence[int], batch: pa.RecordBatch) -> pa.Table:
        """What was parsed, with some of the rows parsed once more, by themselves."""
        part = block.part(rows)
        parsed = self._parsed(part)
        block.found.forget(rows)
        block.found.add(part.found, rows)
        joined = pa.concat_tables([pa.table(batch), parsed], promote_options="permissive")
        pieces, done = [], 0
        for place, row in enumerate(rows):
            pieces += [joined.slice(done, row - done), joined.slice(len(batch) + place, 1)]
            done = row + 1
        return pa.concat_tables([*pieces, joined.slice(done, len(batch) - done)])

    def _learn(self, resource_type: str, lines: pa.Array) -> bool:
        """Add the fields of lines to the shape of their type; was any new? Invalid JSON is skipped."""
        known, schema = self._learned.get(resource_type, ({}, pa.schema([])))
        shape = deepcopy(known)
        for line in lines.to_pylist():
            try:
                content = msgspec.json.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                continue
            _learn(content, shape)
        learned = pa.schema(list(self._fields(resource_type, shape)))
        self._learned[resource_type] = shape, learned
        is_new: bool = not learned.equals(schema)
        return is_new

    def _read(self, resource_type: str, lines: _Lines) -> pa.RecordBatch | None:
        """Lines as the parser reads them; None if it refuses them."""
        try:
            batches = list(map(pa.record_batch, self._reader(resource_type, lines, _AT_A_TIME)))
        except Exception:
            # The parser raises general errors only.
            return None
        return batches[0] if sum(map(len, batches)) == len(lines) else None

    def _refused(self, resource_type: str, lines: _Lines) -> set[int]:
        """The rows that the parser refuses, each with a few others."""
        found: set[int] = set()
        start = 0
        while start < len(lines):
            rest = lines.array.slice(start)
            try:
                for _ in self._reader(resource_type, _Lines(rest), _FEW):
                    start += _FEW
            except Exception:
                found |= set(range(start, min(start + _FEW, len(lines))))
                start += _FEW
        return found or set(range(len(lines)))

    def _reader(self, resource_type: str, lines: _Lines, at_a_time: int) -> Iterable[Any]:
        schema = self._learned[resource_type][1]
        return read_json(pa.BufferReader(lines.content), schema=schema, batch_size=at_a_time)

    def _fields(self, type_name: str, shape: Shape) -> Iterator[tuple[str, pa.DataType]]:
        """The schema for the parser: the fields that FHIR has, without contained resources."""
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
            primitive = None if element_type is None else self._schema.primitive(element_type)
            if element_type is None or name == "contained" or (name.startswith("_") and primitive is None):
                continue
            if element_type == "Resource":
                raise NotPlain(f"{type_name} with {name}")
            if name.startswith("_"):
                type_: pa.DataType = pa.struct(list(self._fields("Element", inner)))
            elif primitive is not None:
                type_ = _ARROW_TYPES.get(primitive, pa.utf8())
            else:
                type_ = pa.struct(list(self._fields(element_type, inner)))
            yield name, pa.list_(type_) if repeated else type_


def _with_ends(lines: pa.Array) -> pa.Array:
    """Lines with a newline at the end of each."""
    made = _Lines(lines)
    if (made.text()[made.ends[1:] - 1] == ord("\n")).all():
        return lines
    newline, nothing = (pa.scalar(text, lines.type) for text in (b"\n", b""))
    return pc.binary_join_element_wise(lines, newline, nothing)


def _learn(value: Any, shape: Shape, levels: int = DEEPEST) -> None:
    if not levels:
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            known = shape.get(name)
            if known is None:
                known = shape[name] = {}
            if isinstance(inner, (dict, list)):
                _learn(inner, known, levels - 1)
    elif isinstance(value, list):
        for item in value:
            _learn(item, shape, levels - 1)
