"""The units of a run as Spark jobs of one task each.

Machines need not share a file system, and only those files of a store are read that the measures need. A unit that
cannot be read does not stop the others, because it is a job of its own. Spark repeats lost tasks on other machines.

Results that go to a folder of Spark's file systems are written there by the tasks, with Spark's own writers: these
commit what one attempt of a task has written, however many there were. The driver gets counts only, and puts them into
files that Spark adds up at the end (`ecqm.cluster.spark.merging`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from ecqm.cluster.spark.hadoop import HadoopPath
from ecqm.cluster.spark.output import HadoopOutput
from ecqm.cluster.spark.session import TaskError, spark_errors
from ecqm.cluster.spark.tasks import FILE, LINE, TaskReport, TaskReports, packed_result, result_rows, row_schema
from ecqm.cluster.units import StoredUnit, Unit
from ecqm.cluster.worker import Shipment
from ecqm.data import DataError, Demand
from ecqm.reporting.results.files import POPULATIONS_TABLE, patient_level
from ecqm.reporting.results.run import RunOutput

if TYPE_CHECKING:
    from pyspark import Accumulator, Broadcast
    from pyspark.sql import DataFrame, SparkSession

# Units that are submitted at once, at least: more than a cluster has cores, so that none of them waits for the driver.
_SUBMITTED = 64
_GROUP = "ecqm run"

Done = Callable[[int], None]
Keep = Callable[[], None]


def run_on_spark(
    session: SparkSession,
    shipment: Shipment,
    units: Mapping[int, Unit],
    output: RunOutput,
    done: Done = lambda number: None,
) -> dict[int, str]:
    """Evaluate units, given by number, each in a task, and give their results to the output.

    `done` is called with each number. Returns, by number, why units could not be evaluated. Raises OSError if results
    cannot be written, and DataError if tasks fail for reasons that are not in the data, or if the session has ended.
    """
    if not units:
        return {}
    session = session.newSession()
    # Each file is a batch of its own: together, those of a shard may be too large for one.
    session.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "1")
    # A part has one file of each kind.
    session.conf.set("spark.sql.files.maxRecordsPerFile", "0")
    refused: dict[int, str] = {}
    with _jobs(session, shipment, output) as jobs, ThreadPoolExecutor(_submitted(session)) as pool:
        results = {pool.submit(jobs.run, number, unit): number for number, unit in units.items()}
        try:
            for result in as_completed(results):
                why = result.result()
                if why is not None:
                    refused[results[result]] = why
                done(results[result])
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            session.sparkContext.cancelJobGroup(_GROUP)
            raise
    return refused


def _submitted(session: SparkSession) -> int:
    return max(_SUBMITTED, 2 * int(session.sparkContext.defaultParallelism))


@contextmanager
def _jobs(session: SparkSession, shipment: Shipment, output: RunOutput) -> Iterator[_Jobs]:
    with spark_errors():
        packed = session.sparkContext.broadcast(shipment.packed())
        destination: _Destination = _Driver(packed, output)
        if isinstance(output, HadoopOutput):
            adding: Any = TaskReports()
            destination = _Folder(packed, output, session.sparkContext.accumulator({}, adding))
    try:
        yield _Jobs(session, destination, shipment.evaluation.demand)
    finally:
        packed.unpersist()


@dataclass(frozen=True)
class _Jobs:
    session: SparkSession
    destination: _Destination
    demand: Demand

    def run(self, number: int, unit: Unit) -> str | None:
        """Evaluate a unit, in a thread of the driver. Returns why it could not be evaluated."""
        context = self.session.sparkContext
        context.setJobGroup(_GROUP, unit.name)
        try:
            with spark_errors():
                evaluated = self.destination.evaluate(number, unit, self._input(unit))
        except TaskError:
            raise
        except DataError as error:
            if context._jsc.sc().isStopped():
                raise
            self.destination.check()
            return f"{unit.name}: {error}"
        if isinstance(evaluated, str):
            return evaluated
        evaluated()
        return None

    def _input(self, unit: Unit) -> DataFrame:
        """The rows for the task of a unit, in one partition: the files of a shard, or a row without meaning for a unit
        that the task reads itself."""
        if not (isinstance(unit, StoredUnit) and isinstance(unit.shard.folder, HadoopPath)):
            return self.session.range(1, numPartitions=1)
        urls = [str(unit.shard.folder / name) for name in unit.shard.files(self.demand)]
        return self.session.read.format("binaryFile").load(urls).select("path", "content").coalesce(1)


class _Destination(Protocol):
    """Where the results of units go."""

    def evaluate(self, number: int, unit: Unit, files: DataFrame) -> str | Keep:
        """Evaluate a unit with the rows of its files. Returns why it could not be evaluated, or what keeps its results.

        Raises DataError for whatever Spark says.
        """
        ...

    def check(self) -> None:
        """Raises OSError or DataError if nothing can be kept."""
        ...


@dataclass(frozen=True)
class _Driver:
    """A folder of the driver, which gets all results as packed parts."""

    packed: Broadcast[bytes]
    output: RunOutput

    def evaluate(self, number: int, unit: Unit, files: DataFrame) -> str | Keep:
        task = partial(packed_result, self.packed, unit)
        (row,) = files.mapInArrow(task, "refused string, part binary").collect()
        if row.refused is not None:
            return str(row.refused)
        return partial(self.output.receive, number, bytes(row.part))

    def check(self) -> None:
        """The results of other units can be kept."""


@dataclass(frozen=True)
class _Folder:
    """A folder of one of Spark's file systems."""

    packed: Broadcast[bytes]
    output: HadoopOutput
    reports: Accumulator[dict[int, TaskReport]]

    def evaluate(self, number: int, unit: Unit, files: DataFrame) -> str | Keep:
        from pyspark.sql.pandas.types import from_arrow_schema

        recorder = self.output.recorder
        texts = [name for name in patient_level(recorder.options) if name != POPULATIONS_TABLE]
        task: Any = partial(result_rows, self.packed, unit, number, self.reports)
        rows = files.mapInArrow(task, from_arrow_schema(row_schema(recorder.observations)))
        written = self.output.attempt(number)
        with _kept_on_disk(rows) if texts else nullcontext():
            populations = rows.where(f"{FILE} is null").drop(FILE, LINE)
            populations.write.parquet(str(written / POPULATIONS_TABLE), compression="zstd")
            report = self.reports.value.pop(number)
            if report.refused is not None:
                return report.refused
            # Each file is a job: a writer of several would sort the lines by file.
            for name in texts:
                rows.where(f"{FILE} = '{name}'").select(LINE).write.text(str(written / name))
        return partial(self.output.keep, number, written, report.counts)

    def check(self) -> None:
        self.output.check()


@contextmanager
def _kept_on_disk(rows: DataFrame) -> Iterator[None]:
    """Evaluate rows once for several jobs: Spark keeps them on the disk of the executor."""
    from pyspark import StorageLevel

    rows.persist(StorageLevel.DISK_ONLY)
    try:
        yield
    finally:
        rows.unpersist()
