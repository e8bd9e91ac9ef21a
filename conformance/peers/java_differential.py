"""Definitions and populations held against the Java reference engine, on test cases and patients bred for each measure.

    python conformance/peers/java_differential.py CONTENT --libraries DIR --valuesets DIR [--measure NAME]…
        [--patients 300] [--generations 40] [--seed 1] [--json FILE]

Both engines get the published ELM, the same patients (compared_patients.py) and complete value sets, go by declared
profiles alone, and evaluate every definition of all libraries of each measure. The clinical reasoning that is built on
the Java engine then counts populations, observations and strata, and scores each patient. With `--patients 0` only test
cases are compared. The bounds of periods get one precision. java_engine.py installs the Java engine.

A difference that comes from a definition referred to is that definition's: causes are given for the others alone.

Prints a line per measure, then each definition with differences of its own once: how many patients have it, what the
engines say of one of them, and the cause (java_causes.toml). With `--json` all differences are written, each with its
patient. Exits with 1 if a difference has no cause.
"""

from __future__ import annotations

import copy
import json
import re
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import java_engine
from comparable_records import of_one_precision
from compared_patients import comparison_parser, opened, to_be_compared
from inputs import bundle
from java_engine import Definition, JavaEngine, Patients
from made_patients import PERIOD
from measure_answers import Answer, Ours
from mutations import Record
from plain_values import alike, comparable

from ecqm.bundles.content import Content
from ecqm.measures.definition import Measure
from ecqm.measures.evaluation.planning import MeasurePlan
from ecqm.measures.explanation.relevance import reached, references
from ecqm.models.profiles import canonical, derived_from

ERROR = "error"
CAUSES = Path(__file__).with_name("java_causes.toml")
FOLLOWS = "follows from a definition that it refers to"


@dataclass
class Difference:
    """A definition of which the engines think differently for a patient."""

    measure: str
    definition: str
    patient: str
    ours: Any
    theirs: Any
    cause: str = ""


@dataclass(frozen=True)
class Cause:
    """Why definitions differ: regular expressions for "Measure Library.Definition" and for the values as JSON; with
    `complement` these have to add up to 1."""

    name: str
    why: str
    definition: str = ""
    ours: str = ""
    theirs: str = ""
    complement: bool = False

    def explains(self, difference: Difference) -> bool:
        named = f"{difference.measure} {difference.definition}"
        searched = ((self.definition, named), (self.ours, json.dumps(difference.ours)))
        found = all(re.search(*each) for each in (*searched, (self.theirs, json.dumps(difference.theirs))))
        return found and (not self.complement or _add_up_to_1(difference.ours, difference.theirs))


def _add_up_to_1(*values: Any) -> bool:
    return None not in values and abs(1 - sum(map(float, values))) < 1e-9


@cache
def causes() -> tuple[Cause, ...]:
    """The causes listed in java_causes.toml; the first that fits is taken."""
    return tuple(Cause(**each) for each in tomllib.loads(CAUSES.read_text("utf-8"))["cause"])


@dataclass
class Compared:
    """What came of a measure: `values` definitions of `patients` were compared, `agree` of them are alike."""

    measure: str
    patients: int = 0
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


def references_of(plan: MeasurePlan) -> dict[str, set[str]]:
    """The definitions and functions that each definition refers to, directly or indirectly, and "group 1" to all that
    count for its populations, strata and scores."""
    direct = references(plan.libraries)
    found = {".".join(each): {".".join(other) for other in reached(named, direct)} for each, named in direct.items()}
    primary = plan.libraries.main.identifier.name
    for number, group in enumerate(plan.measure.groups, 1):
        strata = [part.expression for stratifier in group.stratifiers for part in stratifier.components]
        named = {(primary, name) for name in (*strata, *(each.expression for each in group.populations))}
        found[f"group {number}"] = {".".join(each) for each in reached(named, direct)}
    return found


def retrieved_profiles(elm: Any) -> Iterator[str]:
    """The profiles that ELM retrieves by."""
    if isinstance(elm, dict):
        if elm.get("type") == "Retrieve" and "templateId" in elm:
            yield elm["templateId"]
        elm = list(elm.values())
    if isinstance(elm, list):
        for each in elm:
            yield from retrieved_profiles(each)


