"""Runs on a real Spark cluster have the same results as in one process, also if a machine is lost."""

from __future__ import annotations

import importlib.util
import json
import os
import resource
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ecqm.api import select
from ecqm.cluster.units import Unit
from ecqm.cluster.worker import Worker
from ecqm.data import Cohort, DataError, Demand
from ecqm.terminology import CodeIndex
from tests.cli.samples import PERIOD, SAMPLE
from tests.cli.samples import ecqm as command
from tests.cluster import cohorts
from tests.cluster.spark_cluster import SHORT_LIVED, SparkCluster, spark_cluster

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("pyspark") is None, reason="PySpark is not installed"),
    pytest.mark.skipif(importlib.util.find_spec("pandas") is None, reason="pandas is not installed"),
    pytest.mark.skipif(shutil.which("java") is None, reason="there is no Java"),
]


@pytest.fixture(scope="module")
def expected(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results in this process."""
    folder = tmp_path_factory.mktemp("expected") / "results"
    with cohorts.output(folder) as output:
        worker = Worker(cohorts.shipment(output))
        for number, unit in cohorts.units(store, output.work).items():
            worker.run(unit, output.path_of(number))
        output.finish({})
    return folder


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkCluster]:
    with spark_cluster(tmp_path_factory.mktemp("spark") / "cluster") as cluster:
        yield cluster


@pytest.fixture(scope="module")
def session(cluster: SparkCluster) -> Iterator[Any]:
    from pyspark.sql import SparkSession

    # The processes of the cluster must find the classes of the tests.
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    options = {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.executor.memory": "512m",
        "spark.executorEnv.PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "spark.driver.extraJavaOptions": SHORT_LIVED,
        "spark.executor.extraJavaOptions": SHORT_LIVED,
        "spark.sql.shuffle.partitions": "3",
        "spark.python.worker.reuse": "false",
    }
    builder = SparkSession.builder.master(cluster.master).appName("tests")
    for name, value in options.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    yield session
    session.stop()


@dataclass(frozen=True)
class WaitingUnit:
    """A unit that reports its start and then waits for permission to continue."""

    unit: Unit
    begun: Path
    may_go_on: Path

    @property
    def name(self) -> str:
        return self.unit.name

    def cohort(self, demand: Demand, codes: CodeIndex) -> Cohort:
        self.begun.mkdir(exist_ok=True)
        (self.begun / f"{os.getpid()}-{time.time_ns()}").touch()
        while not self.may_go_on.exists():
            time.sleep(0.05)
        return self.unit.cohort(demand, codes)


@dataclass(frozen=True)
class FullDiskUnit:
    """A unit whose results do not fit on the disk."""

    unit: Unit

    @property
    def name(self) -> str:
        return self.unit.name

    def cohort(self, demand: Demand, codes: CodeIndex) -> Cohort:
        cohort = self.unit.cohort(demand, codes)
        resource.setrlimit(resource.RLIMIT_FSIZE, (60, 60))
        return cohort


@dataclass(frozen=True)
class BrokenUnit:
    """A unit that fails unexpectedly."""

    name: str = "broken"

    def cohort(self, demand: Demand, codes: CodeIndex) -> Cohort:
        raise ZeroDivisionError("one by nothing")


def test_a_full_disk(session: Any, store: Path, expected: Path, tmp_path: Path) -> None:
    from ecqm.cluster.spark import run_on_spark

    with cohorts.output(tmp_path / "results") as output:
        units = cohorts.units(store, output.work)
        full = {number: FullDiskUnit(unit) if number == 0 else unit for number, unit in units.items()}
        with pytest.raises(OSError, match="File too large"):
            run_on_spark(session, cohorts.shipment(output), full, output.path_of)
        assert output.done == units.keys() - {0}
        assert not run_on_spark(session, cohorts.shipment(output), {0: units[0]}, output.path_of)
        output.finish({})
    assert cohorts.results(tmp_path / "results") == cohorts.results(expected)


def test_a_task_that_fails_again_and_again(session: Any, tmp_path: Path) -> None:
    from ecqm.cluster.spark import run_on_spark

    with (
        cohorts.output(tmp_path / "results") as output,
        pytest.raises(DataError, match=r"^Spark: ZeroDivisionError: one by nothing$"),
    ):
        run_on_spark(session, cohorts.shipment(output), {0: BrokenUnit()}, output.path_of)


def test_a_data_frame_of_resources(session: Any, store: Path, expected: Path) -> None:
    from ecqm.cluster.spark import SparkCohort

    lines = [
        json.loads(line)
        for name in ("Patient", "Encounter")
        for line in (store.parent / "files" / f"{name}.ndjson").read_text("utf-8").splitlines()
    ]
    rows = [
        (each["subject"]["reference"].partition("/")[2] if "subject" in each else each["id"], json.dumps(each))
        for each in lines
    ]
    location = json.dumps({"resourceType": "Location", "id": "ward"})
    frame = session.createDataFrame([*rows, (None, location)], "patient string, resource string")
    result = SparkCohort(frame).evaluate(select(SAMPLE), PERIOD, partitions=3)
    groups, table = cohorts.results(expected)
    assert [(report["measure"], report["group"]) for report in result.reports] == groups
    key = ("measure", "group", "patient", "episode")
    found = [row.asDict() for row in result.populations.collect()]
    assert sorted(found, key=lambda row: [row[name] or "" for name in key]) == table


def test_the_command(session: Any, cluster: SparkCluster, store: Path, expected: Path, tmp_path: Path) -> None:
    options = ["--measure", "all", "--period", PERIOD, "--spark", cluster.master]
    run = command("run", SAMPLE, *options, "--data", store, "--output", tmp_path / "results")
    assert run.exit_code == 0, run.output
    assert cohorts.results(tmp_path / "results") == cohorts.results(expected)


def test_a_worker_that_is_lost_loses_nothing(
    session: Any, cluster: SparkCluster, store: Path, expected: Path, tmp_path: Path
) -> None:
    from ecqm.cluster.spark import run_on_spark

    begun, may_go_on = tmp_path / "begun", tmp_path / "may-go-on"

    def lose_one() -> None:
        """Kill a worker when both are evaluating units."""
        while not begun.exists() or len(list(begun.iterdir())) < 2:
            time.sleep(0.05)
        cluster.kill_worker(0)
        may_go_on.touch()

    with cohorts.output(tmp_path / "results") as output:
        stored = cohorts.units(store, output.work)
        assert len(stored) > 2
        units: dict[int, Unit] = {
            number: WaitingUnit(unit, begun, may_go_on) if number < 2 else unit for number, unit in stored.items()
        }
        losing = threading.Thread(target=lose_one, daemon=True)
        losing.start()
        refused = run_on_spark(session, cohorts.shipment(output), units, output.path_of)
        losing.join(1)
        output.finish({})
    # One of the two was started again.
    assert not refused and len(list(begun.iterdir())) == 3
    assert cohorts.results(tmp_path / "results") == cohorts.results(expected)
    assert cohorts.members(tmp_path / "results") == cohorts.members(expected)
