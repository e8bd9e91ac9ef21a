"""Definitions and populations held against the Java reference engine, on test cases and patients bred for each measure.

    python conformance/peers/java_differential.py CONTENT --libraries DIR --valuesets DIR [--measure NAME]…
        [--patients 300] [--generations 40] [--seed 1] [--json FILE]

Both engines get the published ELM, the same patients (compared_patients.py) and complete value sets, go by declared
profiles alone, and evaluate every definition of all libraries of each measure. The clinical reasoning that is built on
the Java engine then counts populations, observations and strata, and scores each patient. With `--patients 0` only test
cases are compared. The bounds of periods get one precision. java_engine.py installs the Java engine.

Patients with differences are evaluated again by a Java engine in which known faults are mended, one after another: what
then agrees comes from these, and the rest is compared without them. A difference that comes from a definition referred
to is that definition's: causes are given for the others alone.

Prints a line per measure, then each definition with differences of its own once: how many patients have it, what the
engines say of one of them, and the cause (java_causes.toml). With `--json` all differences are written, each with its
patient. Exits with 1 if a difference has no cause.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence

import java_engine
from comparable_records import of_one_precision
from compared_patients import comparison_parser, to_be_compared
from java_answers import Theirs
from java_causes import FOLLOWS, Compared, Difference, compared, differing, mends, together
from java_engine import JavaEngine
from measure_answers import Ours
from mutations import Record
from runners import opened, shortened, table_head, table_row, write_results

from ecqm.measures.evaluation.planning import MeasurePlan
from ecqm.measures.explanation.relevance import reached, references


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


def compare(name: str, plan: MeasurePlan, ours: Ours, theirs: Theirs, records: Sequence[Record]) -> Compared:
    """The answers of both engines for a measure."""
    mine, found = ours.answers(records), [[answer] for answer in theirs.answers(records)]
    names = [each.mend for each in mends()]
    for number in range(1, len(names) + 1):
        again = [place for place, answers in enumerate(found) if differing(mine[place], answers[-1])]
        mended = theirs.answers([records[place] for place in again], names[:number]) if again else []
        for place, answer in zip(again, mended, strict=True):
            found[place].append(answer)
    refers = references_of(plan)
    each = zip(records, mine, found, strict=True)
    return together(name, [compared(name, record, refers, one, other) for record, one, other in each])


HEAD = table_head("measure", "patients", "definitions", "agree", "explained", "follow from these", "unexplained")


def line(result: Compared) -> str:
    unexplained = sum(not each.cause for each in result.differences)
    follow = sum(each.cause == FOLLOWS for each in result.differences)
    explained = len(result.differences) - unexplained - follow
    return table_row(result.measure, result.patients, result.values, result.agree, explained, follow, unexplained)


def told(differences: Sequence[Difference]) -> Iterator[str]:
    """Each definition with differences of its own once for each of their causes."""
    counts = Counter((each.measure, each.definition, each.cause) for each in differences if each.cause != FOLLOWS)
    for each in differences:
        if count := counts.pop((each.measure, each.definition, each.cause), 0):
            values = f"ecqm {shortened(each.ours)}, Java {shortened(each.theirs)}"
            cause = each.cause or "UNEXPLAINED"
            yield f"{each.measure} {each.definition}: {count} patients; {each.patient}: {values}: {cause}"


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
            theirs = Theirs(engine, content, measure, plan)
            results.append(compare(measure.name, plan, Ours(content, plan), theirs, records))
            print(line(results[-1]), flush=True)
            write_results(options.output, results)
    total = together("all", results)
    print(line(total), "", *told(total.differences), sep="\n")
    return int(any(not each.cause for each in total.differences))


if __name__ == "__main__":
    sys.exit(main())
