"""Files of FHIR data of any kind, read into one cohort."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from ecqm.data.allocation import many_objects
from ecqm.data.cohort.assembly import Assembly, Loose
from ecqm.data.cohort.builder import CohortBuilder
from ecqm.data.cohort.cohort import Cohort
from ecqm.data.cohort.table import Origin
from ecqm.data.fhir.bundles import Bundle
from ecqm.data.fhir.demand import EVERYTHING, Demand
from ecqm.data.files.content import read_document
from ecqm.data.files.inputs import Inputs, find_inputs
from ecqm.data.files.suffixes import NDJSON_SUFFIXES
from ecqm.data.problems import DataError, name_of, reason
from ecqm.data.reading.ndjson import is_wanted, read_ndjson
from ecqm.terminology import CodeIndex


def read_files(
    paths: Iterable[Path] | Inputs,
    demand: Demand = EVERYTHING,
    codes: CodeIndex | None = None,
    default_offset: int = 0,
    keep_raw: bool = True,
) -> Cohort:
    """A cohort of all patients in some files and folders: FHIR bundles of any type (collection, searchset, transaction;
    also nested) and single resources, in JSON or XML, and NDJSON by resource type (bulk exports, with or without their
    manifest); JSON plain, .gz or .zst; any of these in zip archives.

    A bundle with a single Patient is that patient's whole record; otherwise references (FHIR's patient compartment) say
    which patient a resource belongs to. The same patient (by id) in several files is one patient. See `Assembly` for
    resources of no patient, or of an unknown one. NDJSON files that are named after a type outside the demand are not
    opened.
    """
    inputs = paths if isinstance(paths, Inputs) else find_inputs(map(Path, paths))
    builder = CohortBuilder(demand, codes, default_offset, keep_raw)
    assembly = Assembly(builder)
    with many_objects():
        for file in inputs.files:
            if not file.name.endswith(NDJSON_SUFFIXES):
                assembly.add_together(documents(builder, file))
            elif is_wanted(file, builder):
                read_ndjson(file, builder, assembly, inputs.counts.get(file))
        assembly.finish()
        cohort = builder.finish()
    cohort.problems += inputs.problems()
    return cohort


def documents(builder: CohortBuilder, path: Path) -> Iterator[Loose]:
    """The resources of a file, taken out of bundles. What cannot be read is reported."""
    origin = Origin(name_of(path), None)
    try:
        content = read_document(path)
    except (OSError, DataError) as error:
        builder.report(origin, f"cannot be read: {reason(error)}")
        return
    resource = builder.decode(content, origin)
    if isinstance(resource, Bundle):
        yield from _unbundled(builder, resource, origin)
    elif resource is not None:
        yield Loose(resource, content, origin)


def _unbundled(builder: CohortBuilder, bundle: Bundle, outer: Origin) -> Iterator[Loose]:
    for number, raw, urn in bundle.resources():
        origin = Origin(outer.file, number)
        resource = builder.decode(raw, origin)
        if isinstance(resource, Bundle):
            yield from _unbundled(builder, resource, outer)
        elif resource is not None:
            yield Loose(resource, raw, origin, urn)
