"""Run the published deck of QI-Core 6.0.0 rewritten for 4.1.1, and compare the populations with the original.

    python conformance/earlier_qicore.py CONTENT --libraries DIR --valuesets DIR [--measure NAME]…

Rewrites the CQL of the measures, and the profiles that their cases declare, with the names of 4.1.1, in a temporary
folder. Runs the cases of both from CQL. Prints how many agree with their expected results, and all cases whose
populations differ between the two. Exits with 1 if there is an error that the published deck does not have.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from content_arguments import content_parser, opened

from ecqm.bundles.content import Content
from ecqm.bundles.decks.matching import match_deck
from ecqm.bundles.decks.runner import DeckRunner
from ecqm.measures.decks.agreement import CaseResult

# Types of 6.0.0 with other names in 4.1.1, and their profiles; some of them have the same name in 4.1.1.
TYPES = {
    **dict.fromkeys(("ConditionEncounterDiagnosis", "ConditionProblemsHealthConcerns"), "Condition"),
    **dict.fromkeys(
        (
            "LaboratoryResultObservation",
            "NonPatientObservation",
            "ObservationClinicalResult",
            "ObservationScreeningAssessment",
            "SimpleObservation",
            "USCoreObservationPregnancyStatusProfile",
        ),
        "Observation",
    ),
    "MedicationDispenseDeclined": "MedicationDispenseNotDone",
    "ObservationCancelled": "ObservationNotDone",
    "TaskRejected": "TaskNotDone",
    "USCoreBMIProfile": "observation-bmi",
    "USCoreBloodPressureProfile": "observation-bp",
    "USCoreBodyHeightProfile": "observation-bodyheight",
    "USCoreBodyTemperatureProfile": "observation-bodytemp",
    "USCoreBodyWeightProfile": "observation-bodyweight",
    "USCoreHeartRateProfile": "observation-heartrate",
    "USCoreRespiratoryRateProfile": "observation-resprate",
}
QICORE, US_CORE, FHIR = (f"http://hl7.org/fhir/{guide}StructureDefinition/" for guide in ("us/qicore/", "us/core/", ""))
PROFILES = {
    **dict.fromkeys(
        (QICORE + "qicore-condition-encounter-diagnosis", QICORE + "qicore-condition-problems-health-concerns"),
        QICORE + "qicore-condition",
    ),
    **dict.fromkeys(
        (
            QICORE + "qicore-observation-clinical-result",
            QICORE + "qicore-observation-lab",
            QICORE + "qicore-observation-screening-assessment",
            QICORE + "qicore-simple-observation",
        ),
        QICORE + "qicore-observation",
    ),
    QICORE + "qicore-medicationadministrationnotdone": QICORE + "qicore-mednotadministered",
    QICORE + "qicore-medicationnotrequested": QICORE + "qicore-mednotrequested",
    QICORE + "qicore-observationcancelled": QICORE + "qicore-observationnotdone",
    QICORE + "qicore-taskrejected": QICORE + "qicore-tasknotdone",
    US_CORE + "us-core-blood-pressure": FHIR + "bp",
    US_CORE + "us-core-bmi": FHIR + "bmi",
    US_CORE + "us-core-body-height": FHIR + "bodyheight",
    US_CORE + "us-core-body-temperature": FHIR + "bodytemp",
    US_CORE + "us-core-body-weight": FHIR + "bodyweight",
    US_CORE + "us-core-heart-rate": FHIR + "heartrate",
    US_CORE + "us-core-respiratory-rate": FHIR + "resprate",
}
# Elements that 4.1.1 does not have, and their codes.
ELEMENTS = {
    "deviceRequest.doNotPerform": (
        "singleton from (deviceRequest.modifierExtension E"
        f" where E.url = '{FHIR.replace('fhir/', 'fhir/5.0/')}extension-DeviceRequest.doNotPerform'"
        " return E.value as Boolean)"
    ),
    "Patient.sex": "Patient.gender",
    "'248152002'": "'female'",
    "'248153007'": "'male'",
    "using QICore version '6.0.0'": "using QICore version '4.1.1'",
}

_TYPE = re.compile(rf'"({"|".join(TYPES)})"|(?<![\w"/-])({"|".join(TYPES)})(?![\w"-])')
_CHOICE = re.compile(r'Choice<\s*("?(?:Condition|Observation)"?)(?:\s*,\s*\1)+\s*(,|>)')
_PROFILE = re.compile(f'"({"|".join(sorted(map(re.escape, PROFILES), key=len, reverse=True))})"')

Populations = list[list[tuple[str | None, float | None]]]


def main() -> int:
    parser = content_parser(__doc__)
    parser.add_argument("--measure", action="append", default=[])
    options = parser.parse_args()
    published = results(opened(options), options.measure)
    with tempfile.TemporaryDirectory() as folder:
        cases = [result.case.folder for result in published.values()]
        root = rewritten(options.content, options.libraries, cases, Path(folder))
        earlier = results(Content.open(root, (), options.valuesets), options.measure)
    same = sum(populations(published[case]) == populations(earlier[case]) for case in published)
    agree = [sum(result.agree for result in found.values()) for found in (published, earlier)]
    print(f"cases {len(published)}, agree in 6.0.0 {agree[0]}, in 4.1.1 {agree[1]}; the same populations {same}")
    for case, result in published.items():
        if populations(result) != populations(earlier[case]):
            print(
                " ".join(case), populations(result), "in 4.1.1", populations(earlier[case]), earlier[case].error or ""
            )
    return 1 if any(earlier[case].error and not result.error for case, result in published.items()) else 0


def results(content: Content, measures: Sequence[str]) -> Mapping[tuple[str, str], CaseResult]:
    """The results of all cases, by measure and case."""
    runner = DeckRunner(content, form="cql")
    runs = [runner.run(part.measure, part.cases) for part in match_deck(content, None, measures).measures]
    return {(run.measure, result.case.name): result for run in runs for result in run.results}


def populations(result: CaseResult) -> Populations:
    return [[(part.id, part.actual) for part in group.populations] for group in result.groups]


def rewritten(content: Path, libraries: Sequence[Path], cases: Sequence[Path], into: Path) -> Path:
    """The content repository with CQL and folders of cases for 4.1.1. Its libraries have only CQL."""
    (into / "input" / "resources").mkdir(parents=True)
    for part in ("resources/measure", "vocabulary"):
        (into / "input" / part).symlink_to((content / "input" / part).resolve())
    cql = into / "input" / "cql"
    cql.mkdir()
    for folder in (content / "input" / "cql", *libraries):
        for path in folder.rglob("*.cql"):
            (cql / path.name).write_text(earlier_cql(path.read_text("utf-8")), "utf-8")
    for case in cases:
        shutil.copytree(case, into / case.relative_to(content), copy_function=_copy_case)
    return into


def earlier_cql(text: str) -> str:
    """A library of 6.0.0 with the names of 4.1.1."""
    for later, earlier in ELEMENTS.items():
        text = text.replace(later, earlier)
    text = _TYPE.sub(lambda found: f'"{TYPES[found[1] or found[2]]}"', text)
    return _CHOICE.sub(lambda found: found[1] if found[2] == ">" else f"Choice<{found[1]},", text)


def _copy_case(source: str, target: str) -> None:
    text = Path(source).read_text("utf-8")
    Path(target).write_text(_PROFILE.sub(lambda found: f'"{PROFILES[found[1]]}"', text), "utf-8")


if __name__ == "__main__":
    sys.exit(main())
