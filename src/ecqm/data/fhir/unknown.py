"""Elements in data that FHIR does not have: misspelled ones, those of other versions, or what a tool added.

They are ignored, which may be why a measure does not find something. So each is reported, with a resource that has it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Generic, TypeVar

import msgspec

from ecqm.data.fhir.schema import fhir_schema
from ecqm.data.fhir.structs import UNREADABLE

_decode = msgspec.json.Decoder().decode
_K = TypeVar("_K")


def unknown_elements(resource_type: str, raw: bytes | msgspec.Raw) -> set[str]:
    """The paths (`Observation.component.valuequantity`) of the elements in a resource, given as JSON, that FHIR R4 does
    not have. What is in contained resources is not looked at."""
    found: set[str] = set()
    # Whoever needs more of a resource than can be read reports that.
    with suppress(*UNREADABLE):
        _look(_decode(raw), resource_type, resource_type, found)
    return found


def _look(value: dict[str, Any], type_name: str, path: str, found: set[str]) -> None:
    known = _fields(type_name)
    for name, inner in value.items():
        if name not in known:
            found.add(f"{path}.{name}")
        elif (inner_type := known[name]) is not None:
            for each in inner if isinstance(inner, list) else (inner,):
                if isinstance(each, dict):
                    _look(each, inner_type, f"{path}.{name}", found)


@lru_cache(maxsize=4096)
def _fields(type_name: str) -> Mapping[str, str | None]:
    """The fields of JSON objects of a FHIR type, with the type of what is in them; None for what is not looked at."""
    schema = fhir_schema()
    fields: dict[str, str | None] = {"resourceType": None} if schema.is_resource(type_name) else {}
    for element in schema.elements(type_name):
        for name, element_type in element.json_names:
            if schema.primitive(element_type) is not None:
                fields |= {name: None, f"_{name}": "Element"}
            else:
                fields[name] = None if element_type == "Resource" else element_type
    return fields


@dataclass
class _Found(Generic[_K]):
    first: _K
    times: int = 1


class UnknownElements(Generic[_K]):
    """Counts the resources with elements that FHIR does not have. Resources have a key, which finds them again."""

    def __init__(self) -> None:
        self._found: dict[str, _Found[_K]] = {}

    def look(self, resource_type: str, raw: bytes | msgspec.Raw, key: _K) -> None:
        """Look for unknown elements in a resource."""
        for path in sorted(unknown_elements(resource_type, raw)):
            if path in self._found:
                self._found[path].times += 1
            else:
                self._found[path] = _Found(key)

    def told(self) -> Iterator[tuple[_K, str]]:
        """For each element the key of the first resource that has it, and what is to be reported."""
        for path, found in self._found.items():
            more = found.times - 1
            others = f"; {more:,} more {'resource has' if more == 1 else 'resources have'} it, too" if more else ""
            yield found.first, f"{path} is no element of FHIR R4 and is ignored{others}"
