"""A cohort: patients in order, and for each type of resource a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import msgspec

from ecqm.columns import Column, Rows
from ecqm.data.demand import Demand
from ecqm.data.elements import Reading
from ecqm.data.problems import DataProblem
from ecqm.data.references import ReferenceIndex
from ecqm.data.structs import Bundle, ResourceStructs, resource_structs
from ecqm.data.table import Origin, ResourceRow, ResourceTable
from ecqm.terminology import CodeIndex


class Cohort:
    """`n` patients with `ids` (not necessarily distinct: a test deck has one row per case), tables, and problems.

    Problems with the values of an element come up when its column is made; `settle` makes all of them.
    """

    def __init__(
        self,
        ids: Sequence[str],
        tables: Mapping[str, ResourceTable],
        demand: Demand,
        codes: CodeIndex,
        problems: list[DataProblem],
        empty_table: Callable[[str], ResourceTable],
    ) -> None:
        self.ids = tuple(ids)
        self.n = len(self.ids)
        self.tables = dict(tables)
        self.demand = demand
        self.codes = codes
        self.problems = problems
        self._empty_table = empty_table

    def __repr__(self) -> str:
        return f"<Cohort of {self.n} patients, {sum(map(len, self.tables.values()))} resources>"

    def table(self, resource_type: str) -> ResourceTable:
        """The resources of a type; a table without rows where there are none.

        Raises KeyError for what is no resource type, LookupError for a type that the demand left out.
        """
        if not self.demand.reads(resource_type):
            raise LookupError(f"{resource_type} was not read: the demand does not name it")
        found = self.tables.get(resource_type)
        if found is None:
            found = self.tables[resource_type] = self._empty_table(resource_type)
        return found

    @cached_property
    def references(self) -> ReferenceIndex:
        """The index that references are resolved with."""
        return ReferenceIndex(self.tables)

    def resolve(self, references: Column, patients: Rows, resource_type: str, serials: Rows | None = None) -> Rows:
        """For each of n references the row of `resource_type`'s table that it means, -1 where it means none.

        `references` is a column of FHIR.Reference, or of strings (uri, canonical or string: the reference itself);
        `patients` (n) the patient rows they belong to; `serials` (n) the serial numbers of the resources they are in,
        which references to contained resources (`#id`) need. A resource of the same patient is preferred; then
        any other's with that id.
        """
        return self.references.resolve(references, patients, resource_type, serials)

    def resolve_any(self, references: Column, patients: Rows, serials: Rows | None = None) -> Column:
        """The resources that n references mean: a ResourceColumn, or a choice of them where the types differ."""
        return self.references.resolve_any(references, patients, serials)

    def settle(self) -> None:
        """Make every column of every table, and free what they are made from."""
        for table in self.tables.values():
            table.settle()


class CohortBuilder:
    """Gathers resources for a cohort; `finish` orders them by patient and makes the tables.

    `default_offset` is in minutes east of UTC. With `keep_raw` the JSON of every resource is kept beside its row.
    """

    def __init__(
        self, demand: Demand, codes: CodeIndex | None = None, default_offset: int = 0, keep_raw: bool = True
    ) -> None:
        self.demand = demand
        self.codes = CodeIndex() if codes is None else codes
        self.structs: ResourceStructs = resource_structs(demand)
        self.keep_raw = keep_raw
        self.ids: list[str] = []
        self.problems: list[DataProblem] = []
        self._default_offset = default_offset
        self._rows: dict[str, list[ResourceRow]] = {}
        self._seen: dict[tuple[int, str, str | bytes], list[bytes | msgspec.Raw]] = {}
        self._serial = 0

    def add_patient(self, identifier: str) -> int:
        """A new patient row."""
        self.ids.append(identifier)
        return len(self.ids) - 1

    def decode(self, raw: bytes | msgspec.Raw | memoryview, origin: Origin, patient: str | None = None) -> Any:
        """The struct of a resource or a Bundle; None, and a problem, for what cannot be read."""
        try:
            return self.structs.decode(raw)
        except msgspec.ValidationError as error:
            self.report(origin, f"not a FHIR resource that can be read: {error}", patient, self._named(raw))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            size = memoryview(raw).nbytes
            self.report(origin, "empty" if size == 0 else f"not valid JSON ({size} bytes): {error}", patient)
        except RecursionError:
            self.report(origin, "nested too deeply", patient)
        return None

    def add(
        self, patient: int, resource: Any, raw: bytes | msgspec.Raw, origin: Origin, urn: str | None = None
    ) -> bool:
        """A resource of a patient row, with those contained in it; is its type wanted?

        The same content a second time (in a bundle and in a file of its own) counts once. Different contents with one
        id are both kept, since both are records of the patient, and reported. Of Patient itself the first counts.
        """
        name = self.structs.wanted.get(type(resource))
        if name is None:
            return False
        # Without an id only the content can be compared, and there may be many: they are found by it.
        identity = "" if name == "Patient" else resource.id or _compact(raw)
        known = self._seen.setdefault((patient, name, identity), [])
        if any(_same_content(raw, other) for other in known):
            return True
        if known:
            complaint = "a second Patient" if name == "Patient" else "another resource of this patient has its id"
            self.report(origin, f"duplicate: {complaint}", self.ids[patient], f"{name}/{resource.id}")
            if name == "Patient":
                return True
        known.append(raw)
        self._keep(ResourceRow(patient, resource, raw, origin, urn, self._next_serial(), -1))
        return True

    def _keep(self, row: ResourceRow) -> None:
        name = self.structs.wanted.get(type(row.resource))
        if name is None:
            return
        self._rows.setdefault(name, []).append(row if self.keep_raw else row._replace(raw=None))
        for part in getattr(row.resource, "contained", None) or ():
            inner = self.decode(part, row.origin, self.ids[row.patient])
            if inner is not None:
                self._keep(
                    row._replace(resource=inner, raw=part, urn=None, serial=self._next_serial(), container=row.serial)
                )

    def _next_serial(self) -> int:
        self._serial += 1
        return self._serial - 1

    def report(self, origin: Origin, message: str, patient: str | None = None, resource: str | None = None) -> None:
        """Note a problem."""
        self.problems.append(DataProblem(origin.file, origin.entry, patient, resource, message))

    def type_of(self, resource: Any) -> str:
        """The resource type of a decoded struct."""
        return self.structs.type_of[type(resource)]

    def finish(self) -> Cohort:
        """The cohort of everything added."""
        self._seen.clear()
        tables: dict[str, ResourceTable] = {}
        ids, problems = self.ids, self.problems

        def report(resource_type: str, rows: Sequence[int], message: str) -> None:
            table = tables[resource_type]
            for row in rows:
                origin = table.origins[row]
                name = f"{resource_type}/{table.ids.texts()[row]}"
                problems.append(DataProblem(origin.file, origin.entry, ids[int(table.patient[row])], name, message))

        reading = Reading(self.structs, self.codes, self._default_offset, report)

        def make(name: str, rows: Sequence[ResourceRow]) -> ResourceTable:
            return ResourceTable(name, rows, len(ids), reading)

        for name, rows in self._rows.items():
            tables[name] = make(name, sorted(rows, key=lambda row: row.patient))
        return Cohort(ids, tables, self.demand, self.codes, problems, lambda name: make(name, ()))

    def _named(self, raw: bytes | msgspec.Raw | memoryview) -> str | None:
        """`Type/id` of a resource whose elements could not be read, if that much can be."""
        try:
            header = _HEADER.decode(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        return f"{header.resourceType}/{header.id}" if header.resourceType else None


class _Header(msgspec.Struct):
    resourceType: str | None = None
    id: str | None = None


_HEADER = msgspec.json.Decoder(_Header)


def _compact(raw: bytes | msgspec.Raw) -> bytes:
    return msgspec.json.format(raw, indent=-1)


def _same_content(one: bytes | msgspec.Raw, other: bytes | msgspec.Raw) -> bool:
    """Are two JSON texts the same value? White space and the order of keys make no difference."""
    return _compact(one) == _compact(other) or bool(msgspec.json.decode(one) == msgspec.json.decode(other))


def entries(bundle: Bundle) -> Iterator[tuple[int, msgspec.Raw, str | None]]:
    """The entries of a bundle that hold a resource: number, JSON, and the fullUrl if it is a URN."""
    for number, entry in enumerate(bundle.entry or ()):
        if memoryview(entry.resource).nbytes:
            url = entry.fullUrl
            yield number, entry.resource, url if url is not None and url.startswith("urn:") else None
