"""Measures on a DataFrame of FHIR JSON, for notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ecqm.bundles.evaluation.batches import Evaluation
from ecqm.bundles.evaluation.selection import Selection
from ecqm.cluster.spark.merging import COUNTS, NUMBER, merged_counts
from ecqm.cluster.spark.tasks import worker_of
from ecqm.cluster.units import SpooledUnit
from ecqm.cluster.worker import Shipment
from ecqm.data import DataProblem
from ecqm.data.files.content import Block
from ecqm.data.loading.headers import UNREADABLE, decode_header, headers_of, patients_of
from ecqm.data.loading.tables import spool_table, table_job
from ecqm.measures.definition.period import parse_period
from ecqm.measures.results.fhir_elements import Json
from ecqm.measures.results.table import table_schema
from ecqm.reporting.results.parts import Part
from ecqm.reporting.results.recording import PartRecorder, summary_reports

if TYPE_CHECKING:
    from pyspark import Broadcast
    from pyspark.sql import DataFrame, SparkSession

_POPULATIONS = "populations"
_RESULT = f"{NUMBER} long, {COUNTS} binary, {_POPULATIONS} binary"


@dataclass(frozen=True)
class SparkCohort:
    """Patients in a DataFrame with a column of patient ids (null for shared resources) and a column of FHIR JSON.

    `default_offset` applies to DateTimes without an offset, in minutes east of UTC.
    """

    frame: DataFrame
    patient: str = "patient"
    resource: str = "resource"
    default_offset: int = 0

    @classmethod
    def of_ndjson(cls, session: SparkSession, *urls: str, default_offset: int = 0) -> SparkCohort:
        """The resources in files of NDJSON, at URLs of files, folders or patterns that Spark can read.

        A resource belongs to the patients to whom it refers, as in other runs. A line that is not a resource is
        reported with the results.
        """
        lines = session.read.text(list(urls)).where("trim(value) <> ''")
        return cls(lines.mapInArrow(_with_patients, "patient string, resource string"), default_offset=default_offset)

    def evaluate(
        self, measures: Selection, period: str | None = None, supplements: bool = False, partitions: int | None = None
    ) -> SparkResult:
        """Evaluate measures in tasks, each with all data of the patients of one partition in memory.

        `partitions` defaults to Spark's number of partitions. Raises MeasureError for an invalid period.
        """
        from pyspark import StorageLevel
        from pyspark.sql.functions import col

        stated = parse_period(period) if period else (None, None)
        measures = measures.in_period(stated)
        evaluation = Evaluation(
            measures.plans, measures.content.value_sets, stated, supplements, composites=measures.composites
        )
        evaluation.check()
        recorder = PartRecorder.of(measures.measures.values(), stated, datetime.now(UTC))
        chosen = self.frame.select(col(self.patient).alias("patient"), col(self.resource).alias("resource"))
        shared, problems = _spooled(chosen.where("patient is null"))
        send = self.frame.sparkSession.sparkContext.broadcast
        shipment = Shipment(evaluation, recorder).packed()
        task = partial(_evaluate_rows, send(shipment), send(shared), self.default_offset)
        own = chosen.where("patient is not null")
        placed = own.repartition(partitions, "patient") if partitions else own.repartition("patient")
        rows = placed.mapInArrow(task, _RESULT).persist(StorageLevel.MEMORY_AND_DISK)
        return SparkResult(measures, recorder, rows, problems)


@dataclass(frozen=True)
class SparkResult:
    """The results of an evaluation on Spark. Each partition is evaluated once, and its results are kept.

    `problems` are those with resources of no patient.
    """

    selection: Selection
    recorder: PartRecorder
    rows: DataFrame
    problems: list[DataProblem]

    @property
    def populations(self) -> DataFrame:
        """One row per patient or episode and group; see `ecqm.measures.results.table`."""
        from pyspark.sql.pandas.types import from_arrow_schema

        schema = from_arrow_schema(table_schema(self.recorder.observations))
        return self.rows.select(_POPULATIONS).mapInArrow(_unpacked_tables, schema)

    @cached_property
    def part(self) -> Part:
        """All counts and errors, added up by Spark."""
        problems = list(map(asdict, self.problems))
        total = Part(not_run=dict(self.selection.not_planned), problems=problems, n_problems=len(problems))
        total.add(merged_counts(self.rows.select(NUMBER, COUNTS), self.selection.measures))
        return total

    @property
    def reports(self) -> list[Json]:
        """A summary MeasureReport for each measure that could be evaluated."""
        return summary_reports(self.selection.measures, self.part, self.recorder)


def _spooled(resources: DataFrame) -> tuple[bytes, list[DataProblem]]:
    """The content of a spool of the resources, which belong to no patient, and the problems with them."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "shared.spool"
        problems = spool_table(map(_columns, resources.toArrow().to_batches()), path)
        return path.read_bytes(), problems


