"""Measure/$evaluate-measure (FHIR R4, Clinical Reasoning) and Measure/$evaluate (Data Exchange for Quality Measures).

The evaluation and its MeasureReports are those of `ecqm run`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ecqm.bundles.evaluation.batches import Evaluation, Stated
from ecqm.bundles.evaluation.selection import Selection
from ecqm.cluster.worker import Shipment, Worker
from ecqm.data import DataProblem
from ecqm.engine import FhirProfiles
from ecqm.measures.definition import Measure, MeasureError
from ecqm.measures.definition.period import parse_period
from ecqm.measures.results.fhir_elements import Json
from ecqm.measures.results.report import bundle_entry
from ecqm.reporting.results.parts import Part
from ecqm.reporting.results.recording import PartRecorder, ResultOptions, subject_lists, summary_reports
from ecqm.server.calls import Call
from ecqm.server.inputs import Inputs
from ecqm.server.outcomes import cannot_process, invalid, issue, not_supported, outcome
from ecqm.server.patients import Patients, patient_of, told
from ecqm.server.service import Service
from ecqm.values import EvaluationContext

# MeasureReport.type by its name here, in FHIR R4 and in later versions.
_REPORT_TYPES = {
    "subject": "individual",
    "individual": "individual",
    "subject-list": "subject-list",
    "population": "summary",
    "summary": "summary",
}
_MESSAGES = "http://hl7.org/fhir/StructureDefinition/cqf-messages"
# The id of the OperationOutcome in a report; Observations and Lists in it have other ids.
_CONTAINED = "evaluation-messages"
_ISSUES_LISTED = 100

_KNOWN = ("periodStart", "periodEnd", "reportType", "subject", "data", "additionalData", "useServerData")
_UNSUPPORTED = {
    "practitioner": "patients are not told apart by their practitioner",
    "reporter": "patients are not told apart by who reports them",
    "reporterResource": "patients are not told apart by who reports them",
    "lastReceivedOn": "reports are always whole",
    "location": "reports name no location",
    "manifest": "the server has the manifest of its option --manifest",
    "parameters": "measures have the parameter Measurement Period only",
    "productLine": "measures are not told apart by product lines",
    "subjectGroup": "a subject is one patient",
}


@dataclass(frozen=True)
class _Asked:
    """What a request asks for: a kind of report, about one patient or all, for a period."""

    kind: str
    patient: str | None
    stated: Stated


@dataclass
class _Results:
    """The results of a measure: of all units together, and the reports and members in the order of units."""

    selection: Selection
    recorder: PartRecorder
    total: Part = field(default_factory=Part)
    individual: list[Json] = field(default_factory=list)
    members: dict[str, list[list[str]]] = field(default_factory=dict)


def evaluate_measure(service: Service, call: Call) -> Json:
    """A MeasureReport; of the kind `subject` without a subject, a Bundle with one for each patient.

    Raises RequestError, DataError.
    """
    inputs = Inputs(call, (*_KNOWN, "measure"), _UNSUPPORTED)
    name = call.id or inputs.text("measure")
    if name is None:
        raise invalid("parameter measure is missing: which measure is to be evaluated?")
    asked = _asked(inputs)
    with service.patients(inputs) as patients:
        reports = _reports(service, service.measure(name), asked, patients)
    if asked.kind == "individual" and asked.patient is None:
        return _collection(reports)
    return reports[0]


def evaluate(service: Service, call: Call) -> Json:
    """Parameters with a Bundle of MeasureReports for each subject, or one Bundle for all of them together.

    Raises RequestError, DataError.
    """
    unsupported = _UNSUPPORTED | {"measureResource": "measures are those of the content"}
    known = (*_KNOWN, "measureUrl", "measureId", "excludeEvaluatedResources")
    inputs = Inputs(call, known, unsupported)
    names = [each.text() for name in ("measureUrl", "measureId") for each in inputs.all(name)]
    names = [call.id] if call.id else names
    if not names:
        raise invalid("parameter measureUrl is missing: which measures are to be evaluated?")
    if not inputs.truth("excludeEvaluatedResources", default=True):
        raise not_supported("evaluated resources are not part of the reports")
    asked = _asked(inputs)
    by_subject: dict[str, list[Json]] = {}
    with service.patients(inputs) as patients:
        for name in names:
            for report in _reports(service, service.measure(name), asked, patients):
                by_subject.setdefault(report.get("subject", {}).get("reference", ""), []).append(report)
    returned = [{"name": "return", "resource": _collection(reports)} for reports in by_subject.values()]
    return {"resourceType": "Parameters", **({"parameter": returned} if returned else {})}


def _asked(inputs: Inputs) -> _Asked:
    patient = patient_of(inputs.text("subject"))
    given = inputs.text("reportType") or ("population" if patient is None else "subject")
    kind = _REPORT_TYPES.get(given)
    if kind is None:
        raise invalid(f"a reportType is {', '.join(_REPORT_TYPES)}, not {given}")
    if patient is not None and kind != "individual":
        raise invalid(f"a report of type {given} is about all patients, not about one subject")
    start, end = inputs.text("periodStart"), inputs.text("periodEnd")
    if (start is None) != (end is None):
        raise invalid("periodStart and periodEnd are given together, or neither for the effective period")
    try:
        stated = (None, None) if start is None else parse_period(f"{start}/{end}")
    except MeasureError as error:
        raise invalid(str(error)) from error
    return _Asked(kind, patient, stated)


def _reports(service: Service, measure: Measure, asked: _Asked, patients: Patients | None) -> list[Json]:
    """The reports of one measure. Raises RequestError."""
    if patients is None:
        raise invalid("there are no patients: send a Bundle in parameter data, or start the server with --data")
    selection = service.evaluable(measure).in_period(asked.stated)
    if not selection.measures:
        raise cannot_process(*selection.not_planned.values())
    measure = selection.measures[measure.canonical]
    results = _evaluated(service, selection, measure, asked, patients)
    reports = list(_of_kind(results, measure, asked))
    issues = _issues(results)
    if asked.kind != "individual":
        told_of_all = [each for of_one in issues.values() for each in of_one]
        return [_with_messages(report, told_of_all) for report in reports] or [_refused(told_of_all)]
    of_all = issues.pop(None, [])
    reports = [_with_messages(report, of_all + issues.pop(_subject(report), [])) for report in reports]
    if asked.patient is not None:
        return reports or [_refused(of_all + issues.get(asked.patient, []))]
    without_report = [each for of_one in issues.values() for each in of_one]
    return [*reports, *([outcome(_first(without_report))] if without_report else [])]


def _evaluated(service: Service, selection: Selection, measure: Measure, asked: _Asked, patients: Patients) -> _Results:
    now = datetime.now(UTC)
    options = ResultOptions(individual=asked.kind == "individual", subject_list=asked.kind == "subject-list")
    recorder = PartRecorder.of(selection.measures.values(), asked.stated, now, options)
    evaluation = Evaluation(
        selection.plans,
        service.content.value_sets,
        asked.stated,
        options.individual,
        FhirProfiles(service.served.profiles),
        EvaluationContext.of_moment(now),
        selection.composites,
    )
    worker = Worker(Shipment(evaluation, recorder), patients.data.codes)
    results = _Results(selection, recorder, Part(not_run=dict(selection.not_planned)))
    for unit in patients.units(asked.patient):
        batch, part = worker.evaluate(unit)
        results.total.add(part)
        if options.individual:
            results.individual += recorder.individual(batch)
        if options.subject_list:
            for group, populations in recorder.members(batch).get(measure.canonical, {}).items():
                known = results.members.setdefault(group, [[] for _ in populations])
                for place, references in enumerate(populations):
                    known[place] += references
    return results


def _of_kind(results: _Results, measure: Measure, asked: _Asked) -> Iterator[Json]:
    """The reports of a measure that are asked for, without those of its components."""
    measures = {measure.canonical: measure}
    if asked.kind == "summary":
        yield from summary_reports(measures, results.total, results.recorder)
    elif asked.kind == "subject-list":
        for report in subject_lists(measures, results.total, results.recorder).values():
            yield _with_members(report, results.members)
    else:
        wanted = None if asked.patient is None else {"reference": f"Patient/{asked.patient}"}
        for report in results.individual:
            if report["measure"] == measure.canonical and wanted in (None, report["subject"]):
                yield report


def _with_members(report: Json, members: dict[str, list[list[str]]]) -> Json:
    """A subject list with the entries of its lists, which are in the order of the populations."""
    references = [
        each for group in report["group"] for each in members.get(group["id"], [[]] * len(group["population"]))
    ]
    for listed, of_population in zip(report["contained"], references, strict=True):
        if of_population:
            listed["entry"] = [{"item": {"reference": reference}} for reference in of_population]
    return report


def _collection(reports: list[Json]) -> Json:
    entries = list(map(bundle_entry, reports))
    return {"resourceType": "Bundle", "type": "collection", **({"entry": entries} if entries else {})}


# -- what the reports do not tell -------------------------------------------------------------------------------------


def _issues(results: _Results) -> dict[str | None, list[Json]]:
    """What went wrong, by patient; with none, what is about parts of the measure, value sets or data of no one."""
    total = results.total
    found: dict[str | None, list[Json]] = {}
    of_all = [issue("error", "processing", f"{name}: {reason}") for name, reason in total.not_run.items()]
    of_all += [issue("warning", "incomplete", f"value set {missing}") for missing in results.selection.missing]
    if of_all:
        found[None] = of_all
    for error in total.errors:
        text = f"Patient/{error['patient']}: {error['define']}: {error['message']}"
        found.setdefault(error["patient"], []).append(issue("error", "processing", text))
    for problem in total.problems:
        about = issue("warning", "invalid", told(DataProblem(**problem)))
        found.setdefault(problem["patient"], []).append(about)
    return found


def _first(issues: list[Json]) -> list[Json]:
    """The issues, or the first of very many."""
    if len(issues) <= _ISSUES_LISTED:
        return issues
    more = f"and {len(issues) - _ISSUES_LISTED} more"
    return [*issues[:_ISSUES_LISTED], issue("warning", "informational", more)]


def _refused(issues: list[Json]) -> Json:
    """Raises RequestError for a measure that has no report."""
    raise cannot_process(*(each["details"]["text"] for each in _first(issues)))


def _subject(report: Json) -> str:
    reference: str = report["subject"]["reference"]
    return reference.removeprefix("Patient/")


def _with_messages(report: Json, issues: list[Json]) -> Json:
    """A report that contains an OperationOutcome (extension cqf-messages), if there are any issues."""
    if not issues:
        return report
    return report | {
        "contained": [*report.get("contained", ()), {**outcome(_first(issues)), "id": _CONTAINED}],
        "extension": [
            *report.get("extension", ()),
            {"url": _MESSAGES, "valueReference": {"reference": f"#{_CONTAINED}"}},
        ],
    }
