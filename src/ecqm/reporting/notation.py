"""Values in CQL notation, as shown by explanations and interactive commands."""

from __future__ import annotations

from typing import Any

from ecqm.columns import ResourceRow
from ecqm.measures.explanation.values import PerRow, Unknown
from ecqm.values import Tuple
from ecqm.values.text import to_cql

_ELEMENTS = 3


def notation(value: Any, shown: int = _ELEMENTS) -> str:
    """A value as CQL writes it; a resource as Type/id; a long list as its first elements and their number."""
    if isinstance(value, ResourceRow):
        return resource_name(value)
    if isinstance(value, Unknown):
        return f"? ({value})"
    if isinstance(value, PerRow):
        return _per_row(value)
    if isinstance(value, tuple):
        parts = [notation(element, shown) for element in value[:shown]]
        if len(value) > shown:
            return "{ " + ", ".join(parts) + f", … }} ({len(value)} elements)"
        return "{ " + ", ".join(parts) + " }" if parts else "{ }"
    if isinstance(value, Tuple):
        told = ((name, part) for name, part in value.items() if part is not None or value.type_name is None)
        inside = ", ".join(f"{name}: {notation(part, shown)}" for name, part in told)
        return f"{value.type_name or 'Tuple'} {{ {inside} }}"
    return to_cql(value)


def whole(value: Any) -> str:
    """A value with all of its elements."""
    return notation(value, len(value) if isinstance(value, tuple) else _ELEMENTS)


def resource_name(row: ResourceRow) -> str:
    """`Encounter/17`; the type alone of what has no id, such as entries of some QRDA documents."""
    ids = getattr(row.table, "ids", None)
    identifier = ids.texts()[row.row] if ids is not None else row.row
    return row.table.resource_type if identifier is None else f"{row.table.resource_type}/{identifier}"


def _per_row(value: PerRow) -> str:
    rows = "row" if value.n == 1 else "rows"
    if value.true is not None:
        return f"true in {value.true} of {value.n} {rows}"
    more = ", …" if value.n > len(value.values) else ""
    return f"in {value.n} {rows}: {', '.join(map(notation, value.values))}{more}" if value.n else "no rows"
