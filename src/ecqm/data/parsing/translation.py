"""From the arrays of Arrow's JSON parser to the arrays of the store, without a Python object per value.

The outcome is what `ecqm.data.cohort.elements` and `ecqm.data.store.arrow.to_arrow` make of the same JSON, element by
element. What plain arrays cannot hold raises NotPlain; the shard is then built the other way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ecqm.columns import Mask, Rows
from ecqm.data.cohort.elements import fhir_type
from ecqm.data.fhir.demand import Demand
from ecqm.data.fhir.schema import Element, FhirSchema
from ecqm.data.fhir.structs import CODED_TYPES
from ecqm.data.parsing.encoding import CodeNumbers, Encodings, numbers_of
from ecqm.data.parsing.nested import Arrays, fields_of, items_of, offsets_of, overlaid
from ecqm.data.parsing.plain import NotPlain
from ecqm.data.parsing.primitives import Primitives
from ecqm.data.store.arrow import Layout, Stored, nulls_of, present, struct
from ecqm.terminology import NO_CODE
from ecqm.types import choice_of, parse_type


class References(NamedTuple):
    """The references in one element (`path`): their texts, and the row of the table that each is in."""

    path: str
    texts: pa.Array
    rows: Rows


class Translation:
    """Translates the elements of resources of one type, and collects the `references` among them."""

    def __init__(
        self, demand: Demand, schema: FhirSchema, codes: CodeNumbers, default_offset: int, encodings: Encodings
    ) -> None:
        self._demand = demand
        self._schema = schema
        self._codes = codes
        self._encodings = encodings
        self._primitives = Primitives(default_offset, encodings)
        self.references: list[References] = []

    @property
    def problems(self) -> list[tuple[int, str]]:
        """Problems with values: the rows of the table that they are in, and messages."""
        return self._primitives.problems

    def elements(self, type_name: str, arrays: Arrays, rows: Rows, path: str = "") -> Iterator[tuple[str, Stored]]:
        """The stored form of each demanded element that occurs, by name; `rows` are the table rows of the values. Of a
        coded type, of those elements that are stored beside the codes."""
        held = CODED_TYPES.get(type_name, ())
        for element in self._demand.elements(self._schema, type_name):
            if element.name in held:
                continue
            place = f"{path}.{element.name}".removeprefix(".")
            types = {name: type_ for name, type_ in element.json_names if name in arrays}
            if types:
                stored = self._alternatives(element, types, arrays, rows, place)
                if stored is not None:
                    yield element.name, stored
            if self._demand.reads_extensions(type_name):
                # Under the path with an underscore, as in `Elements`.
                sibling = self._sibling(
                    element, arrays, rows, f"{path}._{element.name}" if path else f"_{element.name}"
                )
                if sibling is not None:
                    yield "_" + element.name, sibling

    def _alternatives(
        self, element: Element, types: Mapping[str, str], arrays: Arrays, rows: Rows, path: str
    ) -> Stored | None:
        made = [
            stored
            for name, type_name in types.items()
            if (stored := self._values(arrays[name], type_name, element.repeated, rows, path)) is not None
        ]
        if len(made) < 2:
            return made[0] if made else None
        tag = np.full(len(rows), -1, np.int8)
        for number, (array, layout) in enumerate(made):
            there = present(array, layout)
            again = there & (tag >= 0)
            if again.any():
                # FHIR forbids several types at once: the first one counts.
                made[number] = _without(array, layout, again), layout
            tag[there & ~again] = number
        parts = {"tag": pa.array(tag), **{str(number): array for number, (array, _) in enumerate(made)}}
        layouts = [layout for _, layout in made]
        type_ = choice_of(parse_type(layout["type"]) for layout in layouts)
        return struct(parts), {"layout": "choice", "alternatives": layouts, "type": str(type_)}

    def _values(self, array: pa.Array, type_name: str, repeated: bool, rows: Rows, path: str) -> Stored | None:
        if repeated:
            return _list(array, rows, lambda items, places: self._items(items, type_name, places, path))
        return self._single(array, type_name, rows, path)

    def _items(self, items: pa.Array, type_name: str, places: Rows, path: str) -> Stored | None:
        stored = self._single(items, type_name, places, path)
        if stored is None and len(items):
            return pa.nulls(len(items)), {"layout": "null", "type": str(fhir_type(type_name))}
        return stored

    def _single(self, array: pa.Array, type_name: str, rows: Rows, path: str) -> Stored | None:
        if array.null_count == len(array):
            return None
        type_ = str(fhir_type(type_name))
        if type_name == "CodeableConcept":
            return self._concept(array, type_, rows, path)
        if type_name == "Coding":
            return self._coding(array, type_, rows, path)
        primitive = self._schema.primitive(type_name)
        if primitive is None:
            return self._record(array, nulls_of(array), type_name, rows, path)
        stored, layout = self._primitives.stored(array, primitive, rows)
        return stored, {**layout, "type": type_}

    def _record(self, array: pa.Array, nulls: Mask, type_name: str, rows: Rows, path: str) -> Stored:
        fields = fields_of(array)
        if type_name == "Reference" and "reference" in fields:
            self.references.append(References(path, fields["reference"], rows))
        made = dict(self.elements(type_name, fields, rows, path))
        layout = {
            "layout": "record",
            "fields": {name: layout for name, (_, layout) in made.items()},
            "type": str(fhir_type(type_name)),
        }
        if not made:
            return pa.array(~nulls), layout
        return struct({name: stored for name, (stored, _) in made.items()}, nulls), layout

    def _sibling(self, element: Element, arrays: Arrays, rows: Rows, path: str) -> Stored | None:
        laden = []
        for json_name, type_name in element.json_names:
            name = "_" + json_name
            if self._schema.primitive(type_name) and name in arrays and _has_id_or_extension(arrays[name]):
                laden.append(arrays[name])
        if not laden:
            return None

        def record(items: pa.Array, places: Rows) -> Stored | None:
            bare = np.ones(len(items), np.bool_)
            for name in ("id", "extension"):
                if name in (fields := fields_of(items)):
                    bare &= nulls_of(fields[name])
            return None if bare.all() else self._record(items, bare, "Element", places, path)

        return _list(laden[0], rows, record) if element.repeated else record(overlaid(laden, ("id", "extension")), rows)

    def _beside(
        self, array: pa.Array, type_name: str, rows: Rows, path: str, parts: dict[str, pa.Array]
    ) -> dict[str, Layout]:
        """The entry of a layout for what values of a coded type hold beside their codes, which is added to `parts`."""
        fields = fields_of(array)
        bare = np.ones(len(array), np.bool_)
        for element in self._demand.elements(self._schema, type_name):
            if element.name in fields and element.name not in CODED_TYPES[type_name]:
                bare &= nulls_of(fields[element.name])
        if bare.all():
            return {}
        parts["beside"], layout = self._record(array, bare, type_name, rows, path)
        return {"beside": layout}

    def _concept(self, array: pa.Array, type_: str, rows: Rows, path: str) -> Stored:
        fields = fields_of(array)
        coding = fields.get("coding")
        if coding is None:
            offsets, items = np.zeros(len(array) + 1, np.int64), pa.array([], pa.struct([]))
        else:
            offsets, items = offsets_of(coding), items_of(coding)
        of_items = np.repeat(rows, np.diff(offsets))
        codes, layout = self._coding(items, "FHIR.Coding", of_items, f"{path}.coding")
        parts = {"codes": pa.LargeListArray.from_arrays(pa.array(offsets), codes)}
        if "text" in fields and fields["text"].null_count < len(array):
            parts["display"] = self._primitives.texts(fields["text"])
        beside = self._beside(array, "CodeableConcept", rows, path, parts)
        return struct(parts, nulls_of(array)), {"layout": "concept", "codes": layout, "type": type_, **beside}

    def _coding(self, array: pa.Array, type_: str, rows: Rows, path: str) -> Stored:
        fields = fields_of(array)
        parts = {"id": pa.array(self._code_ids(fields, len(array)))}
        for name in ("display", "version"):
            if name in fields and fields[name].null_count < len(array):
                parts[name] = self._primitives.texts(fields[name])
        beside = self._beside(array, "Coding", rows, path, parts)
        return struct(parts), {"layout": "code", "type": type_, **beside}

    def _code_ids(self, fields: Arrays, n: int) -> npt.NDArray[np.int32]:
        """The numbers of (system, code)."""
        if "code" not in fields:
            return np.full(n, NO_CODE, np.int32)
        code, codes = self._numbered(fields["code"])
        system, systems = self._numbered(fields["system"]) if "system" in fields else (np.full(n, -1), None)
        names = [None] if systems is None else [*systems.to_pylist(), None]
        pairs = np.where(code < 0, -1, system % len(names) * len(codes) + code)
        distinct, places = np.unique(pairs, return_inverse=True)
        ids = np.full(len(distinct), NO_CODE, np.int32)
        of_system, of_code = np.divmod(distinct, max(1, len(codes)))
        for number in np.unique(of_system[distinct >= 0]).tolist():
            those = (of_system == number) & (distinct >= 0)
            ids[those] = self._codes.of(names[number], codes.take(pa.array(of_code[those])))
        return ids[places]

    def _numbered(self, array: pa.Array) -> tuple[Rows, pa.Array]:
        """The number of each string, -1 for null, and the distinct strings."""
        encoded = self._encodings.of(array)
        return numbers_of(encoded), encoded.dictionary


def _list(array: pa.Array, rows: Rows, of_items: Callable[[pa.Array, Rows], Stored | None]) -> Stored | None:
    offsets = offsets_of(array)
    lengths = np.diff(offsets)
    items = items_of(array)
    made = of_items(items, np.repeat(rows, lengths))
    if made is None:
        return None
    values, layout = made
    stored = pa.LargeListArray.from_arrays(pa.array(offsets), values, mask=pa.array(lengths == 0))
    return stored, {"layout": "list", "values": layout, "type": f"List<{layout['type']}>"}


def _without(stored: pa.Array, layout: Layout, rows: Mask) -> pa.Array:
    """Stored values without those in some rows. Raises NotPlain if there may be references among them."""
    if layout["layout"] == "record":
        raise NotPlain("several types at once, one of them an object")
    emptied = stored.take(pa.array(np.arange(len(stored)), mask=rows))
    if layout["layout"] != "code":
        return emptied
    ids = np.where(rows, NO_CODE, stored.field("id").to_numpy()).astype(np.int32)
    parts = {field.name: emptied.field(place) for place, field in enumerate(emptied.type)}
    return struct({**parts, "id": pa.array(ids)})


def _has_id_or_extension(array: pa.Array) -> bool:
    type_ = array.type.value_type if pa.types.is_list(array.type) else array.type
    return any(field.name in ("id", "extension") for field in type_)
