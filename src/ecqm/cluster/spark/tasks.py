"""What tasks do: evaluate one unit, and return its results as rows.

A task gets the files of its shard as rows of Spark's `binaryFile` source, unless its process can read the unit by a
local path. It evaluates the unit in a temporary folder. What it returns is either one row with all files of the part,
for the driver, or the patient-level results as rows that Spark writes (`ecqm.cluster.spark.jobs`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet

from ecqm.bundles.content.documents import ContentError
from ecqm.cluster.units import StoredUnit, Unit
from ecqm.cluster.worker import Shipment, Worker
from ecqm.data import DataError
from ecqm.measures.results.table import table_schema
from ecqm.reporting.results.files import POPULATIONS_TABLE, ResultFiles, patient_level
from ecqm.reporting.results.parts import Part
from ecqm.reporting.results.recording import subject_lists
from ecqm.reporting.results.transport import packed_part

if TYPE_CHECKING:
    from pyspark import Accumulator, Broadcast

# The columns of lines of text, and the bytes of text that are in one batch of rows.
FILE, LINE = "file", "line"
_TEXT = 4 << 20


@dataclass(frozen=True)
class TaskReport:
    """What a task tells the driver: the counts of its unit (JSON of a `Part`), or why it could not be evaluated."""

    counts: bytes = b""
    refused: str | None = None


class TaskReports:
    """Adds up the reports of tasks, by number of their unit, in a Spark accumulator.

    A task that ran twice has reported twice the same.
    """

    def zero(self, value: dict[int, TaskReport]) -> dict[int, TaskReport]:
        """The reports of a task at its start."""
        return {}

    def addInPlace(self, value1: dict[int, TaskReport], value2: dict[int, TaskReport]) -> dict[int, TaskReport]:
        """The reports of some tasks and of some more."""
        value1.update(value2)
        return value1


def packed_result(packed: Broadcast[bytes], unit: Unit, batches: Iterable[Any]) -> Iterator[Any]:
    """A task that returns one row: the packed part (`ecqm.reporting.results.transport`), or why there is none."""
    part = None
    with TemporaryDirectory() as scratch:
        path = Path(scratch) / "part"
        why = _evaluate(worker_of(packed.value), unit, batches, path)
        if why is None:
            part = packed_part(path)
    yield pa.RecordBatch.from_pydict({"refused": pa.array([why], pa.string()), "part": pa.array([part], pa.binary())})


def result_rows(
    packed: Broadcast[bytes], unit: Unit, number: int, reports: Accumulator[Any], batches: Iterable[Any]
) -> Iterator[Any]:
    """A task that returns the patient-level results as rows of `row_schema`, and reports what else there is."""
    worker = worker_of(packed.value)
    with TemporaryDirectory() as scratch:
        path = Path(scratch) / "part"
        why = _evaluate(worker, unit, batches, path)
        if why is not None:
            reports.add({number: TaskReport(refused=why)})
            return
        counts = path.with_suffix(".json").read_bytes()
        yield from _rows(gathered(worker.shipment, path, counts), worker.shipment)
        reports.add({number: TaskReport(counts)})


def row_schema(observations: int) -> Any:
    """The `pyarrow.Schema` of rows of results. A row is either a row of populations, or a line of text of a file."""
    return pa.schema([(FILE, pa.string()), (LINE, pa.string()), *table_schema(observations)])


def _evaluate(worker: Worker, unit: Unit, batches: Iterable[Any], path: Path) -> str | None:
    """Evaluate a unit with the files in the batches and write its part. Returns why its data cannot be read."""
    contents = {
        url.as_py().rpartition("/")[2]: content.as_buffer()
        for batch in batches
        if "content" in batch.schema.names
        for url, content in zip(batch.column("path"), batch.column("content"), strict=True)
    }
    if contents:
        assert isinstance(unit, StoredUnit)
        unit = replace(unit, shard=unit.shard.in_memory(contents))
    try:
        worker.run(unit, path)
    except (DataError, ContentError) as error:
        return str(error)
    return None


def gathered(shipment: Shipment, path: Path, counts: bytes) -> ResultFiles:
    """The results of a part alone, with the same files as those of a run."""

    def files_of(suffix: str) -> list[Path]:
        return [file] if (file := path.with_suffix(suffix)).exists() else []

    measures = shipment.measures
    lists = subject_lists(measures, Part.from_json(counts, measures), shipment.recorder)
    results = ResultFiles(path.parent, path.parent / "results")
    results.gather(files_of, shipment.recorder.options, lists)
    return results


def _rows(results: ResultFiles, shipment: Shipment) -> Iterator[Any]:
    schema = row_schema(shipment.recorder.observations)
    for name in patient_level(shipment.recorder.options):
        if not (path := results.path(name)).exists():
            continue
        if name == POPULATIONS_TABLE:
            for table in pyarrow.parquet.ParquetFile(path).iter_batches():
                yield _with_nulls({column: table.column(column) for column in table.schema.names}, schema)
        else:
            for lines in _lines(path):
                yield _with_nulls({FILE: pa.array([name] * len(lines), pa.string()), LINE: lines}, schema)


def _with_nulls(columns: dict[str, Any], schema: Any) -> Any:
    """A batch with these columns, and nulls in all others of the schema."""
    rows = len(next(iter(columns.values())))
    return pa.record_batch([columns.get(field.name, pa.nulls(rows, field.type)) for field in schema], schema=schema)


def _lines(path: Path) -> Iterator[Any]:
    """The lines of a text file, many at a time."""
    with path.open("rb") as file:
        while lines := file.readlines(_TEXT):
            yield pa.array([line.removesuffix(b"\n") for line in lines], pa.binary()).cast(pa.string())


@lru_cache(maxsize=1)
def worker_of(packed: bytes) -> Worker:
    """The worker of this process, for the shipment in `packed`."""
    return Worker(Shipment.unpacked(packed))
