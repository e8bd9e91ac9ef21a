"""Definitions of measures held against the Java reference engine, on the cases of a deck.

    python conformance/peers/java_differential.py CONTENT --libraries DIR --valuesets DIR [--measure NAME]…
        [--json FILE]

Both engines get the published ELM, the same cases (comparable_records.py) and complete value sets, go by declared
profiles alone, and evaluate every definition of all libraries of each measure. java_engine.py installs the Java engine.

Prints a line per measure, then each definition with differences once: how many cases have it, what the engines say of
one of them, and the cause (java_causes.toml). With `--json` all differences are written, each with its case. Exits with
1 if a difference has no cause.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import java_engine
from comparable_records import to_compare
from differential import Answer, Ours, alike
from inputs import bundle
from java_engine import Definition, JavaEngine, Patients
from made_patients import PERIOD, deck_records
from mutations import Record
from plain_values import comparable

from ecqm.bundles.content import Content
from ecqm.bundles.evaluation.planning import Planner
from ecqm.measures.definition import Measure
from ecqm.measures.evaluation.planning import MeasurePlan
from ecqm.models.profiles import canonical, derived_from

ERROR = "error"
CAUSES = Path(__file__).with_name("java_causes.toml")


@dataclass
class Difference:
    """A definition of which the engines think differently for a case."""

    measure: str
    definition: str
    case: str
    ours: Any
    theirs: Any
    cause: str = ""


@dataclass(frozen=True)
class Cause:
    """Why definitions differ: regular expressions for "Measure Library.Definition" and for the engine's value."""

    name: str
    definition: str
    why: str
    theirs: str = ""

    def explains(self, measure: str, definition: str, theirs: Any) -> bool:
        named = re.search(self.definition, f"{measure} {definition}")
        return named is not None and re.search(self.theirs, json.dumps(theirs)) is not None


@cache
def causes() -> tuple[Cause, ...]:
    """The causes listed in java_causes.toml."""
    return tuple(Cause(**each) for each in tomllib.loads(CAUSES.read_text("utf-8"))["cause"])


@dataclass
class Compared:
    """What came of a measure: `values` definitions of `cases` cases were compared, `agree` of them are alike."""

    measure: str
    cases: int = 0
    values: int = 0
    agree: int = 0
    differences: list[Difference] = field(default_factory=list)


def definitions_of(plan: MeasurePlan) -> list[Definition]:
    """The definitions of all libraries, apart from those that are there in two versions."""
    names = Counter(library.identifier.name for library in plan.libraries.libraries)
    return [
        Definition(f"{library.identifier.name}.{name}", library.identifier.name, library.identifier.version, name)
        for library in plan.libraries.libraries
        if names[library.identifier.name] == 1
        for name in library.expressions
    ]


def retrieved_profiles(elm: Any) -> Iterator[str]:
    """The profiles that ELM retrieves by."""
    if isinstance(elm, dict):
        if elm.get("type") == "Retrieve" and "templateId" in elm:
            yield elm["templateId"]
        elm = list(elm.values())
    if isinstance(elm, list):
        for each in elm:
            yield from retrieved_profiles(each)


def theirs(
    engine: JavaEngine, content: Content, measure: Measure, plan: MeasurePlan, records: Sequence[Record]
) -> list[Answer]:
    """The Java engine's values for each record."""
    closure = content.closure(measure)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        files, profiles = [], {}
        for number, library in enumerate(closure.libraries):
            elm = library.elm_json()
            if elm is None:
                raise ValueError(f"library {library} has no ELM in JSON")
            files.append(folder / f"{number}.json")
            document = json.loads(elm)
            # Some translators add a report next to the library, which the Java engine's reader refuses.
            files[-1].write_text(json.dumps({"library": document["library"]}))
            for profile in retrieved_profiles(document):
                profiles[profile] = derived_from(canonical(profile))
        patients = folder / "patients.ndjson"
        patients.write_text("".join(json.dumps(bundle(record)) + "\n" for record in records))
        identifiers = closure.value_sets()
        value_sets = {each.partition("|")[0]: content.value_sets.expand(each) for each in identifiers}
        bounds = f"{PERIOD[0]}T00:00:00.000Z", f"{PERIOD[1]}T23:59:59.999Z"
        return engine.evaluate(files, definitions_of(plan), Patients(patients, bounds, value_sets, profiles))


def compare(measure: str, records: Sequence[Record], ours: Sequence[Answer], others: Sequence[Answer]) -> Compared:
    """Definitions of `ours` and `others`, row by row. A definition that ecqm reports an error for is in no answer."""
    result = Compared(measure, len(records))
    for record, answer, their in zip(records, ours, others, strict=True):
        mine = {} if ERROR in answer else answer
        for name, value in their.items():
            failed = isinstance(value, dict) and ERROR in value
            same = failed if name not in mine else not failed and alike(comparable(mine[name]), comparable(value))
            result.values += 1
            result.agree += same
            if not same:
                own = mine.get(name, {ERROR: "an error of ecqm"})
                cause = next((each.name for each in causes() if each.explains(measure, name, value)), "")
                result.differences.append(Difference(measure, name, record[0]["id"], own, value, cause))
    return result


HEAD = """\
| measure | cases | definitions | agree | explained | unexplained |
|---|---:|---:|---:|---:|---:|"""


def line(result: Compared) -> str:
    unexplained = sum(not each.cause for each in result.differences)
    explained = len(result.differences) - unexplained
    counts = (result.cases, result.values, result.agree, explained, unexplained)
    return f"| {result.measure} | {' | '.join(f'{count:,}' for count in counts)} |"


def told(differences: Sequence[Difference]) -> Iterator[str]:
    """Each definition once."""
    counts = Counter((each.measure, each.definition) for each in differences)
    for each in differences:
        if count := counts.pop((each.measure, each.definition), 0):
            values = f"ecqm {_short(each.ours)}, Java {_short(each.theirs)}"
            cause = each.cause or "UNEXPLAINED"
            yield f"{each.measure} {each.definition}: {count} cases; {each.case}: {values}: {cause}"


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) < 200 else text[:197] + "…"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("content", type=Path)
    parser.add_argument("--libraries", type=Path, action="append", default=[])
    parser.add_argument("--valuesets", type=Path, action="append", default=[])
    parser.add_argument("--measure", action="append", default=[])
    parser.add_argument("--json", type=Path, dest="output")
    options = parser.parse_args()
    if not java_engine.is_installed():
        parser.error("the Java engine is not installed: see conformance/peers/java_engine.py")
    content = Content.open(options.content, options.libraries, options.valuesets)
    decks = deck_records(content)
    planner = Planner(content)
    results: list[Compared] = []
    print(HEAD)
    with JavaEngine() as engine:
        for measure in content.select(options.measure):
            records = to_compare(decks.get(measure.canonical, []), "case")
            if not records:
                continue
            plan = planner.plan(measure)
            ours = Ours(content, plan).answers(records)
            results.append(compare(measure.name, records, ours, theirs(engine, content, measure, plan, records)))
            print(line(results[-1]), flush=True)
            if options.output:
                options.output.write_text(json.dumps([asdict(each) for each in results], indent=1))
    total = Compared("all", *(sum(getattr(r, name) for r in results) for name in ("cases", "values", "agree")))
    total.differences = [each for result in results for each in result.differences]
    print(line(total), "", *told(total.differences), sep="\n")
    return int(any(not each.cause for each in total.differences))


if __name__ == "__main__":
    sys.exit(main())
