"""Measures on a DataFrame of FHIR JSON, for notebooks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ecqm.bundles.evaluation.batches import Evaluation
from ecqm.bundles.evaluation.selection import Selection
from ecqm.cluster.spark.tasks import worker_of
from ecqm.cluster.worker import Shipment
from ecqm.data import Cohort, Demand
from ecqm.data.files.content import Block
from ecqm.data.loading.headers import UNREADABLE, decode_header, headers_of, patient_of
from ecqm.data.reading.rows import read_rows
from ecqm.measures.definition.period import parse_period
from ecqm.measures.results.report import Json
from ecqm.measures.results.table import table_schema
from ecqm.reporting.results.parts import Part
from ecqm.reporting.results.recording import PartRecorder, summary_reports
from ecqm.terminology import CodeIndex

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


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

        A resource belongs to the patient to whom it refers, as in other runs. A line that is not a resource is reported
        with the results.
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
        shared = [row.resource.encode() for row in chosen.where("patient is null").select("resource").collect()]
        task = partial(_evaluate_rows, Shipment(evaluation, recorder).packed(), shared, self.default_offset)
        own = chosen.where("patient is not null")
        placed = own.repartition(partitions, "patient") if partitions else own.repartition("patient")
        rows = placed.mapInArrow(task, "part binary, populations binary").persist(StorageLevel.MEMORY_AND_DISK)
        return SparkResult(measures, recorder, rows)


@dataclass(frozen=True)
class SparkResult:
    """The results of an evaluation on Spark. Each partition is evaluated once, and its results are kept."""

    selection: Selection
    recorder: PartRecorder
    rows: DataFrame

    @property
    def populations(self) -> DataFrame:
        """One row per patient or episode and group; see `ecqm.measures.results.table`."""
        from pyspark.sql.pandas.types import from_arrow_schema

        schema = from_arrow_schema(table_schema(self.recorder.observations))
        return self.rows.select("populations").mapInArrow(_unpacked_tables, schema)

    @cached_property
    def part(self) -> Part:
        """All counts and errors."""
        measures = self.selection.measures
        total = Part(not_run=dict(self.selection.not_planned))
        for row in self.rows.select("part").collect():
            total.add(Part.from_json(bytes(row.part), measures))
        return total

    @property
    def reports(self) -> list[Json]:
        """A summary MeasureReport for each measure that could be evaluated."""
        return summary_reports(self.selection.measures, self.part, self.recorder)


@dataclass(frozen=True)
class _RowsUnit:
    """The resources of one partition."""

    lots: list[tuple[list[str], list[bytes]]]
    shared: list[bytes]
    default_offset: int

    @property
    def name(self) -> str:
        return "a partition"

    def cohort(self, demand: Demand, codes: CodeIndex) -> Cohort:
        cohort = read_rows(self.lots, self.shared, demand, codes, self.default_offset)
        cohort.problems += cohort.dangling_references()
        return cohort


def _with_patients(batches: Iterator[Any]) -> Iterator[Any]:
    """Lines of NDJSON with the ids of their patients; null if they have none, or are no resources."""
    for batch in batches:
        lines = batch.column(0).cast(pa.large_binary())
        if len(lines):
            columns = [_patients_in(lines), batch.column(0).cast(pa.string())]
            yield pa.RecordBatch.from_arrays(columns, ["patient", "resource"])


def _patients_in(lines: pa.Array) -> pa.Array:
    newline, nothing = (pa.scalar(text, lines.type) for text in (b"\n", b""))
    ended = pc.binary_join_element_wise(lines, newline, nothing)
    _, offsets, content = ended.buffers()
    ends = np.frombuffer(offsets, np.int64)[1 : len(lines) + 1]
    try:
        headers = headers_of(Block(1, memoryview(content)[: ends[-1]], ends))
        if len(headers.types) == len(lines):
            return headers.patients.dictionary_decode()
    except UNREADABLE:
        pass
    # Some are no resources, or blank.
    return pa.array(map(_patient_in, lines.to_pylist()), pa.string())


def _patient_in(line: bytes) -> str | None:
    try:
        return patient_of(decode_header(line))
    except UNREADABLE:
        return None


def _evaluate_rows(packed: bytes, shared: list[bytes], default_offset: int, batches: Iterator[Any]) -> Iterator[Any]:
    """The function of a task: evaluate a partition of resources, to one row with its part and populations."""
    lots = []
    for batch in batches:
        resources = batch.column("resource").cast(pa.binary()).to_pylist()
        lots.append((batch.column("patient").cast(pa.string()).to_pylist(), resources))
    if not lots:
        return
    worker = worker_of(packed)
    batch, part = worker.evaluate(_RowsUnit(lots, shared, default_offset))
    table = worker.shipment.recorder.table(batch)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table_schema(worker.shipment.recorder.observations)) as writer:
        if table is not None:
            writer.write_table(table)
    columns = {"part": part.to_json(), "populations": sink.getvalue().to_pybytes()}
    yield pa.RecordBatch.from_pydict({name: pa.array([value], pa.binary()) for name, value in columns.items()})


def _unpacked_tables(batches: Iterator[Any]) -> Iterator[Any]:
    for batch in batches:
        for populations in batch.column(0).to_pylist():
            yield from pa.ipc.open_stream(populations)
