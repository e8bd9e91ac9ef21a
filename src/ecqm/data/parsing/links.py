"""References in parsed JSON, many at a time: where they are, what they name, and whether it is in the data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ecqm.columns import Mask, Rows
from ecqm.data.parsing.encoding import Encodings, numbers_of


@dataclass(frozen=True)
class Links:
    """The references of one field: `number` (n) into the distinct `texts`, -1 for null, and the `rows` they are in.

    `types` and `ids` are what each distinct text names, null for one that is not `Type/id` (see
    `ecqm.data.fhir.compartment.target`).
    """

    number: Rows
    texts: pa.Array
    types: pa.Array
    ids: pa.Array
    rows: Rows

    @classmethod
    def of(cls, texts: pa.Array, rows: Rows, encodings: Encodings) -> Links:
        """The links with these texts."""
        encoded = encodings.of(texts)
        return cls(numbers_of(encoded), encoded.dictionary, *encodings.named(texts), rows)

    def names(self, types: pa.Array, with_urns: bool) -> pa.Array:
        """What each distinct text names: "Type/id" of some `types`, or a URN; null for anything else."""
        none = pa.scalar(None, pa.utf8())
        named = pc.is_in(self.types, value_set=types)
        names = pa.nulls(len(self.texts), pa.utf8())
        if pc.any(named).as_py():
            names = pc.if_else(named, pc.binary_join_element_wise(self.types, self.ids, "/"), none)
        if with_urns:
            names = pc.coalesce(names, pc.if_else(pc.starts_with(self.texts, "urn:"), self.texts, none))
        return names

    def outward_names(self, own: Mapping[str, pa.Array], shared: pa.Array) -> pa.Array:
        """What each distinct text names ("Type/id", a URN); null for patients, and for resources whose ids are among
        those of their type in `own`, unless their names are among `shared`."""
        types = self.types.unique()
        names = self.names(types, with_urns=True)
        inward = pc.equal(self.types, "Patient")
        for resource_type in types.to_pylist():
            if resource_type in own and resource_type != "Patient":
                of_type = pc.equal(self.types, resource_type)
                inward = pc.or_(inward, pc.and_(of_type, pc.is_in(self.ids, value_set=own[resource_type])))
        inward = pc.and_(pc.fill_null(inward, False), pc.invert(pc.is_in(names, value_set=shared)))
        return pc.if_else(inward, pa.scalar(None, pa.utf8()), names)

    def places(self, names: pa.Array, among: pa.Array) -> Rows:
        """For each link the place of its target among some names, or -1; `names` are those of its texts."""
        return self._spread(_places(names, among))

    def places_of(self, resource_type: str, ids: pa.Array) -> Rows:
        """For each link the place of its target among the ids of one type; -1 for links to anything else."""
        mine = pc.fill_null(pc.equal(self.types, resource_type), False)
        return self._spread(_places(pc.if_else(mine, self.ids, pa.scalar(None, pa.utf8())), ids))

    def places_of_texts(self, start: str, among: pa.Array, prefix: str = "") -> Rows:
        """For each link that begins with `start`, the place of its text, without `prefix`, among some texts; otherwise
        -1."""
        those = pc.starts_with(self.texts, start)
        if not pc.any(those).as_py():
            return np.full(len(self.number), -1)
        wanted = pc.if_else(those, pc.utf8_slice_codeunits(self.texts, len(prefix)), pa.scalar(None, pa.utf8()))
        return self._spread(_places(wanted, among))

    @property
    def is_within(self) -> Mask:
        """Which links must have a target in the data: those that are not absolute."""
        local = pc.or_(pc.starts_with(self.texts, "#"), pc.starts_with(self.texts, "urn:"))
        relative = pc.and_(self.types.is_valid(), pc.invert(pc.match_substring(self.texts, "://")))
        within = pc.or_(local, relative).to_numpy(zero_copy_only=False)
        found: Mask = np.append(within, False)[self.number]
        return found

    def _spread(self, of_texts: npt.NDArray[np.int32]) -> Rows:
        return np.append(of_texts.astype(np.int64), -1)[self.number]


def _places(wanted: pa.Array, among: pa.Array) -> npt.NDArray[np.int32]:
    found = pc.index_in(wanted, value_set=among, skip_nulls=True)
    places: npt.NDArray[np.int32] = found.fill_null(-1).to_numpy(zero_copy_only=False)
    return places


def links_of(arrays: Mapping[str, pa.Array], encodings: Encodings) -> Iterator[Links]:
    """All fields named `reference`, at every depth."""
    for name, array in arrays.items():
        for texts, rows in _references(name, array, np.arange(len(array))):
            yield Links.of(texts, rows, encodings)


def _has_links(name: str, type_: pa.DataType) -> bool:
    if pa.types.is_list(type_):
        return _has_links(name, type_.value_type)
    if pa.types.is_struct(type_):
        return any(_has_links(field.name, field.type) for field in type_)
    return name == "reference" and pa.types.is_string(type_)


def _references(name: str, array: pa.Array, rows: Rows) -> Iterator[tuple[pa.Array, Rows]]:
    if not _has_links(name, array.type) or array.null_count == len(array):
        return
    if pa.types.is_list(array.type):
        lengths = pc.list_value_length(array).fill_null(0).to_numpy(zero_copy_only=False)
        yield from _references(name, array.flatten(), np.repeat(rows, lengths))
    elif pa.types.is_struct(array.type):
        for place, field in enumerate(array.type):
            yield from _references(field.name, array.field(place), rows)
    else:
        yield array, rows


class Targets:
    """What references can name in a shard: the ids of each type by patient, URNs by patient, and the ids of contained
    resources by container."""

    def __init__(self) -> None:
        self._ids: dict[str, _Names] = {}
        self._urns: list[_Names] = []
        self._contained: list[_Names] = []

    def add(self, resource_type: str, patient: Rows, ids: pa.DictionaryArray, urns: pa.Array) -> None:
        """Add resources of one type, by their ids and URNs."""
        self._ids[resource_type] = _Names(ids, patient)
        if urns.null_count < len(urns):
            self._urns.append(_Names(urns.dictionary_encode(), patient))

    def add_contained(self, container: Rows, ids: pa.DictionaryArray) -> None:
        """Add contained resources, by their ids and the serials of their containers."""
        self._contained.append(_Names(ids, container))

    def missing(self, links: Links, patient: Rows, serial: Rows) -> int:
        """How many references have no target in the data: no resource of their `patient` or, for local references, none
        within the resource of their `serial` (see `Cohort.dangling_counts`)."""
        found = np.zeros(len(links.number), np.bool_)
        for name in links.types.unique().to_pylist():
            if name in self._ids:
                names = self._ids[name]
                found |= names.have(patient, links.places_of(name, names.texts))
        for names in self._urns:
            found |= names.have(patient, links.places_of_texts("urn:", names.texts))
        for names in self._contained:
            found |= names.have(serial, links.places_of_texts("#", names.texts, "#"))
        return int(np.count_nonzero(links.is_within & ~found))


class _Names:
    """Pairs of an owner's number and a name, one of the distinct `texts`."""

    def __init__(self, encoded: pa.DictionaryArray, owner: Rows) -> None:
        self.texts = encoded.dictionary
        packed = owner * len(self.texts) + numbers_of(encoded)
        if encoded.null_count:
            packed = packed[numbers_of(encoded) >= 0]
        self._packed = np.sort(packed, kind="stable")

    def have(self, owner: Rows, place: Rows) -> Mask:
        """Whether each owner has the text at that place (-1: no text)."""
        if not len(self._packed):
            return np.zeros(len(place), np.bool_)
        packed = owner * len(self.texts) + place
        at = np.minimum(np.searchsorted(self._packed, packed), len(self._packed) - 1)
        found: Mask = (place >= 0) & (self._packed[at] == packed)
        return found
