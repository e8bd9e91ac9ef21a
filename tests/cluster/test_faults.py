"""Runs with faulty files: the fault is named, partly written files are not used, and the rest is evaluated."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ecqm.data.writing import sole_writer
from tests.cli.samples import PERIOD, SAMPLE, STAY
from tests.cli.samples import ecqm as command
from tests.cluster import cohorts

# Limits the size of files, like a full disk, and uses processes for any number of resources.
FULL = """
import resource, sys
from ecqm.cli.main import main
from ecqm.cluster import run, units
run._FEW_RESOURCES, units._HELD_PER_BYTE = map(int, sys.argv[2].split())
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
main(sys.argv[3:])
"""
# The last line of the output is the peak memory of the command, in MiB.
MEASURED = """
import sys
from ecqm.cli.main import main
from ecqm.cluster.worker import peak_memory
try:
    main(sys.argv[1:])
except SystemExit as end:
    print(peak_memory() >> 20)
    sys.exit(end.code)
"""


def arguments(data: Path, output: Path) -> list[object]:
    return ["run", SAMPLE, "--measure", "all", "--period", PERIOD, "--data", data, "--output", output]


def expected(data: Path, folder: Path) -> Path:
    """The results of a run without faults."""
    run = command(*arguments(data, folder))
    assert run.exit_code == 0, run.output
    return folder


@pytest.mark.parametrize(
    ("limit", "sizes", "data"),
    [(60, "250000 16", "store"), (3_000, "250000 16", "store"), (3_000, "0 16", "store"),
     (1_500, "250000 1048576", "files")],
    ids=["notes", "part", "part-in-processes", "sorting"],
)  # fmt: skip
def test_a_full_disk(tmp_path: Path, limit: int, sizes: str, data: str) -> None:
    cohorts.write_store(tmp_path)
    store = tmp_path / data
    results = tmp_path / "results"
    script = [sys.executable, "-c", FULL, str(limit), sizes, *map(str, arguments(store, results))]
    full = subprocess.run([*script, "--jobs", "2"], capture_output=True, text=True, check=False)
    assert full.returncode == 2, full.stderr
    assert "File too large" in full.stderr and "Traceback" not in full.stderr
    assert not (results / "run.json").exists() and not (results / "populations.parquet").exists()
    again = command(*arguments(store, results))
    assert again.exit_code == 0, again.output
    assert cohorts.results(results) == cohorts.results(expected(store, tmp_path / "whole"))
    assert not list(results.glob("**/*.new")) and not (results / ".running").exists()


def test_a_full_disk_during_a_load(tmp_path: Path) -> None:
    files = cohorts.write_ndjson(tmp_path / "files")
    steps = ["load", str(files), "--output", str(tmp_path / "store"), "--jobs", "1"]
    script = [sys.executable, "-c", FULL, "1500", "0 0", *steps]
    full = subprocess.run(script, capture_output=True, text=True, check=False)
    assert full.returncode == 2 and "File too large" in full.stderr and "goes on from there" in full.stderr
    assert command(*steps).exit_code == 0


def test_what_is_done_when_the_disk_is_full_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ecqm.reporting.results.recording import PartRecorder

    store = cohorts.write_store(tmp_path)
    results = tmp_path / "results"
    written: list[Path] = []
    write = PartRecorder.write

    def until_it_is_full(recorder: PartRecorder, batch: object, part: object, path: Path) -> None:
        if len(written) == 2:
            raise OSError(28, "No space left on device", str(path))
        write(recorder, batch, part, path)  # type: ignore[arg-type]
        written.append(path)

    monkeypatch.setattr(PartRecorder, "write", until_it_is_full)
    full = command(*arguments(store, results))
    assert full.exit_code == 2 and "No space left" in full.stderr and "the same command goes on" in full.stderr
    before = {path: path.with_suffix(".json").stat().st_mtime_ns for path in written}
    monkeypatch.undo()
    with monkeypatch.context() as context:
        context.setattr("ecqm.reporting.results.run.shutil.rmtree", lambda *_, **__: None)
        assert command(*arguments(store, results)).exit_code == 0
    assert before == {path: path.with_suffix(".json").stat().st_mtime_ns for path in written}
    assert cohorts.results(results) == cohorts.results(expected(store, tmp_path / "whole"))


@pytest.mark.parametrize("at", range(1, 5))
def test_interrupted_while_results_take_their_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """There are results of an earlier run. After the next start, all results are of the new one."""
    store = cohorts.write_store(tmp_path)
    whole = expected(store, tmp_path / "whole")
    results = expected(store.parent / "files", tmp_path / "results")
    moves: list[Path] = []
    replace = os.replace

    def interrupted(source: Path, target: Path) -> None:
        if target.parent == results:
            moves.append(target)
            if len(moves) == at:
                raise KeyboardInterrupt
        replace(source, target)

    with monkeypatch.context() as context:
        context.setattr("ecqm.reporting.results.files.os.replace", interrupted)
        command(*arguments(store, results))
    assert len(moves) == at
    assert command(*arguments(store, results)).exit_code == 0
    assert cohorts.results(results) == cohorts.results(whole)
    about = json.loads((results / "run.json").read_text("utf-8"))
    assert about["data"] == [str(store)] and (results / "populations.parquet").is_dir()


def test_a_shard_that_was_repaired_is_all_that_is_evaluated_again(tmp_path: Path) -> None:
    store = cohorts.write_store(tmp_path)
    results = tmp_path / "results"
    damaged = sorted((store / "shards").iterdir())[1] / "Encounter.arrow"
    sound = damaged.read_bytes()
    damaged.write_bytes(b"lost")
    run = command(*arguments(store, results))
    assert run.exit_code == 2 and "start the same run again" in run.stderr
    fewer = cohorts.results(results)[1]
    parts = {path: path.stat().st_mtime_ns for path in (results / ".running").glob("*/0*.json")}
    assert len(parts) > 1
    damaged.write_bytes(sound)
    # A different one now: if it were read, it would be named.
    other = min((store / "shards").iterdir()) / "Encounter.arrow"
    other.rename(other.with_suffix(".kept"))
    assert command(*arguments(store, results)).exit_code == 0
    other.with_suffix(".kept").rename(other)
    assert cohorts.results(results) == cohorts.results(expected(store, tmp_path / "whole"))
    assert len(fewer) < len(cohorts.results(results)[1]) and not (results / ".running").exists()


def test_two_runs_into_one_folder(tmp_path: Path) -> None:
    files = cohorts.write_ndjson(tmp_path / "files", patients=3)
    results = tmp_path / "results"
    results.mkdir()
    with sole_writer(results):
        second = command(*arguments(files, results))
    assert second.exit_code == 2 and "being written by another process" in second.stderr
    assert command(*arguments(files, results)).exit_code == 0


def test_an_unreadable_file_among_a_thousand(tmp_path: Path) -> None:
    """In a load, and in a run on files: the file is named, and the 999 others are used."""
    folder = tmp_path / "files"
    folder.mkdir()
    lines = [
        path.read_text("utf-8").splitlines()
        for path in sorted(cohorts.write_ndjson(tmp_path / "whole", patients=500).iterdir())
    ]
    for number, (visit, patient) in enumerate(zip(*lines, strict=True)):
        (folder / f"Encounter-{number}.ndjson").write_text(visit + "\n", "utf-8")
        (folder / f"Patient-{number}.ndjson").write_text(patient + "\n", "utf-8")
    bad = folder / "Encounter-78.ndjson"
    bad.rename(bad.with_suffix(".ndjson.gz"))
    loaded = command("load", folder, "--output", tmp_path / "store", "--jobs", 1)
    assert loaded.exit_code == 0, loaded.output
    assert "Encounter-78" in loaded.output and "499 Encounter" in loaded.output and "1,000 files" in loaded.output
    run = command(*arguments(folder, tmp_path / "straight"))
    assert run.exit_code == 0, run.output
    told = json.loads((tmp_path / "straight" / "errors.json").read_text("utf-8"))["data"]
    assert [problem["file"] for problem in told] == [str(bad.with_suffix(".ndjson.gz"))]
    assert command(*arguments(tmp_path / "store", tmp_path / "stored")).exit_code == 0
    assert cohorts.results(tmp_path / "straight") == cohorts.results(tmp_path / "stored")
    rows = cohorts.results(tmp_path / "straight")[1]
    patients = {row["patient"] for row in rows if row["measure"].startswith(STAY)}
    assert "p76" in patients and "p78" not in patients


def test_a_patient_with_very_many_resources(tmp_path: Path) -> None:
    """It is loaded and run in bounded memory, and every stay is counted."""
    files = cohorts.write_ndjson(tmp_path / "files", patients=20)
    stay = json.loads((files / "Encounter.ndjson").read_text("utf-8").splitlines()[1])
    with (files / "Encounter.ndjson").open("a", encoding="utf-8") as lines:
        for number in range(30_000):
            lines.write(json.dumps({**stay, "id": f"more-{number}"}) + "\n")
    load = ["load", str(files), "--output", str(tmp_path / "store"), "--jobs", "1"]
    for steps in (load, arguments(tmp_path / "store", tmp_path / "results")):
        measured = [sys.executable, "-c", MEASURED, *map(str, steps)]
        done = subprocess.run(measured, capture_output=True, text=True, check=True)
        assert int(done.stdout.splitlines()[-1]) < 700
    rows = cohorts.results(tmp_path / "results")[1]
    assert sum(row["patient"] == "p1" and row["measure"].startswith(STAY) for row in rows) == 30_001
