"""Why a patient got the results of measures."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from ecqm.api.evaluation import require_arguments, stated_period
from ecqm.bundles.evaluation.selection import Selection
from ecqm.bundles.packages.content import PackageSelection
from ecqm.data.source import PatientData
from ecqm.engine.profiles import ProfileRule
from ecqm.measures.results.fhir_elements import Json
from ecqm.operators.message import telling
from ecqm.reporting.explanations.explanation import Explanation
from ecqm.reporting.explanations.rendering import explanation_json, explanation_text
from ecqm.reporting.explanations.subjects import measure_subject, package_subject
from ecqm.reporting.html import explanation_page

_HEIGHT_IN_NOTEBOOK = 600


@dataclass(frozen=True, repr=False)
class Explained:
    """The results of one patient and the reasons for them, measure by measure. `print` shows them as text, a notebook
    as a page with the logic; `str(explained)` and `html` give these."""

    measures: tuple[Explanation, ...]

    @property
    def html(self) -> str:
        """A page of its own: populations, reasons, and each clause of the logic with its value."""
        return explanation_page(self.measures)

    @property
    def json(self) -> list[Json]:
        """Populations, values of definitions and reasons, as dictionaries; see `ecqm explain --format json`."""
        return [explanation_json(each) for each in self.measures]

    @property
    def warnings(self) -> list[str]:
        """What the values cannot be relied on for: missing value sets, problems with the patient's data."""
        return list(dict.fromkeys(warning for each in self.measures for warning in each.warnings))

    def __str__(self) -> str:
        return "\n\n".join(map(explanation_text, self.measures))

    def __repr__(self) -> str:
        return f"<Explained: {', '.join(each.measure.name for each in self.measures)} for {self.measures[0].patient}>"

    def _repr_html_(self) -> str:
        """The page within a frame, because it has styles of its own."""
        return f'<iframe srcdoc="{escape(self.html)}" width="100%" height="{_HEIGHT_IN_NOTEBOOK}"></iframe>'


def explain(
    measures: Selection | PackageSelection,
    patients: PatientData,
    patient: str | None = None,
    period: str | int | tuple[str, str] | None = None,
    *,
    profiles: ProfileRule = "both",
) -> Explained:
    """The value of every definition of some measures for one patient, and why the patient is in populations or not.

    `patient` is an id; it may be left out if there is only one patient. `period` and `profiles` are those of
    `ecqm.evaluate`. Raises DataError if there is no such patient, MeasureError for a wrong period, TypeError and
    ValueError for wrong arguments.
    """
    require_arguments(measures, patients, profiles)
    stated = stated_period(period)
    # Messages of the logic are about all evaluated patients, not only this one.
    with telling(lambda told: None):
        if isinstance(measures, PackageSelection):
            subjects = [package_subject(package, patients.paths) for package in measures.content.packages]
        else:
            subjects = [measure_subject(plan, measures.content, patients, profiles) for plan in measures.plans]
        found = [subject.explanation(patient, stated, clauses=True) for subject in subjects]
    return Explained(tuple(found))
