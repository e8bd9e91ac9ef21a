"""The specification of a measure: everything that its results depend on, each part with its hash.

Parts are the Measure resource, every form of every library that it includes, the codes of every value set that these
name, and the data models that they use and that do not come with ecqm. The content hash is over the hashes of all
parts, so two specifications with one hash give one result.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import msgspec

from ecqm.bundles.content import Content
from ecqm.bundles.content.documents import ContentError, Document, readers
from ecqm.bundles.content.libraries import Format
from ecqm.measures.definition import Measure
from ecqm.measures.definition.composition import resolved_composites
from ecqm.terminology.expansion import Expansion

Key = tuple[str, str, str | None, str]
"""Kind, name, version and form of a part."""


class SpecificationError(ContentError):
    """A specification that cannot be assembled or found; the message says what is missing or ambiguous."""


class SpecificationDrift(SpecificationError):
    """A specification that differs from another of the same name; the message lists the differences."""


class Part(msgspec.Struct, frozen=True):
    """One part of a specification. `form` is a library's content type; `sha256` that of its bytes."""

    kind: str
    name: str
    version: str | None
    form: str
    sha256: str
    size: int

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What identifies the part, whatever its content."""
        return self.kind, self.name, self.version or "", self.form

    def __str__(self) -> str:
        version = f"|{self.version}" if self.version else ""
        return f"{self.kind} {self.name}{version}" + (f" ({self.form})" if self.form else "")


class Specification(msgspec.Struct, frozen=True):
    """A specification as listed in a store; `origin` is where it was read from, `added` when (UTC)."""

    year: int
    measure: str
    version: str
    url: str
    content_hash: str
    parts: tuple[Part, ...]
    names: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    origin: str = ""
    added: str = ""

    def __str__(self) -> str:
        return f"{self.measure} {self.version} ({self.year})"


@dataclass(frozen=True)
class Assembled:
    """The parts of a specification with their bytes, and what the content lacks for it."""

    parts: tuple[tuple[Part, bytes], ...]
    missing: tuple[str, ...]

    @property
    def content_hash(self) -> str:
        """The hash of all parts, by which specifications are compared."""
        return hash_of(part for part, _ in self.parts)


def assemble(content: Content, measure: Measure) -> Assembled:
    """Assemble the specification of a measure from content, including its components.

    Raises LibraryNotFound without its primary library; MeasureNotFound or MeasureError for its components.
    """
    parts = [(_part(key, data := read()), data) for key, read in _sources(content, measure)]
    missing: list[str] = []
    for each in with_logic(content, [measure]):
        closure = content.closure(each)
        missing += [*closure.missing, *map(str, content.value_sets.missing(closure.value_sets()))]
    return Assembled(tuple(sorted(dict(parts).items(), key=lambda item: item[0].key)), tuple(dict.fromkeys(missing)))


def with_logic(content: Content, measures: Iterable[Measure]) -> list[Measure]:
    """The measures with logic, each once: composites are replaced by their components. Raises MeasureNotFound or
    MeasureError for a component.
    """
    found: dict[str, Measure] = {}
    for measure in measures:
        components = resolved_composites(measure, content.measure)[1] if measure.composites else []
        found |= {each.canonical: each for each in (measure, *components) if each.groups}
    return list(found.values())


def content_hashes(content: Content, measures: Iterable[Measure]) -> dict[str, str]:
    """The content hash of each measure's specification, by name; shared parts are read once.

    Raises what `assemble` does.
    """
    known: dict[Key, Part] = {}
    found = {}
    for measure in measures:
        sources = dict(_sources(content, measure))
        known |= {key: _part(key, read()) for key, read in sources.items() if key not in known}
        found[measure.name] = hash_of(known[key] for key in sources)
    return found


def _sources(content: Content, measure: Measure) -> Iterator[tuple[Key, Callable[[], bytes]]]:
    """The parts of a measure's specification, and how to read them."""
    source = content.measures.find(f"{measure.name}|{measure.version}" if measure.version else measure.name)
    yield ("Measure", measure.name, measure.version, ""), source.read
    for component in with_logic(content, [measure]):
        if component is not measure:
            yield from _sources(content, component)
    if not measure.groups:
        return
    closure = content.closure(measure)
    for library in closure.libraries:
        for form in sorted(library.forms):
            yield ("Library", library.name, library.version, form), library.forms[form].read
    for (name, version), definition in content.models.used(closure.models()).items():
        yield ("Model", name, version, ""), partial(bytes, definition)
    for identifier in sorted(closure.value_sets()):
        found = content.value_sets.find(identifier)
        if found is not None:
            yield ("ValueSet", found.url, found.version, ""), partial(_value_set, found)


def _part(key: Key, data: bytes) -> Part:
    return Part(*key, hashlib.sha256(data).hexdigest(), len(data))


def _value_set(expansion: Expansion) -> bytes:
    """The codes of a value set as a self-contained ValueSet resource."""
    contains = [{"system": system, "code": code} for system, code in sorted(expansion.codes)]
    stored = {"total": len(contains), "contains": contains}
    if not expansion.complete:
        stored["parameter"] = [{"name": "limitedExpansion", "valueBoolean": True}]
    resource = {
        "resourceType": "ValueSet",
        "url": expansion.url,
        "version": expansion.version,
        "title": expansion.name,
        "status": "active",
        "expansion": stored,
    }
    return msgspec.json.encode({name: value for name, value in resource.items() if value is not None})


def hash_of(parts: Iterable[Part]) -> str:
    """SHA-256 over the names and hashes of parts, in their order by name."""
    digest = hashlib.sha256()
    for part in sorted(parts, key=lambda part: part.key):
        digest.update("\0".join((*part.key, part.sha256)).encode() + b"\n")
    return digest.hexdigest()


def differences(installed: Sequence[Part], offered: Sequence[Part]) -> Iterator[str]:
    """What differs between two sets of parts, one line per part, naming each side by its hash."""
    ours, theirs = {part.key: part for part in installed}, {part.key: part for part in offered}
    for key in sorted(ours.keys() | theirs.keys()):
        mine, other = ours.get(key), theirs.get(key)
        if mine is None and other is not None:
            yield f"{other}: only offered"
        elif mine is not None and other is None:
            yield f"{mine}: only installed"
        elif mine is not None and other is not None and mine.sha256 != other.sha256:
            yield f"{mine}: installed {mine.sha256[:12]}, offered {other.sha256[:12]}"


def as_content(root: Content, parts: Iterable[tuple[Part, Document]]) -> Content:
    """Content that consists of exactly these parts."""
    value_sets: list[Document] = []
    for part, document in parts:
        if part.kind == "Measure":
            root.measures.add(document, document.read())
        elif part.kind == "Library":
            root.libraries.add(part.name, part.version, Format(part.form), document)
        elif part.kind == "Model":
            root.models.add(document.read())
        else:
            value_sets.append(document)
    root.value_sets.add_layer(readers(value_sets))
    return root
