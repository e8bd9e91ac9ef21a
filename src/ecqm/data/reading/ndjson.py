"""NDJSON: one resource per line, usually a file per resource type, as FHIR bulk exports ($export) have it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ecqm.data.cohort.assembly import Assembly
from ecqm.data.cohort.builder import CohortBuilder
from ecqm.data.cohort.gathering import Gathered
from ecqm.data.cohort.table import Origin
from ecqm.data.fhir.bundles import Bundle
from ecqm.data.fhir.structs import UNREADABLE
from ecqm.data.files.content import read_lines
from ecqm.data.files.exports import wrong_count
from ecqm.data.problems import DataError, name_of, reason

_NAMES = re.compile(r"[A-Z][A-Za-z]+")


def is_wanted(path: Path, builder: CohortBuilder) -> bool:
    """Whether a file, going by its name (`Encounter-000.ndjson`), may have resources that are demanded."""
    named = [name for name in _NAMES.findall(path.name) if name in builder.structs.schema.resource_types]
    return not named or named[0] == "Patient" or any(map(builder.demand.reads, named))


def read_ndjson(path: Path, builder: CohortBuilder, assembly: Assembly, count: int | None = None) -> None:
    """Add the resources of an NDJSON file to an assembly. A line that cannot be read is reported with its number.

    `count` is how many resources the file should have, if that is known.
    """
    file = name_of(path)
    found = 0
    try:
        for first, lines in read_lines(path):
            _add_lines(file, first, lines, builder, assembly)
            found += n_resources(lines)
        if count is not None and count != found:
            builder.report(Origin(file, None), wrong_count(found, count))
    except (OSError, DataError) as error:
        builder.report(Origin(file, None), f"cannot be read (any further): {reason(error)}")


def n_resources(lines: Sequence[bytes]) -> int:
    """How many lines are not blank."""
    return sum(1 for line in lines if line and not line.isspace())


def _add_lines(file: str, first: int, lines: Sequence[bytes], builder: CohortBuilder, assembly: Assembly) -> None:
    try:
        resources = list(map(builder.structs.decode, lines))
    except UNREADABLE:
        # Some line is invalid or blank: decode them one by one.
        resources = [_decode_line(file, number, line, builder) for number, line in enumerate(lines, first)]
    number = builder.file_number(file)
    for struct in set(map(type, resources)):
        places = [place for place, resource in enumerate(resources) if type(resource) is struct]
        if struct is Bundle:
            for place in places:
                builder.report(Origin(file, first + place), "a bundle, where NDJSON has one resource per line")
        elif struct is not type(None):
            gathered = Gathered(
                [resources[place] for place in places],
                [lines[place] for place in places],
                [number] * len(places),
                [first + place for place in places],
            )
            assembly.add(builder.structs.type_of[struct], gathered)


def _decode_line(file: str, number: int, line: bytes, builder: CohortBuilder) -> Any:
    return builder.decode(line, Origin(file, number)) if line and not line.isspace() else None
