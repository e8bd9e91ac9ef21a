"""The members of all populations, in files: for a million patients and all measures they do not fit in memory.

A part has NNNNN.members with a line of JSON per population with members: the measure's canonical, the group, the index
of the population in it, and references. They become the entries of the lists in a subject list.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

import msgspec

from ecqm.data.writing import replacing
from ecqm.measures.results.fhir_elements import Json
from ecqm.measures.results.report import bundle_entry

MEMBERS = ".members"

_Line = tuple[str, str, int, list[str]]
_decode_line = msgspec.json.Decoder(_Line).decode


def write_members(members: Mapping[str, Mapping[str, Sequence[Sequence[str]]]], path: Path) -> None:
    """Write the members of a part, by canonical as returned by `members_of_populations`. Raises OSError."""
    with replacing(path) as fresh, fresh.open("wb") as file:
        for canonical, of_groups in members.items():
            for group, populations in of_groups.items():
                for place, references in enumerate(populations):
                    if references:
                        file.write(msgspec.json.encode((canonical, group, place, references)) + b"\n")


def write_subject_lists(reports: Mapping[str, Json], parts: Iterable[Path], work: Path, target: Path) -> None:
    """Write a Bundle of subject lists, by canonical as returned by `subject_list_report`, with the members of all
    parts.

    `work` is a temporary folder, in which the entries of each list are gathered part by part.
    """
    # The lists are in the order of the populations. Groups of a part that the report has not got are left out.
    lists = {
        (canonical, group, place): work / f"{number}-{position}"
        for number, (canonical, report) in enumerate(reports.items())
        for position, (group, place) in enumerate(_populations(report))
    }
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    for part in parts:
        with part.open("rb") as lines:
            for canonical, group, place, references in map(_decode_line, lines):
                path = lists.get((canonical, group, place))
                if path is not None:
                    with path.open("a", encoding="utf-8") as file:
                        for reference in references:
                            file.write(f",\n{json.dumps({'item': {'reference': reference}}, ensure_ascii=False)}")
    with target.open("w", encoding="utf-8") as file:
        file.write('{"resourceType": "Bundle", "type": "collection"')
        for number, report in enumerate(reports.values()):
            file.write(",\n" if number else ', "entry": [\n')
            _write_report(report, [work / f"{number}-{place}" for place in range(len(report["contained"]))], file)
        file.write("]}\n" if reports else "}\n")
    shutil.rmtree(work)


def _populations(report: Json) -> Iterator[tuple[str, int]]:
    """The populations of a report: the id of the group, and the index in it."""
    for group in report["group"]:
        for place in range(len(group["population"])):
            yield group["id"], place


def _write_report(report: Json, entries: Sequence[Path], target: IO[str]) -> None:
    """Write a report as an entry of the bundle; its lists come last, and so do the entries of each list."""
    lists = report["contained"]
    entry = bundle_entry({name: value for name, value in report.items() if name != "contained"})
    target.write(_opened(_opened(json.dumps(entry, ensure_ascii=False))) + ', "contained": [')
    for number, (listed, path) in enumerate(zip(lists, entries, strict=True)):
        target.write(",\n" if number else "\n")
        text = json.dumps(listed, ensure_ascii=False)
        if path.exists():
            target.write(_opened(text) + ', "entry": [')
            with path.open("r", encoding="utf-8") as source:
                source.read(1)
                shutil.copyfileobj(source, target)
            text = "]}"
        target.write(text)
    target.write("]}}")


def _opened(text: str) -> str:
    """A JSON object without its closing brace, to append to it."""
    return text[:-1]
