"""Supplemental data and risk-adjustment variables of patients, as reported (Quality Measure IG, "Supplemental Data
Elements", "Risk Adjustment")."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ecqm.columns import Column, ResourceRow, to_values
from ecqm.engine import EvaluationError, Executor
from ecqm.measures.definition import SupplementalData
from ecqm.measures.evaluation.planning import EvaluationPlan
from ecqm.plan.nodes import PlanNode
from ecqm.values import Code, Concept, DateTime, Quantity, Tuple
from ecqm.values.text import to_cql

SingleSupplement = Code | str | bool | int | Decimal | Quantity | DateTime


@dataclass(frozen=True)
class TupleSupplement:
    """A tuple that is not just a code: its elements by name, each as often as it has values. Hybrid measures report an
    encounter with a result and its time, measures that collect data the elements of resources."""

    elements: tuple[tuple[str, SingleSupplement], ...]


Supplement = SingleSupplement | TupleSupplement
"""A value of supplemental data."""

CODED = frozenset({"code", "codes", "display", "period"})
"""Elements of tuples that are a code, as the libraries SupplementalDataElements make them."""
QUANTITIES = frozenset({"FHIR.Quantity", "FHIR.SimpleQuantity", "FHIR.Age", "FHIR.Duration", "FHIR.Count"})


def evaluate_supplements(
    plan: EvaluationPlan, executor: Executor, not_evaluated: dict[str, str]
) -> dict[str, list[list[Supplement]]]:
    """By id of the supplemental data (and risk-adjustment variables) of a measure, the values of each patient.

    Those that cannot be evaluated are left out; the reasons are added to `not_evaluated`, by name.
    """
    return {
        supplement.id: [list(supplemental_values(value)) for value in to_values(column)]
        for supplement, _, column in supplemental_columns(plan, executor, not_evaluated)
    }


def supplemental_columns(
    plan: EvaluationPlan,
    executor: Executor,
    not_evaluated: dict[str, str],
    wanted: Container[str] | None = None,
) -> Iterator[tuple[SupplementalData, PlanNode, Column]]:
    """The supplemental data of a measure, or those whose ids are `wanted`, each with its node and its value for each
    patient; see `evaluate_supplements`."""
    for supplement in plan.measure.supplemental_data:
        node = plan.defines.get(supplement.expression)
        if node is not None and (wanted is None or supplement.id in wanted):
            try:
                column = executor.evaluate(node, f'"{supplement.expression}"')
            except EvaluationError as error:
                not_evaluated[plan.measure.name_of_supplement(supplement.id)] = str(error)
            else:
                yield supplement, node, column.broadcast(executor.cohort.n)


def supplemental_values(value: Any) -> Iterator[Supplement]:
    """The values to report for the value of a define: its codes, otherwise the value itself; a list element by element.

    Of a tuple that is a code (race: codes and display; payer: code and period) or of a FHIR type, the codes are
    reported; of any other, and of those without codes, all elements together; of a resource, its type.
    """
    if isinstance(value, tuple):
        for element in value:
            yield from supplemental_values(element)
    elif isinstance(value, Tuple) and not _is_quantity(value):
        elements = tuple(_elements(value))
        codes = [element for _, element in elements if isinstance(element, Code)]
        if codes and (value.type_name or CODED.issuperset(value)):
            yield from codes
        elif elements:
            yield TupleSupplement(elements)
    else:
        yield from _single(value)


def _elements(value: Tuple) -> Iterator[tuple[str, SingleSupplement]]:
    """The values of the elements of a tuple; those of a tuple in it have both names ("Timing.start")."""
    for name, element in value.items():
        for part in element if isinstance(element, tuple) else (element,):
            if isinstance(part, Tuple) and not _is_quantity(part):
                yield from ((f"{name}.{inner}", of_inner) for inner, of_inner in _elements(part))
            else:
                yield from ((name, single) for single in _single(part))


def _single(value: Any) -> Iterator[SingleSupplement]:
    """What is reported of a value that is neither a list nor a tuple: all codes of a concept."""
    if value is None:
        return
    if isinstance(value, Concept):
        yield from (code for code in value.codes if code is not None)
    elif isinstance(value, (Code, str, bool, int, Decimal, Quantity, DateTime)):
        yield value
    elif isinstance(value, Tuple):
        yield Quantity(value["value"], value.get("code") or value.get("unit") or "1")
    elif isinstance(value, ResourceRow):
        yield value.table.resource_type
    else:
        yield to_cql(value)


def _is_quantity(value: Tuple) -> bool:
    return value.type_name in QUANTITIES and value.get("value") is not None
