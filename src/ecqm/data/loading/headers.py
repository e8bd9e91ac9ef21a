"""Headers of resources, decoded alone to find their patients: the type, the id, and links to a patient.

Only where the links name no patient are other elements looked at (`compartment.PARTICIPANTS`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ecqm.data.fhir.compartment import (
    PARTICIPANTS,
    PATIENT_LINKS,
    owners,
    participants,
    patient_links,
    patient_reference,
)
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
    """The types of resources, and the ids of their patients as a dictionary (null: no patient). `several` says whether
    some have more than one patient; these are null, too."""

    types: pa.Array
    patients: pa.DictionaryArray
    several: bool = False

    def lacks_patients(self, resource_types: Collection[str]) -> bool:
        """Whether some are of these types, and have no patient."""
        return bool(self.patients.indices.null_count) and any(
            name in resource_types for name in self.types.unique().to_pylist()
        )


def headers_of(block: Block) -> Headers:
    """The headers of the lines of a block. Raises one of UNREADABLE for a line that is not a resource."""
    lines = block.content
    first = decode_identity(lines[: block.ends[0]]).resourceType
    try:
        decoded = _decoder_of(first)(lines)
        headers = Headers(pa.repeat(first, len(decoded)), _patients_of(first, decoded))
    except msgspec.ValidationError:
        decoded = _decode_mixed(lines)
        patients = (_patient_of(header.resourceType, header) for header in decoded)
        headers = Headers(pa.array(map(_type_of, decoded), pa.utf8()), _encoded(patients))
    # Blank lines, or several resources in one, make the numbers differ.
    is_by_line = len(decoded) == len(block.ends)
    return _with_participants(block, headers) if is_by_line and headers.lacks_patients(PARTICIPANTS) else headers


def _with_participants(block: Block, headers: Headers) -> Headers:
    types, patients = headers.types.to_pylist(), headers.patients.to_pylist()
    several = False
    for place in np.flatnonzero(headers.patients.indices.is_null().to_numpy(zero_copy_only=False)).tolist():
        found = participants(types[place], block.line(place))
        if len(found) == 1:
            patients[place] = found[0]
        several |= len(found) > 1
    return Headers(headers.types, _encoded(patients), several)


def patients_of(header: Any, raw: bytes, urns: Container[str] = ()) -> list[str]:
    """The ids of the patients that a resource belongs to, or the URNs that stand for them, given its header and JSON.
    `urns` are those of patients that are known."""
    named = _patient_of(header.resourceType, header)
    return owners(header.resourceType, raw, urns) if named is None else [named]


def _patient_of(resource_type: str, header: Any) -> str | None:
    if resource_type == "Patient":
        return header.id  # type: ignore[no-any-return]
    return patient_reference(header, _links_of(resource_type))


@lru_cache(maxsize=256)
def _links_of(resource_type: str) -> Sequence[str]:
    """The links to a patient that resources of a type may have, in order of preference."""
    elements = {element.name for element in fhir_schema().elements(resource_type) if not element.choice}
    return [name for name in patient_links(resource_type) if name in elements or not elements]


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
