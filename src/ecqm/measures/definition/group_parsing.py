"""Reading the groups of a Measure resource: populations, observations and stratifiers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ecqm.measures.definition.extensions import (
    basis_of,
    code_of,
    extension,
    extensions,
    improvement_notation_of,
    label_of,
    text_of,
)
from ecqm.measures.definition.measure import (
    Aggregate,
    Group,
    MeasureError,
    Population,
    PopulationCode,
    Scoring,
    Stratifier,
    StratifierComponent,
)
from ecqm.measures.definition.resource import GroupResource, MeasureResource, PopulationResource, StratifierResource
from ecqm.measures.definition.roles import role_problems

_AGGREGATES = {
    **{method.value: method for method in Aggregate},
    "avg": Aggregate.AVERAGE,
    "mean": Aggregate.AVERAGE,
    "min": Aggregate.MINIMUM,
    "max": Aggregate.MAXIMUM,
}


class GroupParser:
    """Reads the groups of one measure. Decisions about what is unclear are listed in `problems`."""

    def __init__(self, measure: MeasureResource, name: str) -> None:
        self.problems: list[str] = []
        self._measure = measure
        self._name = name

    def group(self, resource: GroupResource, position: int) -> Group:
        """A group, the one at `position` from 1. Raises MeasureError if it cannot be evaluated."""
        group_id = resource.id or f"Group_{position}"
        where = f"measure {self._name}, group {group_id}"
        scoring = self._scoring(resource, where)
        read = (_population(each, number, where) for number, each in enumerate(resource.population or (), 1))
        populations = [population for population in read if population is not None]
        if not any(p.code is PopulationCode.INITIAL_POPULATION for p in populations):
            raise MeasureError(f"{where}: no initial population")
        if len({population.id for population in populations}) != len(populations):
            raise MeasureError(f"{where}: two populations have one id")
        group = Group(
            id=group_id,
            scoring=scoring,
            basis=basis_of(resource, self._measure),
            populations=tuple(self._with_references(populations, scoring, where)),
            stratifiers=tuple(self._stratifiers(resource, group_id, where)),
            improvement_notation=improvement_notation_of(resource, self._measure),
            code=label_of(resource.code),
            description=resource.description,
        )
        self.problems += (f"{where}: {problem}" for problem in role_problems(group))
        return group

    def _stratifiers(self, resource: GroupResource, group_id: str, where: str) -> Iterator[Stratifier]:
        for position, each in enumerate(resource.stratifier or (), 1):
            stratifier = _stratifier(each, group_id, position)
            if stratifier.components:
                yield stratifier
            else:
                self.problems.append(f"{where}: stratifier {stratifier.id} has no criterion, and is left out")

    def _scoring(self, resource: GroupResource, where: str) -> Scoring:
        code = text_of(extension(resource.extension, "cqfm-scoring")) or code_of(self._measure.scoring)
        try:
            return Scoring((code or "").lower())
        except ValueError:
            raise MeasureError(f"{where}: unknown scoring {code!r}") from None

    def _with_references(self, populations: Sequence[Population], scoring: Scoring, where: str) -> Iterator[Population]:
        """The populations with references resolved to ids of populations of the group.

        An observation whose reference is missing or dangling observes the measure population; in a ratio, the
        denominator if it is the first and the numerator if it is a later one, which is the order of authoring tools.
        """
        ids = {population.id for population in populations}
        observed = [PopulationCode.MEASURE_POPULATION]
        if scoring is Scoring.RATIO:
            observed = [PopulationCode.DENOMINATOR, PopulationCode.NUMERATOR]
        for population in populations:
            reference = _referred(population.criteria_reference, populations)
            if population.code is PopulationCode.MEASURE_OBSERVATION:
                if reference not in ids:
                    reference = self._observed(population, reference, observed[0], populations, where)
                observed = observed[-1:]
            elif reference is not None and reference not in ids:
                self.problems.append(f"{where}: {population.id} refers to {reference!r}, which is not in the group")
                reference = None
            yield replace(population, criteria_reference=reference)

    def _observed(
        self,
        observation: Population,
        reference: str | None,
        code: PopulationCode,
        populations: Sequence[Population],
        where: str,
    ) -> str:
        """The id of the population with this code, taken in place of a reference that is missing or dangling."""
        taken = next((population.id for population in populations if population.code is code), None)
        if taken is None:
            raise MeasureError(f"{where}: observation {observation.id} observes {reference!r}, which is not there")
        if reference is not None:
            self.problems.append(
                f"{where}: observation {observation.id} refers to {reference!r}, which is not in the group; "
                f"taken as {taken}"
            )
        return taken


def _population(resource: PopulationResource, position: int, where: str) -> Population | None:
    code = code_of(resource.code)
    try:
        known = PopulationCode(code or "")
    except ValueError:
        raise MeasureError(f"{where}: unknown population code {code!r}") from None
    expression = resource.criteria.expression if resource.criteria else None
    if not expression:
        # Authoring tools leave optional populations in the resource without a criterion.
        return None
    method = text_of(extension(resource.extension, "cqfm-aggregateMethod"))
    aggregate = _AGGREGATES.get(method.lower()) if method else None
    if method and aggregate is None:
        raise MeasureError(f"{where}: unknown aggregate method {method!r}")
    return Population(
        code=known,
        id=resource.id or f"{known.value}-{position}",
        expression=expression,
        criteria_reference=text_of(extension(resource.extension, "cqfm-criteriaReference")),
        aggregate=aggregate,
        description=resource.description,
    )


def _referred(reference: str | None, populations: Sequence[Population]) -> str | None:
    """The id of the population with that id, or of the only one with that code, criterion or description."""
    if reference is None or any(population.id == reference for population in populations):
        return reference
    called = [p.id for p in populations if reference in (p.code.value, p.expression, p.description)]
    return called[0] if len(called) == 1 else reference


def _stratifier(resource: StratifierResource, group_id: str, position: int) -> Stratifier:
    stratifier_id = resource.id or f"{group_id}-stratifier-{position}"
    applies = (text_of(each) for each in extensions(resource.extension, "cqfm-appliesTo"))
    if resource.criteria and resource.criteria.expression:
        parts = [StratifierComponent(stratifier_id, resource.criteria.expression, label_of(resource.code))]
    else:
        parts = [
            StratifierComponent(c.id or f"{stratifier_id}-{n}", c.criteria.expression, label_of(c.code))
            for n, c in enumerate(resource.component or (), 1)
            if c.criteria and c.criteria.expression
        ]
    return Stratifier(
        stratifier_id, tuple(parts), frozenset(filter(None, applies)), label_of(resource.code), resource.description
    )