def _columns(batch: Any) -> tuple[pa.Array, pa.Array]:
    """The ids of patients and the JSON in a batch of rows, as `spool_table` takes them."""
    return batch.column("patient").cast(pa.utf8()), batch.column("resource").cast(pa.large_binary())


def _with_patients(batches: Iterator[Any]) -> Iterator[Any]:
    """Lines of NDJSON with the ids of their patients: null if they have none, or are no resources; a row per patient
    for those with several."""
    for batch in batches:
        lines = batch.column(0).cast(pa.large_binary())
        if len(lines):
            places, patients = _patients_in(lines)
            columns = [patients, batch.column(0).cast(pa.string()).take(places)]
            yield pa.RecordBatch.from_arrays(columns, ["patient", "resource"])


def _patients_in(lines: pa.Array) -> tuple[pa.Array, pa.Array]:
    """The places of lines, and the ids of their patients."""
    newline, nothing = (pa.scalar(text, lines.type) for text in (b"\n", b""))
    ended = pc.binary_join_element_wise(lines, newline, nothing)
    _, offsets, content = ended.buffers()
    ends = np.frombuffer(offsets, np.int64)[1 : len(lines) + 1]
    try:
        headers = headers_of(Block(1, memoryview(content)[: ends[-1]], ends))
        if len(headers.types) == len(lines) and not headers.several:
            return pa.array(np.arange(len(lines))), headers.patients.dictionary_decode()
    except UNREADABLE:
        pass
    # Some are no resources, or blank, or of several patients.
    pairs = [(place, patient) for place, line in enumerate(lines.to_pylist()) for patient in _patients_of(line)]
    return pa.array([place for place, _ in pairs]), pa.array([patient for _, patient in pairs], pa.string())


def _patients_of(line: bytes) -> Sequence[str | None]:
    try:
        return patients_of(decode_header(line), line) or [None]
    except UNREADABLE:
        return [None]


def _evaluate_rows(
    packed: Broadcast[bytes], shared: Broadcast[bytes], default_offset: int, batches: Iterable[Any]
) -> Iterator[Any]:
    """The function of a task: evaluate a partition of resources, to one row with its counts and populations."""
    from pyspark import TaskContext

    worker = worker_of(packed.value)
    with TemporaryDirectory() as scratch:
        of_no_patient, spool = Path(scratch) / "shared.spool", Path(scratch) / "resources.spool"
        of_no_patient.write_bytes(shared.value)
        problems = spool_table(map(_columns, batches), spool)
        if not spool.stat().st_size and not problems:
            return
        unit = SpooledUnit(table_job(spool, of_no_patient, default_offset), tuple(problems))
        batch, part = worker.evaluate(unit)
        populations = _packed_table(worker.shipment.recorder.table(batch), worker.shipment.recorder.observations)
    context = TaskContext.get()
    assert context is not None
    counts = pa.array([part.to_json()], pa.binary())
    columns = [pa.array([context.partitionId()]), counts, pa.array([populations], pa.binary())]
    yield pa.RecordBatch.from_arrays(columns, [NUMBER, COUNTS, _POPULATIONS])


def _packed_table(table: pa.Table | None, observations: int) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table_schema(observations)) as writer:
        if table is not None:
            writer.write_table(table)
    packed: bytes = sink.getvalue().to_pybytes()
    return packed


def _unpacked_tables(batches: Iterator[Any]) -> Iterator[Any]:
    for batch in batches:
        for populations in batch.column(0).to_pylist():
            yield from pa.ipc.open_stream(populations)
