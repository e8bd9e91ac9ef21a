"""Running a deck: the test cases of each measure as one cohort, compared with their expectations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter

from ecqm.bundles.content import Content
from ecqm.bundles.decks.inspection import Inspected, Inspector
from ecqm.bundles.evaluation.planning import LibraryForm, Planner
from ecqm.bundles.evaluation.selection import CannotPlan, missing_value_sets, plan_together
from ecqm.data import DataProblem, read_cases
from ecqm.data.allocation import many_objects
from ecqm.engine import EvaluationError, Executor, FhirProfiles
from ecqm.engine.profiles import ProfileRule
from ecqm.measures.decks.agreement import CaseResult, MeasureRun
from ecqm.measures.decks.comparison import compare_case, expectation_of, placeholder_scores
from ecqm.measures.decks.defects import DefectList
from ecqm.measures.decks.test_cases import TestCase
from ecqm.measures.definition import Measure, MeasureError
from ecqm.measures.definition.period import measurement_period
from ecqm.measures.evaluation.batch import MeasureResult, MeasureSet, composed_result
from ecqm.measures.evaluation.defines import first_messages
from ecqm.measures.evaluation.planning import MeasurePlan
from ecqm.measures.scoring.composite import CompositeResult
from ecqm.operators.message import telling
from ecqm.terminology import CodeIndex, Membership, MissingValueSet
from ecqm.values import EvaluationContext, Interval

CannotRun = (*CannotPlan, EvaluationError)


@dataclass(frozen=True)
class _PlannedDeck:
    """What the cases of a measure share: its plan, or those of its components, and the groups whose expected scores are
    placeholders."""

    measure: Measure
    plans: tuple[MeasurePlan, ...]
    placeholders: frozenset[str]


@dataclass(frozen=True)
class _EvaluatedCases:
    """Cases evaluated together: a result per plan, or the reason for the `failure` of all."""

    executor: Executor
    results: Sequence[MeasureResult] = ()
    composites: tuple[CompositeResult, ...] = ()
    failure: str | None = None

    @property
    def not_evaluated(self) -> dict[str, str]:
        """Why groups could not be evaluated, by name."""
        return {name: reason for result in self.results for name, reason in result.not_evaluated.items()}

    @property
    def is_complete(self) -> bool:
        """Whether all could be evaluated."""
        return self.failure is None and not self.not_evaluated


@dataclass
class DeckRunner:
    """Runs measures of `content` on cases; `defects` are the published expectations known to be wrong.

    `messages` counts messages of the logic: (measure, severity, code, text). `missing` has the value sets that are
    missing or incomplete, by the name in the logic, `decisions` what the measures leave open, and `problems` the
    problems of the data. An `inspector` sees every evaluation.
    """

    content: Content
    defects: DefectList = field(default_factory=DefectList)
    relax_versions: bool = False
    profiles: ProfileRule = "both"
    form: LibraryForm = "elm"
    context: EvaluationContext = field(default_factory=EvaluationContext.of_this_moment)
    inspector: Inspector | None = None

    def __post_init__(self) -> None:
        self.planner = Planner(self.content, self.relax_versions, self.form)
        self.messages: Counter[tuple[str, str, str | None, str | None]] = Counter()
        self.missing: dict[str, MissingValueSet] = {}
        self.decisions: list[str] = []
        self.problems: list[DataProblem] = []

    @many_objects()
    def run(self, measure: Measure, cases: Sequence[TestCase]) -> MeasureRun:
        """Run all cases of one measure. If it cannot run, or not for the period of a case, the case has the reason."""
        run = MeasureRun(measure.name, [])
        started = perf_counter()
        try:
            planned: dict[str, MeasurePlan] = {}
            measure = plan_together(self.planner, measure, planned)
        except CannotRun as error:
            run.results = [compare_case(case, measure, (), 0, str(error)) for case in cases]
            return run
        for plan in planned.values():
            self._decide(plan.decisions)
            self._decide(f"measure {name} cannot be evaluated: {why}" for name, why in plan.not_planned.items())
        self.missing |= {each.id: each for each in missing_value_sets(self.content, planned.values())}
        run.seconds = {"plan": perf_counter() - started, "load": 0.0, "evaluate": 0.0}
        deck = _PlannedDeck(measure, tuple(planned.values()), placeholder_scores(measure, cases))
        results: dict[Path, CaseResult] = {}
        by_period: dict[Interval, list[TestCase]] = {}
        for case in cases:
            expectation = expectation_of(case, measure)
            try:
                period = measurement_period(measure, expectation.period if expectation else (None, None))
            except MeasureError as error:
                results[case.folder] = compare_case(case, measure, (), 0, str(error))
            else:
                by_period.setdefault(period, []).append(case)
        for period, together in by_period.items():
            results |= {
                result.case.folder: result for result in self._run_together(deck, period, together, run.seconds)
            }
        run.results = [results[case.folder] for case in cases]
        return run

    def _run_together(
        self, deck: _PlannedDeck, period: Interval, cases: Sequence[TestCase], seconds: dict[str, float]
    ) -> list[CaseResult]:
        """The results of cases of one period; the time that they take is added to `seconds`."""
        evaluated = self._evaluate(deck, period, cases, seconds)
        if len(cases) > 1 and not evaluated.is_complete:
            # Find the case that makes all of them fail, by halves.
            middle = len(cases) // 2
            halves = (cases[:middle], cases[middle:])
            return [result for half in halves for result in self._run_together(deck, period, half, seconds)]
        if evaluated.failure is not None:
            return [compare_case(case, deck.measure, (), 0, evaluated.failure) for case in cases]
        not_evaluated = evaluated.not_evaluated.items()
        self._decide(f"measure {name} cannot be evaluated: {reason}" for name, reason in not_evaluated)
        results = self._compared(deck, cases, evaluated)
        if self.inspector is not None:
            parts = [(plan, part.groups) for plan, part in zip(deck.plans, evaluated.results, strict=True)]
            inspected = Inspected(deck.measure.name, parts, evaluated.executor, results, self.content.source_of)
            self.inspector.inspect(inspected)
        return results

    def _evaluate(
        self, deck: _PlannedDeck, period: Interval, cases: Sequence[TestCase], seconds: dict[str, float]
    ) -> _EvaluatedCases:
        started = perf_counter()
        plans = MeasureSet(deck.plans)
        demand = plans.demand if self.inspector is None else plans.demand | self.inspector.demand(deck.plans)
        codes = CodeIndex()
        cohort = read_cases([case.folder for case in cases], demand, codes)
        self.problems += cohort.problems
        loaded = perf_counter()
        executor = Executor(
            cohort,
            Membership(codes, self.content.value_sets),
            FhirProfiles(self.profiles),
            replace(self.context, terminology=self.content.value_sets),
            {"Measurement Period": period},
        )
        name = deck.measure.name
        try:
            with telling(lambda told: self.messages.update([(name, told.severity, told.code, told.text)])):
                results = list(plans.evaluate(executor))
            composites = composed_result(deck.measure, results).composites if deck.measure.composites else ()
            return _EvaluatedCases(executor, results, composites)
        except (EvaluationError, MeasureError) as error:
            return _EvaluatedCases(executor, failure=str(error))
        finally:
            seconds["load"] += loaded - started
            seconds["evaluate"] += perf_counter() - loaded

    def _compared(self, deck: _PlannedDeck, cases: Sequence[TestCase], evaluated: _EvaluatedCases) -> list[CaseResult]:
        measure = deck.measure
        messages = first_messages(error for result in evaluated.results for error in result.errors)
        own = (result for result in evaluated.results if result.measure.canonical == measure.canonical)
        groups = [group for result in own for group in result.groups]
        return [
            compare_case(
                case,
                measure,
                groups,
                row,
                messages.get(row),
                self.defects.find(case.name, measure.name, case.measure_folder),
                evaluated.composites,
                deck.placeholders,
            )
            for row, case in enumerate(cases)
        ]

    def _decide(self, decisions: Iterable[str]) -> None:
        self.decisions += (told for told in decisions if told not in self.decisions)
