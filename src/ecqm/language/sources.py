"""Finding the CQL of libraries in files, folders, and FHIR Library resources."""

from __future__ import annotations

import base64
import binascii
import errno
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ecqm.json_decoding import UTF16, is_utf16
from ecqm.versions import version_key

_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_NAME = r"(?:\"(?:[^\"\\]|\\.)*\"|`(?:[^`\\]|\\.)*`|\w+)"
_HEADER = re.compile(rf"\s*library\s+({_NAME}(?:\s*\.\s*{_NAME})*)(?:\s+version\s+'([^']*)')?")
_CQL = "text/cql"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """The CQL of one library, and the file that contains it."""

    name: str
    version: str | None
    path: Path
    text: str


def library_header(text: str) -> tuple[str, str | None] | None:
    """The name, with its namespace, and version that a source declares; None if it declares no library."""
    match = _HEADER.match(_COMMENT.sub(" ", text.removeprefix("\ufeff")))
    if match is None:
        return None
    parts = [part.strip('"`') for part in re.findall(_NAME, match[1])]
    return ".".join(parts), match[2]


def read_source(path: Path, *, exact: bool = False) -> str:
    """The text of a CQL file. Raises OSError, also for UTF-16.

    Other bytes that are not UTF-8 are replaced by U+FFFD, which the compiler accepts in comments only. If the text has
    to be `exact`, they raise OSError.
    """
    with path.open("rb") as file:
        if is_utf16(file.read(2)):
            raise OSError(errno.EILSEQ, UTF16, str(path))
    try:
        return path.read_text(encoding="utf-8-sig", errors="strict" if exact else "replace")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise OSError(errno.EILSEQ, f"line {line} is not UTF-8", str(path)) from None


def cql_files(path: Path) -> Iterator[Path]:
    """The file itself, or all .cql files in a folder and its subfolders, in order."""
    if path.is_dir():
        yield from sorted(path.rglob("*.cql"))
    else:
        yield path


def _resource_sources(path: Path) -> Iterator[SourceFile]:
    """The CQL attachments of a FHIR Library resource; nothing for other files."""
    data = path.read_bytes()
    if b'"Library"' not in data or _CQL.encode() not in data:
        return
    try:
        resource = json.loads(data)
        for content in resource.get("content", ()):
            if content.get("contentType") == _CQL and "data" in content:
                text = base64.b64decode(content["data"]).decode("utf-8", "replace")
                header = library_header(text)
                if header is not None:
                    yield SourceFile(*header, path, text)
    except (ValueError, AttributeError, TypeError, RecursionError, binascii.Error):
        return


class KnownSources(ABC):
    """A resolver for `Compiler` that also knows which versions of a library there are, and their files."""

    @abstractmethod
    def __call__(self, name: str, version: str | None) -> str | None:
        """The source of a library; without a version, of the newest."""

    @abstractmethod
    def versions(self, name: str) -> list[str | None]:
        """The available versions of a library, newest first."""

    @abstractmethod
    def file(self, name: str, version: str | None) -> str | None:
        """The file that the source of a library is in, for messages."""


@dataclass(slots=True)
class SourceIndex(KnownSources):
    """The sources in files and folders, by name and version. A call makes it a resolver for `Compiler`.

    If several sources declare the same library and version, the first one is used. `unreadable` are files that cannot
    be read, with the reasons.
    """

    sources: dict[tuple[str, str | None], SourceFile] = field(default_factory=dict)
    unreadable: dict[Path, OSError] = field(default_factory=dict)

    def add(self, path: Path, *, below: bool = True) -> None:
        """Add a file, or the .cql files of a folder; with `below`, also those of its subfolders."""
        for file in cql_files(path) if below else sorted(path.glob("*.cql")):
            try:
                text = read_source(file)
            except OSError as error:
                self.unreadable[file] = error
                continue
            header = library_header(text)
            if header is not None:
                self.sources.setdefault(header, SourceFile(*header, file, text))

    def add_resources(self, folder: Path) -> None:
        """Add the CQL in FHIR Library resources of a folder and its subfolders. Sources added earlier win."""
        for file in sorted(folder.rglob("*.json")):
            for source in _resource_sources(file):
                self.sources.setdefault((source.name, source.version), source)

    def versions(self, name: str) -> list[str | None]:
        """The versions of a library, the newest first."""
        found = [version for known, version in self.sources if known == name]
        return sorted(found, key=version_key, reverse=True)

    def __call__(self, name: str, version: str | None) -> str | None:
        """The source of a library; None if there is none."""
        found = self._find(name, version)
        return None if found is None else found.text

    def file(self, name: str, version: str | None) -> str | None:
        """The file of a library; None if there is none."""
        found = self._find(name, version)
        return None if found is None else str(found.path)

    def _find(self, name: str, version: str | None) -> SourceFile | None:
        # Libraries are published both with and without the namespace that others include them by.
        for known in dict.fromkeys((name, unqualified(name))):
            wanted = next(iter(self.versions(known)), None) if version is None else version
            if (source := self.sources.get((known, wanted))) is not None:
                return source
        return None


def unqualified(name: str) -> str:
    """The name of a library without its namespace: FHIRHelpers for hl7.fhir.uv.cql.FHIRHelpers."""
    return name.rpartition(".")[2]


def index(paths: Iterable[Path]) -> SourceIndex:
    """An index of the sources in files and folders."""
    found = SourceIndex()
    for path in paths:
        found.add(path)
    return found
