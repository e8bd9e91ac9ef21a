"""Compare the throughput of QDM measures with cqm-execution, in patients per second, in the same run.

    npm install cqm-execution@4.4.0                      # in any folder; MODULES is its node_modules
    python conformance/qdm_throughput.py CONTENT/qdm MODULES [--patients 20000] [--peer-patients 200] [MEASURE…]

The patients of each measure are repeated to the given number. Both engines start from the same lines of JSON and end
with the populations of every patient. cqm-execution gets only as many patients as it can evaluate in a few seconds; its
time per patient does not depend on their number.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

from content_arguments import runner_parser

from ecqm.bundles.packages.deck import PackageDeck
from ecqm.bundles.packages.package import VALUE_SETS, MeasurePackage
from ecqm.bundles.packages.runner import executor_of, plan_package, run_package
from ecqm.data.qdm import read_patients
from ecqm.terminology import CodeIndex

PEER = Path(__file__).with_name("qdm_peer.js")
SETS = ("cqm-execution", "bonnie-js")


def lines(patients: list[Path], count: int) -> Iterator[bytes]:
    """The patients' documents, one per line, repeated."""
    documents = [json.dumps(json.loads(path.read_bytes())).encode() for path in patients]
    for number in range(count):
        yield documents[number % len(documents)]


def own_rate(package: MeasurePackage, file: Path, count: int) -> float:
    """Patients per second, from lines of JSON to populations."""
    started = perf_counter()
    plan = plan_package(package, statements=False)
    codes = CodeIndex()
    cohort = read_patients([file], plan.demand, codes, plan.version)
    results = run_package(plan, executor_of(plan, cohort, codes))
    assert cohort.n == count and results.groups
    return count / (perf_counter() - started)


def peer_rate(modules: Path, measure: Path, file: Path) -> float | str:
    """Patients per second of cqm-execution, or its error."""
    command = ["node", str(PEER), str(modules.resolve()), str(measure), str(measure.with_name(VALUE_SETS)), str(file)]
    try:
        run = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        return str(error)
    try:
        told = json.loads(run.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError):
        return (run.stderr.strip().splitlines() or ["no output"])[-1]
    return told["patients"] / told["seconds"] if "seconds" in told else str(told.get("error"))


def main() -> None:
    parser = runner_parser(__doc__)
    parser.add_argument("content", type=Path)
    parser.add_argument("modules", type=Path)
    parser.add_argument("measures", nargs="*")
    parser.add_argument("--patients", type=int, default=20_000)
    parser.add_argument("--peer-patients", type=int, default=200)
    options = parser.parse_args()
    ratios = []
    print(f"{'measure':44}{'ecqm /s':>10}{'peer /s':>10}{'ratio':>8}")
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = Path(folder) / "patients.ndjson", Path(folder) / "peer.ndjson"
        for name in SETS:
            for path, package, patients in PackageDeck.open(options.content / name).cases():
                if options.measures and not set(options.measures) & set(package.names):
                    continue
                ours.write_bytes(b"\n".join(lines(patients, options.patients)))
                theirs.write_bytes(b"\n".join(lines(patients, options.peer_patients)))
                rate, other = own_rate(package, ours, options.patients), peer_rate(options.modules, path, theirs)
                if isinstance(other, str):
                    print(f"{name + ' ' + package.measure.name:44}{rate:10.0f}  {other[:60]}")
                else:
                    ratios.append(rate / other)
                    print(
                        f"{name + ' ' + package.measure.name:44}{rate:10.0f}{other:10.0f}{rate / other:8.1f}",
                        flush=True,
                    )
    if ratios:
        ratios.sort()
        print(f"{len(ratios)} measures: lowest {ratios[0]:.1f}, median {ratios[len(ratios) // 2]:.1f}")


if __name__ == "__main__":
    main()
