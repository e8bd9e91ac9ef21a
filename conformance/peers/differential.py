"""Measures held against fqm-execution, patient by patient: populations, strata, observations and every definition.

    python conformance/peers/differential.py CONTENT --libraries DIR --valuesets DIR [--measure NAME]…
        [--patients 300] [--generations 40] [--seed 1] [--json FILE]

All measures are compared, unless some are named, each on its own test cases and on `--patients` more, which are made
for it (made_patients.py): bred from the cases of all decks of the content and from patients out of nothing, until they
reach what the logic asks for. conformance/peers/install.py installs fqm-execution.

Prints a line per measure, then how many patients reach each population and stratum, then each distinct disagreement
once: measure, library, definition (or population), how many patients it has, and what the engines say of one of them.
With `--json` the patients of disagreements are written too.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from compared_patients import comparison_parser, to_be_compared
from inputs import bundle, library_resource, value_set
from install import FQM
from made_patients import PERIOD
from measure_answers import Answer, Ours
from mutations import Record
from plain_values import alike, comparable
from runners import opened, shortened, table_head, table_row, write_results

from ecqm.bundles.content import Content
from ecqm.measures.definition import Measure, PopulationCode

HERE = Path(__file__).parent
INITIAL = PopulationCode.INITIAL_POPULATION.value


@dataclass
class Disagreement:
    """A definition or population of which the engines think differently, for `patients` of those compared."""

    measure: str
    name: str
    patients: int
    ours: Any
    theirs: Any
    record: Record = field(repr=False)


@dataclass
class Compared:
    """What came of a measure. `values` were compared, `agree` of them are alike; `whole` patients agree in all.

    `reached` has every population and stratum, and how many patients are in it by ecqm.
    """

    measure: str
    patients: int = 0
    whole: int = 0
    values: int = 0
    agree: int = 0
    populations: int = 0
    populations_agree: int = 0
    reached: dict[str, int] = field(default_factory=dict)
    disagreements: list[Disagreement] = field(default_factory=list)


# -- fqm-execution ----------------------------------------------------------------------------------------------------


def theirs(content: Content, measure: Measure, records: Sequence[Record]) -> list[Answer]:
    """fqm-execution's answers for a measure."""
    closure = content.closure(measure)
    definition = json.loads(content.measures.find(str(measure.canonical)).read())
    value_sets = [value_set(content, identifier) for identifier in closure.value_sets()]
    libraries = [library_resource(library) for library in closure.libraries]
    # Not every canonical URL is one that fqm-execution finds a library by.
    definition["library"] = [f"Library/{libraries[0]['id']}"]
    resources = [definition, *libraries, *value_sets]
    with tempfile.TemporaryDirectory() as folder:
        bundle_file, patients_file = Path(folder) / "measure.json", Path(folder) / "patients.ndjson"
        bundle_file.write_text(json.dumps(bundle(resources)))
        patients_file.write_text("".join(json.dumps(bundle(record)) + "\n" for record in records))
        script = [str(HERE / "fqm_values.js"), str(FQM), str(bundle_file), str(patients_file)]
        command = ["nice", "node", "--max-old-space-size=6144", *script, *PERIOD]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [_flat(json.loads(line)) for line in done.stdout.splitlines()]


def _flat(answer: Answer) -> Answer:
    if "error" in answer:
        return answer
    flat: Answer = {}
    for number, group in enumerate(answer["groups"], 1):
        units = group["episodes"] if group.get("episodes") is not None else [group]
        for place, population in enumerate(group["populations"]):
            key = f"group {number}/{population['type']} {place + 1}"
            same = [unit["populations"][place] for unit in units]
            if population["type"] == "measure-observation":
                observed = [value for p in same for value in p["observations"] if value is not None]
                flat[key] = sorted(float(value) for value in observed)
            else:
                flat[key] = sum(bool(p["result"]) for p in same)
        if group.get("episodes") is not None:
            # ecqm stratifies the episodes of the initial population, fqm-execution also others that a stratifier names.
            units = [unit for unit in units if any(p["result"] for p in unit["populations"] if p["type"] == INITIAL)]
        for place in range(len(group["strata"])):
            counted = sum(bool(unit["strata"][place]["result"]) for unit in units)
            flat[f"group {number}/stratum {place + 1}"] = counted
    for library, values in answer["values"].items():
        flat |= {f"{library}.{name}": value for name, value in values.items()}
    return flat


# -- comparison -------------------------------------------------------------------------------------------------------


def compare(measure: Measure, records: Sequence[Record], ours: list[Answer], others: list[Answer]) -> Compared:
    result = Compared(measure.name, len(records))
    for record, own, other in zip(records, ours, others, strict=True):
        whole = True
        failed = "error" in own or "error" in other
        mine, their = ({"error": each.get("error")} if failed else each for each in (own, other))
        for name in mine.keys() & their.keys():
            a, b = comparable(mine[name]), comparable(their[name])
            same = alike(a, b) or (name == "error" and a is not None and b is not None)
            is_population = name.startswith("group ")
            result.values += not is_population
            result.agree += same and not is_population
            result.populations += is_population
            result.populations_agree += same and is_population
            if is_population:
                result.reached[name] = result.reached.get(name, 0) + bool(a)
            if not same:
                whole = False
                _note(result, name, record, mine[name], their[name])
        result.whole += whole
    result.disagreements.sort(key=lambda each: (-each.patients, each.name))
    return result


def _note(result: Compared, name: str, record: Record, ours: Any, other: Any) -> None:
    """Counts a disagreement; the smallest record that shows it stands for all."""
    known = next((each for each in result.disagreements if each.name == name), None)
    if known is None:
        result.disagreements.append(Disagreement(result.measure, name, 1, ours, other, record))
        return
    known.patients += 1
    if len(record) < len(known.record):
        known.ours, known.theirs, known.record = ours, other, record


# -- the program ----------------------------------------------------------------------------------------------------

HEAD = table_head("measure", "patients", "agree in all", "populations", "agree", "definitions", "agree")


def line(r: Compared) -> str:
    agree = f"{r.agree:,} ({r.agree / max(r.values, 1):.2%})"
    return table_row(r.measure, r.patients, r.whole, r.populations, r.populations_agree, r.values, agree)


def reach(r: Compared) -> str:
    """Short names are enough for populations: "group 1/denominator 2" is the second population of the first group."""
    return f"{r.measure}: " + ", ".join(f"{name} {count}" for name, count in sorted(r.reached.items()))


def told(d: Disagreement) -> str:
    return f"{d.measure} {d.name}: {d.patients} patients; ecqm {shortened(d.ours)}, fqm {shortened(d.theirs)}"


def main() -> int:
    parser = comparison_parser(__doc__)
    options = parser.parse_args()
    if not FQM.is_dir():
        parser.error("fqm-execution is not installed: see conformance/peers/install.py")
    content = opened(options)
    results: list[Compared] = []
    print(HEAD)
    for measure, plan, records in to_be_compared(content, options):
        ours = Ours(content, plan).answers(records)
        results.append(compare(plan.measure, records, ours, theirs(content, measure, records)))
        print(line(results[-1]), flush=True)
        write_results(options.output, results)
    print("", *map(reach, results), "", sep="\n")
    print(*(told(each) for result in results for each in result.disagreements), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
