"""Headers of resources, decoded alone to find their patients: the type, the id, and links to a patient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any, Literal, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from ecqm.data.fhir.compartment import OF_PATIENTS, PATIENT_LINKS, patient_reference
from ecqm.data.fhir.schema import fhir_schema
from ecqm.data.files.content import Block
from ecqm.data.parsing.encoding import named
from ecqm.data.store.spool import decode_identity

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Link(msgspec.Struct, gc=False):
    """A reference."""

    reference: str | None = None


Header: Any = msgspec.defstruct(
    "Header",
    [
        ("resourceType", str),
        ("id", str | None, None),
        ("entry", msgspec.Raw, msgspec.Raw()),
        *((name, Link | list[Link] | None, None) for name in PATIENT_LINKS),
    ],
    gc=False,
)
decode_header = msgspec.json.Decoder(Header).decode
_decode_mixed = msgspec.json.Decoder(Header).decode_lines
_type_of = attrgetter("resourceType")


class Headers(NamedTuple):
    """The types of resources, and the ids of their patients as a dictionary (null: no patient)."""

    types: pa.Array
    patients: pa.DictionaryArray

    @property
    def may_name_no_one(self) -> bool:
        """Whether some are of types that require a patient, and have none."""
        return bool(self.patients.indices.null_count) and not OF_PATIENTS.isdisjoint(self.types.unique().to_pylist())


def headers_of(block: Block) -> Headers:
    """The headers of the lines of a block. Raises one of UNREADABLE for a line that is not a resource."""
    lines = block.content
    first = decode_identity(lines[: block.ends[0]]).resourceType
    try:
        headers = _decoder_of(first)(lines)
    except msgspec.ValidationError:
        mixed = _decode_mixed(lines)
        return Headers(pa.array(map(_type_of, mixed), pa.utf8()), _encoded(map(patient_of, mixed)))
    return Headers(pa.repeat(first, len(headers)), _patients_of(first, headers))


def patient_of(header: Any) -> str | None:
    """The id of the patient that a resource belongs to, or the URN that stands for it; None if it names none."""
    return _patient_of(header.resourceType, header)


def _patient_of(resource_type: str, header: Any) -> str | None:
    if resource_type == "Patient":
        return header.id  # type: ignore[no-any-return]
    return patient_reference(header, _links_of(resource_type))


@lru_cache(maxsize=256)
def _links_of(resource_type: str) -> Sequence[str]:
    """The links to a patient that resources of a type may have, in order of preference."""
    elements = {element.name for element in fhir_schema().elements(resource_type) if not element.choice}
    return [name for name in PATIENT_LINKS if name in elements or not elements]


@lru_cache(maxsize=256)
def _decoder_of(resource_type: str) -> Callable[[memoryview], list[Any]]:
    """A decoder of lines with resources of one type."""
    literal: Any = Literal
    fields: list[Any] = [("resourceType", literal[resource_type]), ("id", str | None, None)]
    fields += [(name, Link | list[Link] | None, None) for name in _links_of(resource_type)]
    header = msgspec.defstruct("Header", fields, gc=False)
    return msgspec.json.Decoder(header).decode_lines


def _patients_of(resource_type: str, headers: Sequence[Any]) -> pa.DictionaryArray:
    links = _links_of(resource_type)
    if resource_type == "Patient":
        return _encoded(map(attrgetter("id"), headers))
    if not links:
        return _encoded([None] * len(headers))
    try:
        references = _encoded(map(attrgetter(f"{links[0]}.reference"), headers))
    except AttributeError:
        # Some resources have another link, or several.
        return _encoded(_patient_of(resource_type, header) for header in headers)
    types, ids = named(references.dictionary)
    if references.null_count or not pc.all(pc.fill_null(pc.equal(types, "Patient"), False)).as_py():
        return _encoded(_patient_of(resource_type, header) for header in headers)
    return pa.DictionaryArray.from_arrays(references.indices, ids)


def _encoded(texts: Any) -> pa.DictionaryArray:
    return pa.array(texts, pa.utf8()).dictionary_encode()
