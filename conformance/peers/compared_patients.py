"""The patients on whom engines are compared: the cases of a measure, and others that are bred for it.

RUNNER CONTENT --libraries DIR --valuesets DIR [--measure NAME]… [--patients 300] [--generations 40] [--seed 1]
    [--data EXPORT] [--without-cases] [--json FILE]

With `--without-cases` only those bred are compared. With `--data` the patients are the first `--patients` of a bulk
export instead.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from comparable_records import to_compare
from exported_patients import as_asked, exported
from made_patients import deck_records, patients_for
from mutations import Record
from runners import content_parser
from vocabulary import vocabulary_of

from ecqm.bundles.content import Content
from ecqm.bundles.evaluation.planning import Planner
from ecqm.measures.definition import Measure
from ecqm.measures.evaluation.planning import MeasurePlan


def add_choices(parser: argparse.ArgumentParser, patients: int, generations: int) -> None:
    """Arguments for what is compared, with defaults: measures, and for each of them patients bred in generations."""
    parser.add_argument("--measure", action="append", default=[], help="compare this one (repeatable; default: all)")
    parser.add_argument("--patients", type=int, default=patients, help="patients to breed for each measure")
    parser.add_argument("--generations", type=int, default=generations)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", type=Path, help="compare on the patients of this bulk export instead")
    parser.add_argument("--json", type=Path, dest="output")


def comparison_parser(about: str | None) -> argparse.ArgumentParser:
    """The arguments of a runner that compares engines on FHIR measures."""
    parser = content_parser(about)
    add_choices(parser, patients=300, generations=40)
    parser.add_argument("--without-cases", action="store_true", help="compare on bred patients alone")
    return parser


def to_be_compared(
    content: Content, options: argparse.Namespace
) -> Iterator[tuple[Measure, MeasurePlan, list[Record]]]:
    """Each chosen measure with its plan and its patients: its own test cases and those bred for it, or those of an
    export."""
    planner = Planner(content)
    if options.data is not None:
        given = exported(options.data)[: options.patients]
        for measure in content.select(options.measure):
            plan = planner.plan(measure)
            words = vocabulary_of(content, plan)
            yield measure, plan, to_compare([as_asked(record, words) for record in given], "exported")
        return
    decks = deck_records(content)
    seeds = [record for cases in decks.values() for record in cases]
    for measure in content.select(options.measure):
        plan = planner.plan(measure)
        records = [] if options.without_cases else to_compare(decks.get(measure.canonical, []), "case")
        if options.patients:
            bred = patients_for(content, plan, seeds, options.patients, options.generations, options.seed)
            records += to_compare(bred, "bred")
        if records:
            yield measure, plan, records
