"""Columns as Arrow arrays and back.

An array says what its values are and a *layout*, kept beside it as JSON, how to read them: `{"layout": "dateTime",
"type": "FHIR.dateTime"}`, with `fields`, `values`, `alternatives` or `beside` for what is inside. Nulls are Arrow's
own.

| layout | array |
|---|---|
| null | null |
| boolean, integer | bool, int64 |
| decimal | int64 unscaled (text where 64 bits are too few), at the layout's `scale` |
| string | dictionary of utf8, or utf8 where most are different |
| date, time, dateTime | struct of low, precision (and offset) |
| code | struct of id (into the shard's codes), display, version, beside |
| concept | struct of codes (list), display, beside |
| record | struct of its fields |
| list | large_list |
| choice | struct of tag and one field per alternative |
"""

from ecqm.data.store.arrow.layout import Layout, Stored, nulls_of, present, struct
from ecqm.data.store.arrow.reading import ArrowReading, StoredElements, from_arrow
from ecqm.data.store.arrow.writing import to_arrow

__all__ = [
    "ArrowReading",
    "Layout",
    "Stored",
    "StoredElements",
    "from_arrow",
    "nulls_of",
    "present",
    "struct",
    "to_arrow",
]
