"""Patient data as a run takes it: files, folders and cohort stores."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa

from ecqm.data.cohort.cohort import Cohort
from ecqm.data.fhir.demand import Demand
from ecqm.data.files.archived import state_of
from ecqm.data.files.inputs import find_inputs
from ecqm.data.overlap import PatientSource, require_disjoint
from ecqm.data.problems import DataError, DataProblem
from ecqm.data.reading.files import read_files
from ecqm.data.store.folder import Folder
from ecqm.data.store.store import CohortStore, is_store, open_store
from ecqm.terminology import CodeIndex


class PatientData:
    """The patients at some paths: those of files, and those of cohort stores.

    Files are read when they are needed, and read again only if more of them is demanded than before. `codes` is the
    index of codes that what was read is kept with.
    """

    def __init__(self, paths: Iterable[Path], default_offset: int = 0, stores_elsewhere: Iterable[Folder] = ()) -> None:
        """`default_offset` in minutes east of UTC; `stores_elsewhere` are cohort stores on other file systems.

        Raises DataError for a path that does not exist, or without data.
        """
        self.paths = tuple(Path(path) for path in paths)
        self.stores: list[CohortStore] = [open_store(path) for path in self.paths if is_store(path)]
        self.stores += map(open_store, stores_elsewhere)
        self.inputs = find_inputs(path for path in self.paths if not is_store(path))
        self.files = self.inputs.files
        if not self.stores and not self.files:
            raise DataError(f"there are no files of data at {', '.join(map(str, self.paths))}")
        self.default_offset = default_offset
        self.codes = CodeIndex()
        self._read: Cohort | None = None

    def __repr__(self) -> str:
        return f"<PatientData at {', '.join(map(str, self.paths))}>"

    def __getstate__(self) -> dict[str, Any]:
        # Another process reads for itself.
        return vars(self) | {"codes": CodeIndex(), "_read": None}

    def from_files(self, demand: Demand, codes: CodeIndex | None = None) -> Cohort:
        """The patients of all files, with the demanded part of their data, and the `problems` of reading it.

        They are kept for the next call, unless another index of codes is given.
        """
        if codes is not None and codes is not self.codes:
            return self._read_files(demand, codes)
        if self._read is None or not self._read.demand.covers(demand):
            wanted = demand if self._read is None else demand | self._read.demand
            self._read = self._read_files(wanted, self.codes)
        return self._read

    def problems(self) -> list[DataProblem]:
        """Problems of the files as a whole."""
        message = "names deleted resources, which only a load that appends to a store takes out (ecqm load --append)"
        exports = (export for export in self.inputs.exports if export.deleted)
        return [DataProblem(str(export.manifests[0]), None, None, None, message) for export in exports]

    def state(self) -> Any:
        """A JSON value that changes when the data change."""
        files = [[str(file), *state_of(file)] for file in self.files]
        return [files, [[str(store.path), [asdict(shard) for shard in store.manifest.shards]] for store in self.stores]]

    def patient_ids(self) -> list[str]:
        """The ids of all patients, batch by batch."""
        ids = self._ids_in_files() if self.files else []
        return ids + [each for store in self.stores for shard in store.shards for each in shard.patient_ids()]

    def require_disjoint(self, ids_in_files: Callable[[], Iterator[pa.Array]] | None = None) -> None:
        """Raises DataError if a patient is in several stores, or in a store and in files.

        Files together are one source: what they have of a patient is put together. `ids_in_files` gives their ids if
        they were sorted already.
        """
        files = ", ".join(str(path) for path in self.paths if not is_store(path))
        read = ids_in_files or (lambda: iter([pa.array(self._ids_in_files(), pa.utf8())]))
        sources = [PatientSource(files, read)] if self.files else []
        require_disjoint([*sources, *(PatientSource(str(store.path), store.patient_ids) for store in self.stores)])

    def batch_of(self, patient: str, demand: Demand) -> Cohort | None:
        """The batch that has a patient; None if there is no patient of that id. Raises as `require_disjoint` does."""
        self.require_disjoint()
        if self.files and patient in (cohort := self.from_files(demand)).ids:
            return cohort
        shards = (shard for store in self.stores for shard in store.shards)
        return next((shard.cohort(demand, self.codes) for shard in shards if patient in shard.patient_ids()), None)

    def _ids_in_files(self) -> list[str]:
        return list(self.from_files(Demand.of(("Patient",), ())).ids)

    def _read_files(self, demand: Demand, codes: CodeIndex) -> Cohort:
        cohort = read_files(self.inputs, demand, codes, self.default_offset, keep_raw=False)
        cohort.problems += [*cohort.dangling_references(), *self.problems()]
        return cohort
