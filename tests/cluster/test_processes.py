"""Runs in several processes have the same results as in one, even if processes fail."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from ecqm.api import select
from ecqm.cluster.processes import run_in_processes
from ecqm.cluster.run import run_units
from ecqm.cluster.units import FileUnit, Unit
from ecqm.cluster.worker import Shipment, Worker, peak_memory
from ecqm.data import DataError
from ecqm.data.loading import division
from ecqm.reporting.results.run import RunOutput
from tests.cli.samples import PERIOD, SAMPLE
from tests.cli.samples import ecqm as command
from tests.cluster import cohorts

PLENTY = 4 << 30


@pytest.fixture(scope="module")
def expected(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of one batch in this process."""
    folder = tmp_path_factory.mktemp("expected") / "results"
    with cohorts.output(folder) as output:
        (unit,) = cohorts.units(store.parent / "files", output.work).values()
        assert isinstance(unit, FileUnit)
        Worker(cohorts.shipment(output)).run(unit, output.path_of(0))
        output.finish({})
    return folder


def finished(folder: Path, units: Mapping[int, Unit], share: int = PLENTY) -> tuple[dict[int, str], list[int]]:
    """A run of units in two processes: the errors, and the reported units."""
    done: list[int] = []
    with cohorts.output(folder) as output:
        refused = run_in_processes(cohorts.shipment(output), units, output.path_of, 2, share, done.append)
        output.finish({}, list(refused.values()))
    return refused, done


def test_processes_give_what_one_gives(tmp_path: Path, store: Path, expected: Path) -> None:
    units = cohorts.units(store, tmp_path)
    assert len(units) > 2
    refused, done = finished(tmp_path / "results", units)
    assert not refused and cohorts.told(done, units)
    assert cohorts.results(tmp_path / "results") == cohorts.results(expected)
    assert cohorts.members(tmp_path / "results") == cohorts.members(expected)


