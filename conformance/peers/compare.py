"""Compare patients per CPU second with other engines, on the patients of a deck repeated to a cohort.

    python conformance/peers/compare.py CONTENT --libraries DIR --valuesets DIR [--measure NAME]…
        [--patients 20000] [--fqm-patients 300] [--fhir4ds-patients 20000] [--runs 3] [--json FILE]

One run evaluates everything on one machine, one engine after the other: ecqm (conformance/throughput.py), fqm-execution
and fhir4ds, which conformance/peers/install.py installs. Only evaluation is compared, by medians of several runs.
Reading data, planning, and translation to SQL are not included.

The last column says whether the other engines found the same number of members of the initial populations.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from inputs import PeerInput, write_inputs
from install import FHIR4DS_PYTHON, FHIR4DS_VERSION, FQM, FQM_VERSION
from runners import content_options, content_parser, opened, table_head, table_row, write_results

from ecqm.bundles.content import Content
from ecqm.bundles.decks.matching import MeasureCases, match_deck
from ecqm.bundles.decks.runner import DeckRunner
from ecqm.measures.definition import PopulationCode

HERE = Path(__file__).parent
MEASURES = ("CMS122", "CMS125", "CMS130", "CMS165", "CMS2", "CMS832")
# The limits for other engines. If a cohort exceeds them, a smaller one is tried.
MEMORY = 16 << 30
MINUTES = 8
SMALLER = (2_000, 500)


@dataclass(frozen=True)
class Rate:
    """The result of one engine: patients per CPU second, or why there is no figure.

    `members` are those of the initial populations, per copy of the deck. `setup` is timed separately.
    """

    patients: int = 0
    per_second: float | None = None
    setup: float = 0.0
    members: tuple[float, ...] = ()
    failure: str | None = None

    def __str__(self) -> str:
        return self.failure or f"{self.per_second:,.0f}"


@dataclass(frozen=True)
class Comparison:
    measure: str
    ecqm: Rate
    fqm: Rate
    fhir4ds: Rate

    def times(self, peer: Rate) -> str:
        if not peer.per_second or not self.ecqm.per_second:
            return "-"
        return f"{self.ecqm.per_second / peer.per_second:,.0f}"

    def agreement(self, peer: Rate) -> str:
        return "-" if peer.per_second is None else "yes" if peer.members == self.ecqm.members else "no"


def limited() -> None:
    """Limit the memory of a child process before it starts the engine, so that the engine fails and not the machine."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def run_peer(command: list[str], given: PeerInput, cases: int, limit: bool) -> Rate:
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            check=False,
            text=True,
            timeout=MINUTES * 60,
            preexec_fn=limited if limit else None,
        )
    except subprocess.TimeoutExpired:
        return Rate(failure=f"over {MINUTES} min")
    except OSError:
        return Rate(failure=f"{command[0]} is not installed")
    lines = done.stdout.splitlines()
    if done.returncode != 0 or not lines:
        errors = [line for line in done.stderr.splitlines() if "Error" in line or "Exception" in line]
        return Rate(failure=f"failed: {errors[-1][:80] if errors else f'exit {done.returncode}'}")
    answer: dict[str, Any] = json.loads(lines[-1])
    copies = answer["patients"] / cases
    members = tuple(round(count / copies, 3) for count in answer["members"][: given.initial_populations])
    return Rate(answer["patients"], answer["patients"] / median(answer["seconds"]), answer["setup"], members)


def run_fqm(given: PeerInput, cases: int, runs: int) -> Rate:
    files = [str(given.measure_bundle), str(given.bundles), *given.period, str(runs)]
    command = ["node", "--max-old-space-size=8192", str(HERE / "fqm.js"), str(FQM), *files]
    # Node reserves far more address space than it uses, so its own memory limit is used.
    return run_peer(command, given, cases, limit=False)


