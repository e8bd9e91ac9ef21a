"""NDJSON by resource type, as a FHIR bulk export ($export) gives it: one resource per line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ecqm.data.assembly import Loose
from ecqm.data.cohort import CohortBuilder
from ecqm.data.files import read_lines
from ecqm.data.problems import DataError
from ecqm.data.structs import Bundle
from ecqm.data.table import Origin

_NAMES = re.compile(r"[A-Z][A-Za-z]+")
NDJSON_SUFFIXES = (".ndjson", ".ndjson.gz", ".ndjson.zst", ".jsonl", ".jsonl.gz", ".jsonl.zst")


def is_wanted(path: Path, builder: CohortBuilder) -> bool:
    """Can a file hold resources that the demand names, judging by its name (`Encounter-000.ndjson`)?"""
    named = [name for name in _NAMES.findall(path.name) if name in builder.structs.schema.resource_types]
    return not named or named[0] == "Patient" or any(map(builder.demand.reads, named))


def lines(builder: CohortBuilder, path: Path) -> Iterator[Loose]:
    """The resources of an NDJSON file; a line that cannot be read is reported with its number."""
    file = str(path)
    try:
        for number, line in read_lines(path):
            origin = Origin(file, number)
            resource = builder.decode(line, origin)
            if isinstance(resource, Bundle):
                builder.report(origin, "a bundle, where NDJSON has one resource per line")
            elif resource is not None:
                yield Loose(resource, line, origin)
    except (OSError, DataError) as error:
        builder.report(Origin(file, None), f"cannot be read (any further): {error}")
