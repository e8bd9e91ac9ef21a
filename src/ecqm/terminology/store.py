"""Value sets and code systems from layers of documents, read when they are asked for.

The first layer is the measure content itself, those after it are what the caller adds (`--valuesets`). A value set
is taken from the first layer that has it whole; later layers stand in for what the earlier lack or hold only in part.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ecqm.json_decoding import json_decoder
from ecqm.terminology.codes import CodeKey
from ecqm.terminology.expansion import Expansion, expand
from ecqm.terminology.resources import (
    CodeSystemResource,
    ResourceHeader,
    decode_code_system,
    decode_header,
    decode_value_set,
    resource_type,
)
from ecqm.terminology.systems import bare_oid, canonical_system

Document = tuple[str, Callable[[], bytes]]
"""Where a JSON document comes from, and how to read it."""

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
    """A value set that a run needs and cannot take as whole.

    `found` is None if it is not at hand at all, otherwise what there is of it. `users` are the libraries or defines
    that name it; `versions` are the versions at hand where another one was asked for, and `pinned` the version that
    a manifest asks for.
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
            wanted = "that version" if self.pinned is None else f"version {self.pinned} of the manifest"
            return f"{where}: not at hand in {wanted}; at hand: {', '.join(self.versions)}"
        return f"{where}: not at hand"


def value_set_key(identifier: str) -> tuple[str, str | None]:
    """(identity, version) of a value set named by canonical URL with or without `|version`, `urn:oid:` or OID.

    An OID identity is the bare OID, whether it stood alone or at the end of a `…/ValueSet/<oid>` URL.
    """
    url, _, version = identifier.partition("|")
    at_end = _OID_AT_END.search(url)
    return (at_end[1] if at_end else bare_oid(url) or url), version or None


def json_documents(folder: Path) -> Iterator[Document]:
    """Every `.json` file below a folder, in the order of their paths; a single file is itself."""
    if folder.is_file():
        yield str(folder), folder.read_bytes
        return
    for path in sorted(folder.rglob("*.json")):
        yield str(path), path.read_bytes


class ValueSetStore:
    """Finds value sets by identity and expands each at most once.

    Adding a layer reads nothing; the first look-up reads the headers of all documents (a Bundle counts as the
    resources in it), and a value set itself is decoded when it is asked for.
    """

    def __init__(self, *layers: Iterable[Document]) -> None:
        self._unread: list[tuple[int, Iterable[Document]]] = []
        self._value_sets: dict[str, list[_Candidate]] = {}
        self._code_systems: dict[str, list[_Candidate]] = {}
        self._expansions: dict[tuple[str, str | None], Expansion | None] = {}
        self._in_progress: set[str] = set()
        self._pinned: dict[str, str] = {}
        self._layers = 0
        self.problems: list[str] = []
        for layer in layers:
            self.add_layer(layer)

    @classmethod
    def of_folders(cls, *folders: Path) -> ValueSetStore:
        """One layer per folder, the first taking precedence."""
        return cls(*(json_documents(folder) for folder in folders))

    def add_layer(self, documents: Iterable[Document]) -> None:
        """Documents to look in after all those added before; other resource types among them are passed over."""
        self._unread.append((self._layers, documents))
        self._layers += 1
        self._expansions.clear()

    def pin(self, versions: Iterable[str]) -> None:
        """Canonicals with version: value sets that are asked for without one are to be had in these."""
        keys = map(value_set_key, versions)
        self._pinned.update({identity: version for identity, version in keys if version is not None})
        self._expansions.clear()

    def find(self, identifier: str, version: str | None = None) -> Expansion | None:
        """The value set with this identity, or None if it (or the version asked for) is not at hand.

        `identifier` may carry `|version`. Where no version is asked for, that of `pin` counts; if there is none
        either, and several versions are at hand, the latest of the first layer that has it whole; if none is whole, the
        one with the most codes, marked as it is.
        """
        identity, in_identifier = value_set_key(identifier)
        wanted = version or in_identifier or self._pinned.get(identity)
        self._read_headers()
        key = (identity, wanted)
        if key not in self._expansions:
            self._expansions[key] = self._expand(identity, wanted)
        return self._expansions[key]

    def expand(self, identifier: str, version: str | None = None) -> frozenset[CodeKey]:
        """The (system, code) members of a value set, systems under their canonical names; none if it is not at hand."""
        found = self.find(identifier, version)
        return found.codes if found is not None else frozenset()

    def versions(self, identifier: str) -> tuple[str, ...]:
        """The versions of a value set at hand, in order of layers, latest first within one."""
        self._read_headers()
        candidates = self._value_sets.get(value_set_key(identifier)[0], [])
        return tuple(dict.fromkeys(c.header.version for c in _in_order(candidates) if c.header.version is not None))

    def code_system(self, url: str, version: str | None = None) -> CodeSystemResource | None:
        """A CodeSystem resource at hand, by any name of the system: in the version asked for if it is at hand."""
        self._read_headers()
        name, _, in_url = url.partition("|")
        candidates = _in_order(self._code_systems.get(canonical_system(name), []))
        same = [candidate for candidate in candidates if candidate.header.version == (version or in_url)]
        return decode_code_system((same or candidates)[0].read()) if candidates else None

    def missing(self, uses: Mapping[str, Iterable[str]]) -> list[MissingValueSet]:
        """Which value sets of `uses` are not at hand as whole: by identifier the libraries or defines that use it."""
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
                    self._register(content, f"{origin}#{position}", lambda content=content: content, layer)  # type: ignore[misc]
            return
        if kind not in ("ValueSet", "CodeSystem"):
            return
        header = decode_header(data)
        candidate = _Candidate(header, origin, read, layer)
        if kind == "ValueSet":
            # An id is a name of its own only where it is an OID; ids otherwise differ between publications.
            names = [header.url, header.id if header.id and bare_oid(header.id) else None]
            for name in {value_set_key(name)[0] for name in names if name}:
                self._value_sets.setdefault(name, []).append(candidate)
        elif header.url:
            self._code_systems.setdefault(canonical_system(header.url), []).append(candidate)


def _in_order(candidates: list[_Candidate]) -> list[_Candidate]:
    """Earlier layers first; within a layer later versions first (versions are dates or dotted numbers)."""
    latest_first = sorted(candidates, key=lambda c: _version_key(c.header.version), reverse=True)
    return sorted(latest_first, key=lambda c: c.layer)


def _version_key(version: str | None) -> tuple[tuple[int, str], ...]:
    parts = re.split(r"[.\-]", version or "")
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in parts)
