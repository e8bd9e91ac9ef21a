"""Whether the criteria of a measure are what its groups count (Quality Measure IG, "Population Basis").

In a group that counts patients, criteria are true or false; in a group that counts episodes, they are lists of the type
of its basis. The plan shows what they are, whatever the data.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ecqm.data.fhir.schema import fhir_schema
from ecqm.measures.definition import Group, MeasureError, Population
from ecqm.measures.evaluation.functions import PlannedFunction
from ecqm.measures.evaluation.planning import MeasurePlan
from ecqm.plan.kinds import KindsOf
from ecqm.plan.nodes import CollectWithin, PlanNode
from ecqm.plan.static_types import Shape, shape_of


def criteria_problems(plan: MeasurePlan) -> list[str]:
    """What does not agree with the bases of a measure's groups, and how it is taken.

    Raises MeasureError, with everything that cannot be counted: criteria that are neither true or false nor lists,
    lists without any element of the basis, observations that are not single values.
    """
    check = _Check(plan)
    for group in plan.measure.groups:
        check.group(group)
    if check.errors:
        raise MeasureError(f"measure {plan.measure.name}: {'; '.join(check.errors)}")
    return [f"measure {plan.measure.name}, {problem}" for problem in check.problems]


class _Check:
    def __init__(self, plan: MeasurePlan) -> None:
        self._plan = plan
        self._kinds = KindsOf(plan.nodes)
        self.problems: list[str] = []
        self.errors: list[str] = []

    def group(self, group: Group) -> None:
        if not group.patient_based and not fhir_schema().elements(group.basis):
            self.problems.append(f"group {group.id}: its basis {group.basis!r} is not a FHIR type")
        shapes = {shape_of(self._plan.defines[population.expression]) for population in group.criteria}
        if not group.patient_based and shapes <= {Shape.TRUTH, Shape.VALUE}:
            self.errors.append(f"group {group.id} counts {group.basis}, but none of its criteria is a list of them")
            return
        for population in group.criteria:
            node = self._plan.defines[population.expression]
            self._criterion(group, node, f"population {population.id} ({population.expression})", is_stratum=False)
        for stratifier in group.stratifiers:
            for component in stratifier.components:
                # A function has a value for each of what the group counts, by its operand.
                if component.expression in self._plan.defines:
                    node = self._plan.defines[component.expression]
                    self._criterion(group, node, f"stratifier {component.id} ({component.expression})", is_stratum=True)
        for observation in group.observations:
            self._observation(group, observation, self._plan.observations[group.id, observation.id])

    def _criterion(self, group: Group, node: PlanNode, name: str, is_stratum: bool) -> None:
        shape = shape_of(node)
        where = f"group {group.id}: {name}"
        if shape is Shape.VALUE and not is_stratum:
            self.errors.append(f"{where} is neither true or false nor a list")
        elif shape is Shape.LIST and group.patient_based:
            # Of a list of values, each is a stratum.
            if not is_stratum or not fhir_schema().resource_types.isdisjoint(self._kinds.of(node)):
                self.problems.append(
                    f"{where} is a list, but the group counts patients (basis boolean); "
                    "patients with any element are counted"
                )
        elif shape is Shape.TRUTH and not group.patient_based and not is_stratum:
            self.problems.append(
                f"{where} is true or false, but the group counts {group.basis}; it selects all of a patient's"
            )
        elif shape is Shape.LIST:
            self._elements(group, node, where)

    def _elements(self, group: Group, node: PlanNode, where: str) -> None:
        """Whether a list has elements of the basis of its group, and no others."""
        listed = self._kinds.of(node)
        if not listed or not fhir_schema().elements(group.basis):
            return
        others = sorted(_described(listed - {group.basis}))
        if group.basis not in listed:
            self.errors.append(f"{where} lists {' and '.join(others)}, but the group counts {group.basis}")
        elif others:
            self.problems.append(f"{where} may list {' and '.join(others)}; the group counts {group.basis} only")

    def _observation(self, group: Group, observation: Population, planned: PlannedFunction) -> None:
        where = f"group {group.id}: observation {observation.id} ({observation.expression})"
        observed = group.population(observation.criteria_reference or "")
        value = planned.value
        if planned.of is not None:
            if shape_of(planned.of) in (Shape.TRUTH, Shape.VALUE):
                self.errors.append(
                    f"{where} is a function of an element of population {observed.id}, which is not a list"
                )
            elif group.patient_based:
                self.problems.append(f"{where} is a function of episodes, but the group counts patients")
            value = value.value if isinstance(value, CollectWithin) else value
        elif not group.patient_based:
            self.problems.append(
                f"{where} has one value per patient, but the group counts {group.basis}; "
                "it counts for each of a patient's"
            )
        if shape_of(value) is Shape.LIST:
            self.errors.append(f"{where} is a list, not a number")


def _described(kinds: Iterable[object]) -> Iterator[str]:
    for kind in kinds:
        yield kind if isinstance(kind, str) else "tuples"
