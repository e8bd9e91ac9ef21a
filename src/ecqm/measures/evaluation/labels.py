"""Values as the labels of strata."""

from __future__ import annotations

from typing import Any

import numpy as np

from ecqm.columns import Column, ResourceRow, to_values
from ecqm.kernels.segments import representatives
from ecqm.measures.scoring.criteria import Labels
from ecqm.values import Code, Concept
from ecqm.values.temporal import Temporal
from ecqm.values.text import iso_text, to_cql


def labels_of(column: Column) -> Labels:
    """Values as labels; each distinct value is converted once."""
    rows, place = representatives(column.keys())
    names: dict[str, int] = {}
    values = to_values(column.take(rows))
    codes = [-1 if value is None else names.setdefault(_label(value), len(names)) for value in values]
    return Labels(np.array(codes, np.int32)[place], tuple(names))


def _label(value: Any) -> str:
    """A value as people read it: codes by their display, concepts by theirs or that of their first code, resources by
    their type."""
    if isinstance(value, Code):
        return value.display or value.code or ""
    if isinstance(value, Concept):
        return value.display or next((_label(code) for code in value.codes if code is not None), "")
    if isinstance(value, Temporal):
        return iso_text(value)
    if isinstance(value, ResourceRow):
        return value.table.resource_type
    return value if isinstance(value, str) else to_cql(value)
