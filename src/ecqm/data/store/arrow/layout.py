"""Layouts, and what all of them have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from ecqm.columns import Mask
from ecqm.terminology import NO_CODE

Layout = dict[str, Any]
"""The layout of an array, as in the table of this package."""

Stored = tuple[pa.Array, Layout]
"""A column in its stored form: an array and its layout."""


def struct(parts: Mapping[str, pa.Array], nulls: Mask | None = None) -> pa.Array:
    """An array of structs with these fields; `nulls` are the rows that are null."""
    mask = None if nulls is None or not nulls.any() else pa.array(nulls)
    return pa.StructArray.from_arrays(list(parts.values()), list(parts), mask=mask)


def nulls_of(array: pa.Array) -> Mask:
    """Which values are null in Arrow."""
    if not array.null_count:
        return np.zeros(len(array), np.bool_)
    found: Mask = array.is_null().to_numpy(zero_copy_only=False)
    return found


def present(array: pa.Array, layout: Layout) -> Mask:
    """Which values a column has: codes are never null in Arrow, and objects without elements are Booleans."""
    found: Mask = ~nulls_of(array)
    if layout["layout"] == "code":
        found = array.field("id").to_numpy() != NO_CODE
    elif layout.get("fields") == {}:
        found = array.to_numpy(zero_copy_only=False)
    return found
