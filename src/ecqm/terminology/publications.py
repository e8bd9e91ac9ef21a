"""The value sets and code systems in layers of documents, known by their headers and decoded on demand."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial

import msgspec

from ecqm.json_decoding import json_decoder
from ecqm.terminology.identity import value_set_key
from ecqm.terminology.resources import ResourceHeader, decode_header, resource_type
from ecqm.terminology.systems import bare_oid, canonical_system
from ecqm.versions import version_key

Document = tuple[str, Callable[[], bytes]]
"""The name of a JSON document, and a function that reads it."""


class _Entry(msgspec.Struct, frozen=True):
    resource: msgspec.Raw = msgspec.Raw(b"")


class _Bundle(msgspec.Struct, frozen=True):
    entry: list[_Entry] | None = None


_decode_bundle = json_decoder(_Bundle)


@dataclass(frozen=True)
class Publication:
    """A ValueSet or CodeSystem resource: its header, the document that it is in (`origin`), and its layer."""

    header: ResourceHeader
    origin: str
    read: Callable[[], bytes]
    layer: int


class Publications:
    """The value sets and code systems of documents. A Bundle counts as the resources in it.

    Adding a layer reads nothing. The first look-up reads the headers of all documents; `problems` then names those that
    cannot be read.
    """

    def __init__(self) -> None:
        self.problems: list[str] = []
        self._unread: list[tuple[int, Iterable[Document]]] = []
        self._layers = 0
        self._value_sets: dict[str, list[Publication]] = {}
        self._code_systems: dict[str, list[Publication]] = {}

    def add_layer(self, documents: Iterable[Document]) -> None:
        """Add documents as the last layer. Resources of other types are ignored."""
        self._unread.append((self._layers, documents))
        self._layers += 1

    def value_sets(self, identity: str) -> list[Publication]:
        """The value sets with an identity, by layer; within a layer, later versions first."""
        self._read_headers()
        return _in_order(self._value_sets.get(identity, ()))

    def code_systems(self, name: str) -> list[Publication]:
        """The code systems with a name, which may be any of theirs, in the order of `value_sets`."""
        self._read_headers()
        return _in_order(self._code_systems.get(canonical_system(name), ()))

    def in_memory(self) -> Publications:
        """The same publications with their documents in memory, to be sent to other processes and machines."""
        self._read_headers()
        found = Publications()
        held: dict[int, Publication] = {}
        for ours, theirs in ((self._value_sets, found._value_sets), (self._code_systems, found._code_systems)):
            for name, publications in ours.items():
                theirs[name] = [held.setdefault(id(each), _in_memory(each)) for each in publications]
        return found

    def _read_headers(self) -> None:
        while self._unread:
            layer, documents = self._unread.pop(0)
            for origin, read in documents:
                try:
                    self._register(read(), origin, read, layer)
                except (msgspec.DecodeError, ValueError) as error:
                    self.problems.append(f"{origin}: {error}")

    def _register(self, data: bytes, origin: str, read: Callable[[], bytes], layer: int) -> None:
        match resource_type(data):
            case "Bundle":
                for position, entry in enumerate(_decode_bundle(data).entry or ()):
                    if content := bytes(entry.resource):
                        self._register(content, f"{origin}#{position}", partial(bytes, content), layer)
            case "ValueSet":
                header = decode_header(data)
                # An id identifies a value set only if it is an OID; other ids differ between publications.
                names = [header.url, header.id if header.id and bare_oid(header.id) else None]
                for identity in {value_set_key(name)[0] for name in names if name}:
                    self._value_sets.setdefault(identity, []).append(Publication(header, origin, read, layer))
            case "CodeSystem":
                header = decode_header(data)
                if header.url:
                    same = self._code_systems.setdefault(canonical_system(header.url), [])
                    same.append(Publication(header, origin, read, layer))


def _in_memory(publication: Publication) -> Publication:
    return replace(publication, read=partial(bytes, publication.read()))


def _in_order(publications: Iterable[Publication]) -> list[Publication]:
    latest_first = sorted(publications, key=lambda each: version_key(each.header.version), reverse=True)
    return sorted(latest_first, key=lambda each: each.layer)
