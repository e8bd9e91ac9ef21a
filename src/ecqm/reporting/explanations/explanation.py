"""The values of a measure's definitions for one patient, and why the patient is in populations or not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ecqm.bundles.content import Content
from ecqm.bundles.evaluation.selection import missing_value_sets
from ecqm.bundles.packages.content import missing_of_package
from ecqm.bundles.packages.package import MeasurePackage, qdm_version
from ecqm.data import DataError, DataProblem
from ecqm.data.qdm import qdm_schema, read_patients
from ecqm.data.qdm.binding import QdmDataTypes
from ecqm.data.source import PatientData
from ecqm.elm.narrative import Span
from ecqm.engine import Executor, FhirProfiles
from ecqm.engine.profiles import ProfileRule
from ecqm.measures.definition import Measure, Population
from ecqm.measures.definition.period import measurement_period
from ecqm.measures.evaluation.batch import MeasureSet
from ecqm.measures.evaluation.planning import MeasurePlan
from ecqm.measures.explanation.clauses import ClauseReader, Unknown
from ecqm.measures.explanation.logic import LogicDefine, MeasureLogic
from ecqm.measures.explanation.outcomes import Outcomes, State
from ecqm.measures.scoring.groups import GroupResult
from ecqm.plan.nodes import PlanNode
from ecqm.reporting.explanations.counted import Counted, counted
from ecqm.reporting.explanations.reasons import Reason, reasons
from ecqm.reporting.explanations.words import Sources, Words
from ecqm.terminology import CodeIndex, Membership, MissingValueSet
from ecqm.values import EvaluationContext

_PROBLEMS_SHOWN = 20


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


def explain(
    plan: MeasurePlan,
    content: Content,
    data: PatientData,
    patient: str | None = None,
    stated: tuple[str | None, str | None] = (None, None),
    profiles: ProfileRule = "both",
    clauses: bool = False,
) -> Explanation:
    """Evaluate every define of a measure for a patient, by id (None for the only one); with `clauses` every clause too.

    `content` has the value sets, and the source of libraries. Raises DataError if there is no such patient.
    """
    patient = only_patient(data.patient_ids()) if patient is None else patient
    logic = MeasureLogic(plan)
    cohort = data.batch_of(patient, plan.demand | logic.demand)
    if cohort is None:
        raise DataError(no_such_patient(patient, data.patient_ids()))
    executor = Executor(
        cohort,
        Membership(data.codes, content.value_sets),
        FhirProfiles(profiles),
        EvaluationContext.of_this_moment(),
        {"Measurement Period": measurement_period(plan.measure, stated)},
    )
    explainer = Explainer(plan, logic, executor, content.source_of, Outcomes(executor) if clauses else None)
    found = _evaluated(explainer, patient, cohort.ids.index(patient))
    warnings = (*_warnings(plan, missing_value_sets(content, [plan])), *_problems_of(patient, cohort.problems))
    return replace(found, warnings=found.warnings + warnings)


def explain_package(
    package: MeasurePackage,
    data: Sequence[Path],
    patient: str | None = None,
    stated: tuple[str | None, str | None] = (None, None),
    clauses: bool = False,
) -> Explanation:
    """`explain` for the measure of a QDM package, and a patient among those at some paths."""
    plan = package.plan()
    logic = MeasureLogic(plan)
    codes = CodeIndex()
    version = qdm_version(plan)
    cohort = read_patients(data, plan.demand | logic.demand, codes, version, by_id=True)
    patient = only_patient(cohort.ids) if patient is None else patient
    if patient not in cohort.ids:
        raise DataError(no_such_patient(patient, cohort.ids))
    executor = Executor(
        cohort,
        Membership(codes, package.value_sets),
        QdmDataTypes(qdm_schema(version)),
        EvaluationContext.of_this_moment(),
        {"Measurement Period": measurement_period(plan.measure, stated)},
    )
    explainer = Explainer(plan, logic, executor, package.source_of, Outcomes(executor) if clauses else None)
    found = _evaluated(explainer, patient, cohort.ids.index(patient))
    warnings = (*_warnings(plan, missing_of_package(package, plan)), *_problems_of(patient, cohort.problems))
    return replace(found, warnings=found.warnings + warnings)


def _warnings(plan: MeasurePlan, missing: Iterable[MissingValueSet]) -> tuple[str, ...]:
    return (*_not_evaluated(plan.not_planned), *(f"value set {each}" for each in missing))


def _problems_of(patient: str, problems: Iterable[DataProblem]) -> Iterator[str]:
    """The problems with the data of a patient, as warnings."""
    told = [str(problem) for problem in problems if problem.patient == patient]
    yield from told[:_PROBLEMS_SHOWN]
    if len(told) > _PROBLEMS_SHOWN:
        yield f"and {len(told) - _PROBLEMS_SHOWN:,} more problems with the data of {patient}"


def _not_evaluated(reasons: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(f"{name} cannot be evaluated: {reason}" for name, reason in reasons.items())


def _evaluated(explainer: Explainer, patient: str, row: int) -> Explanation:
    result = next(iter(MeasureSet([explainer.plan]).evaluate(explainer.executor)))
    errors = tuple(f"{error.origin}: {error.message}" for error in result.errors if error.patient == row)
    found = explainer.explanation(row, patient, result.groups, errors)
    return replace(found, warnings=_not_evaluated(result.not_evaluated))


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
            if define.node is not None:
                value = reader.value(define.node) if isinstance(define.node, PlanNode) else Unknown(str(define.node))
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
            value = reader.value(nodes[0]) if len(nodes) == 1 else Unknown(f"in one of {len(nodes)} calls")
            found[clause] = outcome.state(row), value
    return found


# Comparing an id with this many others takes half a second.
_COMPARED = 10_000
_FEW = 5


def only_patient(ids: Sequence[str]) -> str:
    """The only one of some patients. Raises DataError if there are several, or none."""
    if len(ids) != 1:
        raise DataError(f"the data have {len(ids):,} patients" + (": say which is meant" if ids else ""))
    return ids[0]


def no_such_patient(patient: str, known: Sequence[str]) -> str:
    """The message for an id that no patient has: similar ids, or the number of patients."""
    wanted = patient.removeprefix("Patient/")
    near = known
    if len(known) > _COMPARED:
        near = [each for each in known if each[:4] == wanted[:4] or each[-4:] == wanted[-4:]][:_COMPARED]
    close = [wanted] if wanted in known else get_close_matches(wanted, near, n=3)
    if close:
        hint = f"; did you mean {' or '.join(close)}?"
    elif len(known) <= _FEW:
        hint = f", which has {', '.join(known) or 'none'}"
    else:
        hint = f", which has {len(known)} patients"
    return f"there is no patient {patient!r} in the data{hint}"