def accepted(measure: Any) -> Any:
    """A Measure as the clinical reasoning accepts it: without supplemental data, which it refuses if the usage has no
    code that it knows, and with methods of aggregation in lower case, as in the value set of these codes."""
    accepted = copy.deepcopy(measure)
    accepted.pop("supplementalData", None)
    for group in accepted["group"]:
        for extension in [each for population in group["population"] for each in population.get("extension", [])]:
            if extension["url"].endswith("/cqfm-aggregateMethod"):
                extension.update({key: text.lower() for key, text in extension.items() if key.startswith("value")})
    return accepted


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
        definition = folder / "measure.json"
        definition.write_text(json.dumps(accepted(json.loads(content.measures.find(str(measure.canonical)).read()))))
        primary = plan.libraries.main.identifier.name
        about = Patients(patients, bounds, value_sets, profiles, definition, primary)
        return engine.evaluate(files, definitions_of(plan), about)


def compare(
    measure: str,
    refers: Mapping[str, AbstractSet[str]],
    records: Sequence[Record],
    ours: Sequence[Answer],
    others: Sequence[Answer],
) -> Compared:
    """Definitions of `ours` and `others`, row by row. A definition that ecqm reports an error for is in no answer.

    `refers` has the definitions that each definition refers to.
    """
    result = Compared(measure, len(records))
    for record, own_answer, their in zip(records, ours, others, strict=True):
        # The Java engine tells of a report only if it fails.
        mine = own_answer if ERROR in own_answer else {"report": None, **own_answer}
        found: dict[str, Difference] = {}
        for name, value in their.items():
            failed = isinstance(value, dict) and ERROR in value
            same = failed if name not in mine else not failed and alike(comparable(mine[name]), comparable(value))
            if not same:
                own = mine.get(name, {ERROR: "an error of ecqm"})
                found[name] = Difference(measure, name, record[0]["id"], own, value)
        for name, each in found.items():
            part = name.partition("/")[0] if name.startswith("group ") else name
            if found.keys() & (refers.get(part, set()) - {name}):
                each.cause = FOLLOWS
            else:
                each.cause = next((cause.name for cause in causes() if cause.explains(each)), "")
        result.values += len(their)
        result.agree += len(their) - len(found)
        result.differences += found.values()
    return result


HEAD = """\
| measure | patients | definitions | agree | explained | follow from these | unexplained |
|---|---:|---:|---:|---:|---:|---:|"""


def line(result: Compared) -> str:
    unexplained = sum(not each.cause for each in result.differences)
    follow = sum(each.cause == FOLLOWS for each in result.differences)
    explained = len(result.differences) - unexplained - follow
    counts = (result.patients, result.values, result.agree, explained, follow, unexplained)
    return f"| {result.measure} | {' | '.join(f'{count:,}' for count in counts)} |"


def told(differences: Sequence[Difference]) -> Iterator[str]:
    """Each definition with differences of its own once for each of their causes."""
    counts = Counter((each.measure, each.definition, each.cause) for each in differences if each.cause != FOLLOWS)
    for each in differences:
        if count := counts.pop((each.measure, each.definition, each.cause), 0):
            values = f"ecqm {_short(each.ours)}, Java {_short(each.theirs)}"
            cause = each.cause or "UNEXPLAINED"
            yield f"{each.measure} {each.definition}: {count} patients; {each.patient}: {values}: {cause}"


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) < 200 else text[:197] + "…"


def main() -> int:
    parser = comparison_parser(__doc__)
    options = parser.parse_args()
    if not java_engine.is_installed():
        parser.error("the Java engine is not installed: see conformance/peers/java_engine.py")
    content = opened(options)
    results: list[Compared] = []
    print(HEAD)
    with JavaEngine() as engine:
        for measure, plan, made in to_be_compared(content, options):
            records = [of_one_precision(record) for record in made]
            ours = Ours(content, plan).answers(records)
            others = theirs(engine, content, measure, plan, records)
            results.append(compare(measure.name, references_of(plan), records, ours, others))
            print(line(results[-1]), flush=True)
            if options.output:
                options.output.write_text(json.dumps([asdict(each) for each in results], indent=1))
    total = Compared("all", *(sum(getattr(r, name) for r in results) for name in ("patients", "values", "agree")))
    total.differences = [each for result in results for each in result.differences]
    print(line(total), "", *told(total.differences), sep="\n")
    return int(any(not each.cause for each in total.differences))


if __name__ == "__main__":
    sys.exit(main())
