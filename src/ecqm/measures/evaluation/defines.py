"""The defines of a measure: columns of the engine converted to the input of scoring."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from ecqm.columns import BooleanColumn, Column, ListColumn, Mask, NullColumn
from ecqm.engine import EvaluationError, Executor, RowError
from ecqm.measures.evaluation.episodes import episodes, listed, rows_of_resources
from ecqm.measures.evaluation.functions import PlannedFunction
from ecqm.measures.evaluation.labels import labels_of
from ecqm.measures.evaluation.observed_values import observed
from ecqm.measures.evaluation.planning import EvaluationPlan
from ecqm.measures.scoring.criteria import Criterion, Episodes, Evaluated, Labels, Observed
from ecqm.plan.nodes import PlanNode


def evaluate_defines(plan: EvaluationPlan, executor: Executor) -> Evaluated:
    """The value of every define and observation of a measure for all patients of the executor's cohort.

    Raises EvaluationError if they are not what can be counted.
    """
    values = _Values(plan, executor)
    counted = plan.measure.criteria
    defines = {name: values.criterion(node) for name, node in plan.defines.items() if name in counted}
    _require_criteria(plan, defines)
    observations = {
        key: values.observed(function, f"observation {key[1]}") for key, function in plan.observations.items()
    }
    strata = {key: values.strata(function, f"stratifier {key[1]}") for key, function in plan.stratifiers.items()}
    for key, node in _value_stratifiers(plan):
        if (labels := values.labels_of_patients(node)) is not None:
            strata[key] = labels
    return Evaluated(executor.cohort.n, defines, observations, failures(executor)[0], strata)


def _require_criteria(plan: EvaluationPlan, defines: Mapping[str, Criterion | Labels]) -> None:
    """Raises EvaluationError for a population whose define has other values than criteria have."""
    for group in plan.measure.groups:
        for population in group.criteria:
            if isinstance(defines[population.expression], Labels):
                raise EvaluationError(
                    f"group {group.id}: population {population.id} ({population.expression}) is neither true or false "
                    "nor a list"
                )


def _value_stratifiers(plan: EvaluationPlan) -> Iterator[tuple[tuple[str, str], PlanNode]]:
    """The stratifiers of patients that are defines: if they are lists of values, patients are in several strata."""
    for group in plan.measure.groups:
        for component in (each for stratifier in group.stratifiers for each in stratifier.components):
            if group.patient_based and component.expression in plan.defines:
                yield (group.id, component.expression), plan.defines[component.expression]


class _Values:
    """The values of a plan's defines, and of the lists that its functions are of, for all patients. Elements of all
    lists are identified together, so that the same episode is the same in all of them."""

    def __init__(self, plan: EvaluationPlan, executor: Executor) -> None:
        self._executor = executor
        self._n = executor.cohort.n
        counted = plan.measure.criteria
        self._columns: dict[PlanNode, Column] = {
            node: self._column(node, f'"{name}"') for name, node in plan.defines.items() if name in counted
        }
        for key, function in (*plan.observations.items(), *plan.stratifiers.items()):
            if function.of is not None and function.of not in self._columns:
                self._columns[function.of] = self._column(function.of, f"the episodes of {key[1]}")
        self._bases = frozenset(group.basis for group in plan.measure.groups)
        lists = {node: column for node, column in self._columns.items() if isinstance(column, ListColumn)}
        self._episodes = dict(zip(lists, episodes(lists.values(), self._bases), strict=True))

    def _column(self, node: PlanNode, origin: str) -> Column:
        return self._executor.evaluate(node, origin).broadcast(self._n)

    def criterion(self, node: PlanNode) -> Criterion | Labels:
        """A define as a criterion, or as labels if it cannot be one."""
        found = self._episodes.get(node)
        return criterion(self._columns[node], self._n) if found is None else found

    def observed(self, observation: PlannedFunction, name: str) -> Observed:
        """The value of an observation, for each patient, or for each episode of the list that it is of."""
        column = self._column(observation.value, name)
        if observation.of is None:
            return observed(column, name)
        return observed(self._of_episodes(observation.of, column, name), name, self._episodes_of(observation.of))

    def strata(self, stratifier: PlannedFunction, name: str) -> Criterion | Labels:
        """The value of a stratifier that is a function: a criterion if it is true or false, otherwise labels."""
        column = self._column(stratifier.value, name)
        if stratifier.of is None:
            return criterion(column, self._n)
        values = self._of_episodes(stratifier.of, column, name)
        found = self._episodes_of(stratifier.of)
        if isinstance(values, BooleanColumn):
            return Episodes(found.patient[values.is_true], found.key[values.is_true])
        labels = labels_of(values)
        return Labels(labels.code, labels.names, found)

    def labels_of_patients(self, node: PlanNode) -> Labels | None:
        """The values in the lists of a define, each a label of its patient; None if it does not list values."""
        column = self._columns[node]
        if not isinstance(column, ListColumn) or rows_of_resources(column.values, self._bases) is not None:
            return None
        labels = labels_of(column.values)
        return Labels(labels.code, labels.names, patient=column.parents)

    def _episodes_of(self, source: PlanNode) -> Episodes:
        """The episodes of a list; none of one that is null for all patients, which has no elements to be identified."""
        nobody = np.empty(0, np.int64)
        return self._episodes.get(source, Episodes(nobody, nobody))

    def _of_episodes(self, source: PlanNode, column: Column, name: str) -> Column:
        """The values of a function for the episodes of the list `source`, in their order."""
        elements = self._columns[source]
        if isinstance(elements, NullColumn):
            return NullColumn(0)
        if not isinstance(elements, ListColumn) or not isinstance(column, ListColumn):
            raise EvaluationError(f"{name} is a function of episodes, but its population is not a list")
        return column.values.take(np.flatnonzero(listed(elements.values, self._bases)))


def criterion(column: Column, n: int) -> Criterion | Labels:
    """A define as a criterion: a mask over patients, a list of episodes, or labels for anything else."""
    column = column.broadcast(n)
    if isinstance(column, BooleanColumn):
        return column.is_true
    if isinstance(column, NullColumn):
        return np.zeros(n, np.bool_)
    if isinstance(column, ListColumn):
        return episodes([column])[0]
    return labels_of(column)


def failures(executor: Executor) -> tuple[Mask, dict[int, str]]:
    """Which patients raised an error, and the first message of each."""
    messages = first_messages(executor.errors)
    failed = np.zeros(executor.cohort.n, np.bool_)
    failed[list(messages)] = True
    return failed, messages


def first_messages(errors: Iterable[RowError]) -> dict[int, str]:
    """The first message of each patient that raised errors."""
    messages: dict[int, str] = {}
    for error in errors:
        messages.setdefault(error.patient, f"{error.origin}: {error.message}" if error.origin else error.message)
    return messages
