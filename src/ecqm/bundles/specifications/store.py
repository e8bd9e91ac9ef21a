"""The store of annual specifications: many years and versions of a measure side by side, never mixed.

Below the store's folder, `<year>/<measure>/<version>.json` lists the parts of one specification, and `parts` holds
each part once under its hash, however many specifications share it. A specification is read back only from its own
parts; a part whose bytes no longer have their hash is an error.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import msgspec

from ecqm.bundles.content import Content
from ecqm.bundles.content.documents import Document
from ecqm.bundles.specifications.specification import (
    Assembled,
    Part,
    Specification,
    SpecificationDrift,
    SpecificationError,
    as_content,
    assemble,
    differences,
    hash_of,
)
from ecqm.json_decoding import json_decoder
from ecqm.measures.definition import Measure
from ecqm.measures.definition.naming import cms_id

_decode = json_decoder(Specification)


def default_store() -> Path:
    """$ECQM_STORE, otherwise the user's data folder."""
    named = os.environ.get("ECQM_STORE")
    if named:
        return Path(named)
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / "ecqm" / "specifications"


# Of parts that are not JSON, by form or kind.
_SUFFIXES = {"application/elm+xml": ".xml", "text/cql": ".cql", "Model": ".xml"}


@dataclass(frozen=True)
class Verification:
    """A specification and its problems; there are none if it is as it was added."""

    specification: Specification
    problems: tuple[str, ...]


