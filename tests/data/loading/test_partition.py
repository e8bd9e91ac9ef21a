"""Sorting in several processes: what is loaded is the same for however many, and whatever happens to them."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ecqm.data import DataError
from ecqm.data.loading import division
from ecqm.data.loading import load as loading_module
from ecqm.data.loading import partition as partition_module
from ecqm.data.loading.load import good_shard_size, load
from ecqm.data.loading.partition import Partition
from ecqm.data.loading.processes import Processes
from ecqm.data.loading.sorting import sort_part
from ecqm.data.store.store import Manifest, open_store
from ecqm.data.writing import sole_writer
from tests.data.resources import bundle, encounter, observation, patient, write


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Little is enough for several processes, but only in the first half of a load: the other has tests of its own."""
    build = loading_module._Loading._build

    def build_here(self: Any, todo: Any, processes: Processes, watcher: Any) -> Any:
        return build(self, todo, Processes(1, processes._folder), watcher)

    monkeypatch.setattr(loading_module._Loading, "_build", build_here)
    monkeypatch.setattr(division, "_LEAST", 2_000)


def varied(folder: Path) -> Path:
    """Input of every kind: bundles, packed files, lines that are no resources, two resources with one id in files far
    apart, resources of no patient, and of one who is not known."""
    ids = [f"p{number}" for number in range(60)]
    there = [{"location": {"reference": "Location/l1"}}]
    write(folder / "Encounter.0.ndjson", *(encounter(f"e-{name}", name, location=there) for name in ids))
    write(folder / "Encounter.1.ndjson", *(encounter(f"e-{name}", name, status="cancelled") for name in ids[::7]), b"")
    write(folder / "Location.0.ndjson", {"resourceType": "Location", "id": "l1", "name": "old"}, b"")
    some = [observation(f"o-{number}", ids[number % 60]) for number in range(200)]
    odd: list[Any] = [b"{", b"", b"[1]", {"resourceType": "Observation", "id": "odd", "subject": 5}]
    write(folder / "Observation.ndjson", *some[:90], *odd, observation("lost", "nobody"), *some[90:])
    packed = write(folder / "Patient.ndjson", *map(patient, ids))
    packed.with_suffix(".ndjson.gz").write_bytes(gzip.compress(packed.read_bytes()))
    packed.unlink()
    write(folder / "bundle.json", bundle(patient("b"), encounter("eb", "b")))
    gone = [{"request": {"method": "DELETE", "url": "Observation/o-3"}}]
    write(folder / "gone.ndjson", {"resourceType": "Bundle", "type": "transaction", "entry": gone}, b"")
    write(folder / "Location.1.ndjson", {"resourceType": "Location", "id": "l1", "name": "new"})
    return folder


def plain(folder: Path) -> Path:
    """An export of which shards are made straight from spools."""
    ids = [f"p{number}" for number in range(60)]
    write(folder / "Patient.ndjson", *map(patient, ids), b"")
    write(folder / "Encounter.ndjson", *(encounter(f"{i}-{name}", name) for i in range(4) for name in ids), b"")
    write(folder / "Location.ndjson", {"resourceType": "Location", "id": "l1"}, b"")
    return folder


def loaded(source: Path, store: Path, jobs: int, **options: Any) -> Manifest:
    return load([source], store, shard_size=15_000, jobs=jobs, **options)


def everything(store: Path) -> dict[str, Any]:
    """All that is in a store: of its files what they are, of the spools of shards the resources in their order."""
    manifest = Manifest.read(store)
    shards = open_store(store).shards
    assert len(shards) > 1
    return {
        "report": manifest.report,
        "files": manifest.files,
        "columns": [
            {name: sum_ for name, sum_ in entry.checksums.items() if not name.startswith(("resources", "later"))}
            for entry in manifest.shards
        ],
        "shared": manifest.shared and (store / manifest.shared).stat().st_size > 0,
        "resources": [list(shard.resources()) for shard in shards],
        "lost": [[vars(lot) for lot in shard.lost() if len(lot)] for shard in shards],
        "problems": [shard.problems() for shard in shards],
    }


@pytest.mark.parametrize("source", [varied, plain])
def test_processes_make_no_difference(tmp_path: Path, source: Callable[[Path], Path]) -> None:
    files = source(tmp_path / "in")
    for jobs in (1, 3):
        loaded(files, tmp_path / str(jobs), jobs)
    assert everything(tmp_path / "3") == everything(tmp_path / "1")
    spools = [len(list(shard.folder.glob("resources-*"))) for shard in open_store(tmp_path / "3").shards]
    assert max(spools) == 3


