"""Measure content as it is published: measures, their libraries and their value sets.

Reads a content repository (`input/resources/{measure,library}`, `input/vocabulary`, `input/cql`), a FHIR Bundle, a zip
archive or a folder of such files as authoring tools export them. Documents are recognized by their content, not their
path. Vocabulary folders are not read until a value set is looked up; of a repository nothing outside `input` is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import msgspec

from ecqm.bundles.content.catalog import Catalog
from ecqm.bundles.content.dependencies import Closure, closure
from ecqm.bundles.content.documents import ContentError, Document, bundle_entries, open_documents, readers
from ecqm.bundles.content.libraries import (
    Libraries,
    LibraryNotFound,
    LibrarySource,
    add_cql,
    add_elm,
    add_library_resource,
)
from ecqm.bundles.content.manifest import Manifests, pinned_versions
from ecqm.bundles.content.models import ModelDefinitions, is_model
from ecqm.elm import ElmError, IndexedLibrary
from ecqm.measures.definition import Measure, MeasureError
from ecqm.terminology.resources import resource_type
from ecqm.terminology.store import ValueSetStore


def _sources(documents: list[Document]) -> list[Document]:
    """Of a content repository only what is below `input/`: the bundles beside it are built from that, of any
    version."""
    roots = set()
    for document in documents:
        folders = document.path.parts[:-1]
        for at, pair in enumerate(pairwise(folders)):
            if pair in (("input", "resources"), ("input", "cql")):
                roots.add(folders[:at])
    return [d for d in documents if all(d.path.parts[: len(r)] != r or d.path.parts[len(r)] == "input" for r in roots)]


@dataclass
class Content:
    """Measures, libraries and value sets of one publication, with what was added for what it lacks.

    `problems` lists documents that could not be read and resources that could not be used; the rest is used. `notices`
    says which version was taken of measures with several versions.
    """

    root: Path
    measures: Catalog = field(default_factory=Catalog)
    libraries: Libraries = field(default_factory=Libraries)
    value_sets: ValueSetStore = field(default_factory=ValueSetStore)
    models: ModelDefinitions = field(default_factory=ModelDefinitions)
    manifests: Manifests = field(default_factory=Manifests)
    problems: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    @classmethod
    def open(
        cls,
        path: Path,
        libraries: Iterable[Path] = (),
        valuesets: Iterable[Path] = (),
        called: Path | None = None,
    ) -> Content:
        """The content at `path`, completed from further folders (or files, bundles, archives).

        What `path` holds takes precedence, then the further folders in their order. Messages name `called` in place of
        `path`: the archive that it was unpacked from. Raises ContentError if there is nothing to read at one of the
        paths.
        """
        content = cls(root=path)
        documents = _sources(open_documents(path))
        if called is not None:
            documents = [replace(each, root=called) if each.root == path else each for each in documents]
        if not documents:
            raise ContentError(f"{called or path} holds neither JSON nor CQL files, nor is it an archive of them")
        content._add(documents)
        for folder in libraries:
            content._add(open_documents(folder), only="Library")
        for folder in valuesets:
            content.value_sets.add_layer(readers(open_documents(folder)))
        return content

    @property
    def tests(self) -> Path | None:
        """The folder of test cases that comes with a content repository, if there is one."""
        for below in ("input/tests/measure", "tests/measure", "input/tests", "tests"):
            if (self.root / below).is_dir():
                return self.root / below
        return None

    def measure(self, name: str) -> Measure:
        """The measure that a name means, in its latest version unless the name has one (`X|1.0.0`); `MeasureNotFound`
        (with candidates) if there is none or several."""
        taken = self.measures.find(name)
        others = [str(source) for source in self.measures.versions(name) if source is not taken]
        notice = (
            f"measure {name} is here in several versions: {taken} is taken; to be named otherwise: {', '.join(others)}"
        )
        if others and notice not in self.notices:
            self.notices.append(notice)
        return self.measures.measure(taken)

    def select(self, names: Iterable[str] = ()) -> list[Measure]:
        """The measures named, each once, or all of them if none is named."""
        found = [self.measure(name) for name in names] or [self.measures.measure(source) for source in self.measures]
        return list({measure.canonical: measure for measure in found}.values())

    def primary_library(self, measure: Measure) -> LibrarySource:
        """The library that defines the criteria of a measure. Raises LibraryNotFound if it is missing.

        Published measures name it without a version; then the library in the measure's own version is taken if it
        exists, otherwise the latest.
        """
        if not measure.library:
            raise LibraryNotFound(f"measure {measure.name} names no library")
        url, _, version = measure.library.partition("|")
        name = self.libraries.name_of(url)
        if not version:
            own = [source for source in self.libraries.versions(name) if source.version == measure.version]
            if own:
                return own[0]
        return self.libraries.find(name, version or None)

    def source_of(self, library: IndexedLibrary) -> str | None:
        """The CQL that a library was made from, if that exact version of it is available."""
        try:
            return self.libraries.find(library.identifier.name, library.identifier.version).cql()
        except LibraryNotFound:
            return None

    def closure(self, measure: Measure, relax_versions: bool = False) -> Closure:
        """The libraries of a measure, its primary library first."""
        return closure(self.primary_library(measure), self.libraries, relax_versions)

    def pin(self, manifest: str) -> None:
        """Use the versions of a manifest for value sets that are named without a version. `manifest` is a file, or the
        id, name or URL of a manifest of the content. Raises ContentError."""
        path = Path(manifest)
        given = path.is_file()
        self.value_sets.pin(
            pinned_versions(path.read_bytes(), manifest) if given else self.manifests.versions(manifest)
        )

    def _add(self, documents: Iterable[Document], only: str | None = None) -> None:
        vocabulary: list[Document] = []
        for document in documents:
            if "vocabulary" in document.path.parts[:-1] and document.path.suffix in (".json", ".xml"):
                vocabulary.append(document)
                continue
            try:
                vocabulary += self._classify(document, only)
            except (msgspec.DecodeError, ElmError, ContentError, MeasureError) as error:
                self.problems.append(f"{document.place}: {error}")
        if vocabulary and only is None:
            self.value_sets.add_layer(readers(vocabulary))

    def _classify(self, document: Document, only: str | None) -> Iterator[Document]:
        """Add a measure or library; value sets and code systems are returned, to be looked up later."""
        data = document.read()
        suffix = document.path.suffix.lower()
        if suffix == ".cql":
            add_cql(self.libraries, document, data)
        elif suffix == ".xml":
            if b"urn:hl7-org:elm:r1" in data[:4096]:
                add_elm(self.libraries, document, data)
            elif is_model(data):
                self.models.add(data)
            elif data.startswith(b"{"):
                yield from self._classify_json(document, data, only)
        else:
            yield from self._classify_json(document, data, only)

    def _classify_json(self, document: Document, data: bytes, only: str | None) -> Iterator[Document]:
        # A list can only be one of ELM libraries.
        kind = "" if data.lstrip().startswith(b"[") else resource_type(data)
        if kind == "Bundle":
            for entry in bundle_entries(data, document):
                yield from self._classify_json(entry, entry.read(), only)
        elif kind == "Library":
            if not add_library_resource(self.libraries, document, data) and not self.models.add_library(data):
                self.manifests.add(document, data)
        elif kind == "Measure" and only in (None, "Measure"):
            self.measures.add(document, data)
        elif kind in ("ValueSet", "CodeSystem"):
            yield document
        elif not kind:
            add_elm(self.libraries, document, data)
