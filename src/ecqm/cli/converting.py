"""Converting QDM patients from one form to the other for `ecqm convert`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecqm.data.problems import name_of
from ecqm.data.qdm.equality import differences
from ecqm.data.qdm.patients import documents, read_whole, to_json
from ecqm.reporting.submissions.category1 import MeasureReference, write_qrda1

if TYPE_CHECKING:
    from ecqm.cli.convert import ConvertRequest


class Conversion:
    """Converts the patients of a request.

    `converted` has the documents by the names of their files, `findings` what was not understood, what the other form
    cannot express, and what does not read back equal.
    """

    def __init__(self, request: ConvertRequest) -> None:
        self._request = request
        self._suffix = ".json" if request.form == "json" else ".xml"
        self._measures = [MeasureReference(str(each)) for each in request.measures]
        start, end = request.period
        self._period = None if start is None or end is None else (start, end)
        self.converted: dict[str, bytes] = {}
        self.findings: list[str] = []

    def run(self) -> None:
        """Convert all patients."""
        for origin, data in documents(self._request.source, lambda where, why: self._find(where, [why])):
            builder, patients = read_whole(data, origin)
            self.findings += map(str, builder.problems)
            stem = _stem(self._request.source, origin)
            for number, patient in enumerate(patients, 1):
                name = self._unused(stem if len(patients) == 1 else f"{stem}-{number}")
                self.converted[name] = self._document(patient, origin)
                self._find(origin, _not_read_back(patient, self.converted[name], name))

    def _document(self, patient: Any, origin: str) -> bytes:
        if self._request.form == "json":
            return to_json(patient)
        document = write_qrda1(patient, self._measures, self._period)
        self._find(origin, document.problems)
        return document.xml

    def _find(self, origin: str, problems: Iterable[str]) -> None:
        self.findings += (f"{origin}: {problem}" for problem in problems)

    def _unused(self, stem: str) -> str:
        """The name of a file, with a number if another document has it: a.json and a.xml may be of two patients."""
        numbered = (f"{stem}-{number}{self._suffix}" for number in count(2))
        name = stem + self._suffix
        return name if name not in self.converted else next(each for each in numbered if each not in self.converted)


def _not_read_back(patient: Any, document: bytes, name: str) -> list[str]:
    """How a patient differs when read from the document written of them."""
    _, again = read_whole(document, name)
    return differences(patient, again[0]) if len(again) == 1 else ["it does not read back"]


def _stem(source: Path, origin: str) -> str:
    """The output name for a document: its path within the source, without the suffix."""
    within = origin.removeprefix(name_of(source)).lstrip("/:") or source.name
    stem = within.rpartition(".")[0] or within
    # Names in an archive may contain `..`; the output must stay below its folder.
    return "/".join(part for part in re.split(r"[/\\]", stem) if part not in ("", ".", "..")) or source.stem