@pytest.mark.parametrize("jobs", [1, 3])
def test_files_that_are_too_large_for_one_unit_are_sorted_by_patient(
    tmp_path: Path, store: Path, expected: Path, jobs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(division, "_LEAST", 2_000)
    with cohorts.output(tmp_path / "results") as output:
        with output.processes(jobs) as processes:
            units = cohorts.units(store.parent / "files", output.work, unit_size=4_000, processes=processes)
        assert len(units) > 2
        assert len(list(output.work.glob("part-*"))) == jobs
        worker = Worker(cohorts.shipment(output))
        for number, unit in units.items():
            worker.run(unit, output.path_of(number))
        output.finish({})
    assert cohorts.results(tmp_path / "results") == cohorts.results(expected)


def test_a_process_that_dies_loses_nothing(tmp_path: Path, store: Path, expected: Path) -> None:
    """No memory is allowed, so each unit has a new process."""
    units = cohorts.deadly(cohorts.units(store, tmp_path), 1, tmp_path / "marks", times=1)
    refused, done = finished(tmp_path / "results", units, share=0)
    assert not refused and cohorts.told(done, units)
    assert cohorts.results(tmp_path / "results") == cohorts.results(expected)


def test_a_unit_that_processes_die_of_is_named_and_the_rest_runs(tmp_path: Path, store: Path) -> None:
    units = cohorts.deadly(cohorts.units(store, tmp_path), 0, tmp_path / "marks", times=9)
    refused, done = finished(tmp_path / "results", units)
    assert list(refused) == [0] and "died" in refused[0] and cohorts.told(done, units)
    errors = json.loads((tmp_path / "results" / "errors.json").read_text("utf-8"))
    assert errors["not_read"] == list(refused.values())
    assert 0 < len(cohorts.results(tmp_path / "results")[1]) < 120


def test_a_shipment_is_small_and_complete(tmp_path: Path, store: Path, expected: Path) -> None:
    with cohorts.output(tmp_path / "results") as output:
        packed = cohorts.shipment(output).packed()
        assert len(packed) < 100_000
        worker = Worker(Shipment.unpacked(packed))
        for number, unit in cohorts.units(store, output.work).items():
            worker.run(unit, output.path_of(number))
        output.finish({})
    assert cohorts.results(tmp_path / "results") == cohorts.results(expected)


def test_one_run_at_a_time_writes_a_folder(tmp_path: Path) -> None:
    with cohorts.output(tmp_path), pytest.raises(DataError, match="being written by another"):
        cohorts.output(tmp_path)


def test_what_a_process_writes_late_stays_with_its_run(tmp_path: Path, store: Path) -> None:
    """A run is killed, and another one starts while a process of the first is still evaluating its unit."""
    with cohorts.output(tmp_path / "results") as output:
        units = cohorts.units(store, output.work)
        late, path = Worker(cohorts.shipment(output)), output.path_of(0)
    with RunOutput(tmp_path / "results", select(SAMPLE), cohorts.STATED, fingerprint="another") as other:
        with pytest.raises(FileNotFoundError):
            late.run(units[0], path)
        assert not other.done


def test_what_is_done_is_not_done_again(tmp_path: Path, store: Path, expected: Path) -> None:
    with cohorts.output(tmp_path / "results") as output:
        units = list(cohorts.units(store, output.work).values())
        Worker(cohorts.shipment(output)).run(units[2], output.path_of(2))
    with cohorts.output(tmp_path / "results") as output:
        before = output.path_of(2).with_suffix(".json").stat().st_mtime_ns
        steps: list[int] = []
        run_units(cohorts.evaluation(), output, units, 1, PLENTY, lambda done, of: steps.append(done))
        assert sum(steps) == len(units) * 2
        assert output.path_of(2).with_suffix(".json").stat().st_mtime_ns == before
        output.finish({})
    assert cohorts.results(tmp_path / "results") == cohorts.results(expected)


def test_a_run_that_was_killed_goes_on(tmp_path: Path) -> None:
    store = cohorts.write_store(tmp_path, patients=120, shard_size=2_000)
    results = tmp_path / "results"
    arguments = ["run", str(SAMPLE), "--measure", "all", "--period", PERIOD, "--data", str(store), "--output"]
    running = subprocess.Popen([sys.executable, "-m", "ecqm", *arguments, str(results)])
    until = time.monotonic() + 30
    parts = results / ".running"
    while len(list(parts.glob("*/0*.json"))) < 3 and time.monotonic() < until and running.poll() is None:
        time.sleep(0.001)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    kept = {path.name: path.stat().st_mtime_ns for path in parts.glob("*/0*.json")}
    assert len(kept) >= 3 and not (results / "summary.json").exists()
    again = command(*arguments, results)
    assert again.exit_code == 0, again.output
    whole = command(*arguments, tmp_path / "whole")
    assert whole.exit_code == 0
    assert cohorts.results(results) == cohorts.results(tmp_path / "whole")
    assert len(cohorts.results(results)[1]) > 120


# A script without a guard against being run a second time.
SCRIPT = """
import sys
from ecqm import evaluate, load, select
from ecqm.cluster import units
from ecqm.data.loading import division
units._HELD_PER_BYTE, division._LEAST = 1 << 20, 2_000
result = evaluate(select(sys.argv[1]), load(sys.argv[2]), sys.argv[3], jobs=2)
print(result.patients, len(result.populations))
"""


def test_a_script_that_evaluates_files_runs_once(tmp_path: Path, store: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    arguments = [tmp_path / "script.py", SAMPLE, store.parent / "files", PERIOD]
    ran = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    patients, parts = map(int, ran.stdout.split())
    assert patients == 60 and parts > 2


def test_a_damaged_shard_is_named_and_the_rest_runs(tmp_path: Path) -> None:
    store = cohorts.write_store(tmp_path)
    damaged = sorted((store / "shards").iterdir())[1] / "Encounter.arrow"
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 0xFF
    damaged.write_bytes(content)
    run = command("run", SAMPLE, "--period", PERIOD, "--data", store, "--output", tmp_path / "results")
    assert run.exit_code == 2 and str(damaged) in run.stderr and "checksum" in run.stderr
    rows = cohorts.results(tmp_path / "results")[1]
    assert 0 < len({row["patient"] for row in rows}) < 60


def test_an_unreadable_file_among_many_is_named_and_the_rest_runs(tmp_path: Path) -> None:
    files = cohorts.write_ndjson(tmp_path / "files", patients=20)
    (files / "Encounter-2.ndjson.gz").write_bytes(b"\x1f\x8b\x08 this is no gzip")
    with cohorts.output(tmp_path / "results") as output:
        units = cohorts.units(files, output.work, unit_size=2_000)
        worker = Worker(cohorts.shipment(output))
        problems = [str(problem) for unit in units.values() for problem in worker.evaluate(unit)[0].cohort.problems]
    run = command("run", SAMPLE, "--period", PERIOD, "--data", files, "--output", tmp_path / "at-once")
    assert run.exit_code == 0, run.output
    told = json.loads((tmp_path / "at-once" / "errors.json").read_text("utf-8"))["data"]
    assert any("Encounter-2" in problem["file"] and "cannot be read" in problem["message"] for problem in told)
    assert any("Encounter-2" in problem and "cannot be read" in problem for problem in problems)


def test_memory_of_the_process_that_starts_others_is_not_theirs() -> None:
    ours = bytearray(256 << 20)
    script = "from ecqm.cluster.worker import peak_memory; print(peak_memory())"
    theirs = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert int(theirs.stdout) < len(ours) <= peak_memory()
