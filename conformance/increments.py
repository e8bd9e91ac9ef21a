"""Measure the CPU time of increments beside that of loading everything.

    python conformance/increments.py CONTENT --libraries DIR --valuesets DIR --data DIR [--runs 3] [--jobs 1]

DIR is a folder of NDJSON from tools/synthetic_cohort.py. Increments are made from it:

- `changed`: one resource in two hundred again, and as many new ones, of all patients.
- `patients`: one patient in a hundred with all of their resources, half of them new.
- `deleted`: the deletion of one resource in a hundred; `one deleted`: that of a single one.

Each is appended to the same store, in a process of its own. The figures are medians of the runs.
"""

from __future__ import annotations

import json
import random
import re
import shutil
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

from content_arguments import content_parser, opened
from load import costs, demand_of

from ecqm.data import Demand
from ecqm.data.files.inputs import data_files
from ecqm.data.loading.headers import decode_header, patients_of
from ecqm.data.loading.load import load
from ecqm.data.store.store import Manifest

INCREMENTS = ("changed", "patients", "deleted", "one deleted")
_ID = re.compile('"id":"')
_STATUS = re.compile('"status":"[^"]*"')


class _Change(NamedTuple):
    """A line of an increment, or (without a line) a deletion of the resource with this name."""

    increment: str
    name: str
    line: str = ""


def write_increments(files: Sequence[Path], folder: Path, seed: int = 1) -> None:
    """Write the increments of the data in some files into folders of their names."""
    chance = random.Random(seed)
    counted = count()
    chosen: dict[str, bool] = {}
    deleted: dict[str, list[str]] = {"deleted": [], "one deleted": []}
    for name in INCREMENTS:
        (folder / name).mkdir(parents=True)
    for file in files:
        with file.open(encoding="utf-8") as lines:
            for line in lines:
                for change in _changes(line, counted, chance, chosen):
                    if not change.line:
                        deleted[change.increment].append(change.name)
                        continue
                    with (folder / change.increment / file.name).open("a", encoding="utf-8") as sink:
                        sink.write(change.line)
    deleted["one deleted"] = deleted["deleted"][:1]
    for increment, names in deleted.items():
        entries = [{"request": {"method": "DELETE", "url": name}} for name in names]
        content = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        (folder / increment / "deleted.json").write_text(json.dumps(content), encoding="utf-8")


def _changes(line: str, counted: Iterator[int], chance: random.Random, chosen: dict[str, bool]) -> Iterator[_Change]:
    """What the increments do with a resource; `chosen` are the patients who come again."""
    header = decode_header(line)
    name, patient = f"{header.resourceType}/{header.id}", next(iter(patients_of(header, line.encode())), None)
    if patient is None or header.resourceType == "Patient":
        return
    number = next(counted)
    new = _ID.sub('"id":"new-', line, count=1)
    if number % 100 == 0:
        yield _Change("changed", name, new if number % 200 else _STATUS.sub('"status":"unknown"', line, count=1))
    elif number % 100 == 1:
        yield _Change("deleted", name)
    if chosen.setdefault(patient, not chosen or chance.random() < 0.01):
        yield _Change("patients", name, new if number % 2 else line)


def _append(increment: Path, store: Path, jobs: int) -> None:
    load([increment], store, append=True, jobs=jobs)


def _load(data: Path, store: Path, demand: Demand, jobs: int) -> None:
    load([data], store, demand, jobs=jobs)


def figures(data: Path, demand: Demand, runs: int, jobs: int) -> dict[str, tuple[float, int]]:
    """The CPU seconds of a whole load and of each increment (medians), and how many shards each makes anew."""
    with TemporaryDirectory(dir=data.parent) as scratch:
        folder, store, other = (Path(scratch) / name for name in ("increments", "store", "other"))
        write_increments(data_files(data), folder)
        whole = []
        for _ in range(runs):
            shutil.rmtree(store, ignore_errors=True)
            whole.append(costs(_load, data, store, demand, jobs).seconds)
        found = {"everything": (median(whole), len(Manifest.read(store).shards))}
        for increment in INCREMENTS:
            taken, shards = [], 0
            for _ in range(runs):
                shutil.rmtree(other, ignore_errors=True)
                shutil.copytree(store, other)
                taken.append(costs(_append, folder / increment, other, jobs).seconds)
                shards = sum(entry.folder.endswith("-2") for entry in Manifest.read(other).shards)
            found[increment] = median(taken), shards
        return found


def main() -> None:
    parser = content_parser(__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    found = figures(options.data, demand_of(opened(options)), options.runs, options.jobs)
    whole, _ = found["everything"]
    print(f"{'':12} {'CPU s':>6} {'share':>6} {'shards':>6}")
    for name, (seconds, shards) in found.items():
        print(f"{name:12} {seconds:6.1f} {seconds / whole:6.2f} {shards:6}")


if __name__ == "__main__":
    main()
