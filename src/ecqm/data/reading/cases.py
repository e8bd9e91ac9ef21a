"""Case folders: all resources in a folder, in files of their own, in bundles or in both, belong to one patient."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ecqm.data.allocation import many_objects
from ecqm.data.cohort.builder import CohortBuilder
from ecqm.data.cohort.cohort import Cohort
from ecqm.data.cohort.table import Origin
from ecqm.data.fhir.demand import EVERYTHING, Demand
from ecqm.data.files.case_folders import case_documents
from ecqm.data.reading.files import documents
from ecqm.terminology import CodeIndex

# A deck keeps the expectations of a case beside its data.
_NOT_DATA = "MeasureReport"


def read_cases(
    folders: Sequence[Path],
    demand: Demand = EVERYTHING,
    codes: CodeIndex | None = None,
    default_offset: int = 0,
    keep_raw: bool = True,
    times: int = 1,
) -> Cohort:
    """A cohort of case folders: patient row i is case i, even if several cases have the same patient id. A case may
    also be a single file.

    `times` repeats all of it, to measure speed on a cohort larger than the deck. See `CohortBuilder.finish` for
    resources that are found several times, as in a bundle and in files of their own.
    """
    builder = CohortBuilder(demand, codes, default_offset, keep_raw)
    with many_objects():
        for folder in folders:
            _read_case(builder, Path(folder))
        if times > 1:
            builder.repeat(times)
        return builder.finish()


def _read_case(builder: CohortBuilder, folder: Path) -> None:
    patient = builder.add_patient(folder.stem if folder.is_file() else folder.name)
    found = False
    for path in [folder] if folder.is_file() else sorted(case_documents(folder)):
        if path.name.startswith(_NOT_DATA):
            continue
        for loose in documents(builder, path):
            resource_type = builder.type_of(loose.resource)
            if resource_type == _NOT_DATA:
                continue
            if resource_type == "Patient" and loose.resource.id is not None:
                builder.ids[patient] = loose.resource.id
            found |= builder.add(patient, *loose)
    if not found:
        builder.report(Origin(str(folder), None), "no resources that the measures need", folder.name)
