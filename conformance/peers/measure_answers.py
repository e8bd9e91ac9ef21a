"""What ecqm says of the patients of a measure, in plain values (plain_values.py), to be compared with other engines."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
from made_patients import PERIOD, executor_of
from mutations import Record
from plain_values import plain

from ecqm.bundles.content import Content
from ecqm.columns import to_values
from ecqm.engine import EvaluationError
from ecqm.measures.definition import PopulationCode
from ecqm.measures.evaluation.defines import evaluate_defines, failures
from ecqm.measures.evaluation.planning import MeasurePlan, demand_of
from ecqm.measures.scoring.groups import TRUE, GroupResult, evaluate_measure
from ecqm.operators.message import telling
from ecqm.plan.lowering import PlanError
from ecqm.plan.nodes import PlanNode, reachable

Answer = dict[str, Any]
"""What an engine says of a patient: "Library.Definition" or "group 1/denominator 2" to a plain value, and "error" to
what keeps it from telling the populations."""


class Ours:
    """ecqm's answers for a measure."""

    def __init__(self, content: Content, plan: MeasurePlan) -> None:
        self._content = content
        self._plan = plan
        self._nodes: dict[str, PlanNode] = {}
        # Other engines know libraries by their names alone: of one that is there in two versions nothing is compared.
        names = Counter(library.identifier.name for library in plan.libraries.libraries)
        for library in plan.libraries.libraries:
            for name in library.expressions if names[library.identifier.name] == 1 else ():
                with suppress(PlanError):
                    self._nodes[f"{library.identifier.name}.{name}"] = plan.lowering.define(library, name)
        observed = [observation.value for observation in plan.observations.values()]
        self._demand = demand_of(reachable([*plan.defines.values(), *self._nodes.values(), *observed]))

    def answers(self, records: Sequence[Record]) -> list[Answer]:
        """For each record its populations, or an error, and the definitions without an error of their own."""
        with tempfile.TemporaryDirectory() as folder, telling(lambda told: None):
            executor = executor_of(self._content, self._plan, self._demand, records, Path(folder), PERIOD)
            found: list[Answer] = [{} for _ in records]
            groups = evaluate_measure(self._plan.measure, evaluate_defines(self._plan, executor))
            for number, group in enumerate(groups, 1):
                for row, answer in enumerate(found):
                    answer.update(_of_group(group, number, row))
            for row, message in failures(executor)[1].items():
                found[row] = {"error": message}
            for name, node in self._nodes.items():
                before = len(executor.errors)
                try:
                    values = to_values(executor.evaluate(node, name).broadcast(len(records)))
                except EvaluationError as error:
                    values = [f"cannot be evaluated: {error}"] * len(records)
                raised = {error.patient for error in executor.errors[before:]}
                for row, value in enumerate(values):
                    if row not in raised:
                        found[row][name] = plain(value)
        return found


def _of_group(group: GroupResult, number: int, row: int) -> Iterator[tuple[str, Any]]:
    """What the patient has in a group, whose parts are known by their places: not all measures give them ids."""
    one = group.of_patient(row)
    for place, population in enumerate(group.group.populations, 1):
        key = f"group {number}/{population.code.value} {place}"
        if population.code is PopulationCode.MEASURE_OBSERVATION:
            observed = sorted(one.observed(population.id))
            yield key, observed
            yield f"group {number}/observations {place}", len(observed)
        else:
            yield key, one.total(population.id)
    for place, result in enumerate(one.stratifiers, 1):
        if result.criteria_based:
            selected = next(stratum.selected for stratum in result.strata if stratum.value == TRUE)
            yield f"group {number}/stratum {place}", int(np.count_nonzero(selected))
            initial = next(
                each.id for each in group.group.populations if each.code is PopulationCode.INITIAL_POPULATION
            )
            yield f"group {number}/initial population of stratum {place}", one.total(initial, within=selected)
    score = one.score()
    yield f"group {number}/score", None if score is None else plain(Decimal(repr(float(score))))
