"""The units of a run as Spark jobs of one task each.

A task gets the files of its shard through Spark, as rows of the `binaryFile` source, unless its process can read the
unit by a local path. It evaluates the unit in a temporary folder, and returns the files of its part as one archive. So
machines need not share a file system, and only those files are read that the measures need.

A unit that cannot be read does not stop the others, because it is a job of its own. Spark repeats lost tasks on other
machines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ecqm.bundles.content.documents import ContentError
from ecqm.cluster.spark.hadoop import HadoopPath
from ecqm.cluster.spark.session import TaskError, spark_errors
from ecqm.cluster.units import StoredUnit, Unit
from ecqm.cluster.worker import Shipment, Worker
from ecqm.data import DataError, Demand
from ecqm.reporting.results.transport import packed_part

if TYPE_CHECKING:
    from pyspark import Broadcast
    from pyspark.sql import DataFrame, SparkSession

# Jobs that are submitted at once, at least: more than a cluster has cores, so that none of them waits for the driver.
_SUBMITTED = 64
_GROUP = "ecqm run"

Receive = Callable[[int, bytes], None]
Done = Callable[[int], None]


def run_on_spark(
    session: SparkSession,
    shipment: Shipment,
    units: Mapping[int, Unit],
    receive: Receive,
    done: Done = lambda number: None,
) -> dict[int, str]:
    """Evaluate units, given by number, each in a task.

    `receive` is called, in any thread, with the number and the packed part of each unit
    (`ecqm.reporting.results.transport`); `done`, in this thread, with each number. Returns, by number, why units could
    not be evaluated. Raises OSError if parts cannot be written, and DataError if tasks fail for reasons that are not in
    the data, or if the session has ended.
    """
    if not units:
        return {}
    session = session.newSession()
    # Each file is a batch of its own: together, those of a shard may be too large for one.
    session.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "1")
    refused: dict[int, str] = {}
    with _jobs(session, shipment) as jobs, ThreadPoolExecutor(_submitted(session)) as pool:
        results = {pool.submit(jobs.run, number, unit, receive): number for number, unit in units.items()}
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
def _jobs(session: SparkSession, shipment: Shipment) -> Iterator[_Jobs]:
    with spark_errors():
        packed = session.sparkContext.broadcast(shipment.packed())
    try:
        yield _Jobs(session, packed, shipment.evaluation.demand)
    finally:
        packed.unpersist()


@dataclass(frozen=True)
class _Jobs:
    session: SparkSession
    packed: Broadcast[bytes]
    demand: Demand

    def run(self, number: int, unit: Unit, receive: Receive) -> str | None:
        """Evaluate a unit, in a thread of the driver. Returns why it could not be evaluated."""
        context = self.session.sparkContext
        context.setJobGroup(_GROUP, unit.name)
        try:
            with spark_errors():
                task = partial(_evaluate_unit, self.packed, unit)
                (row,) = self._input(unit).mapInArrow(task, "refused string, part binary").collect()
        except TaskError:
            raise
        except DataError as error:
            if context._jsc.sc().isStopped():
                raise
            return f"{unit.name}: {error}"
        if row.refused is None:
            receive(number, bytes(row.part))
        return None if row.refused is None else str(row.refused)

    def _input(self, unit: Unit) -> DataFrame:
        """The rows for the task of a unit, in one partition: the files of a shard, or a row without meaning for a unit
        that the task reads itself."""
        if not (isinstance(unit, StoredUnit) and isinstance(unit.shard.folder, HadoopPath)):
            return self.session.range(1, numPartitions=1)
        urls = [str(unit.shard.folder / name) for name in unit.shard.files(self.demand)]
        return self.session.read.format("binaryFile").load(urls).select("path", "content").coalesce(1)


def _evaluate_unit(packed: Broadcast[bytes], unit: Unit, batches: Iterator[Any]) -> Iterator[Any]:
    """The function of a task: evaluate the unit with the files in the batches."""
    contents = {
        path.as_py().rpartition("/")[2]: content.as_buffer()
        for batch in batches
        if "content" in batch.schema.names
        for path, content in zip(batch.column("path"), batch.column("content"), strict=True)
    }
    if contents:
        assert isinstance(unit, StoredUnit)
        unit = replace(unit, shard=unit.shard.in_memory(contents))
    why = part = None
    with TemporaryDirectory() as scratch:
        path = Path(scratch) / "part"
        try:
            worker_of(packed.value).run(unit, path)
            part = packed_part(path)
        except (DataError, ContentError) as error:
            why = str(error)
    columns = {"refused": pa.array([why], pa.string()), "part": pa.array([part], pa.binary())}
    yield pa.RecordBatch.from_pydict(columns)


@lru_cache(maxsize=1)
def worker_of(packed: bytes) -> Worker:
    """The worker of this process, for the shipment in `packed`."""
    return Worker(Shipment.unpacked(packed))
