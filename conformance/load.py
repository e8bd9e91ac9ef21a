"""Measure the speed of `ecqm load` in megabytes of JSON per CPU second, beside decoding the same with msgspec.

    python conformance/load.py CONTENT --libraries DIR --valuesets DIR --data DIR… [--runs 3] [--jobs 1]

Each DIR is a folder of NDJSON from tools/synthetic_cohort.py; folders of increasing size show how the time grows.
Columns are made for all measures of CONTENT. Loads run in separate processes, alternating with processes that only
decode all lines. The figures are medians of the runs; peak memory is that of the largest process of a load. Then all
columns of the store are read back.
"""

from __future__ import annotations

import resource
import shutil
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time

import msgspec
from content_arguments import content_parser, opened
from reports import write_results

from ecqm.bundles.content import Content
from ecqm.bundles.content.libraries import LibraryNotFound
from ecqm.bundles.evaluation.planning import Planner
from ecqm.data import Demand
from ecqm.data.files.inputs import data_files
from ecqm.data.loading.load import load
from ecqm.data.store.store import open_store
from ecqm.elm import ElmError
from ecqm.measures.definition import MeasureError
from ecqm.plan.lowering import PlanError
from ecqm.terminology import CodeIndex


@dataclass(frozen=True)
class Cost:
    """CPU seconds, and the peak memory of the largest process in MiB."""

    seconds: float
    peak: int


@dataclass(frozen=True)
class Figures:
    """The figures of one folder: megabytes (10⁶) of JSON, patients, and megabytes per CPU second."""

    data: str
    megabytes: float
    patients: int
    decoding: float
    loading: float
    ratio: float
    reading_columns: float
    store_megabytes: float
    peak_mib: int


def demand_of(content: Content) -> Demand:
    """The demand of all measures that can be planned, for resources of all types, as in `ecqm load`."""
    planner = Planner(content)
    demand = Demand.of(None, ())
    for measure in content.select(()):
        try:
            demand |= planner.plan(measure).demand
        except (ElmError, LibraryNotFound, MeasureError, PlanError) as error:
            print(f"no columns for {measure.name}: {error}", file=sys.stderr)
    return demand


def decode(files: Sequence[Path]) -> None:
    """Decode every line and keep nothing."""
    for file in files:
        with file.open("rb") as stream:
            for line in stream:
                msgspec.json.decode(line)


def read_columns(store: Path, demand: Demand) -> None:
    """Read every column of every shard."""
    for cohort in open_store(store).cohorts(demand, CodeIndex()):
        for table in cohort.tables.values():
            for name in table.elements:
                table.element(name)


def costs(call: Callable[..., object], *arguments: object) -> Cost:
    """The cost of a call in a new process, including the processes that it starts."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(_measured, call, arguments).result()


def _measured(call: Callable[..., object], arguments: Sequence[object]) -> Cost:
    before = process_time() + _seconds_of_children()
    call(*arguments)
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return Cost(process_time() + _seconds_of_children() - before, peak >> 10)


def _seconds_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _load(data: Path, store: Path, demand: Demand, jobs: int) -> None:
    load([data], store, demand, jobs=jobs)


def figures_of(data: Path, demand: Demand, runs: int, jobs: int) -> Figures:
    """The medians of several runs on one folder."""
    files = data_files(data)
    megabytes = sum(file.stat().st_size for file in files) / 1e6
    loads, decodes, reads = [], [], []
    with TemporaryDirectory(dir=data.parent) as scratch:
        store = Path(scratch) / "store"
        for _ in range(runs):
            shutil.rmtree(store, ignore_errors=True)
            decodes.append(costs(decode, files))
            loads.append(costs(_load, data, store, demand, jobs))
            reads.append(costs(read_columns, store, demand))
        patients = open_store(store).n_patients
        size = sum(file.stat().st_size for file in store.rglob("*") if file.is_file()) / 1e6
    loading, decoding, reading = (median(cost.seconds for cost in found) for found in (loads, decodes, reads))
    return Figures(
        str(data),
        round(megabytes, 1),
        patients,
        round(megabytes / decoding, 1),
        round(megabytes / loading, 1),
        round(decoding / loading, 3),
        round(megabytes / reading, 1),
        round(size, 1),
        max(cost.peak for cost in loads),
    )


def main() -> None:
    parser = content_parser(__doc__)
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--json", type=Path, help="Write the figures to this file.")
    options = parser.parse_args()
    demand = demand_of(opened(options))
    found = [figures_of(data, demand, options.runs, options.jobs) for data in options.data]
    print(
        f"{'patients':>9} {'MB':>7} {'decode':>7} {'load':>7} {'ratio':>6} {'columns':>8} {'store':>7} {'peak MiB':>8}"
    )
    for figures in found:
        print(
            f"{figures.patients:9} {figures.megabytes:7.0f} {figures.decoding:7.1f} {figures.loading:7.1f} "
            f"{figures.ratio:6.2f} {figures.reading_columns:8.1f} {figures.store_megabytes:7.0f} {figures.peak_mib:8}"
        )
    print("decode, load, columns (reading them from the store): MB of JSON per CPU second; store: MB on disk")
    write_results(options.json, found)


if __name__ == "__main__":
    main()
