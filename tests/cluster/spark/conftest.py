"""A Spark cluster on this machine, a file system that is only reachable through HTTP, and a store of patients."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ecqm.cluster.worker import Worker
from tests.cluster import cohorts
from tests.cluster.spark.standalone import SHORT_LIVED, SparkCluster, spark_cluster
from tests.cluster.spark.webhdfs import WebHdfs, web_hdfs


@pytest.fixture(scope="session", autouse=True)
def everything_is_there() -> None:
    """These tests are skipped without PySpark or Java."""
    for module in ("pyspark", "pandas"):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed")
    if shutil.which("java") is None:
        pytest.skip("there is no Java")


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cohorts.write_store(tmp_path_factory.mktemp("cohort"), shard_size=4_000)


@pytest.fixture(scope="session")
def expected(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results in this process."""
    folder = tmp_path_factory.mktemp("expected") / "results"
    with cohorts.output(folder) as output:
        worker = Worker(cohorts.shipment(output))
        for number, unit in cohorts.units(store, output.work).items():
            worker.run(unit, output.path_of(number))
        output.finish({})
    return folder


@pytest.fixture(scope="session")
def cluster(everything_is_there: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkCluster]:
    with spark_cluster(tmp_path_factory.mktemp("spark") / "cluster") as cluster:
        yield cluster


@pytest.fixture(scope="session")
def session(cluster: SparkCluster) -> Iterator[Any]:
    from pyspark.sql import SparkSession

    from ecqm.cluster.spark.session import SETTINGS

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
        **SETTINGS,
    }
    builder = SparkSession.builder.master(cluster.master).appName("tests")
    for name, value in options.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    yield session
    session.stop()


@pytest.fixture
def elsewhere(session: Any) -> Iterator[WebHdfs]:
    """An empty file system, for one test."""
    with web_hdfs() as system:
        yield system
