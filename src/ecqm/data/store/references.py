"""The references among stored columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from ecqm.columns import Rows
from ecqm.data.store.arrow import Layout


class StoredReferences(NamedTuple):
    """The references in one element (`path`): their texts as a dictionary, and the row of the table that each is in."""

    path: str
    texts: pa.DictionaryArray
    rows: Rows


def references_of(path: str, array: pa.Array, layout: Layout, rows: Rows) -> Iterator[StoredReferences]:
    """The references in a stored column, at every depth; `rows` are the table rows of its values."""
    kind = layout["layout"]
    if not _has_references(layout):
        return
    if kind == "record":
        fields = layout["fields"]
        if layout["type"] == "FHIR.Reference" and "reference" in fields:
            texts = array.field("reference")
            encoded = texts if pa.types.is_dictionary(texts.type) else texts.cast(pa.utf8()).dictionary_encode()
            yield StoredReferences(path, encoded, rows)
        for name, inner in fields.items():
            yield from references_of(f"{path}.{name}", array.field(name), inner, rows)
    elif kind == "list":
        lengths = np.diff(array.offsets.to_numpy())
        yield from references_of(path, array.values, layout["values"], np.repeat(rows, lengths))
    elif kind == "choice":
        for number, inner in enumerate(layout["alternatives"]):
            yield from references_of(path, array.field(str(number)), inner, rows)
    elif kind == "concept":
        codes = array.field("codes")
        lengths = np.diff(codes.offsets.to_numpy())
        yield from references_of(f"{path}.coding", codes.values, layout["codes"], np.repeat(rows, lengths))
        yield from _beside(path, array, layout, rows)
    elif kind == "code":
        yield from _beside(path, array, layout, rows)


def _has_references(layout: Layout) -> bool:
    inner = [*layout.get("fields", {}).values(), *layout.get("alternatives", ())]
    inner += [layout[name] for name in ("values", "codes", "beside") if name in layout]
    return layout["type"] == "FHIR.Reference" or any(map(_has_references, inner))


def _beside(path: str, array: pa.Array, layout: Layout, rows: Rows) -> Iterator[StoredReferences]:
    if "beside" in layout:
        yield from references_of(path, array.field("beside"), layout["beside"], rows)
