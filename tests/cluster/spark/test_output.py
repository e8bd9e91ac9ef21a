"""Results in a folder on a file system of Hadoop: runs that are interrupted, or that follow each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ecqm.api import select
from ecqm.cluster.spark.hadoop import HadoopPath
from ecqm.cluster.spark.output import HadoopOutput
from ecqm.cluster.worker import Worker
from ecqm.data import DataError
from ecqm.reporting.results.recording import ResultOptions
from ecqm.reporting.results.transport import packed_part
from tests.cli.samples import SAMPLE
from tests.cluster import cohorts
from tests.cluster.spark.webhdfs import WebHdfs


@pytest.fixture(scope="module")
def packed(store: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[int, bytes]:
    """The parts of the shards of the store."""
    with cohorts.output(tmp_path_factory.mktemp("packed")) as output:
        worker = Worker(cohorts.shipment(output))
        for number, unit in cohorts.units(store, output.work).items():
            worker.run(unit, output.path_of(number))
        return {number: packed_part(output.path_of(number)) for number in sorted(output.done)}


def output(system: WebHdfs, fingerprint: Any = "one") -> HadoopOutput:
    options = ResultOptions(subject_list=True)
    return HadoopOutput(HadoopPath(system.url + "/results"), select(SAMPLE), cohorts.STATED, options, fingerprint)


def test_an_interrupted_run_is_continued(
    elsewhere: WebHdfs, packed: dict[int, bytes], expected: Path, tmp_path: Path
) -> None:
    with output(elsewhere) as first:
        started = first.started
        for number in (0, 2):
            first.receive(number, packed[number])
    # The connection was lost while a part was written.
    (parts,) = {str(Path(name).parent) for name in elsewhere.files if name.endswith(".part")}
    elsewhere.files[f"{parts}/00001.part.new"] = packed[1][:100]
    with output(elsewhere) as second:
        assert second.done == {0, 2} and second.started == started and second.name == f"{elsewhere.url}/results"
        for number in packed.keys() - second.done:
            second.receive(number, packed[number])
        second.finish({})
    results = elsewhere.get("/results", tmp_path / "results")
    assert cohorts.results(results) == cohorts.results(expected)
    assert cohorts.members(results) == cohorts.members(expected)
    assert not elsewhere.below("/results/.running")


def test_another_run_starts_anew(elsewhere: WebHdfs, packed: dict[int, bytes]) -> None:
    with output(elsewhere) as first:
        first.receive(0, packed[0])
    with output(elsewhere, "another") as second:
        assert not second.done
        assert not [name for name in elsewhere.files if name.endswith(".part")]


@pytest.mark.parametrize("fingerprint", ["one", "another"])
def test_two_runs_at_once(elsewhere: WebHdfs, packed: dict[int, bytes], fingerprint: str) -> None:
    """The later one goes on."""
    with output(elsewhere) as first, output(elsewhere, fingerprint) as second:
        with pytest.raises(DataError, match="/results is being written by another run, which started later"):
            first.receive(0, packed[0])
        second.receive(0, packed[0])
        with pytest.raises(DataError, match="by another run"):
            first.finish({})
        second.finish({})
        with pytest.raises(DataError, match="by another run"):
            first.receive(1, packed[1])
    assert "/results/summary.json" in elsewhere.files


def test_parts_are_kept_if_data_could_not_be_read(elsewhere: WebHdfs, packed: dict[int, bytes]) -> None:
    with output(elsewhere) as first:
        first.receive(0, packed[0])
        first.finish({}, ["a shard"])
    assert "/results/errors.json" in elsewhere.files
    with output(elsewhere) as second:
        assert second.done == {0}
