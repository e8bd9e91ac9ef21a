"""NDJSON by resource type, as a FHIR bulk export ($export) gives it: one resource per line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from ecqm.data.assembly import Assembly
from ecqm.data.cohort import CohortBuilder
from ecqm.data.files import read_lines
from ecqm.data.gathering import Gathered
from ecqm.data.problems import DataError
from ecqm.data.structs import Bundle
from ecqm.data.table import Origin

_NAMES = re.compile(r"[A-Z][A-Za-z]+")
NDJSON_SUFFIXES = (".ndjson", ".ndjson.gz", ".ndjson.zst", ".jsonl", ".jsonl.gz", ".jsonl.zst")


def is_wanted(path: Path, builder: CohortBuilder) -> bool:
    """Can a file hold resources that the demand names, judging by its name (`Encounter-000.ndjson`)?"""
    named = [name for name in _NAMES.findall(path.name) if name in builder.structs.schema.resource_types]
    return not named or named[0] == "Patient" or any(map(builder.demand.reads, named))


def read_ndjson(path: Path, builder: CohortBuilder, assembly: Assembly) -> None:
    """Put the resources of an NDJSON file into an assembly; a line that cannot be read is reported with its number."""
    file = str(path)
    try:
        for first, lines in read_lines(path):
            _add_lines(file, first, lines, builder, assembly)
    except (OSError, DataError) as error:
        builder.report(Origin(file, None), f"cannot be read (any further): {error}")


def _add_lines(file: str, first: int, lines: Sequence[bytes], builder: CohortBuilder, assembly: Assembly) -> None:
    try:
        resources = list(map(builder.structs.decode, lines))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        # Some line is bad, or blank: only then is each looked at by itself.
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
