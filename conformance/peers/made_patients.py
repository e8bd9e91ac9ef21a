"""Patients who reach into the logic of one measure: bred, not only made at random.

Patients of decks and patients out of nothing are changed a little, generation after generation. Who does something that
few did so far is kept and has offspring: a clause of the logic that held, failed or came to nothing, or results of all
definitions that nobody had in this combination. What clauses come to is asked of ecqm itself, which answers for all
patients at once; another engine then sees only those who are worth its time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import cycle
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from inputs import bundle, patient_resources, with_new_ids
from made_resources import Resource, ResourceMaker
from mutations import Mutator, Record, instant
from numpy.typing import NDArray
from vocabulary import vocabulary_of

from ecqm.bundles.content import Content
from ecqm.bundles.decks.matching import match_deck
from ecqm.data import Demand, read_cases
from ecqm.engine import Executor, FhirProfiles
from ecqm.measures.definition.period import measurement_period
from ecqm.measures.evaluation.defines import evaluate_defines
from ecqm.measures.evaluation.planning import MeasurePlan
from ecqm.measures.explanation.logic import MeasureLogic
from ecqm.measures.explanation.outcomes import Outcomes
from ecqm.measures.scoring.groups import evaluate_measure
from ecqm.operators.message import telling
from ecqm.plan.nodes import PlanNode
from ecqm.terminology import CodeIndex, Membership
from ecqm.values import EvaluationContext

Period = tuple[str, str]
Features = NDArray[np.bool_]
"""Shape (patients, features): which clause held, failed, came to nothing."""

PERIOD: Period = ("2026-01-01", "2026-12-31")
# How many of a herd's offspring are looked at in one generation.
LITTER = 300
# A feature that more patients than that have is no reason to keep another.
_RARE = 8


class Observer:
    """Tells what the clauses and definitions of a measure come to for patients."""

    def __init__(self, content: Content, plan: MeasurePlan, period: Period) -> None:
        self._content = content
        self._plan = plan
        self._period = period
        logic = MeasureLogic(plan)
        self._demand = logic.demand
        defines = {define.node for define in logic.defines if isinstance(define.node, PlanNode)}
        clauses = {node for define in logic.defines for nodes in define.clauses.values() for node in nodes}
        self._nodes = sorted(defines, key=id) + sorted(clauses - defines, key=id)
        self.n_defines = len(defines)

    def features(self, records: Sequence[Record]) -> Features:
        with TemporaryDirectory() as folder:
            executor = executor_of(self._content, self._plan, self._demand, records, Path(folder), self._period)
        outcomes = Outcomes(executor)
        columns: list[NDArray[np.bool_]] = []
        with telling(lambda told: None):
            for node in self._nodes:
                outcome = outcomes.of(node)
                none = np.zeros(len(records), np.bool_)
                columns += [none] * 3 if outcome is None else [outcome.held, outcome.false, outcome.nothing]
        return np.stack(columns, axis=1)


def executor_of(
    content: Content, plan: MeasurePlan, demand: Demand, records: Sequence[Record], folder: Path, period: Period
) -> Executor:
    """An executor over some records, row by row, for a measure's period.

    Resources are of the profiles that they declare, and of no others: that is what fqm-execution is told as well.
    """
    files = []
    for number, record in enumerate(records):
        files.append(folder / f"p{number}.json")
        files[-1].write_text(json.dumps(bundle(record)))
    codes = CodeIndex()
    cohort = read_cases(files, demand, codes)
    return Executor(
        cohort,
        Membership(codes, content.value_sets),
        FhirProfiles("declared"),
        EvaluationContext.of_this_moment(),
        {"Measurement Period": measurement_period(plan.measure, period)},
    )


@dataclass
class Herd:
    """The patients who were kept, with the features of each."""

    n_defines: int
    records: list[Record] = field(default_factory=list)
    features: list[NDArray[np.bool_]] = field(default_factory=list)
    _signatures: set[bytes] = field(default_factory=set)
    _counts: NDArray[np.int64] | None = None

    def consider(self, records: Sequence[Record], features: Features) -> int:
        """Keeps those who bring something new; how many."""
        if self._counts is None:
            self._counts = np.zeros(features.shape[1], np.int64)
        before = len(self.records)
        for record, row in zip(records, features, strict=True):
            signature = row[: 3 * self.n_defines].tobytes()
            if signature in self._signatures and not (row & (self._counts < _RARE)).any():
                continue
            self._signatures.add(signature)
            self._counts += row
            self.records.append(record)
            self.features.append(row)
        return len(self.records) - before

    def weights(self) -> list[float]:
        """How much each is worth breeding from: the more of what few do, the more."""
        assert self._counts is not None
        rarity = 1 / np.maximum(self._counts, 1)
        weights: list[float] = (np.stack(self.features).astype(np.float32) @ rarity + 0.01).tolist()
        return weights

    def best(self, wanted: int) -> list[Record]:
        """As many who together do everything that was seen, those who do the rarest first."""
        if not self.records:
            return []
        assert self._counts is not None
        seen = np.zeros(len(self._counts), np.int64)
        order = list(np.argsort(self.weights())[::-1])
        chosen = []
        for place in order:
            if (self.features[place] & (seen < _RARE)).any():
                chosen.append(place)
                seen += self.features[place]
        chosen += [place for place in order if place not in set(chosen)]
        return [self.records[place] for place in chosen[:wanted]]


def breed(
    observer: Observer, maker: ResourceMaker, seeds: Sequence[Record], generations: int, litter: int, random: Random
) -> Herd:
    """The herd after some generations of `litter` offspring each."""
    mutator = Mutator(maker)
    herd = Herd(observer.n_defines)
    first = [*seeds, *(mutator.made(f"made-{number}") for number in range(litter))]
    herd.consider(first, observer.features(first))
    for _ in range(generations):
        weights = herd.weights()
        parents = random.choices(herd.records, weights, k=litter)
        others = random.choices(herd.records, k=litter)
        young = [mutator.mutated(parent, other) for parent, other in zip(parents, others, strict=True)]
        herd.consider(young, observer.features(young))
    return herd


def members_of(content: Content, plan: MeasurePlan, records: Sequence[Record]) -> list[list[Record]]:
    """Those who are in a population or stratum of the measure, for each in which there is anybody."""
    with TemporaryDirectory() as folder, telling(lambda told: None):
        executor = executor_of(content, plan, plan.demand, records, Path(folder), PERIOD)
        groups = evaluate_measure(plan.measure, evaluate_defines(plan, executor))
    counts = [group.counts(population) for group in groups for population in group.members]
    for group in groups:
        selected = [stratum.selected for result in group.stratifiers for stratum in result.strata]
        counts += [group.units.per_patient(mask) for mask in selected]
    found = [[records[place] for place in np.flatnonzero(count).tolist()] for count in counts]
    return [each for each in found if each]


def deck_records(content: Content) -> dict[str, list[Record]]:
    """The patients of the decks of the content by the canonical URL of their measure, the Patient first."""
    found: dict[str, list[Record]] = {}
    for part in match_deck(content).measures if content.tests else ():
        records = found.setdefault(str(part.measure.canonical), [])
        for case in part.cases:
            resources = patient_resources(case)
            patients = [each for each in resources if each["resourceType"] == "Patient"]
            if len(patients) == 1 and "id" in patients[0]:
                records.append(patients + [each for each in resources if each["resourceType"] != "Patient"])
    return found


def patients_for(
    content: Content, plan: MeasurePlan, seeds: Sequence[Record], wanted: int, generations: int, seed: int
) -> list[Record]:
    """Patients for a measure: half of them the best of a herd, half offspring of those who are in its populations.

    The offspring are the same number for every population and stratum: small changes to patients who are in it tell
    where its limits are.
    """
    random = Random(seed)
    maker = ResourceMaker(vocabulary_of(content, plan), (date(2026, 1, 1), date(2026, 12, 31)), random)
    profiles = {asked.profile for asked in maker.words.asked}
    seeds = [[*record[:1], *(each for each in record[1:] if profiles & set(declared(each)))] for record in seeds]
    observer = Observer(content, plan, PERIOD)
    herd = breed(observer, maker, seeds, generations, LITTER, random)
    chosen = herd.best(wanted // 2)
    members = members_of(content, plan, herd.records) or [herd.records]
    mutator = Mutator(maker)
    for parents, _ in zip(cycle(members), range(wanted - len(chosen)), strict=False):
        chosen.append(mutator.mutated(random.choice(parents), random.choice(herd.records)))
    return chosen


def to_compare(records: Sequence[Record], kind: str) -> list[Record]:
    """The records as engines get them: evened out, with ids of their own that tell the `kind` of patient."""
    return [list(with_new_ids(comparable_record(each), f"{kind}{number}")) for number, each in enumerate(records)]


def declared(resource: Resource) -> list[str]:
    """The profiles that a resource declares."""
    found: list[str] = resource.get("meta", {}).get("profile", [])
    return found


_WITHOUT_MILLISECONDS = re.compile(r'(T\d\d:\d\d:\d\d)(?=[Z+-][^"]{0,6}")')


def comparable_record(record: Record) -> Record:
    """The record without what the engines are known to see differently, and which would hide everything else.

    Times with seconds get .000: CQL compares seconds and milliseconds as one decimal ("Comparing Dates and Times"), so
    that it makes no difference, but cql-execution takes milliseconds that are not there for unknown. Periods and ranges
    that end before they start are turned: they are no intervals in CQL, and cql-execution reckons with them.
    """
    made: Record = json.loads(_WITHOUT_MILLISECONDS.sub(r"\1.000", json.dumps(record)))
    for resource in made:
        _turn(resource)
    return made


def _turn(value: Any) -> None:
    if isinstance(value, dict):
        start, end = value.get("start"), value.get("end")
        if isinstance(start, str) and isinstance(end, str) and instant(start) > instant(end):
            value["start"], value["end"] = end, start
        low, high = value.get("low"), value.get("high")
        numbers = [each["value"] for each in (low, high) if isinstance(each, dict) and "value" in each]
        if len(numbers) == 2 and numbers[0] > numbers[1]:
            value["low"], value["high"] = high, low
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _turn(each)
