"""Running measure packages on QDM patients: counts, episodes, observations and statements, patient by patient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ecqm.bundles.packages.package import MeasurePackage, qdm_version
from ecqm.columns import Column, ListColumn, ResourceColumn
from ecqm.data.cohort.cohort import Cohort
from ecqm.data.fhir.demand import Demand
from ecqm.data.qdm.binding import QdmDataTypes
from ecqm.data.qdm.schema import qdm_schema
from ecqm.engine import EvaluationError, Executor
from ecqm.kernels.arrays import Mask
from ecqm.measures.definition import Group, PopulationCode
from ecqm.measures.definition.period import measurement_period
from ecqm.measures.evaluation.defines import criterion, failures
from ecqm.measures.evaluation.groups import evaluate_groups
from ecqm.measures.evaluation.planning import MeasurePlan, demand_of
from ecqm.measures.explanation.entrance import Sources, entered, entrances
from ecqm.measures.explanation.relevance import (
    OBSERVATIONS,
    STRATUM,
    Outcome,
    Statement,
    considered,
    passes,
    reached,
    references,
)
from ecqm.measures.scoring.criteria import Criterion, Episodes, Labels
from ecqm.measures.scoring.groups import TRUE, GroupResult
from ecqm.plan.lowering import PlanError
from ecqm.plan.nodes import PlanNode, reachable
from ecqm.terminology import CodeIndex, Membership
from ecqm.values import EvaluationContext

Counts = dict[str, float]


@dataclass(frozen=True)
class SetResult:
    """The results of one patient in a population set, or in a stratum of one.

    `counts` by population; `episodes` the counts of each episode by its id, None where patients are counted;
    `observations` in order of the episodes; `statements` the outcome of every statement of the logic.
    """

    counts: Counts
    observations: tuple[float, ...] = ()
    episodes: Mapping[str, Counts] | None = None
    statements: Mapping[Statement, Outcome] = field(default_factory=dict)


@dataclass
class PackagePlan:
    """The plan of a package and of every statement of its logic; `problems` names statements that could not be
    planned."""

    package: MeasurePackage
    measure: MeasurePlan
    statements: dict[Statement, PlanNode]
    references: Mapping[Statement, frozenset[Statement]]
    entrances: Mapping[str, set[Sources]]
    version: str
    demand: Demand
    problems: list[str]


def plan_package(package: MeasurePackage, statements: bool = True) -> PackagePlan:
    """Plan a package, and with `statements` each statement of its logic. Raises ElmError, PlanError, MeasureError."""
    plan = package.plan()
    nodes: dict[Statement, PlanNode] = {}
    problems = list(plan.problems)
    for library in plan.libraries.libraries if statements else ():
        for name, definition in library.expressions.items():
            if definition.localId is None:
                # Added by the translator (`Patient`): it represents the context and is not shown.
                continue
            try:
                nodes[library.identifier.name, name] = plan.lowering.define(library, name)
            except PlanError as error:
                problems.append(str(error))
    version = qdm_version(plan)
    observed = [observation.value for observation in plan.observations.values()]
    ways = entrances(plan) if statements else {}
    sources = [source for several in ways.values() for way in several for source in way]
    demand = demand_of(reachable([*plan.defines.values(), *nodes.values(), *observed, *sources]))
    found = (package.references or references(plan.libraries)) if statements else {}
    return PackagePlan(package, plan, nodes, found, ways, version, demand, problems)


def executor_of(
    plan: PackagePlan, cohort: Cohort, codes: CodeIndex, context: EvaluationContext | None = None
) -> Executor:
    """The executor of a package's plan over patients read with its demand and version, on the code index `codes`."""
    return Executor(
        cohort,
        Membership(codes, plan.package.value_sets),
        QdmDataTypes(qdm_schema(plan.version)),
        context or EvaluationContext.of_this_moment(),
        {"Measurement Period": measurement_period(plan.measure.measure)},
    )


