"""Measure how a load and a run of all measures scale with the number of patients, and what a common pass saves.

    python conformance/scale.py CONTENT --libraries DIR --valuesets DIR [--patients 1000 --patients 10000]…
        [--largest 100000] [--jobs 1] [--singles 4000] [--work DIR] [--json FILE]

For each size, tools/synthetic_cohort.py makes a cohort (kept in DIR for the next time). It is decoded with msgspec
alone, loaded with `ecqm load`, and evaluated with `ecqm run`, each in a separate process. Figures are CPU seconds of
all processes, and the peak memory of the largest. `--largest` adds a cohort of a hundred patients, the first of whom
has that many resources. Finally, some shards are evaluated in one pass for all measures, and in one pass per measure,
including reading.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time

import msgspec
from content_arguments import content_options, content_parser, opened, selected
from reports import write_results

from ecqm.bundles.evaluation.batches import Evaluation
from ecqm.bundles.evaluation.selection import Selection
from ecqm.cluster.units import Unit, units_of
from ecqm.cluster.worker import Shipment, Worker
from ecqm.data.source import PatientData
from ecqm.measures.evaluation.planning import EvaluationPlan
from ecqm.reporting.results.recording import PartRecorder

MAKER = Path(__file__).parent.parent / "tools" / "synthetic_cohort.py"
ECQM = [sys.executable, "-m", "ecqm"]
PERIOD = ("2026-01-01", "2026-12-31")


@dataclass
class Cost:
    """The cost of a command: CPU and wall-clock seconds, and the peak memory of its largest process in MB."""

    processor: float
    wall: float
    peak: float


@dataclass
class Size:
    """The figures of one cohort."""

    patients: int
    resources: int
    megabytes: float
    decode: float
    load: Cost
    run: Cost
    read_seconds: float
    evaluate_seconds: float
    write_seconds: float
    measures: int

    @property
    def spent(self) -> float:
        """CPU seconds of the run, without planning."""
        return self.read_seconds + self.evaluate_seconds + self.write_seconds


def cost(*command: object) -> Cost:
    """Run a command. If it fails, the program exits with its output."""
    words = list(map(str, command))
    started = perf_counter()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(words, stdout=said, stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            sys.exit(f"{' '.join(words)}: {said.read().decode(errors='replace')}")
    return Cost(usage.ru_utime + usage.ru_stime, perf_counter() - started, usage.ru_maxrss / 1e3)


def decode_seconds(files: Path) -> float:
    """CPU seconds to decode all lines with msgspec, without using them."""
    decode = msgspec.json.Decoder().decode
    total = 0.0
    for path in sorted(files.glob("*.ndjson")):
        with path.open("rb") as lines:
            for block in iter(lambda: lines.readlines(16 << 20), []):
                started = process_time()
                for line in block:
                    decode(line)
                total += process_time() - started
    return total


def measured(patients: int, arguments: argparse.Namespace, largest: int = 0) -> Size:
    files = arguments.work / f"patients-{patients}" if not largest else arguments.work / f"largest-{largest}"
    if not files.exists():
        valuesets = [each for folder in arguments.valuesets for each in ("--valuesets", folder)]
        made = files.with_name(files.name + ".new")
        sizes = ["--patients", patients, "--largest", largest]
        cost(sys.executable, MAKER, arguments.content, *valuesets, *sizes, "--output", made)
        made.rename(files)
    store, results = arguments.work / "store", arguments.work / "results"
    for folder in (store, results):
        shutil.rmtree(folder, ignore_errors=True)
    megabytes = sum(path.stat().st_size for path in files.glob("*.ndjson")) / 1e6
    decode = decode_seconds(files)
    content = content_options(arguments)
    load = cost(*ECQM, "load", files, "--content", *content, "--jobs", arguments.jobs, "--output", store)
    options = ["--measure", "all", "--period", "/".join(PERIOD), "--allow-missing", "--jobs", arguments.jobs]
    run = cost(*ECQM, "run", *content, *options, "--data", store, "--output", results)
    about = json.loads((results / "run.json").read_text("utf-8"))
    resources = sum(json.loads((store / "manifest.json").read_text("utf-8"))["report"]["resources"].values())
    seconds = about["seconds"]
    steps = seconds["load"], seconds["evaluate"], seconds["write"]
    return Size(patients, resources, megabytes, decode, load, run, *steps, len(about["measures"]))


def show(size: Size, before: Size | None) -> None:
    rows = f"{size.patients:,} patients, {size.resources:,} resources, {size.megabytes:,.0f} MB"
    print(f"{rows}, {size.measures} measures")
    rate, alone = size.megabytes / size.load.processor, size.megabytes / size.decode
    print(f"  load: {rate:.1f} MB per CPU second, {rate / alone:.2f} of msgspec alone ({alone:.0f})")
    print(f"  run: {size.patients / size.spent:.0f} patients per CPU second, all measures", end="; ")
    print(f"{size.patients * size.measures / size.evaluate_seconds:,.0f} per CPU second and measure evaluated")
    steps = ((name, getattr(size, f"{name}_seconds")) for name in ("read", "evaluate", "write"))
    print("  of which " + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in steps))
    print(f"  peak memory: load {size.load.peak:,.0f} MB, run {size.run.peak:,.0f} MB")
    if before is not None:
        times = size.resources / before.resources
        run, load = size.spent / before.spent / times, size.load.processor / before.load.processor / times
        print(f"  {times:.1f} times the resources: each took {load:.2f} times as long to load, {run:.2f} to run")


@dataclass
class Passes:
    """CPU seconds for all measures in one pass, and the sum for one pass per measure, on the same patients."""

    patients: int
    together: float
    alone: float


def passes(selection: Selection, units: list[Unit], patients: int) -> Passes:
    """Compare one pass for all measures with one pass per measure, on shards of about the given number of patients."""
    chosen: list[Unit] = []
    found = 0
    for unit in units:
        if found < patients:
            chosen.append(unit)
            found += spent(selection.plans[:1], selection, [unit])[1]
    together = spent(selection.plans, selection, chosen)[0]
    return Passes(found, together, sum(spent([plan], selection, chosen)[0] for plan in selection.plans))


def spent(plans: list[EvaluationPlan] | tuple[EvaluationPlan, ...], selection: Selection,
          units: list[Unit]) -> tuple[float, int]:  # fmt: skip
    """CPU seconds to read and evaluate, and the number of patients."""
    evaluation = Evaluation(plans, selection.content.value_sets, PERIOD)
    started = process_time()
    worker = Worker(Shipment(evaluation, PartRecorder(PERIOD, "2027-01-01")))
    found = sum(worker.evaluate(unit)[1].patients for unit in units)
    return process_time() - started, found


def main() -> None:
    parser = content_parser(__doc__)
    parser.add_argument("--patients", type=int, action="append", default=[], help="sizes; default: 1,000 and 10,000")
    parser.add_argument("--largest", type=int, default=0, help="resources of the first patient, in a separate cohort")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--singles", type=int, default=4_000, help="number of patients for the comparison of passes")
    parser.add_argument("--work", type=Path, default=Path("scale-cohorts"), help="folder for cohorts and stores")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    published = opened(arguments)
    arguments.work.mkdir(exist_ok=True)
    sizes: list[Size] = []
    if arguments.largest:
        show(measured(100, arguments, arguments.largest), None)
    for patients in arguments.patients or [1_000, 10_000]:
        sizes.append(measured(patients, arguments))
        show(sizes[-1], sizes[-2] if len(sizes) > 1 else None)
    selection = selected(published)
    units = units_of(PatientData([arguments.work / "store"]), arguments.work / "spools")
    compared = passes(selection, units, arguments.singles)
    ratio = compared.together / compared.alone
    print(f"{len(selection.plans)} measures over {compared.patients:,} patients: {compared.together:.1f} s in one pass")
    print(f"  {compared.alone:.1f} s in one for each: {ratio:.2f}")
    write_results(arguments.json, {"sizes": sizes, "passes": compared})


if __name__ == "__main__":
    main()
