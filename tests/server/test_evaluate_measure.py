"""Measure/$evaluate-measure and Measure/$evaluate: the reports of `ecqm run`, and what is wrong with requests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ecqm.server.service import Served
from tests.cli.samples import Run, change_elm, copy_of_sample, ecqm, expression
from tests.server.samples import CASES, KIDNEY, PATIENT, SAMPLE, STAY, THREE, Client, Json, bundle, told

YEAR = {"periodStart": "2026-01-01", "periodEnd": "2026-12-31"}
PERIOD = "2026-01-01/2026-12-31"


def undated(report: Json) -> Json:
    return {name: value for name, value in report.items() if name != "date"}


def counts(report: Json) -> dict[str, int]:
    return {each["code"]["coding"][0]["code"]: each["count"] for each in report["group"][0]["population"]}


# -- Measure/$evaluate-measure ----------------------------------------------------------------------------------------


def test_a_population_report_is_the_summary_of_a_run(client: Client, tmp_path: Path) -> None:
    status, report = client.call("evaluate-measure", STAY, **YEAR, data=bundle(THREE))
    assert status == 200
    run = Run(tmp_path, SAMPLE, CASES / STAY / "three-stays", "--period", PERIOD)
    (entry,) = run.read("summary.json")["entry"]
    assert undated(report) == undated(entry["resource"])


def test_a_subject_report_is_the_individual_report_of_a_run(client: Client, tmp_path: Path) -> None:
    status, report = client.call("evaluate-measure", STAY, **YEAR, data=bundle(THREE), subject=f"Patient/{PATIENT}")
    assert status == 200
    run = Run(tmp_path, SAMPLE, CASES / STAY / "three-stays", "--period", PERIOD, "--individual")
    assert undated(report) == undated(json.loads((run.output / "individual.ndjson").read_text("utf-8")))


def test_a_subject_list_has_the_members_of_a_run(all_patients: Client, tmp_path: Path) -> None:
    status, report = all_patients.call("evaluate-measure", STAY, **YEAR, reportType="subject-list")
    assert status == 200
    run = Run(tmp_path, SAMPLE, CASES / STAY, "--period", PERIOD, "--subject-list")
    (entry,) = run.read("subject-list.json")["entry"]
    assert undated(report) == undated(entry["resource"])
    assert any(listed.get("entry") for listed in report["contained"])


def test_individual_reports_of_all_patients_are_a_bundle(all_patients: Client, tmp_path: Path) -> None:
    status, found = all_patients.call("evaluate-measure", STAY, **YEAR, reportType="subject")
    assert (status, found["resourceType"]) == (200, "Bundle")
    run = Run(tmp_path, SAMPLE, CASES / STAY, "--period", PERIOD, "--individual")
    lines = (run.output / "individual.ndjson").read_text("utf-8").splitlines()
    assert [undated(each["resource"]) for each in found["entry"]] == [undated(json.loads(line)) for line in lines]


def test_the_subject_of_the_server_is_found_by_its_id(all_patients: Client) -> None:
    status, report = all_patients.call("evaluate-measure", measure=STAY, subject=PATIENT)
    assert status == 200
    assert report["subject"] == {"reference": f"Patient/{PATIENT}"}
    assert counts(report)["initial-population"] == 3


def test_without_a_period_it_is_the_effective_one(client: Client) -> None:
    _, report = client.call("evaluate-measure", STAY, data=bundle(THREE))
    assert report["period"] == {"start": "2026-01-01", "end": "2026-12-31"}


def test_a_year_is_a_period(client: Client) -> None:
    _, report = client.call("evaluate-measure", STAY, periodStart="2026", periodEnd="2026", data=bundle(THREE))
    assert counts(report)["initial-population"] == 3


def test_parameters_of_the_url_do_as_well(all_patients: Client) -> None:
    status, report = all_patients.get("evaluate-measure", STAY, **YEAR, _format="json")
    assert (status, report["type"]) == (200, "summary")


def test_errors_of_the_logic_are_messages_of_the_report(client: Client) -> None:
    wrong = [each | {"period": {"start": "soon"}} if each["resourceType"] == "Encounter" else each for each in THREE]
    status, report = client.call("evaluate-measure", STAY, data=bundle(wrong))
    assert status == 200
    (reference,) = (each["valueReference"]["reference"] for each in report["extension"])
    (outcome,) = (each for each in report["contained"] if f"#{each['id']}" == reference)
    assert "soon" in told(outcome)
    # Where a request's data were put for the evaluation is nobody's business.
    assert "/" not in told(outcome).partition(":")[0]


@pytest.mark.parametrize(
    ("given", "status", "text"),
    [
        ({"measure": "CMS999"}, 404, "there is no measure 'CMS999'"),
        ({"measure": STAY}, 400, "there are no patients"),
        ({}, 400, "parameter measure is missing"),
        ({"measure": STAY, "periodStart": "2026"}, 400, "periodStart and periodEnd are given together"),
        ({"measure": STAY, "periodStart": "2026", "periodEnd": "2025"}, 400, "ends before it starts"),
        ({"measure": STAY, "periodStart": "now", "periodEnd": "then"}, 400, "is not a period"),
        ({"measure": STAY, "reportType": "all"}, 400, "a reportType is"),
        ({"measure": STAY, "practitioner": "Practitioner/1"}, 501, "practitioner is not supported"),
        ({"measure": STAY, "subject": "Group/1"}, 501, "is no Patient"),
        ({"measure": STAY, "subject": "Patient/1", "reportType": "population"}, 400, "not about one subject"),
        ({"measure": STAY, "subject": "Patient/1", "data": bundle(THREE)}, 404, "there is no Patient/1 in the data"),
        ({"measure": STAY, "subject": ["Patient/1", "Patient/2"]}, 400, "parameter subject is given 2 times"),
        ({"measure": STAY, "data": {"resourceType": "Patient"}}, 400, "has to be a Bundle"),
        ({"measure": STAY, "data": "file:///etc/passwd"}, 400, "parameter data has no resource"),
        ({"measure": STAY, "when": "now"}, 400, "there is no parameter when"),
    ],
)
def test_what_is_wrong_with_a_request_is_told(client: Client, given: Json, status: int, text: str) -> None:
    found, outcome = client.call("evaluate-measure", **given)
    assert found == status
    assert text in told(outcome)


def test_data_of_request_and_server_are_not_mixed(all_patients: Client) -> None:
    status, _ = all_patients.call("evaluate-measure", STAY, data=bundle(THREE), useServerData="true")
    assert status == 501
    status, outcome = all_patients.call("evaluate-measure", STAY, useServerData="false")
    assert (status, told(outcome)[:21]) == (400, "there are no patients")


# -- Measure/$evaluate ------------------------------------------------------------------------------------------------


def test_evaluate_returns_a_bundle_for_each_subject(client: Client) -> None:
    both = [STAY, KIDNEY]
    status, found = client.call("evaluate", **YEAR, measureId=both, data=bundle(THREE), reportType="individual")
    assert status == 200
    (returned,) = found["parameter"]
    measures = [entry["resource"]["measure"] for entry in returned["resource"]["entry"]]
    assert [name in measure for name, measure in zip(both, measures, strict=True)] == [True, True]


def test_evaluate_returns_one_bundle_of_summaries(all_patients: Client) -> None:
    status, found = all_patients.call("evaluate", STAY, **YEAR)
    assert (status, len(found["parameter"])) == (200, 1)
    assert found["parameter"][0]["resource"]["entry"][0]["resource"]["type"] == "summary"


def test_evaluate_needs_a_measure(client: Client) -> None:
    assert client.call("evaluate", **YEAR)[0] == 400
    assert client.call("evaluate", STAY, excludeEvaluatedResources="false")[0] == 501


def test_a_composite_has_a_report_of_its_own(tmp_path: Path) -> None:
    content = SAMPLE.parent / "composite"
    cases = content / "input" / "tests" / "measure"
    status, found = Client(Served(content, data=(cases,))).call("evaluate-measure", "SampleCheckUpsAll")
    run = Run(tmp_path, content, cases, measure="SampleCheckUpsAll")
    expected = [entry["resource"] for entry in run.read("summary.json")["entry"]]
    assert status == 200
    assert undated(found) in map(undated, expected)


def test_patients_of_a_store_are_evaluated_shard_by_shard(all_patients: Client, tmp_path: Path) -> None:
    store = tmp_path / "store"
    assert ecqm("load", CASES / STAY, "--output", store, "--content", SAMPLE).exit_code == 0
    client = Client(Served(SAMPLE, data=(store,)))
    for kind in ("population", "subject-list", "subject"):
        _, expected = all_patients.call("evaluate-measure", STAY, reportType=kind)
        _, found = client.call("evaluate-measure", STAY, reportType=kind)
        assert counted(found) == counted(expected)


def counted(found: Json) -> list[Any]:
    """The groups of a report, or of each in a Bundle, by subject."""
    reports = [each["resource"] for each in found["entry"]] if found["resourceType"] == "Bundle" else [found]
    return sorted((str(report.get("subject")), str(report["group"])) for report in reports)


def test_a_subject_is_told_of_its_own_problems_only(client: Client) -> None:
    def with_wrong_period(patient: str) -> list[Json]:
        subject = {"reference": f"Patient/{patient}"}
        stay = {"resourceType": "Encounter", "id": patient, "subject": subject, "period": {"start": f"soon-{patient}"}}
        return [{"resourceType": "Patient", "id": patient}, stay]

    data = bundle([*with_wrong_period("a"), *with_wrong_period("b")])
    _, report = client.call("evaluate-measure", STAY, data=data, subject="Patient/a")
    (outcome,) = (each for each in report["contained"] if each["resourceType"] == "OperationOutcome")
    assert "soon-a" in told(outcome)
    assert "soon-b" not in told(outcome)


def test_data_without_patients_give_a_report_of_none(client: Client) -> None:
    status, report = client.call("evaluate-measure", STAY, data=bundle([]))
    assert (status, set(counts(report).values())) == (200, {0})


def test_a_patient_whose_evaluation_fails_has_no_report(tmp_path: Path) -> None:
    content = copy_of_sample(tmp_path)

    def fail(library: Json) -> None:
        stays = expression(library, "Initial Population")
        only = {"type": "SingletonFrom", "operand": stays.copy()}
        stays.clear()
        stays |= {"type": "ToList", "operand": only}

    change_elm(content, STAY, fail)
    client = Client(Served(content))
    status, outcome = client.call("evaluate-measure", STAY, data=bundle(THREE), subject=f"Patient/{PATIENT}")
    assert status == 422
    assert f"Patient/{PATIENT}: Initial Population" in told(outcome)
    both = bundle([*THREE, {"resourceType": "Patient", "id": "another"}])
    _, found = client.call("evaluate-measure", STAY, data=both, reportType="subject")
    *reports, outcome = (each["resource"] for each in found["entry"])
    assert [report["subject"]["reference"] for report in reports] == ["Patient/another"]
    assert PATIENT in told(outcome)
    assert "contained" not in reports[0]
