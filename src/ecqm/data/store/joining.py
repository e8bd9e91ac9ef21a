"""Stored columns joined: those of some rows, and of more rows of the same type, as one column.

Both sides are arrays with layouts (`ecqm.data.store.arrow`). Layouts say what occurs, so they may differ: an element, a
field or a type of a choice may be on one side only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ecqm.columns import Mask, Rows
from ecqm.data.cohort.elements import fhir_type
from ecqm.data.fhir.schema import FhirSchema
from ecqm.data.store.arrow import Layout, Stored, nulls_of, present, struct
from ecqm.kernels.calendar import DAY, MILLISECOND
from ecqm.terminology import NO_CODE
from ecqm.types import choice_of, parse_type

Elements = Mapping[str, Stored]
_TEMPORAL = ("date", "time", "dateTime")


class Joining:
    """Joins columns of the types of a schema, which says in which order the types of a choice come."""

    def __init__(self, schema: FhirSchema) -> None:
        self._schema = schema

    def elements(self, type_name: str, one: Elements, n_one: int, other: Elements, n_other: int) -> dict[str, Stored]:
        """The elements of `n_one` and `n_other` values of a FHIR type."""
        types = {
            element.name: [str(fhir_type(name)) for name in element.types]
            for element in self._schema.elements(type_name)
        }
        joined = {}
        for name in dict.fromkeys((*one, *other)):
            first = one[name] if name in one else _blank(*other[name], n_one)
            second = other[name] if name in other else _blank(*one[name], n_other)
            joined[name] = self._joined(first, second, types.get(name, ()))
        return joined

    def _joined(self, one: Stored, other: Stored, types: Sequence[str]) -> Stored:
        """Two columns as one; `types` are those that values of the element may have."""
        (first, layout), (second, its_layout) = one, other
        if layout == its_layout and first.type == second.type:
            return pa.concat_arrays([first, second]), layout
        if layout["layout"] == "null":
            first, layout = _blank(second, its_layout, len(first))
        elif its_layout["layout"] == "null":
            second, its_layout = _blank(first, layout, len(second))
        kind, its_kind = layout["layout"], its_layout["layout"]
        if kind == its_kind == "list":
            return self._list(first, layout, second, its_layout, types)
        if kind != its_kind or kind == "choice" or layout["type"] != its_layout["type"]:
            return self._choice((first, layout), (second, its_layout), types)
        if kind == "record":
            return self._record(first, layout, second, its_layout)
        if kind == "code":
            return self._code(first, layout, second, its_layout)
        if kind == "concept":
            return self._concept(first, layout, second, its_layout)
        if kind == "decimal":
            return _decimals(first, layout, second, its_layout)
        if kind == "string":
            return _texts(first, second), layout
        return pa.concat_arrays([first, second.cast(first.type)]), layout

    def _list(self, one: pa.Array, layout: Layout, other: pa.Array, its_layout: Layout, types: Sequence[str]) -> Stored:
        items, inner = self._joined((_items(one), layout["values"]), (_items(other), its_layout["values"]), types)
        offsets = pa.array(_offsets(one, other))
        joined = pa.LargeListArray.from_arrays(offsets, items, mask=pa.array(_nulls_of_both(one, other)))
        return joined, {"layout": "list", "values": inner, "type": f"List<{inner['type']}>"}

    def _record(self, one: pa.Array, layout: Layout, other: pa.Array, its_layout: Layout) -> Stored:
        type_name = str(layout["type"]).partition(".")[2]
        fields = [
            {name: (array.field(name), inner) for name, inner in about["fields"].items()}
            for array, about in ((one, layout), (other, its_layout))
        ]
        joined = self.elements(type_name, fields[0], len(one), fields[1], len(other))
        valid = np.concatenate([present(one, layout), present(other, its_layout)])
        array = struct({name: array for name, (array, _) in joined.items()}, ~valid)
        return array, {**layout, "fields": {name: inner for name, (_, inner) in joined.items()}}

    def _code(self, one: pa.Array, layout: Layout, other: pa.Array, its_layout: Layout) -> Stored:
        parts = {"id": pa.concat_arrays([one.field("id"), other.field("id")])}
        for name in ("display", "version"):
            if found := _field_of_either(one, other, name):
                parts[name] = _texts(*found)
        beside = self._beside(one, layout, other, its_layout, parts)
        return struct(parts), {"layout": "code", "type": layout["type"], **beside}

    def _concept(self, one: pa.Array, layout: Layout, other: pa.Array, its_layout: Layout) -> Stored:
        lists = [array.field("codes") for array in (one, other)]
        items = [_items(array) for array in lists]
        codes, inner = self._joined((items[0], layout["codes"]), (items[1], its_layout["codes"]), ())
        parts: dict[str, pa.Array] = {"codes": pa.LargeListArray.from_arrays(pa.array(_offsets(*lists)), codes)}
        if found := _field_of_either(one, other, "display"):
            parts["display"] = _texts(*found)
        beside = self._beside(one, layout, other, its_layout, parts)
        return struct(parts, _nulls_of_both(one, other)), {
            "layout": "concept",
            "codes": inner,
            "type": layout["type"],
            **beside,
        }

    def _beside(
        self, one: pa.Array, layout: Layout, other: pa.Array, its_layout: Layout, parts: dict[str, pa.Array]
    ) -> dict[str, Layout]:
        """The entry of a layout for what is beside codes, which is added to `parts`."""
        found = [
            (array.field("beside"), about["beside"]) if "beside" in about else None
            for array, about in ((one, layout), (other, its_layout))
        ]
        known = next((stored for stored in found if stored is not None), None)
        if known is None:
            return {}
        first, second = (
            _blank(*known, len(array)) if stored is None else stored
            for stored, array in zip(found, (one, other), strict=True)
        )
        parts["beside"], inner = self._joined(first, second, ())
        return {"beside": inner}

    def _choice(self, one: Stored, other: Stored, types: Sequence[str]) -> Stored:
        """A column whose values have several types, in the order of `types`."""
        sides = [_alternatives(*one), _alternatives(*other)]
        place = {name: number for number, name in enumerate(types)}
        names = sorted({name for _, found in sides for name in found}, key=lambda name: place.get(name, len(place)))
        parts, layouts = {}, []
        for number, name in enumerate(names):
            known = next(found[name] for _, found in sides if name in found)
            first, second = (found[name] if name in found else _blank(*known, len(tag)) for tag, found in sides)
            parts[str(number)], layout = self._joined(first, second, ())
            layouts.append(layout)
        tags = [
            np.append(np.array([names.index(name) for name in found], np.int8), np.int8(-1))[tag]
            for tag, found in sides
        ]
        type_ = choice_of(parse_type(layout["type"]) for layout in layouts)
        array = struct({"tag": pa.array(np.concatenate(tags)), **parts})
        return array, {"layout": "choice", "alternatives": layouts, "type": str(type_)}


def _blank(like: pa.Array, layout: Layout, n: int) -> Stored:
    """A column of n values, all null, that can be joined to one `like` this."""
    kind = layout["layout"]
    nulls = np.ones(n, np.bool_)
    if kind in _TEMPORAL:
        # With the highest precision, as for all nulls.
        finest = DAY if kind == "date" else MILLISECOND
        values = {field.name: finest if field.name == "precision" else 0 for field in like.type}
        parts = {field.name: pa.array(np.full(n, values[field.name]), field.type) for field in like.type}
        return struct(parts, nulls), layout
    if kind == "list":
        offsets = pa.array(np.zeros(n + 1, np.int64))
        return pa.LargeListArray.from_arrays(offsets, like.values[:0], mask=pa.array(nulls)), layout
    if kind == "record":
        if not layout["fields"]:
            return pa.array(~nulls), layout
        fields = {name: _blank(like.field(name), inner, n)[0] for name, inner in layout["fields"].items()}
        return struct(fields, nulls), layout
    if kind == "code":
        return struct({"id": pa.array(np.full(n, NO_CODE, np.int32))}), _without_beside(layout)
    if kind == "concept":
        codes, inner = _blank(_items(like.field("codes")), layout["codes"], 0)
        lists = pa.LargeListArray.from_arrays(pa.array(np.zeros(n + 1, np.int64)), codes)
        return struct({"codes": lists}, nulls), {**_without_beside(layout), "codes": inner}
    if kind == "choice":
        parts, layouts = {"tag": pa.array(np.full(n, -1, np.int8))}, []
        for number, about in enumerate(layout["alternatives"]):
            parts[str(number)], inner = _blank(like.field(str(number)), about, n)
            layouts.append(inner)
        return struct(parts), {**layout, "alternatives": layouts}
    return pa.nulls(n, like.type), layout


def _without_beside(layout: Layout) -> Layout:
    return {name: about for name, about in layout.items() if name != "beside"}


def _alternatives(array: pa.Array, layout: Layout) -> tuple[npt.NDArray[np.int8], dict[str, Stored]]:
    """The tags of a column, and its alternatives by type; a column of one type has one."""
    if layout["layout"] == "choice":
        found = {about["type"]: (array.field(str(i)), about) for i, about in enumerate(layout["alternatives"])}
        return array.field("tag").to_numpy(), found
    tags = np.where(present(array, layout), 0, -1).astype(np.int8)
    return tags, {layout["type"]: (array, layout)}


def _nulls_of_both(one: pa.Array, other: pa.Array) -> Mask:
    return np.concatenate([nulls_of(one), nulls_of(other)])


def _items(lists: pa.Array) -> pa.Array:
    """The items of all lists (null lists have none)."""
    offsets = lists.offsets
    return lists.values.slice(offsets[0].as_py(), offsets[-1].as_py() - offsets[0].as_py())


def _offsets(*lists: pa.Array) -> Rows:
    lengths = [np.diff(array.offsets.to_numpy()) for array in lists]
    offsets: Rows = np.append(0, np.cumsum(np.concatenate(lengths)))
    return offsets


def _field_of_either(one: pa.Array, other: pa.Array, name: str) -> tuple[pa.Array, pa.Array] | None:
    """A field of two arrays of structs, null in one that does not have it; None if neither has it."""
    types = {field.name: field.type for array in (other, one) for field in array.type}
    if name not in types:
        return None
    first, second = (
        array.field(name) if array.type.get_field_index(name) >= 0 else pa.nulls(len(array), types[name])
        for array in (one, other)
    )
    return first, second


def _texts(one: pa.Array, other: pa.Array) -> pa.Array:
    if one.type == other.type:
        return pa.concat_arrays([one, other])
    if pa.types.is_dictionary(one.type):
        return pa.concat_arrays([one, other.cast(pa.utf8()).dictionary_encode()])
    return pa.concat_arrays([one, other.cast(one.type)])


def _decimals(one: pa.Array, layout: Layout, other: pa.Array, its_layout: Layout) -> Stored:
    scale = max(layout["scale"], its_layout["scale"])
    parts = [_rescaled(array, scale - about["scale"]) for array, about in ((one, layout), (other, its_layout))]
    if parts[0].type != parts[1].type:
        parts = [part.cast(pa.utf8()) for part in parts]
    return pa.concat_arrays(parts), {**layout, "scale": scale}


def _rescaled(array: pa.Array, digits: int) -> pa.Array:
    """Unscaled decimals with more digits after the point; as text if 64 bits are too few."""
    if not digits:
        return array
    if pa.types.is_int64(array.type):
        unscaled = array.fill_null(0).to_numpy()
        if digits < 19 and np.abs(unscaled.astype(np.float64)).max(initial=0) * 10.0**digits < 9e18:
            return pa.array(unscaled * 10**digits, mask=nulls_of(array))
    values: list[Any] = array.to_pylist()
    return pa.array([None if value is None else str(int(value) * 10**digits) for value in values], pa.utf8())
