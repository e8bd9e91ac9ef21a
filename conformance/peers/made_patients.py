"""Patients who reach into the logic of one measure: bred, not only made at random.

Patients of decks and patients out of nothing are changed a little, generation after generation. Who does something that
few did so far is kept and has offspring: a clause of the logic that held, failed or came to nothing, or results of all
definitions that nobody had in this combination. What clauses come to is asked of ecqm itself, which answers for all
patients at once; another engine then sees only those who are worth its time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import cycle
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import numpy as np
from inputs import bundle, patient_resources
from made_resources import ResourceMaker
from made_times import Resource
from mutations import Mutator, Record
from numpy.typing import NDArray
from vocabulary import vocabulary_of

from ecqm.bundles.content import Content
from ecqm.bundles.decks.matching import match_deck
from ecqm.data import Demand, read_cases
from ecqm.engine import Executor, FhirProfiles
from ecqm.measures.definition import PopulationCode
from ecqm.measures.definition.period import measurement_period
from ecqm.measures.evaluation.defines import evaluate_defines
from ecqm.measures.evaluation.planning import MeasurePlan
from ecqm.measures.explanation.logic import MeasureLogic
from ecqm.measures.explanation.outcomes import Outcomes
from ecqm.measures.scoring.groups import evaluate_measure
from ecqm.operators.message import telling
from ecqm.plan.nodes import PlanNode, reachable
from ecqm.terminology import CodeIndex, Membership
from ecqm.values import EvaluationContext

Period = tuple[str, str]
_INITIAL = PopulationCode.INITIAL_POPULATION
_EXCLUDING = (PopulationCode.DENOMINATOR_EXCLUSION, PopulationCode.DENOMINATOR_EXCEPTION)

Features = NDArray[np.bool_]
"""Shape (patients, features): which clause held, failed, came to nothing."""

PERIOD: Period = ("2026-01-01", "2026-12-31")
# How many of a herd's offspring are looked at in one generation.
LITTER = 300
# A feature that more patients than that have is no reason to keep another.
_RARE = 8


@dataclass(frozen=True)
class Goal:
    """A population that somebody is to be in: features that its members have and do not have, and on the way to it the
    clauses of its logic that hold, as places of features."""

    has: tuple[int, ...]
    has_not: tuple[int, ...]
    clauses: tuple[int, ...]

    def is_reached(self, features: Features) -> bool:
        return bool((features[:, self.has].all(axis=1) & ~features[:, self.has_not].any(axis=1)).any())

    def weights(self, features: Features) -> list[float]:
        """How much each patient is worth breeding from: the nearer, the more."""
        near = features[:, self.clauses].sum(axis=1) - len(self.clauses) * features[:, self.has_not].any(axis=1)
        weights: list[float] = (3.0 ** (near - near.max())).tolist()
        return weights


class Observer:
    """Tells what the clauses and definitions of a measure come to for patients."""

    def __init__(self, content: Content, plan: MeasurePlan, period: Period) -> None:
        self._content = content
        self._plan = plan
        self._period = period
        logic = MeasureLogic(plan)
        self._demand = logic.demand
        # In the order of the logic, so that a seed gives the same patients in every process.
        defines = dict.fromkeys(define.node for define in logic.defines if isinstance(define.node, PlanNode))
        clauses = dict.fromkeys(node for define in logic.defines for nodes in define.clauses.values() for node in nodes)
        self._nodes = [*defines, *(node for node in clauses if node not in defines)]
        self.n_defines = len(defines)
        self.goals = list(self._goals())

    def _goals(self) -> Iterator[Goal]:
        """The populations and strata, among those in the initial population and (but for itself) neither excluded nor
        excepted."""
        # Of the three features of a node the first is that it held.
        places = {node: 3 * place for place, node in enumerate(self._nodes)}
        for group in self._plan.measure.groups:
            nodes = [(population.code, self._plan.defines[population.expression]) for population in group.criteria]
            initial = [places[node] for code, node in nodes if code is _INITIAL]
            parts = [part for stratifier in group.stratifiers for part in stratifier.components]
            wanted = [node for code, node in nodes if code is not _INITIAL]
            for node in [*wanted, *(self._plan.defines[part.expression] for part in parts)]:
                excluding = [places[other] for of, other in nodes if of in _EXCLUDING and other is not node]
                has = (*initial, places[node])
                logic = reachable(self._nodes[place // 3] for place in has)
                yield Goal(has, tuple(excluding), tuple(places[each] for each in logic if each in places))

    def features(self, records: Sequence[Record]) -> Features:
        with TemporaryDirectory() as folder:
            executor = executor_of(self._content, self._plan, self._demand, records, Path(folder), self._period)
            return features_of(executor, self._nodes, len(records))


def features_of(executor: Executor, nodes: Sequence[PlanNode], n: int) -> Features:
    """For n patients and each node whether it held, was false, or came to nothing."""
    outcomes = Outcomes(executor)
    none = np.zeros(n, np.bool_)
    columns: list[NDArray[np.bool_]] = []
    with telling(lambda told: None):
        for node in nodes:
            outcome = outcomes.of(node)
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


def first_herd(observer: Observer, mutator: Mutator, seeds: Sequence[Record]) -> Herd:
    """Those among the seeds, and among patients out of nothing, who do something of their own."""
    herd = Herd(observer.n_defines)
    first = [*seeds, *(mutator.made(f"made-{number}") for number in range(LITTER))]
    herd.consider(first, observer.features(first))
    return herd


def breed(observer: Observer, mutator: Mutator, herd: Herd, generations: int) -> None:
    """Adds to a herd what some generations of `LITTER` offspring each bring.

    While populations have nobody in them, half of the parents are those who are nearest.
    """
    random = mutator.random
    for _ in range(generations):
        weights = herd.weights()
        parents = random.choices(herd.records, weights, k=LITTER)
        features = np.stack(herd.features)
        missed = [goal for goal in observer.goals if not goal.is_reached(features)]
        for goal in missed:
            parents += random.choices(herd.records, goal.weights(features), k=LITTER // len(missed))
        random.shuffle(parents)
        parents = parents[:LITTER]
        others = random.choices(herd.records, weights, k=LITTER)
        young = [mutator.mutated(parent, other) for parent, other in zip(parents, others, strict=True)]
        herd.consider(young, observer.features(young))


def members_of(content: Content, plan: MeasurePlan, records: Sequence[Record]) -> list[list[Record]]:
    """Those who are in each population and stratum of the measure, and those whom a group leaves in its denominator."""
    with TemporaryDirectory() as folder, telling(lambda told: None):
        executor = executor_of(content, plan, plan.demand, records, Path(folder), PERIOD)
        groups = evaluate_measure(plan.measure, evaluate_defines(plan, executor))
    counts = [group.counts(population) for group in groups for population in group.members]
    for group in groups:
        kinds = {population.id: population.code.value for population in group.group.criteria}
        left_out = [group.counts(name) for name, kind in kinds.items() if kind.startswith("denominator-")]
        counts += [group.counts(name) * (sum(left_out) == 0) for name, kind in kinds.items() if kind == "denominator"]
        selected = [stratum.selected for result in group.stratifiers for stratum in result.strata]
        counts += [group.units.per_patient(mask) for mask in selected]
    # Many populations have the same members: denominators, strata of several groups.
    different = dict.fromkeys(tuple(np.flatnonzero(count).tolist()) for count in counts)
    return [[records[place] for place in places] for places in different]


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
    # What is left of most other decks is the Patient alone.
    seeds = [record for record in seeds if len(record) > 1]
    observer = Observer(content, plan, PERIOD)
    mutator = Mutator(maker)
    herd = first_herd(observer, mutator, seeds)
    breed(observer, mutator, herd, generations)
    chosen = herd.best(wanted // 2)
    members = members_of(content, plan, herd.records)
    populated = [each for each in members if each] or [herd.records]
    for parents, _ in zip(cycle(populated), range(wanted - len(chosen)), strict=False):
        chosen.append(mutator.mutated(random.choice(parents), random.choice(herd.records)))
    return chosen


def declared(resource: Resource) -> list[str]:
    """The profiles that a resource declares."""
    found: list[str] = resource.get("meta", {}).get("profile", [])
    return found