def run_fhir4ds(given: PeerInput, cases: int, runs: int) -> Rate:
    files = [str(given.cql), given.primary_library, str(given.value_sets), str(given.resources), *given.period]
    command = [str(FHIR4DS_PYTHON), str(HERE / "fhir4ds_engine.py"), *files, str(runs), *given.criteria]
    return run_peer(command, given, cases, limit=True)


def run_ecqm(content: Content, part: MeasureCases, arguments: argparse.Namespace, folder: Path) -> Rate:
    """ecqm's own benchmark, in a separate process like the other engines."""
    output = folder / "throughput.json"
    command = [sys.executable, str(HERE.parent / "throughput.py"), *content_options(arguments), "--json", str(output)]
    command += ["--measure", part.measure.name, "--patients", str(arguments.patients)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return Rate(failure=f"failed: {(done.stderr.strip().splitlines() or ['no output'])[-1][:60]}")
    (measured,) = json.loads(output.read_text())
    rate = measured["patients"] / measured["seconds"]
    return Rate(measured["patients"], rate, members=initial_populations(content, part))


def initial_populations(content: Content, part: MeasureCases) -> tuple[float, ...]:
    """The number of members of each group's initial population, for the cases of the deck."""
    totals: dict[str, float] = {}
    for result in DeckRunner(content).run(part.measure, part.cases).results:
        for group in result.groups:
            for population in group.populations:
                if population.code == PopulationCode.INITIAL_POPULATION.value:
                    totals[group.id] = totals.get(group.id, 0) + (population.actual or 0)
    return tuple(totals.values())


def compare(content: Content, part: MeasureCases, arguments: argparse.Namespace, folder: Path) -> Comparison:
    cases = len(part.cases)
    ecqm = run_ecqm(content, part, arguments, folder)
    fqm = run_fqm(write_inputs(content, part, arguments.fqm_patients, folder), cases, arguments.runs)
    fhir4ds = Rate(failure="not run")
    for patients in (arguments.fhir4ds_patients, *(n for n in SMALLER if n < arguments.fhir4ds_patients)):
        fhir4ds = run_fhir4ds(write_inputs(content, part, patients, folder), cases, arguments.runs)
        if fhir4ds.failure is None:
            break
    return Comparison(part.measure.name, ecqm, fqm, fhir4ds)


def table(comparisons: list[Comparison]) -> Iterator[str]:
    yield f"ecqm beside fqm-execution {FQM_VERSION} and fhir4ds-v2 {FHIR4DS_VERSION}: patients per processor second"
    yield ""
    figures = ("ecqm", "fqm", "ratio", "fhir4ds", "patients", "ratio", "translation s", "members agree")
    yield table_head("measure", *figures)
    for c in comparisons:
        agree = f"fqm {c.agreement(c.fqm)}, fhir4ds {c.agreement(c.fhir4ds)}"
        beside_fhir4ds = (str(c.fhir4ds), c.fhir4ds.patients, c.times(c.fhir4ds), f"{c.fhir4ds.setup:.1f}")
        yield table_row(c.measure, str(c.ecqm), str(c.fqm), c.times(c.fqm), *beside_fhir4ds, agree)


def main() -> None:
    parser = content_parser(__doc__)
    parser.add_argument("--measure", action="append", dest="measures")
    parser.add_argument("--patients", type=int, default=20_000)
    parser.add_argument("--fqm-patients", type=int, default=300)
    parser.add_argument("--fhir4ds-patients", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", type=Path, dest="output")
    arguments = parser.parse_args()
    content = opened(arguments)
    comparisons = []
    for part in match_deck(content, None, arguments.measures or MEASURES).measures:
        with tempfile.TemporaryDirectory() as folder:
            comparisons.append(compare(content, part, arguments, Path(folder)))
        print(comparisons[-1], file=sys.stderr, flush=True)
    print("\n".join(table(comparisons)))
    write_results(arguments.output, comparisons)


if __name__ == "__main__":
    main()
