"""Stored columns pruned: what no row has any more is left out, as it is where columns are made from JSON.

Columns from which rows were taken may have elements, fields, types of a choice and strings that do not occur any more.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ecqm.data.store.arrow import Layout, Stored, nulls_of, struct
from ecqm.terminology import NO_CODE
from ecqm.types import choice_of, parse_type


def pruned(array: pa.Array, layout: Layout) -> Stored | None:
    """A column without what does not occur in it (see `ecqm.data.store.arrow`); None if nothing does."""
    kind = layout["layout"]
    if kind == "choice":
        return _choice(array, layout)
    if kind == "code":
        kept = _code(array, layout)
        bare = kept[0].type.num_fields == 1 and (kept[0].field("id").to_numpy() == NO_CODE).all()
        return None if bare else kept
    if kind == "record" and not layout["fields"]:
        return (array, layout) if array.true_count else None
    if array.null_count == len(array):
        return None
    if kind == "list":
        return _list(array, layout)
    if kind == "record":
        return _record(array, layout)
    if kind == "concept":
        return _concept(array, layout)
    if kind == "string":
        return _texts(array), layout
    return array, layout


def _choice(array: pa.Array, layout: Layout) -> Stored | None:
    tag = array.field("tag").to_numpy()
    counts = np.bincount(tag[tag >= 0], minlength=len(layout["alternatives"]))
    found = {
        number: made
        for number, inner in enumerate(layout["alternatives"])
        if counts[number] and (made := pruned(array.field(str(number)), inner)) is not None
    }
    if len(found) < 2:
        return next(iter(found.values()), None)
    numbers = np.full(len(layout["alternatives"]) + 1, -1, np.int8)
    numbers[list(found)] = np.arange(len(found))
    parts = {"tag": pa.array(numbers[tag])}
    parts |= {str(place): array for place, (array, _) in enumerate(found.values())}
    layouts = [inner for _, inner in found.values()]
    type_ = choice_of(parse_type(inner["type"]) for inner in layouts)
    return struct(parts), {**layout, "alternatives": layouts, "type": str(type_)}


def _list(array: pa.Array, layout: Layout) -> Stored | None:
    items = array.values
    made = pruned(items, layout["values"])
    if made is None:
        if not len(items):
            return None
        made = pa.nulls(len(items)), {"layout": "null", "type": layout["values"]["type"]}
    values, inner = made
    lists = pa.LargeListArray.from_arrays(array.offsets, values, mask=array.is_null())
    return lists, {"layout": "list", "values": inner, "type": f"List<{inner['type']}>"}


def _record(array: pa.Array, layout: Layout) -> Stored:
    found = {
        name: made for name, inner in layout["fields"].items() if (made := pruned(array.field(name), inner)) is not None
    }
    about = {**layout, "fields": {name: inner for name, (_, inner) in found.items()}}
    if not found:
        return array.is_valid(), about
    return struct({name: field for name, (field, _) in found.items()}, nulls_of(array)), about


def _code(array: pa.Array, layout: Layout) -> Stored:
    parts = {"id": array.field("id")}
    for name in ("display", "version"):
        if array.type.get_field_index(name) >= 0 and (texts := array.field(name)).null_count < len(texts):
            parts[name] = _texts(texts)
    beside = _beside(array, layout, parts)
    return struct(parts), {"layout": "code", "type": layout["type"], **beside}


def _concept(array: pa.Array, layout: Layout) -> Stored:
    codes = array.field("codes")
    items, inner = _code(codes.values, layout["codes"])
    parts: dict[str, pa.Array] = {"codes": pa.LargeListArray.from_arrays(codes.offsets, items)}
    if array.type.get_field_index("display") >= 0 and (texts := array.field("display")).null_count < len(texts):
        parts["display"] = _texts(texts)
    beside = _beside(array, layout, parts)
    about = {"layout": "concept", "codes": inner, "type": layout["type"], **beside}
    return struct(parts, nulls_of(array)), about


def _beside(array: pa.Array, layout: Layout, parts: dict[str, pa.Array]) -> dict[str, Layout]:
    made = pruned(array.field("beside"), layout["beside"]) if "beside" in layout else None
    if made is None:
        return {}
    parts["beside"], inner = made
    return {"beside": inner}


def _texts(array: pa.Array) -> pa.Array:
    """Strings whose dictionary is not much larger than it needs to be."""
    if not pa.types.is_dictionary(array.type) or 2 * len(array.dictionary) <= len(array):
        return array
    encoded = array.cast(pa.utf8()).dictionary_encode()
    return encoded if 2 * len(encoded.dictionary) <= len(array) else array.cast(pa.large_utf8())
