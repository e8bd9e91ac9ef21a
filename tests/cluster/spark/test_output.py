"""Results in a folder on a file system of Hadoop: runs that are interrupted, or that follow each other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ecqm.api import select
from ecqm.cluster.spark.hadoop import HadoopPath
from ecqm.cluster.spark.output import HadoopOutput
from ecqm.cluster.spark.tasks import gathered
from ecqm.cluster.worker import Worker
from ecqm.data import DataError
from ecqm.reporting.results.files import patient_level
from ecqm.reporting.results.recording import ResultOptions
from tests.cli.samples import SAMPLE
from tests.cluster import cohorts
from tests.cluster.spark.webhdfs import WebHdfs

OPTIONS = ResultOptions(subject_list=True)


@pytest.fixture(scope="module")
def results(store: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[int, tuple[Path, bytes]]:
    """The results of each shard of the store: a folder with a file of each kind, and the counts."""
    found = {}
    with cohorts.output(tmp_path_factory.mktemp("shards")) as output:
        worker = Worker(cohorts.shipment(output))
        for number, unit in cohorts.units(store, output.work).items():
            path = tmp_path_factory.mktemp("shard") / "part"
            worker.run(unit, path)
            counts = path.with_suffix(".json").read_bytes()
            found[number] = gathered(worker.shipment, path, counts).path("."), counts
    return found


def output(system: WebHdfs, fingerprint: Any = "one") -> HadoopOutput:
    return HadoopOutput(HadoopPath(system.url + "/results"), select(SAMPLE), cohorts.STATED, OPTIONS, fingerprint)


def keep(output: HadoopOutput, number: int, results: dict[int, tuple[Path, bytes]]) -> None:
    """Give a unit to the output as Spark's writers do, with a file that says that they are done."""
    folder, counts = results[number]
    written = output.attempt(number)
    for name in patient_level(OPTIONS):
        (written / name / "part-00000-of-a-task").upload(folder / name)
        (written / name / "_SUCCESS").write_bytes(b"")
    output.keep(number, written, counts)


def files(system: WebHdfs, name: str) -> list[str]:
    """The files of a result that are in place, without the mark of the run."""
    return sorted(path.rpartition("/")[2].rpartition("-")[0] for path in system.below(f"/results/{name}"))


def test_an_interrupted_run_is_continued(
    elsewhere: WebHdfs, results: dict[int, tuple[Path, bytes]], expected: Path, tmp_path: Path
) -> None:
    with output(elsewhere) as first:
        started = first.started
        for number in (0, 2):
            keep(first, number, results)
        # The connection was lost when a unit had been written but for its counts.
        counts = first.attempt(1)
        (counts / "populations.parquet" / "part-00000").upload(results[1][0] / "populations.parquet")
    with output(elsewhere) as second:
        assert second.done == {0, 2} and second.started == started and second.name == f"{elsewhere.url}/results"
        for number in results.keys() - second.done:
            keep(second, number, results)
        second.finish({})
    found = elsewhere.get("/results", tmp_path / "results")
    assert cohorts.results(found) == cohorts.results(expected)
    assert cohorts.members(found) == cohorts.members(expected)
    names = [f"part-{number:05}" for number in sorted(results)]
    assert files(elsewhere, "populations.parquet") == files(elsewhere, "subject-list.json") == names
    assert not elsewhere.below("/results/.running")


def test_a_run_that_is_killed_again_and_again_while_it_puts_results_in_place(
    elsewhere: WebHdfs,
    results: dict[int, tuple[Path, bytes]],
    expected: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each time it gets some files further; folders are renamed file by file, as on S3."""
    elsewhere.files["/results/populations.parquet/part-00000-earlier.parquet"] = b"of an earlier run"
    with output(elsewhere) as first:
        for number in results:
            keep(first, number, results)
    renamed = HadoopPath.replace
    for most in range(0, 100, 2):
        left = iter(range(most))

        def replace(path: HadoopPath, target: HadoopPath, left: Iterator[int] = left) -> None:
            names = path.names()
            if names:
                target.remove()
            for one, other in [(path / name, target / name) for name in names] or [(path, target)]:
                if next(left, None) is None:
                    raise OSError("killed")
                renamed(one, other)

        with output(elsewhere) as again:
            assert again.done == results.keys()
            with suppress(OSError), monkeypatch.context() as patched:
                patched.setattr(HadoopPath, "replace", replace)
                again.finish({})
                break
    assert most > 2
    found = elsewhere.get("/results", tmp_path / "results")
    assert cohorts.results(found) == cohorts.results(expected)
    assert cohorts.members(found) == cohorts.members(expected)
    assert not elsewhere.below("/results/.running")


def test_another_run_starts_anew(elsewhere: WebHdfs, results: dict[int, tuple[Path, bytes]]) -> None:
    with output(elsewhere) as first:
        keep(first, 0, results)
    with output(elsewhere, "another") as second:
        assert not second.done
        assert not [name for name in elsewhere.files if "part-" in name]


@pytest.mark.parametrize("fingerprint", ["one", "another"])
def test_two_runs_at_once(elsewhere: WebHdfs, results: dict[int, tuple[Path, bytes]], fingerprint: str) -> None:
    """The later one goes on."""
    with output(elsewhere) as first, output(elsewhere, fingerprint) as second:
        with pytest.raises(DataError, match="/results is being written by another run, which started later"):
            keep(first, 0, results)
        with pytest.raises(DataError, match="by another run"):
            first.check()
        keep(second, 0, results)
        with pytest.raises(DataError, match="by another run"):
            first.finish({})
        second.finish({})
        with pytest.raises(DataError, match="by another run"):
            keep(first, 1, results)
    assert "/results/summary.json" in elsewhere.files


def test_many_failed_units_are_checked_at_once(elsewhere: WebHdfs) -> None:
    """Each asks, in a thread of its own, whether results can be kept."""
    with output(elsewhere) as run, ThreadPoolExecutor(8) as threads:
        for checked in [threads.submit(run.check) for _ in range(40)]:
            checked.result()


def test_results_of_units_that_could_be_read_are_completed(
    elsewhere: WebHdfs, results: dict[int, tuple[Path, bytes]], expected: Path, tmp_path: Path
) -> None:
    with output(elsewhere) as first:
        keep(first, 1, results)
        first.finish({}, ["a shard"])
    assert json.loads(elsewhere.files["/results/errors.json"])["not_read"] == ["a shard"]
    assert files(elsewhere, "populations.parquet") == ["part-00001"]
    with output(elsewhere) as second:
        assert second.done == {1}
        for number in results.keys() - second.done:
            keep(second, number, results)
        second.finish({})
    found = elsewhere.get("/results", tmp_path / "results")
    assert cohorts.results(found) == cohorts.results(expected)
    assert cohorts.members(found) == cohorts.members(expected)


def test_the_same_run_again_replaces_its_results(elsewhere: WebHdfs, results: dict[int, tuple[Path, bytes]]) -> None:
    for _ in range(2):
        with output(elsewhere) as run:
            for number in results:
                keep(run, number, results)
            run.finish({})
    assert len(elsewhere.below("/results/populations.parquet")) == len(results)
