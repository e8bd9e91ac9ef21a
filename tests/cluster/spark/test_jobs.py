"""Runs on a real Spark cluster have the same results as in one process, also if a machine is lost."""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ecqm.cluster.spark import run_on_spark
from ecqm.cluster.spark.hadoop import HadoopPath
from ecqm.cluster.units import StoredUnit, Unit
from ecqm.data import Cohort, DataError, Demand
from ecqm.data.loading.load import load
from ecqm.data.source import PatientData
from ecqm.terminology import CodeIndex
from tests.cli.samples import PERIOD, SAMPLE
from tests.cli.samples import ecqm as command
from tests.cluster import cohorts
from tests.cluster.spark.standalone import SparkCluster
from tests.cluster.spark.webhdfs import WebHdfs


@dataclass(frozen=True, kw_only=True)
class WaitingUnit(StoredUnit):
    """A shard whose task reports its start and then waits for permission to continue."""

    begun: Path
    may_go_on: Path

    def cohort(self, demand: Demand, codes: CodeIndex) -> Cohort:
        self.begun.mkdir(exist_ok=True)
        (self.begun / f"{os.getpid()}-{time.time_ns()}").touch()
        while not self.may_go_on.exists():
            time.sleep(0.05)
        return super().cohort(demand, codes)


@dataclass(frozen=True)
class FullDiskUnit:
    """A unit whose results do not fit on the disk of its machine."""

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


@dataclass(frozen=True)
class DeadlyUnit:
    """A unit that kills its process."""

    name: str = "deadly"

    def cohort(self, demand: Demand, codes: CodeIndex) -> Cohort:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


def arguments(cluster: SparkCluster, data: object, output: object) -> list[object]:
    options = ["--measure", "all", "--period", PERIOD, "--subject-list", "--individual", "--spark", cluster.master]
    return ["run", SAMPLE, *options, "--data", data, "--output", output]


def shards(system: WebHdfs, path: str, name: str) -> list[str]:
    """The paths of a file in all shards, in the order of the shards."""
    return sorted(file for file in system.below(path) if file.endswith(f"/{name}"))


def units_elsewhere(url: str) -> dict[int, StoredUnit]:
    (store,) = PatientData((), stores_elsewhere=[HadoopPath(url)]).stores
    return {number: StoredUnit(shard, 1) for number, shard in enumerate(store.shards)}


def test_local_paths(session: Any, cluster: SparkCluster, store: Path, expected: Path, tmp_path: Path) -> None:
    run = command(*arguments(cluster, store, tmp_path / "results"))
    assert run.exit_code == 0, run.output
    assert cohorts.results(tmp_path / "results") == cohorts.results(expected)


def test_urls(cluster: SparkCluster, store: Path, expected: Path, elsewhere: WebHdfs, tmp_path: Path) -> None:
    url = elsewhere.put(store, "/data/store")
    elsewhere.files["/results/populations.csv"] = b"of an earlier run"
    elsewhere.read.clear()
    run = command(*arguments(cluster, url, f"{elsewhere.url}/results"))
    assert run.exit_code == 0, run.output
    results = elsewhere.get("/results", tmp_path / "results")
    assert cohorts.results(results) == cohorts.results(expected)
    assert cohorts.members(results) == cohorts.members(expected)
    reports = sorted((results / "individual.ndjson").iterdir())
    assert sum(len(path.read_text("utf-8").splitlines()) for path in reports) == 120
    assert not (results / "populations.csv").exists() and not elsewhere.below("/results/.running")
    about = json.loads((results / "run.json").read_text("utf-8"))
    assert about["data"] == [url] and about["units"] == len(shards(elsewhere, "/data", "patients.arrow")) > 2
    # The JSON of the resources is not read, because the columns have all that the measures need.
    assert not [path for path in elsewhere.read if path.endswith(".spool")]


def test_columns_that_are_not_stored_are_decoded(
    cluster: SparkCluster, expected: Path, elsewhere: WebHdfs, tmp_path: Path
) -> None:
    files = cohorts.write_ndjson(tmp_path / "files")
    load([files], tmp_path / "store", Demand.of(None, ["status"]), shard_size=30_000)
    url = elsewhere.put(tmp_path / "store", "/store")
    run = command(*arguments(cluster, url, tmp_path / "results"))
    assert run.exit_code == 0, run.output
    assert cohorts.results(tmp_path / "results") == cohorts.results(expected)