class SpecificationStore:
    """Specifications in a folder, by reporting year, measure and version."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __iter__(self) -> Iterator[Specification]:
        """All specifications, in order of year, measure and version."""
        for path in sorted(self.root.glob("[0-9]*/*/*.json")):
            try:
                yield _decode(path.read_bytes())
            except msgspec.DecodeError as error:
                raise SpecificationError(f"{path} is not readable: {error}") from error

    def add(
        self,
        content: Content,
        measure: Measure,
        year: int | None = None,
        replace: bool = False,
        allow_missing: bool = False,
    ) -> Specification:
        """Store the specification of a measure; if it is already there unchanged, nothing is written.

        `year` is the reporting year, by default that in which the measure's effective period begins. Raises
        SpecificationDrift if the same year, measure and version is there with other content (unless `replace`),
        SpecificationError if libraries or value sets are missing (unless `allow_missing`).
        """
        year = year or measure.reporting_year
        if year is None:
            raise SpecificationError(
                f"measure {measure.name} does not say its effective period; name the reporting year"
            )
        assembled = assemble(content, measure)
        if assembled.missing and not allow_missing:
            lacking = "\n".join(f"  {each}" for each in assembled.missing)
            raise SpecificationError(f"measure {measure.name} is not whole; what is missing:\n{lacking}")
        specification = Specification(
            year=year,
            measure=measure.name,
            version=measure.version or "",
            url=measure.url,
            content_hash=assembled.content_hash,
            parts=tuple(part for part, _ in assembled.parts),
            names=tuple(dict.fromkeys((measure.name, measure.id, measure.url, *measure.short_names))),
            missing=assembled.missing,
            origin=os.fsencode(content.root).decode("utf-8", "replace"),
            added=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        path = self._path(specification)
        if path.is_file():
            installed = _decode(path.read_bytes())
            if installed.content_hash == specification.content_hash:
                return installed
            if not replace:
                raise _drift(installed, assembled, str(content.root))
        for part, data in assembled.parts:
            self._write(self._part_path(part), data)
        self._write(path, msgspec.json.format(msgspec.json.encode(specification)), overwrite=True)
        return specification

    def matching(
        self, name: str | None = None, year: int | None = None, version: str | None = None
    ) -> list[Specification]:
        """The specifications of a measure (by name, URL, short name or CMS id), year and version; None is any."""
        return [
            specification
            for specification in self
            if year in (None, specification.year)
            and version in (None, specification.version)
            and (name is None or _named(specification, name))
        ]

    def find(
        self, name: str, year: int | None = None, version: str | None = None, content_hash: str | None = None
    ) -> Specification:
        """The only specification that matches.

        Raises SpecificationError if there is none or several (there is no default year), SpecificationDrift if the hash
        of the specification does not begin with `content_hash`.
        """
        found = self.matching(name, year, version)
        wanted = " ".join(str(part) for part in (name, version, f"({year})" if year else None) if part)
        if not found:
            others = self.matching(name)
            at_hand = f"; installed: {', '.join(map(str, others))}" if others else ""
            raise SpecificationError(f"no specification {wanted} is installed{at_hand}")
        if len(found) > 1:
            raise SpecificationError(f"{wanted} may mean any of: {', '.join(map(str, found))}; name year and version")
        (specification,) = found
        if content_hash is not None and not specification.content_hash.startswith(content_hash):
            raise SpecificationDrift(
                f"{specification}: installed is {specification.content_hash[:12]} (added {specification.added} from "
                f"{specification.origin}), named is {content_hash[:12]}"
            )
        return specification

    def open(self, specification: Specification) -> Content:
        """The content of one specification; every part is checked against its hash as it is read."""
        documents = [
            (part, Document(str(part), _Stored(self._part_path(part), part).read)) for part in specification.parts
        ]
        return as_content(Content(root=self.root), documents)

    def export(self, specifications: Iterable[Specification], folder: Path) -> int:
        """Write the parts of specifications as files, a folder that is content of its own; returns how many there are.

        Every part is checked against its hash. Raises SpecificationError if two specifications have different parts of
        one name, which cannot be in one content.
        """
        written: dict[tuple[str, str, str, str], Part] = {}
        for specification in specifications:
            for part in specification.parts:
                if written.setdefault(part.key, part).sha256 != part.sha256:
                    raise SpecificationError(f"{specification} has another {part} than others: export it separately")
        for part in written.values():
            name = quote(f"{part.name}-{part.version}" if part.version else part.name, safe="")
            path = folder / part.kind.lower() / (name + _SUFFIXES.get(part.form or part.kind, ".json"))
            self._write(path, _Stored(self._part_path(part), part).read(), overwrite=True)
        return len(written)

    def verify(self, specification: Specification) -> Verification:
        """Check that every part is there as it was added."""
        problems = []
        for part in specification.parts:
            try:
                _Stored(self._part_path(part), part).read()
            except SpecificationError as error:
                problems.append(str(error))
        if hash_of(specification.parts) != specification.content_hash:
            problems.append(f"{specification}: the list of parts does not have the hash that was recorded for it")
        return Verification(specification, tuple(problems))

    def compare(self, specification: Specification, content: Content) -> Verification:
        """Compare an installed specification with content; the problems are the differences."""
        measure = content.measure(f"{specification.measure}|{specification.version}")
        assembled = assemble(content, measure)
        if assembled.content_hash == specification.content_hash:
            return Verification(specification, ())
        return Verification(specification, (str(_drift(specification, assembled, str(content.root))),))

    def _path(self, specification: Specification) -> Path:
        measure = quote(specification.measure, safe="")
        version = quote(specification.version or "unversioned", safe="")
        return self.root / str(specification.year) / measure / f"{version}.json"

    def _part_path(self, part: Part) -> Path:
        return self.root / "parts" / part.sha256[:2] / part.sha256

    def _write(self, path: Path, data: bytes, overwrite: bool = False) -> None:
        """Write a file atomically."""
        if path.is_file() and not overwrite:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


@dataclass(frozen=True)
class _Stored:
    path: Path
    part: Part

    def read(self) -> bytes:
        try:
            data = self.path.read_bytes()
        except OSError as error:
            raise SpecificationError(f"{self.part}: its file is gone ({error.strerror})") from error
        found = hashlib.sha256(data).hexdigest()
        if found != self.part.sha256:
            raise SpecificationDrift(f"{self.part}: added as {self.part.sha256[:12]}, now {found[:12]}")
        return data


def _drift(installed: Specification, offered: Assembled, origin: str) -> SpecificationDrift:
    listed: Iterable[str] = differences(installed.parts, [part for part, _ in offered.parts])
    return SpecificationDrift(
        f"{installed} is installed as {installed.content_hash[:12]} (added {installed.added} from {installed.origin}); "
        f"{origin} offers {offered.content_hash[:12]}: {'; '.join(listed)}"
    )


def _named(specification: Specification, name: str) -> bool:
    if name.lower() in (known.lower() for known in specification.names):
        return True
    number = cms_id(name)
    return number is not None and name.upper() == number and number in map(cms_id, specification.names)
