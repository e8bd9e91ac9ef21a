"""Value sets and code systems from layers of documents, read on demand.

The first layer is the measure content itself; the caller adds others (`--valuesets`). A value set is taken from the
first layer that has it complete.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import msgspec

from ecqm.json_decoding import json_decoder
from ecqm.terminology.codes import CodeKey
from ecqm.terminology.expansion import Expansion, expand
from ecqm.terminology.filters import Concepts
from ecqm.terminology.resources import (
    CodeSystemResource,
    ResourceHeader,
    decode_code_system,
    decode_header,
    decode_value_set,
    resource_type,
)
from ecqm.terminology.systems import bare_oid, canonical_system
from ecqm.values import Code, CqlError
from ecqm.versions import version_key

Document = tuple[str, Callable[[], bytes]]
"""The name of a JSON document, and a function that reads it."""

_USERS_SHOWN = 5
_OID_AT_END = re.compile(r"/ValueSet/([0-2](?:\.\d+)+)$")


class _Entry(msgspec.Struct, frozen=True):
    resource: msgspec.Raw = msgspec.Raw(b"")


class _Bundle(msgspec.Struct, frozen=True):
    entry: list[_Entry] | None = None


_decode_bundle = json_decoder(_Bundle)


@dataclass(frozen=True)
class _Candidate:
    header: ResourceHeader
    origin: str
    read: Callable[[], bytes]
    layer: int


@dataclass(frozen=True)
class MissingValueSet:
    """A value set that a run needs and that is missing or incomplete.

    `found` is the incomplete value set, None if there is none. `users` are the libraries or definitions that refer to
    it. `versions` are the available versions if another one was requested, and `pinned` is the version in a manifest.
    """

    id: str
    users: tuple[str, ...]
    found: Expansion | None = None
    versions: tuple[str, ...] = ()
    pinned: str | None = None

    def __str__(self) -> str:
        shown = ", ".join(self.users[:_USERS_SHOWN])
        more = f" and {len(self.users) - _USERS_SHOWN} more" if len(self.users) > _USERS_SHOWN else ""
        where = self.id + (f" (used by {shown}{more})" if self.users else "")
        if self.found is not None:
            return f"{where}: {len(self.found.codes)} codes; {'; '.join(self.found.problems)}"
        if self.versions:
            wanted = "this version" if self.pinned is None else f"version {self.pinned} of the manifest"
            return f"{where}: {wanted} not found; available: {', '.join(self.versions)}"
        return f"{where}: not found"


def value_set_key(identifier: str, version: str | None = None) -> tuple[str, str | None]:
    """(identity, version) of a value set, given as canonical URL with or without `|version`, `urn:oid:…` or OID. A
    `version` that is given apart takes precedence.

    If the identifier is an OID, or a URL `…/ValueSet/<oid>`, the identity is the bare OID.
    """
    url, _, in_identifier = identifier.partition("|")
    at_end = _OID_AT_END.search(url)
    return (at_end[1] if at_end else bare_oid(url) or url), version or in_identifier or None


def json_documents(folder: Path) -> Iterator[Document]:
    """All `.json` files in a folder and its subfolders, in the order of their paths; or a single file."""
    if folder.is_file():
        yield str(folder), folder.read_bytes
        return
    for path in sorted(folder.rglob("*.json")):
        yield str(path), path.read_bytes


class ValueSetStore:
    """Finds value sets by identity and expands each at most once.

    Adding a layer reads nothing. The first look-up reads the headers of all documents; a Bundle counts as the resources
    in it. A value set is decoded when it is looked up.
    """

    def __init__(self, *layers: Iterable[Document]) -> None:
        self._unread: list[tuple[int, Iterable[Document]]] = []
        self._value_sets: dict[str, list[_Candidate]] = {}
        self._code_systems: dict[str, list[_Candidate]] = {}
        self._expansions: dict[tuple[str, str | None], Expansion | None] = {}
        self._in_progress: set[str] = set()
        self._hierarchies: dict[tuple[str, str | None], Concepts] = {}
        self._pinned: dict[str, str] = {}
        self._layers = 0
        self.problems: list[str] = []
        for layer in layers:
            self.add_layer(layer)

    @classmethod
    def of_folders(cls, *folders: Path) -> ValueSetStore:
        """A store with one layer per folder, in order of precedence."""
        return cls(*(json_documents(folder) for folder in folders))

    def add_layer(self, documents: Iterable[Document]) -> None:
        """Add documents as the last layer. Resources of other types are ignored."""
        self._unread.append((self._layers, documents))
        self._layers += 1
        self._expansions.clear()
        self._hierarchies.clear()

    def pin(self, versions: Iterable[str]) -> None:
        """Set the versions to use for value sets that are looked up without one, given as canonicals with version."""
        keys = map(value_set_key, versions)
        self._pinned.update({identity: version for identity, version in keys if version is not None})
        self._expansions.clear()

    def in_memory(self) -> ValueSetStore:
        """The same store with its documents in memory, to be sent to other processes and machines."""
        self._read_headers()
        store = ValueSetStore()
        store._pinned = dict(self._pinned)
        held: dict[int, _Candidate] = {}
        for ours, theirs in ((self._value_sets, store._value_sets), (self._code_systems, store._code_systems)):
            for name, candidates in ours.items():
                theirs[name] = [held.setdefault(id(each), _in_memory(each)) for each in candidates]
        return store

    def find(self, identifier: str, version: str | None = None) -> Expansion | None:
        """The value set with this identity, or None if it, or the requested version, is not available.

        `identifier` may contain `|version`. Without a version, the pinned version is used; otherwise the latest
        complete version of the first layer that has one; otherwise the one with the most codes, which is marked as
        incomplete.
        """
        identity, stated = value_set_key(identifier, version)
        wanted = stated or self._pinned.get(identity)
        self._read_headers()
        key = (identity, wanted)
        if key not in self._expansions:
            self._expansions[key] = self._expand(identity, wanted)
        return self._expansions[key]

    def expand(self, identifier: str, version: str | None = None) -> frozenset[CodeKey]:
        """The (system, code) members of a value set, with canonical system names; empty if it is missing."""
        found = self.find(identifier, version)
        return found.codes if found is not None else frozenset()

    def versions(self, identifier: str) -> tuple[str, ...]:
        """The available versions of a value set, by layer, latest first within a layer."""
        self._read_headers()
        candidates = self._value_sets.get(value_set_key(identifier)[0], [])
        return tuple(dict.fromkeys(c.header.version for c in _in_order(candidates) if c.header.version is not None))

    def code_system(self, url: str, version: str | None = None) -> CodeSystemResource | None:
        """A CodeSystem resource, by any name of the system; in the requested version if that is available."""
        self._read_headers()
        name, _, in_url = url.partition("|")
        candidates = _in_order(self._code_systems.get(canonical_system(name), []))
        same = [candidate for candidate in candidates if candidate.header.version == (version or in_url)]
        return decode_code_system((same or candidates)[0].read()) if candidates else None

    def codes(self, code_system: str, version: str | None = None) -> frozenset[str]:
        """The codes of a code system (`elm:23.7`). Raises CqlError if it is not available as a whole."""
        return self._concepts(code_system, version).codes

    def is_same(self, one: str, other: str) -> bool:
        """Whether two names are of one code system."""
        return canonical_system(one) == canonical_system(other)

    def subsumes(self, ancestor: Code, descendant: Code) -> bool:
        """Whether a code is above another in the hierarchy of their code system (`elm:23.12`); false for codes of
        different systems. Raises CqlError if the system is not available as a whole."""
        if not ancestor.code or not descendant.code or not ancestor.system or not descendant.system:
            return False
        if not self.is_same(ancestor.system, descendant.system):
            return False
        return descendant.code in self._concepts(ancestor.system, ancestor.version).descendants(ancestor.code)

    def _concepts(self, code_system: str, version: str | None) -> Concepts:
        key = (canonical_system(code_system), version)
        found = self._hierarchies.get(key)
        if found is None:
            resource = self.code_system(code_system, version)
            if resource is None or resource.content != "complete" or version not in (None, resource.version):
                name = "|".join(filter(None, (code_system, version)))
                raise CqlError(f"code system {name} is not available as a whole")
            found = self._hierarchies[key] = Concepts(resource)
        return found

    def missing(self, uses: Mapping[str, Iterable[str]]) -> list[MissingValueSet]:
        """The missing or incomplete value sets of `uses`, which maps identifiers to the libraries that use them."""
        missing = []
        for identifier, users in uses.items():
            found = self.find(identifier)
            if found is None or not found.complete:
                identity, version = value_set_key(identifier)
                versions = self.versions(identifier) if found is None else ()
                pinned = self._pinned.get(identity) if version is None else None
                missing.append(MissingValueSet(identifier, tuple(sorted(set(users))), found, versions, pinned))
        return missing

    def _expand(self, identity: str, version: str | None) -> Expansion | None:
        if identity in self._in_progress:
            return None
        candidates = [c for c in _in_order(self._value_sets.get(identity, [])) if version in (None, c.header.version)]
        self._in_progress.add(identity)
        try:
            best: Expansion | None = None
            for candidate in candidates:
                try:
                    resource = decode_value_set(candidate.read())
                except msgspec.DecodeError as error:
                    self.problems.append(f"{candidate.origin}: {error}")
                    continue
                expansion = expand(resource, self.find, self.code_system, candidate.origin)
                if expansion.complete:
                    return expansion
                if best is None or len(expansion.codes) > len(best.codes):
                    best = expansion
            return best
        finally:
            self._in_progress.discard(identity)

    def _read_headers(self) -> None:
        while self._unread:
            layer, documents = self._unread.pop(0)
            for origin, read in documents:
                try:
                    self._register(read(), origin, read, layer)
                except (msgspec.DecodeError, ValueError) as error:
                    self.problems.append(f"{origin}: {error}")

    def _register(self, data: bytes, origin: str, read: Callable[[], bytes], layer: int) -> None:
        kind = resource_type(data)
        if kind == "Bundle":
            for position, entry in enumerate(_decode_bundle(data).entry or ()):
                content = bytes(entry.resource)
                if content:
                    self._register(content, f"{origin}#{position}", partial(bytes, content), layer)
            return
        if kind not in ("ValueSet", "CodeSystem"):
            return
        header = decode_header(data)
        candidate = _Candidate(header, origin, read, layer)
        if kind == "ValueSet":
            # An id identifies a value set only if it is an OID; other ids differ between publications.
            names = [header.url, header.id if header.id and bare_oid(header.id) else None]
            for name in {value_set_key(name)[0] for name in names if name}:
                self._value_sets.setdefault(name, []).append(candidate)
        elif header.url:
            self._code_systems.setdefault(canonical_system(header.url), []).append(candidate)


def _in_memory(candidate: _Candidate) -> _Candidate:
    return replace(candidate, read=partial(bytes, candidate.read()))


def _in_order(candidates: list[_Candidate]) -> list[_Candidate]:
    """By layer; within a layer, later versions first (versions are dates or dotted numbers)."""
    latest_first = sorted(candidates, key=lambda c: version_key(c.header.version), reverse=True)
    return sorted(latest_first, key=lambda c: c.layer)
