"""Evaluation on Spark, with one task per unit (needs `pip install ecqm[spark]`).

`run_on_spark` evaluates the units of `ecqm run --spark MASTER`. Each task reads a shard, writes its results as Parquet,
and returns its counts, which the driver adds up. Spark repeats lost tasks on other machines. The store and the folder
of the results must be available on all machines, under the same path.

`SparkCohort` is for notebooks. It evaluates a DataFrame of FHIR JSON and patient ids.

    cohort = SparkCohort(frame, patient="patient", resource="json")
    result = cohort.evaluate(ecqm.select("content", ["CMS122"]), "2026-01-01/2026-12-31")
    result.populations          # a DataFrame: a row per patient or episode and group
    result.reports              # summary MeasureReports

Spark and Python exchange Arrow batches; nothing is processed row by row.
"""

from __future__ import annotations

import os
import pickle
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ecqm.bundles.content.documents import ContentError
from ecqm.bundles.evaluation.batches import Evaluation
from ecqm.bundles.evaluation.selection import Selection
from ecqm.cluster.units import Unit
from ecqm.cluster.worker import Shipment, Worker
from ecqm.data import Cohort, DataError, Demand
from ecqm.data.reading.rows import read_rows
from ecqm.data.writing import OF_THE_DISK
from ecqm.measures.definition.period import parse_period
from ecqm.measures.results.report import Json
from ecqm.measures.results.table import table_schema
from ecqm.reporting.results.parts import Part
from ecqm.reporting.results.recording import PartRecorder, summary_reports
from ecqm.terminology import CodeIndex

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

# The last line of a Python traceback, in Spark's message about a task.
_ERROR_OF_TASK = re.compile(r"Traceback[^\n]*\n(?:[ \t][^\n]*\n)+(\S[^\n]*)")
# The Java exception, below the line with the failed call.
_ERROR_OF_JAVA = re.compile(r"\n: ([^\n]+)")


def session_on(master: str) -> SparkSession:
    """A session on a Spark master (`spark://host:7077`, `local[4]`, `yarn`). DataError without PySpark or Java."""
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise DataError("Spark needs PySpark: pip install ecqm[spark]") from error
    # Each process evaluates one task, because strings and codes of all its units stay in its memory.
    builder = SparkSession.builder.master(master).appName("ecqm").config("spark.ui.showConsoleProgress", "false")
    with _spark_errors():
        return builder.config("spark.python.worker.reuse", "false").getOrCreate()


def run_on_spark(
    session: SparkSession, shipment: Shipment, units: Mapping[int, Unit], path_of: Callable[[int], Path]
) -> dict[int, str]:
    """Evaluate units, given by number, each in a task that writes the part with its number.

    Returns, by number, why units could not be evaluated. Raises OSError if parts cannot be written (other parts are
    kept), and DataError if Spark gives up.
    """
    if not units:
        return {}
    work = [(number, unit, path_of(number).absolute()) for number, unit in units.items()]
    numbers = session.range(0, len(work), 1, numPartitions=len(work))
    task = partial(_evaluate_units, shipment.packed(), [pickle.dumps(each) for each in work])
    with _spark_errors():
        rows = numbers.mapInArrow(task, "number long, refused string, errno int").collect()
    for row in rows:
        if row.errno is not None:
            raise OSError(row.errno, os.strerror(row.errno))
    return {row.number: row.refused for row in rows if row.refused is not None}


@contextmanager
def _spark_errors() -> Iterator[None]:
    """Turn Spark's exceptions into DataErrors, with the error of the failed task if there is one.

    Suppresses PySpark's warnings about the versions of libraries that are not used here.
    """
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            yield
    except (Py4JError, PySparkException) as error:
        text = str(error)
        found = _ERROR_OF_TASK.search(text) or _ERROR_OF_JAVA.search(text)
        raise DataError(f"Spark: {found[1] if found else text.splitlines()[0]}") from error


def _evaluate_units(packed: bytes, work: list[bytes], batches: Iterator[Any]) -> Iterator[Any]:
    """The function of a task: evaluate the units whose positions in `work` are in the batches."""
    for batch in batches:
        numbers: list[int] = []
        refused: list[str | None] = []
        failures: list[int | None] = []
        for place in batch.column(0).to_pylist():
            number, unit, path = pickle.loads(work[place])
            why = failure = None
            try:
                _worker(packed).run(unit, path)
            except (DataError, ContentError) as error:
                why = str(error)
            except OSError as error:
                if error.errno not in OF_THE_DISK:
                    raise
                # The disk is full for other tasks too, so Spark need not retry.
                failure = error.errno
            numbers.append(number)
            refused.append(why)
            failures.append(failure)
        arrays = (pa.array(numbers, pa.int64()), pa.array(refused, pa.string()), pa.array(failures, pa.int32()))
        yield _batch(dict(zip(("number", "refused", "errno"), arrays, strict=True)))


@lru_cache(maxsize=1)
def _worker(packed: bytes) -> Worker:
    """The worker of this process, for the shipment in `packed`."""
    return Worker(Shipment.unpacked(packed))


def _batch(arrays: dict[str, Any]) -> Any:
    return pa.RecordBatch.from_arrays(list(arrays.values()), names=list(arrays))


# -- notebooks --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SparkCohort:
    """Patients in a DataFrame with a column of patient ids (null for shared resources) and a column of FHIR JSON.

    `default_offset` applies to DateTimes without an offset, in minutes east of UTC.
    """

    frame: DataFrame
    patient: str = "patient"
    resource: str = "resource"
    default_offset: int = 0

    def evaluate(
        self, measures: Selection, period: str | None = None, supplements: bool = False, partitions: int | None = None
    ) -> SparkResult:
        """Evaluate measures in tasks, each with all data of the patients of one partition in memory.

        `partitions` defaults to Spark's number of partitions. Raises MeasureError for an invalid period.
        """
        from pyspark import StorageLevel
        from pyspark.sql import functions as F

        stated = parse_period(period) if period else (None, None)
        measures = measures.in_period(stated)
        evaluation = Evaluation(
            measures.plans, measures.content.value_sets, stated, supplements, composites=measures.composites
        )
        evaluation.check()
        recorder = PartRecorder.of(measures.measures.values(), stated, datetime.now(UTC))
        chosen = self.frame.select(F.col(self.patient).alias("patient"), F.col(self.resource).alias("resource"))
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


def _evaluate_rows(packed: bytes, shared: list[bytes], default_offset: int, batches: Iterator[Any]) -> Iterator[Any]:
    """The function of a task: evaluate a partition of resources, to one row with its part and populations."""
    lots = []
    for batch in batches:
        resources = batch.column("resource").cast(pa.binary()).to_pylist()
        lots.append((batch.column("patient").cast(pa.string()).to_pylist(), resources))
    if not lots:
        return
    worker = _worker(packed)
    batch, part = worker.evaluate(_RowsUnit(lots, shared, default_offset))
    table = worker.shipment.recorder.table(batch)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table_schema(worker.shipment.recorder.observations)) as writer:
        if table is not None:
            writer.write_table(table)
    populations = pa.array([sink.getvalue().to_pybytes()], pa.binary())
    yield _batch({"part": pa.array([part.to_json()], pa.binary()), "populations": populations})


def _unpacked_tables(batches: Iterator[Any]) -> Iterator[Any]:
    for batch in batches:
        for populations in batch.column(0).to_pylist():
            yield from pa.ipc.open_stream(populations)