def test_a_sorting_goes_on_with_as_many_shards_as_it_began_with(tmp_path: Path) -> None:
    files = sorted(plain(tmp_path / "in").glob("*.ndjson"))
    Partition(tmp_path / "work", files, 3, "same").run(lambda size: None)
    assert Partition(tmp_path / "work", files, 5, "same").n_shards == 3
    assert Partition(tmp_path / "work", files, 5, "other").n_shards == 5


MB = 1 << 20


@pytest.mark.parametrize(
    ("size", "jobs", "expected"),
    [
        pytest.param(10 * MB, 4, 48 * MB, id="small data"),
        pytest.param(2_000 * MB, 2, 125 * MB, id="eight shards for each process"),
        pytest.param(20_000 * MB, 2, 192 * MB, id="large data"),
        pytest.param(20_000 * MB, 16, 64 * MB, id="memory for many processes"),
        pytest.param(20_000 * MB, 100, 48 * MB, id="very many processes"),
    ],
)
def test_sizes_of_shards(size: int, jobs: int, expected: int) -> None:
    assert good_shard_size(size, jobs) == expected


def test_lines_have_the_numbers_of_the_file(tmp_path: Path) -> None:
    loaded(varied(tmp_path / "in"), tmp_path / "store", 3)
    found = [stored for shard in open_store(tmp_path / "store").shards for stored in shard.resources()]
    for stored in found:
        if stored.origin.file.endswith(".ndjson"):
            assert stored.origin.entry is not None
            lines = Path(stored.origin.file).read_bytes().split(b"\n")
            assert lines[stored.origin.entry - 1] == stored.raw.rstrip()
    again = [json.loads(stored.raw)["status"] for stored in found if b'"e-p14"' in stored.raw]
    assert again == ["finished", "cancelled"]
    assert {json.loads(stored.raw)["name"] for stored in found if stored.resource_type == "Location"} == {"new"}


def test_an_increment(tmp_path: Path) -> None:
    for jobs in (1, 2):
        store = tmp_path / str(jobs)
        loaded(plain(tmp_path / "in"), store, jobs)
        loaded(varied(tmp_path / "night"), store, jobs, append=True)
    assert everything(tmp_path / "1") == everything(tmp_path / "2")


def test_resources_of_a_divided_file_are_counted(tmp_path: Path) -> None:
    source = plain(tmp_path / "in")
    output = [{"type": path.stem, "url": path.name, "count": 240} for path in sorted(source.glob("*.ndjson"))]
    manifest = {"transactionTime": "2026-01-01T00:00:00Z", "request": "", "output": output, "error": []}
    write(source / "manifest.json", manifest)
    report = loaded(source / "manifest.json", tmp_path / "store", 3).report
    assert [Path(problem["file"]).name for problem in report["listed"]] == ["Location.ndjson", "Patient.ndjson"]
    assert ["has 1 res" in problem["message"] for problem in report["listed"]] == [True, False]


def test_an_unreadable_file_among_a_thousand(tmp_path: Path) -> None:
    source = tmp_path / "in"
    for number in range(1000):
        write(source / f"{number:04}.json", patient(f"p{number}"))
    damaged = write(source / "0500.ndjson.gz", b"no gzip")
    for jobs in (1, 2):
        report = loaded(source, tmp_path / str(jobs), jobs).report
        assert report["patients"] == 1000
        assert [problem["file"] for problem in report["listed"]] == [str(damaged)]
    assert everything(tmp_path / "1") == everything(tmp_path / "2")


KILLED = """
import os, signal, sys
from pathlib import Path
from ecqm.data.loading import division
from ecqm.data.loading import partition
from ecqm.data.loading.load import load
division._LEAST, partition._BETWEEN_NOTES = 2000, 1000
class Killer:
    read = 0
    def sorted(self, size, total):
        self.read += size
        if self.read >= int(sys.argv[3]): os.kill(os.getpid(), signal.SIGKILL)
    def built(self, shards): os._exit(3)
if __name__ == "__main__":
    load([Path(sys.argv[1])], Path(sys.argv[2]), shard_size=15_000, watcher=Killer(), jobs=2)
"""


