"""Supplemental data and risk-adjustment variables of patients, as reported (Quality Measure IG, "Supplemental Data
Elements", "Risk Adjustment")."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from ecqm.columns import ResourceRow, to_values
from ecqm.engine import Executor
from ecqm.measures.evaluation.planning import EvaluationPlan
from ecqm.values import Code, Concept, Tuple
from ecqm.values.text import to_cql

Supplement = Code | str | bool | int | Decimal
"""A value of supplemental data."""


def evaluate_supplements(plan: EvaluationPlan, executor: Executor) -> dict[str, list[list[Supplement]]]:
    """By id of the supplemental data (and risk-adjustment variables) of a measure, the values of each patient."""
    found = {}
    for supplement in plan.measure.supplemental_data:
        node = plan.defines.get(supplement.expression)
        if node is not None:
            column = executor.evaluate(node, f'"{supplement.expression}"').broadcast(executor.cohort.n)
            found[supplement.id] = [list(supplemental_values(value)) for value in to_values(column)]
    return found


def supplemental_values(value: Any) -> Iterator[Supplement]:
    """The values to report for the value of a define: its codes, otherwise the value itself; a list element by element.

    Of a tuple (race: codes and display; payer: code and period) the codes are reported, or, without codes, all
    elements; of a resource, its type.
    """
    if value is None:
        return
    if isinstance(value, Concept):
        yield from (code for code in value.codes if code is not None)
    elif isinstance(value, (Code, str, bool, int, Decimal)):
        yield value
    elif isinstance(value, tuple):
        for element in value:
            yield from supplemental_values(element)
    elif isinstance(value, Tuple):
        parts = [part for element in value.values() for part in supplemental_values(element)]
        codes = [part for part in parts if isinstance(part, Code)]
        yield from codes or parts
    elif isinstance(value, ResourceRow):
        yield value.table.resource_type
    else:
        yield to_cql(value)
