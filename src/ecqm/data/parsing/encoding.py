"""Strings of parsed JSON by number: as dictionaries, as codes, and as types and ids that references name."""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ecqm.columns import Rows
from ecqm.data.fhir.compartment import TYPE_AND_ID
from ecqm.terminology import canonical_system

_PLAIN_ID = np.zeros(256, np.bool_)
_PLAIN_ID[np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.", np.uint8)] = True
_LONGEST_ID = 64


class Encodings:
    """The dictionaries of the string arrays of one table. Each is made when it is first needed."""

    def __init__(self) -> None:
        # By address in memory. The array is kept, so that its address is not used for another one.
        self._encoded: dict[tuple[int, int, int], tuple[pa.Array, pa.DictionaryArray]] = {}
        self._named: dict[tuple[int, int, int], tuple[pa.Array, pa.Array]] = {}

    def of(self, texts: pa.Array) -> pa.DictionaryArray:
        """Strings as a dictionary."""
        key = _place(texts)
        if key not in self._encoded:
            self._encoded[key] = (texts, texts.dictionary_encode())
        return self._encoded[key][1]

    def named(self, references: pa.Array) -> tuple[pa.Array, pa.Array]:
        """The types and ids that the distinct references name; null for one that is not `Type/id`."""
        key = _place(references)
        if key not in self._named:
            self._named[key] = named(self.of(references).dictionary)
        return self._named[key]


class CodeNumbers:
    """The codes of a shard by number: like `ecqm.terminology.CodeIndex`, for many codes of a system at a time."""

    def __init__(self) -> None:
        # By system: its codes and their numbers.
        self._known: dict[str, tuple[pa.Array, npt.NDArray[np.int32]]] = {}

    @classmethod
    def numbered(cls, systems: pa.Array, codes: pa.Array) -> Self:
        """Codes that have numbers already: those of their places."""
        made = cls()
        encoded = systems.dictionary_encode()
        for number, system in enumerate(encoded.dictionary.to_pylist()):
            places = np.flatnonzero(numbers_of(encoded) == number)
            made._known[system] = codes.take(pa.array(places)), places.astype(np.int32)
        return made

    def of(self, system: str | None, codes: pa.Array) -> npt.NDArray[np.int32]:
        """The numbers of some codes of a system (distinct, none null). New codes get the next numbers."""
        name = canonical_system(system)
        known, numbers = self._known.get(name, (pa.array([], pa.utf8()), np.zeros(0, np.int32)))
        places = pc.index_in(codes, value_set=known).fill_null(-1).to_numpy(zero_copy_only=False)
        new = np.flatnonzero(places < 0)
        if len(new):
            first = sum(len(numbers) for _, numbers in self._known.values())
            numbers = np.append(numbers, np.arange(first, first + len(new), dtype=np.int32))
            self._known[name] = pa.concat_arrays([known, codes.take(pa.array(new))]), numbers
            places = np.where(places < 0, len(known) - 1 + np.cumsum(places < 0), places)
        found: npt.NDArray[np.int32] = numbers[places]
        return found

    def pairs(self) -> tuple[pa.Array, pa.Array]:
        """The systems and codes of all numbers."""
        none = pa.array([], pa.utf8())
        systems = pa.concat_arrays([none, *(pa.repeat(name, len(codes)) for name, (codes, _) in self._known.items())])
        codes = pa.concat_arrays([none, *(codes for codes, _ in self._known.values())])
        numbers = [numbers for _, numbers in self._known.values()]
        order = pa.array(np.argsort(np.concatenate(numbers)) if numbers else np.zeros(0, np.int64))
        return systems.take(order), codes.take(order)


def _place(array: pa.Array) -> tuple[int, int, int]:
    data = array.buffers()[1]
    return (0 if data is None else data.address, array.offset, len(array))


def numbers_of(encoded: pa.DictionaryArray) -> Rows:
    """The place in the dictionary of each value, -1 for null."""
    places: Rows = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return places


def named(references: pa.Array) -> tuple[pa.Array, pa.Array]:
    """The types and ids that references name; null for one that is not `Type/id`."""
    return _plainly_named(references) or _named(references)


def _plainly_named(references: pa.Array) -> tuple[pa.Array, pa.Array] | None:
    """The same as `named`, if all references are `Type/id` of one type, as is usual; otherwise None."""
    first = references[0].as_py() if len(references) else ""
    resource_type, slash, _ = first.partition("/")
    if not (slash and resource_type.isalpha() and resource_type[0].isupper() and resource_type.isascii()):
        return None
    if not pc.all(pc.starts_with(references, f"{resource_type}/")).as_py():
        return None
    ids = pc.utf8_slice_codeunits(references, len(resource_type) + 1)
    _, offsets, data = ids.buffers()
    ends = np.frombuffer(offsets, np.int32)[ids.offset : ids.offset + len(ids) + 1]
    lengths = np.diff(ends)
    plain = _PLAIN_ID[np.frombuffer(data, np.uint8)[ends[0] : ends[-1]]].all()
    if not plain or lengths.min() < 1 or lengths.max() > _LONGEST_ID:
        return None
    return pa.repeat(resource_type, len(references)), ids


def _named(references: pa.Array) -> tuple[pa.Array, pa.Array]:
    found = pc.extract_regex(references, TYPE_AND_ID)
    nothing = pc.or_(pc.starts_with(references, "urn:"), found.is_null())
    null = pa.scalar(None, pa.utf8())
    return pc.if_else(nothing, null, found.field("type")), pc.if_else(nothing, null, found.field("id"))