@pytest.mark.parametrize(("read", "jobs"), [(0, 2), (1, 1), (1, 2), (40_000, 3)])
def test_killed_and_started_again(tmp_path: Path, read: int, jobs: int) -> None:
    source, store = varied(tmp_path / "in"), tmp_path / "store"
    script = [sys.executable, "-c", KILLED, str(source), str(store), str(read)]
    killed = subprocess.run(script, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    with sole_writer(store):
        # Its processes have ended.
        left = {path: path.stat().st_mtime_ns for path in store.rglob("*")}
    loaded(source, store, jobs)
    loaded(source, tmp_path / "whole", 1)
    assert left and everything(store) == everything(tmp_path / "whole")


def test_a_part_that_was_killed_goes_on_by_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within a divided file, and within a packed one, after each block."""
    monkeypatch.setattr("ecqm.data.files.content._BLOCK", 3_000)
    monkeypatch.setattr(partition_module, "_BETWEEN_NOTES", 1)
    source = varied(tmp_path / "in")
    files = sorted(source.iterdir())
    whole = Partition(tmp_path / "whole", files, 3, "same")
    whole.run(lambda size: None)

    def killed(size: int) -> None:
        raise KeyboardInterrupt

    starts = 0
    while not (sorting := Partition(tmp_path / "parts", files, 3, "same")).shared.exists():
        starts += 1
        try:
            # As three processes would.
            for part in sorting._unfinished(sorting._begun(3), 3):
                calls = iter((lambda size: None, killed))
                sort_part(part, lambda size, calls=calls: next(calls)(size))  # type: ignore[misc]
            sorting.run(lambda size: None)
        except KeyboardInterrupt:
            continue
    assert starts > 10
    assert (sorting.read, sorting.problems, sorting.deleted) == (whole.read, whole.problems, whole.deleted)
    for shard in range(3):
        assert rows(sorting.spools(shard)) == rows(whole.spools(shard))
    assert rows([sorting.shared]) == rows([whole.shared])


def rows(spools: Any) -> list[dict[str, Any]]:
    from ecqm.data.store.spool import read_batches

    return [row for batch in read_batches(spools) for row in batch.to_pylist()]


FULL = """
import resource, sys
from pathlib import Path
from ecqm.data.loading import division
from ecqm.data.loading.load import load
division._LEAST = 2000
if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
    try:
        load([Path(sys.argv[1])], Path(sys.argv[2]), shard_size=15_000, jobs=2)
    except OSError as error:
        print(error.strerror)
"""


def test_a_full_disk(tmp_path: Path) -> None:
    source, store = plain(tmp_path / "in"), tmp_path / "store"
    script = [sys.executable, "-c", FULL, str(source), str(store)]
    full = subprocess.run(script, capture_output=True, text=True, check=False)
    assert (full.stdout, full.returncode) == ("File too large\n", 0), full.stderr
    assert "Traceback" not in full.stderr
    loaded(source, store, 2)
    loaded(source, tmp_path / "whole", 1)
    assert everything(store) == everything(tmp_path / "whole")


class _Once:
    """Does something to the processes of a load when the sorting in them has begun."""

    def __init__(self, act: Callable[[set[int]], None]) -> None:
        self.act = act
        self.others = children()

    def sorted(self, size: int, total: int) -> None:
        self.act(children() - self.others)

    def built(self, shards: int) -> None: ...


def interrupt(started: set[int]) -> None:
    raise KeyboardInterrupt


def kill_one(started: set[int]) -> None:
    os.kill(started.pop(), signal.SIGKILL)


def children() -> set[int]:
    """The processes that this one has started, also for other tests."""
    found = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    return {int(number) for path in found for number in path.read_text().split()}


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="the system does not list processes there")
@pytest.mark.parametrize(("act", "raised"), [(interrupt, KeyboardInterrupt), (kill_one, DataError)])
def test_processes_end_with_the_sorting(
    tmp_path: Path, act: Callable[[set[int]], None], raised: type[BaseException]
) -> None:
    source, store = plain(tmp_path / "in"), tmp_path / "store"
    watcher = _Once(act)
    with pytest.raises(raised):
        loaded(source, store, 2, watcher=watcher)
    assert children() <= watcher.others
    loaded(source, store, 2)
    loaded(source, tmp_path / "whole", 1)
    assert everything(store) == everything(tmp_path / "whole")
