"""Manifests of FHIR bulk exports: what a server answered when an export was complete, and the files that it names.

HL7 FHIR Bulk Data Access, "Bulk Data Export", complete status (1.0 to 4.0): `transactionTime`, `request`, and lists of
NDJSON files, each with `url` and perhaps `type` and `count`: `output` are resources; `deleted` are bundles whose
entries ask to DELETE what earlier exports had; `error` (`outcome` from 4.0 on) are OperationOutcomes. A `link` whose
relation is `next` leads to a manifest with more files.

Nothing is fetched: a relative url is a file beside the manifest, and any other is looked for there by its last part.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

import msgspec

from ecqm.data.fhir.structs import UNREADABLE
from ecqm.data.files.archived import DAMAGE, is_file, open_file
from ecqm.data.files.content import read_lines
from ecqm.data.files.suffixes import NDJSON_SUFFIXES
from ecqm.data.problems import DataError, DataProblem, name_of, reason

# The start of a file shows whether it can be a manifest. Even a manifest of a million files is smaller than _LARGEST.
_HEAD = 4 << 10
_LARGEST = 256 << 20
_MISSING_NAMED = 20
_TOLD = ("fatal", "error", "warning")


@dataclass(frozen=True)
class ExportFile:
    """A file, and how many resources it has according to the manifest."""

    path: Path
    count: int | None


@dataclass(frozen=True)
class Export:
    """An export as its manifests describe it; the next export can start from `transaction_time` (`_since`)."""

    manifests: tuple[Path, ...]
    transaction_time: str
    request: str | None
    output: tuple[ExportFile, ...]
    deleted: tuple[ExportFile, ...]
    outcomes: tuple[ExportFile, ...]

    def problems(self) -> Iterator[DataProblem]:
        """Problems that the server reported about the export."""
        for file in self.outcomes:
            try:
                for first, lines in read_lines(file.path):
                    for number, line in enumerate(lines, first):
                        if line and not line.isspace():
                            yield from _told(file.path, number, line)
            except (OSError, DataError) as error:
                yield DataProblem(str(file.path), None, None, None, f"cannot be read (any further): {reason(error)}")


class _File(msgspec.Struct):
    url: str = ""
    count: int | None = None


class _Link(msgspec.Struct):
    relation: str | None = None
    url: str = ""


class _Manifest(msgspec.Struct):
    transactionTime: str
    output: list[_File]
    request: str | None = None
    deleted: list[_File] | None = None
    error: list[_File] | None = None
    outcome: list[_File] | None = None
    link: list[_Link] | None = None


class _Details(msgspec.Struct):
    text: str | None = None


class _Issue(msgspec.Struct):
    severity: str = "error"
    code: str | None = None
    details: _Details | None = None
    diagnostics: str | None = None


class _OperationOutcome(msgspec.Struct):
    issue: list[_Issue] | None = None


_decode_manifest = msgspec.json.Decoder(_Manifest, strict=False).decode
_decode_outcome = msgspec.json.Decoder(_OperationOutcome).decode


def wrong_count(found: int, count: int) -> str:
    """The message for a file that does not have as many resources as the manifest of its export says."""
    return f"has {found} resources, where the manifest of its export says {count}"


def read_export(path: Path) -> Export | None:
    """The export that a manifest describes; None for a file that is not a manifest.

    Raises DataError, with their names, if files of the export are missing, or if two of its urls lead to one file.
    """
    first = _manifest(path)
    if first is None:
        return None
    pages, missing = _pages(path, first)
    output: list[ExportFile] = []
    deleted: list[ExportFile] = []
    outcomes: list[ExportFile] = []
    for manifest, page in pages.items():
        lists = ((output, page.output), (deleted, page.deleted), (outcomes, page.error), (outcomes, page.outcome))
        for files, named in lists:
            for file in named or ():
                found = _at_hand(file.url, manifest.parent, NDJSON_SUFFIXES)
                if found is None:
                    missing.append(file.url)
                else:
                    files.append(ExportFile(found, file.count))
    _check(path, missing, [file.path for file in (*output, *deleted, *outcomes)])
    manifests = tuple(pages)
    return Export(manifests, first.transactionTime, first.request, tuple(output), tuple(deleted), tuple(outcomes))


def _manifest(path: Path) -> _Manifest | None:
    if path.suffix != ".json":
        return None
    try:
        with open_file(path) as file:
            head = file.read(_HEAD)
            # Unlike resources, manifests have no type; one draft gave them that of their logical model.
            if not head.lstrip().startswith(b"{") or (b'"resourceType"' in head and b"BulkDataManifest" not in head):
                return None
            content = head + file.read(_LARGEST)
    except (OSError, DataError, *DAMAGE):
        # It is reported where it is read as data.
        return None
    try:
        return _decode_manifest(content)
    except UNREADABLE:
        return None


def _pages(path: Path, first: _Manifest) -> tuple[dict[Path, _Manifest], list[str]]:
    """A manifest with those that continue it, and the urls of those that are missing."""
    pages = {path: first}
    missing = []
    waiting = [(path, first)]
    while waiting:
        manifest, page = waiting.pop()
        for link in page.link or ():
            if link.relation != "next":
                continue
            found = _at_hand(link.url, manifest.parent, (".json",))
            more = None if found is None else _manifest(found)
            if found is None or more is None:
                missing.append(link.url)
            elif found not in pages:
                pages[found] = more
                waiting.append((found, more))
    return pages, missing


def _at_hand(url: str, folder: Path, suffixes: tuple[str, ...]) -> Path | None:
    """The file that a url names, which may have been compressed, or named by what it is, when it was stored."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    path = unquote(parts.path)
    if parts.scheme == "file":
        named = Path(path)
    else:
        named = folder / (PurePosixPath(path).name if parts.scheme else path)
    if not named.name:
        return None
    endings = ("", *suffixes, ".gz", ".zst")
    candidates = (named.with_name(named.name + ending) for ending in endings)
    return next((each for each in candidates if each.name.endswith(suffixes) and is_file(each)), None)


def _check(path: Path, missing: list[str], found: list[Path]) -> None:
    if missing:
        named = missing[:_MISSING_NAMED] + ["…"] * (len(missing) > _MISSING_NAMED)
        raise DataError(
            f"{path}: {len(missing)} files of the export are not at hand (ecqm fetches nothing; they are looked for "
            f"beside the manifest, by the last part of their url): {', '.join(named)}"
        )
    twice = [name_of(file) for file, times in Counter(found).items() if times > 1]
    if twice:
        raise DataError(f"{path}: names one file more than once: {', '.join(twice)}")


def _told(file: Path, line: int, content: bytes) -> Iterator[DataProblem]:
    try:
        issues = _decode_outcome(content).issue or ()
    except UNREADABLE as error:
        yield DataProblem(name_of(file), line, None, "OperationOutcome", f"cannot be read: {error}")
        return
    for issue in issues:
        if issue.severity in _TOLD:
            text = (issue.details and issue.details.text) or issue.diagnostics or issue.code or "no reason given"
            yield DataProblem(name_of(file), line, None, "OperationOutcome", f"{issue.severity} of the export: {text}")
