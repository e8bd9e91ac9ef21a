"""QDM measures held against cqm-execution, patient by patient: populations, episodes, observations, statements, and the
value of every definition.

    python conformance/peers/qdm_differential.py CONTENT/qdm [--measure NAME]… [--patients 100] [--generations 30]
        [--seed 1] [--json FILE]

CONTENT/qdm has folders with `measures` and `patients`. Patients are bred for each measure from those of all measures
and from patients out of nothing (qdm_elements.py, qdm_mutations.py). conformance/peers/install.py installs
cqm-execution.

Prints a line per measure, then each distinct disagreement once: measure, what it is about, how many patients have it,
and what the engines say of one of them. With `--json` the patients of disagreements are written too.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from compared_patients import add_choices
from differential import HEAD, Compared, Disagreement, compare, line
from install import CQM
from made_patients import LITTER, Features, Herd, features_of
from measure_answers import Answer
from plain_values import plain
from qdm_elements import ElementMaker, Record, data_type_of
from qdm_mutations import Mutator
from runners import runner_parser, shortened, write_results
from vocabulary import vocabulary_of

from ecqm.bundles.packages.content import SelectedPackages, SharedValueSets
from ecqm.bundles.packages.folders import packages, read_package
from ecqm.bundles.packages.package import VALUE_SETS, MeasurePackage
from ecqm.bundles.packages.runner import PackagePlan, SetResult, executor_of, plan_package, run_package
from ecqm.columns import to_values
from ecqm.data.qdm import read_patients
from ecqm.data.qdm.schema import CODES, NEWEST, QdmSchema, qdm_schema
from ecqm.engine import EvaluationError, Executor
from ecqm.measures.definition.period import measurement_period
from ecqm.measures.explanation.logic import MeasureLogic
from ecqm.operators.message import telling
from ecqm.plan.nodes import PlanNode
from ecqm.terminology import CodeIndex

HERE = Path(__file__).parent
ERRORS = "group errors"
"""What keeps an engine from telling the populations of a patient."""


# -- patients --------------------------------------------------------------------------------------------------------


def document(record: Record, number: int) -> str:
    """A patient as a line of JSON, under an id of its own: the reference keeps results by it."""
    person, *elements = record
    return json.dumps(person | {"_id": f"{number:024x}", "dataElements": elements})


def deck_records(folder: Path) -> list[Record]:
    """The patients of a deck."""
    found = []
    for path in sorted((folder / "patients").glob("*/*.json")):
        read = json.loads(path.read_bytes())
        patient = read.get("qdmPatient") or read
        person = {"_id": "", "birthDatetime": patient.get("birthDatetime")}
        found.append([person, *(patient.get("dataElements") or [])])
    return found


class Herding:
    """Patients who reach into the logic of one measure, kept for what its clauses come to (see made_patients.py)."""

    def __init__(self, plan: PackagePlan, random: Random) -> None:
        self._plan = plan
        self._random = random
        logic = MeasureLogic(plan.measure)
        self._demand = plan.demand | logic.demand
        defines = {define.node for define in logic.defines if isinstance(define.node, PlanNode)}
        clauses = {node for define in logic.defines for nodes in define.clauses.values() for node in nodes}
        self._nodes = sorted(defines, key=id) + sorted(clauses - defines, key=id)
        self._herd = Herd(len(defines))
        content: Any = SelectedPackages([plan.package], [], SharedValueSets([plan.package]))
        interval = measurement_period(plan.measure.measure)
        period = (_time(interval.low), _time(interval.high))
        self.maker = ElementMaker(vocabulary_of(content, plan.measure), plan.version, period, random)
        self._mutator = Mutator(self.maker)

    def patients(self, seeds: Sequence[Record], wanted: int, generations: int) -> list[Record]:
        """The best of the herd after some generations, and as many of their offspring, whatever these do."""
        made = [self._mutator.made() for _ in range(LITTER)]
        self._consider([*map(self._comparable, seeds), *made])
        for _ in range(generations):
            weights = self._herd.weights()
            parents = self._random.choices(self._herd.records, weights, k=LITTER)
            others = self._random.choices(self._herd.records, k=LITTER)
            self._consider([self._mutator.mutated(*pair) for pair in zip(parents, others, strict=True)])
        best: list[Record] = self._herd.best(wanted - wanted // 3)
        more = range(wanted - len(best))
        return best + [self._mutator.mutated(self._random.choice(best), self._random.choice(best)) for _ in more]

    def _comparable(self, record: Record) -> Record:
        """A patient of a deck with what both engines can take of it, each element under an id of its own."""
        kept: Record = [record[0]]
        for element in record[1:]:
            if not self.maker.knows(data_type_of(element)):
                continue
            known = {"_type", "dataElementCodes", *self.maker.attributes(data_type_of(element))}
            told = {key: value for key, value in element.items() if key in known and value is not None}
            kept.append(told | {"id": self.maker.new_id(), "qdmVersion": self._plan.version})
        return kept

    def _consider(self, records: Sequence[Record]) -> None:
        self._herd.consider(records, self._features(records))

    def _features(self, records: Sequence[Record]) -> Features:
        executor = executor_over(self._plan, records, self._demand)
        return features_of(executor, self._nodes, len(records))


def _time(moment: Any) -> datetime:
    year, month, day, hour, minute, second, millisecond = moment.fields
    return datetime(year, month, day, hour, minute, second, millisecond * 1000, tzinfo=UTC)


# -- ecqm ------------------------------------------------------------------------------------------------------------


def executor_over(plan: PackagePlan, records: Sequence[Record], demand: Any = None) -> Executor:
    codes = CodeIndex()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "patients.ndjson"
        file.write_text("\n".join(document(record, number) for number, record in enumerate(records)))
        cohort = read_patients([file], demand or plan.demand, codes, plan.version)
    assert cohort.n == len(records), cohort.problems
    return executor_of(plan, cohort, codes)


def ours(plan: PackagePlan, records: Sequence[Record]) -> list[Answer]:
    """ecqm's answers for a measure."""
    with telling(lambda told: None):
        executor = executor_over(plan, records)
        results = run_package(plan, executor)
        found: list[Answer] = [{} for _ in records]
        for row, answer in enumerate(found):
            if row in results.errors:
                answer[ERRORS] = {"error": results.errors[row]}
                continue
            for name, result in results.of_patient(row).items():
                answer.update(_of_set(name, result))
        for (library, name), node in plan.statements.items():
            before = len(executor.errors)
            try:
                values = to_values(executor.evaluate(node, name).broadcast(len(records)))
            except EvaluationError as error:
                values = [f"cannot be evaluated: {error}"] * len(records)
            raised = {error.patient: error.message for error in executor.errors[before:]}
            for row, value in enumerate(values):
                found[row][f"{library}.{name}"] = {"error": raised[row]} if row in raised else plain(value)
    return found


