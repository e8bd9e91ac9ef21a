"""The values of a measure's definitions for one patient, and why the patient is in populations or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ecqm.elm.narrative import Span
from ecqm.engine import Executor
from ecqm.measures.definition import Measure, Population
from ecqm.measures.evaluation.planning import MeasurePlan
from ecqm.measures.explanation.clauses import ClauseReader
from ecqm.measures.explanation.logic import LogicDefine, MeasureLogic
from ecqm.measures.explanation.outcomes import Outcomes, State
from ecqm.measures.explanation.values import Unknown
from ecqm.measures.scoring.groups import GroupResult
from ecqm.plan.nodes import PlanNode
from ecqm.reporting.explanations.counted import Counted, counted
from ecqm.reporting.explanations.reasons import Reason, reasons
from ecqm.reporting.explanations.words import Sources, Words


@dataclass(frozen=True)
class ExplainedDefine:
    """A definition with its value and text; `clauses`: the outcome and value of each clause, by localId."""

    define: LogicDefine
    value: Any
    text: Span | None
    clauses: Mapping[str, tuple[State, Any]]


@dataclass(frozen=True)
class Explanation:
    """The explanation of one patient.

    `counts` by group and population; what is `counted`, the patient or episodes; `values` by library and define, the
    primary library first; `errors` of the patient; the reasons; on request, the definitions clause by clause (`logic`).
    `warnings` tell what the values cannot be relied on for: value sets that are missing, problems with the data of the
    patient.
    """

    measure: Measure
    patient: str
    counts: tuple[tuple[str, tuple[tuple[Population, int], ...]], ...]
    counted: tuple[Counted, ...]
    values: Mapping[str, Mapping[str, Any]]
    errors: tuple[str, ...]
    reasons: tuple[Reason, ...]
    logic: tuple[ExplainedDefine, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Explainer:
    """Explains the results of a measure for patients of the executor's cohort, whose data cover the demand of `logic`.

    With `outcomes` explanations have the definitions clause by clause.
    """

    plan: MeasurePlan
    logic: MeasureLogic
    executor: Executor
    sources: Sources
    outcomes: Outcomes | None = None

    def explanation(
        self, row: int, patient: str, results: Sequence[GroupResult], errors: tuple[str, ...] = ()
    ) -> Explanation:
        """The explanation of one patient (`row` of the cohort) from the `results` of all of them."""
        groups = [group.of_patient(row) for group in results]
        reader = ClauseReader(self.plan.lowering, self.executor, row, self.sources)
        values: dict[str, dict[str, Any]] = {}
        explained = []
        words = Words(self.sources)
        for define in self.logic.defines:
            library = str(define.library.identifier)
            value: Any = None
            node = define.node
            if node is not None:
                value = reader.values.of(node) if isinstance(node, PlanNode) else Unknown(str(node))
                values.setdefault(library, {})[define.definition.name] = value
            if self.outcomes is not None:
                clauses = _clauses(define, reader, self.outcomes, row)
                explained.append(ExplainedDefine(define, value, words.of(define), clauses))
        counts = tuple((g.group.id, tuple((p, g.total(p.id)) for p in g.group.criteria)) for g in groups)
        return Explanation(
            self.plan.measure,
            patient,
            counts,
            tuple(counted(self.plan.measure, groups, self.executor.cohort)),
            values,
            errors,
            tuple(reasons(self.plan.libraries.main, groups, reader)),
            tuple(explained),
        )


def _clauses(
    define: LogicDefine, reader: ClauseReader, outcomes: Outcomes, row: int
) -> Mapping[str, tuple[State, Any]]:
    found = {}
    for clause, nodes in define.clauses.items():
        outcome = outcomes.of_clause(nodes)
        if outcome is not None:
            value = reader.values.of(nodes[0]) if len(nodes) == 1 else Unknown(f"in one of {len(nodes)} calls")
            found[clause] = outcome.state(row), value
    return found
