"""Case folders: all resources in a folder, in files of their own, in bundles or in both, belong to one patient."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from ecqm.data.cohort import Cohort, CohortBuilder, entries
from ecqm.data.demand import EVERYTHING, Demand
from ecqm.data.files import read_bytes
from ecqm.data.problems import DataError
from ecqm.data.structs import Bundle
from ecqm.data.table import Origin
from ecqm.terminology import CodeIndex

# A deck keeps the expectations of a case beside its data.
_NOT_DATA = "MeasureReport"
_JSON = (".json", ".json.gz", ".json.zst")


def read_case(folder: Path, demand: Demand = EVERYTHING, **options: Any) -> Cohort:
    """The cohort of one case folder; options as for `read_cases`."""
    return read_cases([folder], demand, **options)


def read_cases(
    folders: Sequence[Path],
    demand: Demand = EVERYTHING,
    codes: CodeIndex | None = None,
    default_offset: int = 0,
    keep_raw: bool = True,
) -> Cohort:
    """A cohort of many case folders: patient row i is case i, whoever else has the same patient id.

    A resource found several times with the same content (in a bundle and in a file of its own) counts once. With one
    id and different contents each is kept, since both are records of the patient, and the id is reported.
    """
    builder = CohortBuilder(demand, codes, default_offset, keep_raw)
    for folder in folders:
        _read_case(builder, Path(folder))
    return builder.finish()


def _read_case(builder: CohortBuilder, folder: Path) -> None:
    patient = builder.add_patient(folder.name)
    seen: dict[tuple[str, str | None], list[bytes]] = {}
    for path in sorted(path for path in folder.rglob("*") if path.name.endswith(_JSON)):
        if path.name.startswith(_NOT_DATA):
            continue
        for resource, raw, origin, urn in documents(builder, path):
            resource_type = builder.type_of(resource)
            if resource_type == _NOT_DATA:
                continue
            if resource_type == "Patient" and resource.id is not None:
                builder.ids[patient] = resource.id
            if not builder.demand.reads(resource_type):
                continue
            known = seen.setdefault((resource_type, resource.id), [])
            content = msgspec.json.format(raw, indent=-1)
            if any(same_content(content, other) for other in known):
                continue
            if known and resource.id is not None:
                name = f"{resource_type}/{resource.id}"
                builder.report(origin, "duplicate id: another resource of this patient has it", folder.name, name)
            known.append(content)
            builder.add(patient, resource, raw, origin, urn)
    if not seen:
        builder.report(Origin(str(folder), None), "no resources that the measures need", folder.name)


def documents(builder: CohortBuilder, path: Path) -> Iterator[tuple[Any, bytes | msgspec.Raw, Origin, str | None]]:
    """The resources of a file, out of their bundles: struct, JSON, origin, and the URN that references may use."""
    origin = Origin(str(path), None)
    try:
        content = read_bytes(path)
    except (OSError, DataError) as error:
        builder.report(origin, f"cannot be read: {error}")
        return
    resource = builder.decode(content, origin)
    if isinstance(resource, Bundle):
        yield from _unbundled(builder, resource, origin)
    elif resource is not None:
        yield resource, content, origin, None


def _unbundled(
    builder: CohortBuilder, bundle: Bundle, outer: Origin
) -> Iterator[tuple[Any, msgspec.Raw, Origin, str | None]]:
    for number, raw, urn in entries(bundle):
        origin = Origin(outer.file, number)
        resource = builder.decode(raw, origin)
        if isinstance(resource, Bundle):
            yield from _unbundled(builder, resource, outer)
        elif resource is not None:
            yield resource, raw, origin, urn


def same_content(one: bytes, other: bytes) -> bool:
    """Are two compact JSON texts the same value? The order of keys makes no difference."""
    return one == other or bool(msgspec.json.decode(one) == msgspec.json.decode(other))


def case_folders(root: Path) -> Iterable[Path]:
    """The folders directly below `root`, in order of their names."""
    return sorted(path for path in root.iterdir() if path.is_dir())