def _of_set(name: str, result: SetResult) -> Iterator[tuple[str, Any]]:
    for population, count in result.counts.items():
        yield f"group {name}/{population}", count
    if result.episodes is not None:
        yield f"group {name}/episodes", _members(result.episodes)
    yield f"group {name}/observations", sorted(result.observations)
    for (library, statement), outcome in result.statements.items():
        yield f"statement in {name}: {library}.{statement}", outcome.value


def _members(episodes: Any) -> Any:
    """The populations that each episode is in; one that is in none need not be told of."""
    found = {name: sorted(p for p, n in of.items() if n and p != "observation_values") for name, of in episodes.items()}
    return {name: each for name, each in found.items() if each}


# -- cqm-execution ---------------------------------------------------------------------------------------------------


def model_of(version: str) -> dict[str, dict[str, dict[str, str]]]:
    """The types of the attributes of all data types, and of the parts that these have."""
    schema = qdm_schema(version)
    types = {name: _types(schema, name, ("id", "code", CODES)) for name in schema.data_types}
    parts = set(re.findall(r"QDM\.(\w+)", str(types)))
    return {"types": types, "parts": {name: _types(schema, name) for name in parts}}


def _types(schema: QdmSchema, name: str, without: Sequence[str] = ()) -> dict[str, str]:
    return {key: str(each.type) for key, each in schema.attributes(name).items() if key not in without}


