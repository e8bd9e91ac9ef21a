"""Value sets and code systems from layers of documents, read on demand.

The first layer is the measure content itself; the caller adds others (`--valuesets`). A value set is taken from the
first layer that has it complete.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from ecqm.terminology.codes import CodeKey
from ecqm.terminology.expansion import Expansion, expand
from ecqm.terminology.filters import Concepts
from ecqm.terminology.identity import ValueSetKey, value_set_key
from ecqm.terminology.missing import MissingValueSet
from ecqm.terminology.publications import Document, Publications
from ecqm.terminology.resources import CodeSystemResource, decode_code_system, decode_value_set
from ecqm.terminology.systems import canonical_system
from ecqm.values import Code, CqlError


class ValueSetStore:
    """Finds value sets by identity and expands each at most once. `problems` names what cannot be read."""

    def __init__(self, *layers: Iterable[Document]) -> None:
        self._publications = Publications()
        self._expansions: dict[ValueSetKey, Expansion | None] = {}
        self._in_progress: set[str] = set()
        self._hierarchies: dict[tuple[str, str | None], Concepts] = {}
        self._pinned: dict[str, str] = {}
        for layer in layers:
            self.add_layer(layer)

    def add_layer(self, documents: Iterable[Document]) -> None:
        """Add documents as the last layer. Resources of other types are ignored."""
        self._publications.add_layer(documents)
        self._expansions.clear()
        self._hierarchies.clear()

    def pin(self, versions: Iterable[str]) -> None:
        """Set the versions to use for value sets that are looked up without one, given as canonicals with version."""
        keys = map(value_set_key, versions)
        self._pinned.update({identity: version for identity, version in keys if version is not None})
        self._expansions.clear()

    def in_memory(self) -> ValueSetStore:
        """The same store with its documents in memory, to be sent to other processes and machines."""
        store = ValueSetStore()
        store._publications = self._publications.in_memory()
        store._pinned = dict(self._pinned)
        return store

    @property
    def problems(self) -> list[str]:
        """What is wrong with documents that were read, with their names."""
        return self._publications.problems

    def find(self, identifier: str, version: str | None = None) -> Expansion | None:
        """The value set with this identity, or None if it, or the requested version, is not available.

        `identifier` may contain `|version`. Without a version, the pinned version is used; otherwise the latest
        complete version of the first layer that has one; otherwise the one with the most codes, which is marked as
        incomplete.
        """
        identity, stated = value_set_key(identifier, version)
        key = identity, stated or self._pinned.get(identity)
        if key not in self._expansions:
            self._expansions[key] = self._expand(*key)
        return self._expansions[key]

    def expand(self, identifier: str, version: str | None = None) -> frozenset[CodeKey]:
        """The (system, code) members of a value set, with canonical system names; empty if it is missing."""
        found = self.find(identifier, version)
        return found.codes if found is not None else frozenset()

    def versions(self, identifier: str) -> tuple[str, ...]:
        """The available versions of a value set, by layer, latest first within a layer."""
        found = self._publications.value_sets(value_set_key(identifier)[0])
        return tuple(dict.fromkeys(each.header.version for each in found if each.header.version is not None))

    def code_system(self, url: str, version: str | None = None) -> CodeSystemResource | None:
        """A CodeSystem resource, by any name of the system; in the requested version if that is available."""
        name, _, in_url = url.partition("|")
        found = self._publications.code_systems(name)
        same = [each for each in found if each.header.version == (version or in_url)]
        return decode_code_system((same or found)[0].read()) if found else None

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
        """The first complete expansion, else the one with the most codes; None if there is none, and for a value set
        that includes itself."""
        if identity in self._in_progress:
            return None
        self._in_progress.add(identity)
        try:
            best: Expansion | None = None
            for expansion in self._expanded(identity, version):
                if expansion.complete:
                    return expansion
                if best is None or len(expansion.codes) > len(best.codes):
                    best = expansion
            return best
        finally:
            self._in_progress.discard(identity)

    def _expanded(self, identity: str, version: str | None) -> Iterator[Expansion]:
        """The expansions of all publications of a value set, in their order of precedence."""
        for publication in self._publications.value_sets(identity):
            if version not in (None, publication.header.version):
                continue
            try:
                resource = decode_value_set(publication.read())
            except msgspec.DecodeError as error:
                self.problems.append(f"{publication.origin}: {error}")
                continue
            yield expand(resource, self.find, self.code_system, publication.origin)
