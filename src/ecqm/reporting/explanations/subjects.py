"""Measures to be explained, each with the patients for whom it can be: FHIR measures, and those of QDM packages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ecqm.bundles.content import Content
from ecqm.bundles.evaluation.batches import Stated
from ecqm.bundles.evaluation.selection import missing_value_sets
from ecqm.bundles.packages.content import missing_of_package
from ecqm.bundles.packages.package import MeasurePackage, qdm_version
from ecqm.data import Cohort, DataProblem, Demand
from ecqm.data.qdm import qdm_schema, read_patients
from ecqm.data.qdm.binding import QdmDataTypes
from ecqm.data.source import PatientData
from ecqm.engine import Executor, FhirProfiles
from ecqm.engine.interfaces import Profiles
from ecqm.engine.profiles import ProfileRule
from ecqm.measures.definition.period import measurement_period
from ecqm.measures.evaluation.batch import MeasureSet
from ecqm.measures.evaluation.planning import MeasurePlan
from ecqm.measures.explanation.logic import MeasureLogic
from ecqm.measures.explanation.outcomes import Outcomes
from ecqm.reporting.explanations.explanation import Explainer, Explanation
from ecqm.reporting.explanations.patients import no_such_patient, only_patient
from ecqm.reporting.explanations.words import Sources
from ecqm.terminology import CodeIndex, Membership, MissingValueSet, ValueSets
from ecqm.values import EvaluationContext

_PROBLEMS_SHOWN = 20


@dataclass(frozen=True)
class Subject:
    """A planned measure, and what it is evaluated on.

    `batch_of` gives the patients among whom one is, by id (None for the only one), with the data demanded, and the id;
    it raises DataError if there is no such patient. `missing` are value sets that the plan refers to and that are not
    available as a whole.
    """

    plan: MeasurePlan
    batch_of: Callable[[str | None, Demand], tuple[Cohort, str]]
    codes: CodeIndex
    value_sets: ValueSets
    profiles: Profiles
    source_of: Sources
    missing: Sequence[MissingValueSet]

    def explanation(
        self, patient: str | None = None, stated: Stated = (None, None), clauses: bool = False
    ) -> Explanation:
        """The value of every define of the measure for a patient, by id (None for the only one); with `clauses`, of
        every clause too.

        Raises DataError if there is no such patient, MeasureError if there is no measurement period.
        """
        logic = MeasureLogic(self.plan)
        cohort, patient = self.batch_of(patient, self.plan.demand | logic.demand)
        executor = Executor(
            cohort,
            Membership(self.codes, self.value_sets),
            self.profiles,
            EvaluationContext.of_this_moment(),
            {"Measurement Period": measurement_period(self.plan.measure, stated)},
        )
        (result,) = MeasureSet([self.plan]).evaluate(executor)
        row = cohort.ids.index(patient)
        errors = tuple(f"{error.origin}: {error.message}" for error in result.errors if error.patient == row)
        explainer = Explainer(self.plan, logic, executor, self.source_of, Outcomes(executor) if clauses else None)
        found = explainer.explanation(row, patient, result.groups, errors)
        warnings = (*self._warnings(result.not_evaluated), *_problems_of(patient, cohort.problems))
        return replace(found, warnings=warnings)

    def _warnings(self, not_evaluated: Mapping[str, str]) -> Iterator[str]:
        for name, reason in (*not_evaluated.items(), *self.plan.not_planned.items()):
            yield f"{name} cannot be evaluated: {reason}"
        yield from (f"value set {each}" for each in self.missing)


def _problems_of(patient: str, problems: Iterable[DataProblem]) -> Iterator[str]:
    """The problems with the data of a patient, as warnings."""
    told = [str(problem) for problem in problems if problem.patient == patient]
    yield from told[:_PROBLEMS_SHOWN]
    if len(told) > _PROBLEMS_SHOWN:
        yield f"and {len(told) - _PROBLEMS_SHOWN:,} more problems with the data of {patient}"


def measure_subject(plan: MeasurePlan, content: Content, data: PatientData, profiles: ProfileRule = "both") -> Subject:
    """A measure of published content, and patients in files or stores."""

    def batch_of(patient: str | None, demand: Demand) -> tuple[Cohort, str]:
        wanted = only_patient(data.patient_ids()) if patient is None else patient
        cohort = data.batch_of(wanted, demand)
        if cohort is None:
            raise no_such_patient(wanted, data.patient_ids())
        return cohort, wanted

    missing = missing_value_sets(content, [plan])
    return Subject(plan, batch_of, data.codes, content.value_sets, FhirProfiles(profiles), content.source_of, missing)


def package_subject(package: MeasurePackage, data: Sequence[Path]) -> Subject:
    """The measure of a QDM package, and the patients at some paths. Raises the errors of planning."""
    plan = package.plan()
    codes = CodeIndex()
    version = qdm_version(plan)

    def batch_of(patient: str | None, demand: Demand) -> tuple[Cohort, str]:
        cohort = read_patients(data, demand, codes, version, by_id=True)
        wanted = only_patient(cohort.ids) if patient is None else patient
        if wanted not in cohort.ids:
            raise no_such_patient(wanted, cohort.ids)
        return cohort, wanted

    profiles = QdmDataTypes(qdm_schema(version))
    missing = missing_of_package(package, plan)
    return Subject(plan, batch_of, codes, package.value_sets, profiles, package.source_of, missing)