def theirs(measure: Path, version: str, records: Sequence[Record]) -> list[Answer]:
    """cqm-execution's answers for a measure. It has the model of QDM 5.6 alone: other versions bring their own."""
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model.json"
        model.write_text(json.dumps(model_of(version) if version != NEWEST else None))
        file = Path(folder) / "patients.ndjson"
        file.write_text("".join(document(record, number) + "\n" for number, record in enumerate(records)))
        files = [str(each) for each in (CQM, measure, measure.with_name(VALUE_SETS), file, model)]
        command = ["nice", "node", "--max-old-space-size=4096", str(HERE / "qdm_values.js"), *files]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [_flat(json.loads(each)) for each in done.stdout.splitlines()]


def _flat(answer: Answer) -> Answer:
    flat: Answer = {ERRORS: {"error": answer["error"]}} if "error" in answer else {}
    for name, result in answer.get("sets", {}).items():
        flat |= {f"group {name}/{population}": count for population, count in result["counts"].items()}
        if result["episodes"] is not None:
            flat[f"group {name}/episodes"] = _members(result["episodes"])
        flat[f"group {name}/observations"] = sorted(float(each) for each in result["observations"] if each is not None)
        flat |= {f"statement in {name}: {each}": final for each, final in result["statements"].items()}
    for library, values in answer["values"].items():
        flat |= {f"{library}.{name}": value for name, value in values.items()}
    return flat


# -- the program -----------------------------------------------------------------------------------------------------


def measures(content: Path, names: Sequence[str]) -> Iterator[tuple[str, Path, MeasurePackage]]:
    """The measures of all decks of a folder (or those named), each called by its deck and itself."""
    for folder in sorted(path for path in content.iterdir() if path.is_dir()):
        for path in packages(folder / "measures"):
            package = read_package(path)
            if not names or set(names) & set(package.names):
                yield f"{folder.name} {package.measure.name}", path, package


def even_out(ours: Sequence[Answer], others: Sequence[Answer]) -> None:
    """Two errors are the same, whatever each engine says of it; an error and none are not."""
    for one, other in zip(ours, others, strict=True):
        one.setdefault(ERRORS, None)
        other.setdefault(ERRORS, None)
        for name in one.keys() & other.keys():
            if all(isinstance(value, dict) and "error" in value for value in (one[name], other[name])):
                other[name] = one[name]


def said(d: Disagreement) -> str:
    return f"{d.measure} {d.name}: {d.patients} patients; ecqm {shortened(d.ours)}, cqm {shortened(d.theirs)}"


def main() -> int:
    parser = runner_parser(__doc__)
    parser.add_argument("content", type=Path)
    add_choices(parser, patients=100, generations=30)
    options = parser.parse_args()
    if not CQM.is_dir():
        parser.error("cqm-execution is not installed: see conformance/peers/install.py")
    seeds = [record for folder in options.content.iterdir() if folder.is_dir() for record in deck_records(folder)]
    results: list[Compared] = []
    print(HEAD)
    for name, path, package in measures(options.content, options.measure):
        plan = plan_package(package)
        records = Herding(plan, Random(options.seed)).patients(seeds, options.patients, options.generations)
        answers, others = ours(plan, records), theirs(path, plan.version, records)
        even_out(answers, others)
        results.append(compare(replace(package.measure, name=name), records, answers, others))
        print(line(results[-1]), flush=True)
        write_results(options.output, results)
    print("", *(said(each) for result in results for each in result.disagreements), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