@dataclass
class PackageResults:
    """The results of a package over a cohort; `of_patient` gives those of one patient as the certification tools do."""

    plan: PackagePlan
    groups: tuple[GroupResult, ...]
    errors: Mapping[int, str]
    _passed: dict[Statement, Mask]
    _names: dict[str, dict[int, str]]
    _strata: dict[str, Criterion | Labels]
    _entered: dict[str, Mask]

    def of_patient(self, row: int) -> dict[str, SetResult]:
        """By id of the population set or stratification."""
        found = {}
        for group in self.groups:
            found[group.group.id] = self._of_set(group, row, None)
        for group in self.groups:
            for stratifier in group.stratifiers:
                stratum = next((s for s in stratifier.strata if s.value == TRUE), None)
                selected = np.zeros(len(group.units), np.bool_) if stratum is None else stratum.selected
                found[stratifier.stratifier.id] = self._of_set(group, row, selected, stratifier.stratifier.id)
        return found

    def _of_set(self, group: GroupResult, row: int, stratum: Mask | None, name: str = "") -> SetResult:
        rows = group.units.rows_of(row)
        within = np.ones(len(group.units), np.bool_) if stratum is None else stratum
        members: dict[str, Mask] = {
            population.id: (group.members[population.id] & within)[rows] for population in group.group.criteria
        }
        if stratum is not None:
            members[STRATUM] = stratum[rows]
        counts = {population: float(np.count_nonzero(selected)) for population, selected in members.items()}
        observed = [
            [float(values[at]) for at in range(rows.start, rows.stop) if within[at] and not np.isnan(values[at])]
            for values in group.observations.values()
        ]
        episodes: dict[str, Counts] | None = None
        if group.units.key is not None:
            names = self._names[group.group.id]
            keys = group.units.key[rows].tolist()
            episodes = {
                names.get(key, str(key)): {population: float(selected[at]) for population, selected in members.items()}
                for at, key in enumerate(keys)
            }
            for key in self._stratum_alone(name, row).difference(keys):
                # The tools count what a stratification selects, whether or not it is in the initial population.
                episodes[names.get(key, str(key))] = dict.fromkeys(members, 0.0) | {STRATUM: 1.0}
                counts[STRATUM] += 1
        statements = self._statements(group, row, counts, episodes, name)
        return SetResult(counts, tuple(value for values in observed for value in values), episodes, statements)

    def _enters(self, library: str, row: int) -> bool:
        """Whether anything in a library is called for a patient; always true for the primary library."""
        return library == self.plan.package.main.name or (
            library in self._entered and bool(self._entered[library][row])
        )

    def _stratum_alone(self, name: str, row: int) -> set[int]:
        """The keys of the episodes that a stratification selects, in any population or none."""
        selected = self._strata.get(name)
        return set(selected.key[selected.patient == row].tolist()) if isinstance(selected, Episodes) else set()

    def _statements(
        self, group: GroupResult, row: int, counts: Counts, episodes: Mapping[str, Counts] | None, stratifier: str
    ) -> dict[Statement, Outcome]:
        if not self.plan.statements:
            return {}
        package = self.plan.package
        main = self.plan.measure.libraries.main.identifier.name
        expressions = _expressions(group.group, stratifier)
        starts: dict[bool, list[Statement]] = {True: [], False: []}
        for name, was in _considered(group.group, counts, episodes).items():
            starts[was] += [(main, expression) for expression in expressions.get(name, ())]
        supplements = {supplement.expression for supplement in self.plan.measure.measure.supplemental_data}
        if package.calculates_supplemental_data:
            starts[True] += [(main, name) for name in supplements]
        relevant = reached(starts[True], self.plan.references)
        applicable = relevant | reached(starts[False], self.plan.references)
        if not package.calculates_supplemental_data:
            applicable = {statement for statement in applicable if statement[1] not in supplements}
        return {
            statement: self._outcome(statement, row, statement in relevant)
            if statement in applicable
            else Outcome.NOT_APPLICABLE
            for statement in self.plan.references
        }

    def _outcome(self, statement: Statement, row: int, is_relevant: bool) -> Outcome:
        if not is_relevant or not self._enters(statement[0], row):
            return Outcome.UNHIT
        passed = self._passed.get(statement)
        return Outcome.TRUE if passed is not None and passed[row] else Outcome.FALSE


def _considered(group: Group, counts: Counts, episodes: Mapping[str, Counts] | None) -> dict[str, bool]:
    """The populations of a group, each with whether it was considered for a patient or for any of the episodes."""
    observing = {OBSERVATIONS: 1.0} if group.observations else {}
    found: dict[str, bool] = {}
    for each in list(episodes.values()) if episodes else [counts]:
        for name, was in considered({**each, **observing}, group.scoring).items():
            found[name] = found.get(name, False) or was
    return found


def _expressions(group: Group, stratifier: str) -> dict[str, list[str]]:
    """The expressions of the populations of a group, of its observations, and of one of its stratifiers."""
    stratifiers = (each for each in group.stratifiers if each.id == stratifier)
    return {
        **{population.id: [population.expression] for population in group.criteria},
        OBSERVATIONS: [observation.expression for observation in group.observations],
        STRATUM: [component.expression for each in stratifiers for component in each.components],
    }


def run_package(plan: PackagePlan, executor: Executor) -> PackageResults:
    """Evaluate a package for all patients of the executor's cohort. Population sets that cannot be evaluated are added
    to the problems of the plan. Raises EvaluationError if none can."""
    n = executor.cohort.n
    groups = evaluate_groups(plan.measure, executor)
    measure = groups.measure
    plan.problems.extend(f"{measure.name_of_group(each.group.id)}: {each.reason}" for each in measure.left_out)
    passed: dict[Statement, Mask] = {}
    for statement, node in plan.statements.items():
        try:
            passed[statement] = passes(executor.evaluate(node, ".".join(statement)), n)
        except EvaluationError as error:
            plan.problems.append(f"{'.'.join(statement)}: {error}")
    names: dict[str, dict[int, str]] = {}
    strata: dict[str, Criterion | Labels] = {}
    for group in measure.groups:
        names[group.id] = {}
        for population in group.criteria:
            if population.code is not PopulationCode.MEASURE_OBSERVATION:
                column = executor.evaluate(plan.measure.defines[population.expression], population.expression)
                names[group.id].update(_episode_names(column))
        for stratifier in group.stratifiers:
            expression = stratifier.components[0].expression
            column = executor.evaluate(plan.measure.defines[expression], expression)
            names[group.id].update(_episode_names(column))
            strata[stratifier.id] = criterion(column, n)
    ways = entered(plan.entrances, lambda node: executor.evaluate(node, "a source"), n)
    return PackageResults(plan, groups.results, failures(executor)[1], passed, names, strata, ways)


def _episode_names(column: Column) -> dict[int, str]:
    """The ids of the elements in lists of episodes, by their keys in the units of a group."""
    if not isinstance(column, ListColumn) or not isinstance(column.values, ResourceColumn):
        return {}
    elements: Any = column.values
    ids = elements.table.ids.take(elements.rows[elements.rows >= 0]).texts()
    return dict(zip(elements.rows[elements.rows >= 0].tolist(), map(str, ids), strict=True))