def test_files_that_cannot_be_read(
    cluster: SparkCluster, store: Path, expected: Path, elsewhere: WebHdfs, tmp_path: Path
) -> None:
    """They are named, the other shards are evaluated, and the next run evaluates what is missing."""
    url = elsewhere.put(store, "/store")
    sound = dict(elsewhere.files)
    damaged, missing, forbidden = shards(elsewhere, "/store", "Encounter.arrow")[:3]
    elsewhere.files[damaged] = b"damaged"
    del elsewhere.files[missing]
    elsewhere.forbidden.add(forbidden)
    run = command(*arguments(cluster, url, f"{elsewhere.url}/results"))
    assert run.exit_code == 2 and "start the same run again" in run.stderr, run.output
    partly = elsewhere.get("/results", tmp_path / "partly")
    not_read = json.loads((partly / "errors.json").read_text("utf-8"))["not_read"]
    assert len(not_read) == 3
    for path, why in ((damaged, "checksum"), (missing, "not exist"), (forbidden, "Permission denied")):
        assert [line for line in not_read if path in line and why in line], not_read
    others = cohorts.results(partly)[1]
    assert others and all(row in cohorts.results(expected)[1] for row in others)
    elsewhere.files |= sound
    elsewhere.forbidden.clear()
    elsewhere.read.clear()
    again = command(*arguments(cluster, url, f"{elsewhere.url}/results"))
    assert again.exit_code == 0, again.output
    read = {path for path in elsewhere.read if path.endswith("/Encounter.arrow")}
    assert read == {damaged, missing, forbidden}
    assert cohorts.results(elsewhere.get("/results", tmp_path / "results")) == cohorts.results(expected)


def test_nothing_at_a_url(cluster: SparkCluster, store: Path, elsewhere: WebHdfs, tmp_path: Path) -> None:
    run = command(*arguments(cluster, f"{elsewhere.url}/store", tmp_path / "results"))
    assert run.exit_code == 2 and f"{elsewhere.url}/store is not a cohort store" in run.stderr
    files = store.parent / "files"
    run = command(*arguments(cluster, files, f"{elsewhere.url}/results"))
    assert run.exit_code == 2 and "results at a URL need patients in stores" in run.stderr and not elsewhere.files


def test_a_full_disk_of_a_machine(session: Any, store: Path, expected: Path, tmp_path: Path) -> None:
    with cohorts.output(tmp_path / "results") as output:
        units = cohorts.units(store, output.work)
        full = {number: FullDiskUnit(unit) if number == 3 else unit for number, unit in units.items()}
        with pytest.raises(DataError, match=r"Spark: OSError: .*File too large"):
            run_on_spark(session, cohorts.shipment(output), full, output)
        todo = {number: unit for number, unit in units.items() if number not in output.done}
        assert 3 in todo
        assert not run_on_spark(session, cohorts.shipment(output), todo, output)
        output.finish({})
    assert cohorts.results(tmp_path / "results") == cohorts.results(expected)


def test_a_full_disk_of_the_driver(session: Any, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def receive(number: int, packed: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with cohorts.output(tmp_path / "results") as output:
        monkeypatch.setattr(output, "receive", receive)
        units, shipment = cohorts.units(store, output.work), cohorts.shipment(output)
        with pytest.raises(OSError, match="No space left"):
            run_on_spark(session, shipment, units, output)


def test_a_task_that_fails_again_and_again(session: Any, tmp_path: Path) -> None:
    with (
        cohorts.output(tmp_path / "results") as output,
        pytest.raises(DataError, match=r"^Spark: ZeroDivisionError: one by nothing$"),
    ):
        run_on_spark(session, cohorts.shipment(output), {0: BrokenUnit()}, output)


def test_a_unit_whose_processes_die_is_given_up(session: Any, store: Path, tmp_path: Path) -> None:
    with cohorts.output(tmp_path / "results") as output:
        units: dict[int, Unit] = {**cohorts.units(store, output.work), 0: DeadlyUnit()}
        told: list[int] = []
        refused = run_on_spark(session, cohorts.shipment(output), units, output, told.append)
        assert output.done == units.keys() - {0}
    assert list(refused) == [0] and refused[0].startswith("deadly: Spark: ")
    assert cohorts.told(told, units)


def test_a_worker_that_is_lost_loses_nothing(
    session: Any, cluster: SparkCluster, store: Path, expected: Path, elsewhere: WebHdfs, tmp_path: Path
) -> None:
    begun, may_go_on = tmp_path / "begun", tmp_path / "may-go-on"

    def lose_one() -> None:
        """Kill a worker when both are evaluating units."""
        while not begun.exists() or len(list(begun.iterdir())) < 2:
            time.sleep(0.05)
        cluster.kill_worker(0)
        may_go_on.touch()

    stored = units_elsewhere(elsewhere.put(store, "/store"))
    assert len(stored) > 2
    units: dict[int, Unit] = {
        number: WaitingUnit(unit.shard, unit.resources, begun=begun, may_go_on=may_go_on) if number < 2 else unit
        for number, unit in stored.items()
    }
    with cohorts.output(tmp_path / "results") as output:
        losing = threading.Thread(target=lose_one, daemon=True)
        losing.start()
        refused = run_on_spark(session, cohorts.shipment(output), units, output)
        losing.join(1)
        output.finish({})
    # One of the two was started again.
    assert not refused and len(list(begun.iterdir())) == 3
    assert cohorts.results(tmp_path / "results") == cohorts.results(expected)
    assert cohorts.members(tmp_path / "results") == cohorts.members(expected)
