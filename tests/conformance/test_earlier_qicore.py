"""Measures rewritten for the QI-Core of the year before find the same patients."""

from __future__ import annotations

from tests.content import CONTENT, needs_content
from tests.scripts import imported, run

RUNNER = "conformance/earlier_qicore.py"


def test_types_by_their_earlier_names() -> None:
    later = """using QICore version '6.0.0'
define fluent function f(c Choice<ConditionEncounterDiagnosis, "ConditionProblemsHealthConcerns">, d Date): c
define A: [USCoreBMIProfile] union ["SimpleObservation": "ObservationCancelled VS"]"""
    assert (
        imported(RUNNER).earlier_cql(later)
        == """using QICore version '4.1.1'
define fluent function f(c "Condition", d Date): c
define A: ["observation-bmi"] union ["Observation": "ObservationCancelled VS"]"""
    )


@needs_content
def test_the_same_populations() -> None:
    more = ("--libraries", CONTENT / "libraries-2025", "--valuesets", CONTENT / "valuesets-2025")
    measures = ("--measure", "CMS165", "--measure", "CMS69")
    told = run(RUNNER, CONTENT / "ecqm-content-qicore-2025", *more, *measures)
    assert told == "cases 130, agree in 6.0.0 130, in 4.1.1 130; the same populations 130\n"
