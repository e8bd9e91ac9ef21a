"""What operations answer, on the sample measures: the same reports as `ecqm run`, and errors as OperationOutcomes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ecqm.server.calls import Call
from ecqm.server.operations import answer
from ecqm.server.service import Served
from tests.cli.samples import Run, ecqm
from tests.server.samples import CASES, KIDNEY, SAMPLE, STAY, Client, Json, bundle, parameters, resources, told

YEAR = {"periodStart": "2026-01-01", "periodEnd": "2026-12-31"}
PERIOD = "2026-01-01/2026-12-31"
THREE = resources(CASES / STAY / "three-stays")
PATIENT = next(each["id"] for each in THREE if each["resourceType"] == "Patient")


@pytest.fixture(scope="module")
def client() -> Client:
    return Client(Served(SAMPLE))


@pytest.fixture(scope="module")
def all_patients() -> Client:
    """A service with the patients of all cases."""
    return Client(Served(SAMPLE, data=(CASES / STAY,)))


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


# -- $cql -------------------------------------------------------------------------------------------------------------


def returned(found: Json) -> list[Any]:
    """The values that `return` has, whatever their datatypes."""
    members = [each for each in found["parameter"] if each["name"] == "return"]
    return [value for each in members for name, value in each.items() if name.startswith(("value", "resource", "_"))]


def test_an_expression_needs_nothing_else(client: Client) -> None:
    status, found = client.call("cql", expression="@2026-01-31 + 1 month")
    assert (status, returned(found)) == (200, ["2026-02-28"])


def test_an_expression_is_about_the_only_patient_of_the_data(client: Client) -> None:
    _, found = client.call("cql", expression="[Encounter]", data=bundle(THREE))
    assert returned(found) == [each for each in THREE if each["resourceType"] == "Encounter"]
    _, found = client.call("cql", expression="Patient.id", data=bundle(THREE))
    assert returned(found) == [PATIENT]


def test_an_expression_is_about_the_subject(all_patients: Client) -> None:
    _, found = all_patients.call("cql", expression="[Encounter] E return E.id", subject=f"Patient/{PATIENT}")
    assert returned(found) == [each["id"] for each in THREE if each["resourceType"] == "Encounter"]


def test_of_several_patients_one_has_to_be_the_subject(client: Client) -> None:
    two = bundle([*THREE, {"resourceType": "Patient", "id": "another"}])
    status, outcome = client.call("cql", expression="Patient.id", data=two)
    assert (status, told(outcome)) == (400, "parameter subject is missing: there are 2 patients in the data")
    _, found = client.call("cql", expression="Patient.id", data=two, subject="Patient/another")
    assert returned(found) == ["another"]


def test_data_may_come_in_prefetched_bundles(client: Client) -> None:
    parts = [{"name": "key", "valueString": "all"}, {"name": "data", "resource": bundle(THREE)}]
    given = parameters(expression="Count([Encounter])")
    given["parameter"].append({"name": "prefetchData", "part": parts})
    found = client.answer(Call("cql", body=json.dumps(given).encode()))
    assert returned(json.loads(found.body)) == [3]


def test_parameters_have_the_types_of_their_values(client: Client) -> None:
    given = {
        "resourceType": "Parameters",
        "parameter": [{"name": "Limit", "valueQuantity": {"value": 3, "code": "mg"}}],
    }
    _, found = client.call("cql", expression="Limit + 1 'mg' = 4 'mg'", parameters=given)
    assert returned(found) == [True]


def test_libraries_of_the_content_are_included_by_url(client: Client) -> None:
    period = {
        "name": "Measurement Period",
        "valuePeriod": {"start": "2026-01-01T00:00:00Z", "end": "2026-12-31T23:59:59Z"},
    }
    status, found = client.call(
        "cql",
        expression='Count(Stay."Initial Population")',
        library={"url": f"https://ecqm.example/Library/{STAY}|1.0.000", "name": "Stay"},
        parameters={"resourceType": "Parameters", "parameter": [period]},
        data=bundle(THREE),
    )
    assert (status, returned(found)) == (200, [3])


def test_what_an_expression_lacks_is_a_message(client: Client) -> None:
    library = {"url": f"https://ecqm.example/Library/{STAY}"}
    _, found = client.call("cql", expression=f'{STAY}."Initial Population"', library=library, data=bundle(THREE))
    assert told(found["parameter"][-1]["resource"]) == 'parameter "Measurement Period" has no value'


def test_problems_of_the_data_are_messages(client: Client) -> None:
    wrong = [*THREE, {"resourceType": "Encounter", "id": "none", "period": {"start": "soon"}}, {"id": 5}]
    _, found = client.call("cql", expression="[Patient]", data=bundle(wrong))
    assert returned(found) == [each for each in THREE if each["resourceType"] == "Patient"]
    assert "soon" in told(found["parameter"][-1]["resource"])
    status, outcome = client.call("cql", expression="Patient.id", data=bundle([{"resourceType": "Encounter", "id": 5}]))
    assert status == 400
    assert told(outcome).startswith("there is no patient in the data\ndata-1.json")


def test_the_timestamp_is_that_of_the_request(client: Client) -> None:
    _, found = client.call("cql", expression="Now()", timestamp="2020-02-03T04:05:06-05:00")
    assert returned(found) == ["2020-02-03T04:05:06-05:00"]


@pytest.mark.parametrize(
    ("given", "status", "text"),
    [
        ({}, 400, "parameter expression is missing"),
        ({"expression": "1 +"}, 400, "expression:1:4: error"),
        ({"expression": "1 + 'a'"}, 400, "expression:1:"),
        ({"expression": "Message(1, true, 'c', 'Error', 'stop')"}, 422, "stop"),
        ({"expression": "1", "dataEndpoint": "http://x"}, 501, "the server opens no connections"),
        ({"expression": "1", "library": {"url": "http://x/Library/None"}}, 404, "there is no library"),
        ({"expression": "1", "library": {"name": "x"}}, 400, "parameter library has no part url"),
        ({"expression": "1", "subject": "Patient/1"}, 400, "there are no patients"),
        ({"expression": "1", "timestamp": "noon"}, 400, "parameter timestamp"),
        (
            {"expression": "1", "parameters": {"resourceType": "Parameters", "parameter": 5}},
            400,
            "parameter parameters",
        ),
        ({"expression": "1", "parameters": "x"}, 400, "parameter parameters has no resource"),
    ],
)
def test_what_is_wrong_with_an_expression_is_told(client: Client, given: Json, status: int, text: str) -> None:
    found, outcome = client.call("cql", **given)
    assert (found, text in told(outcome)) == (status, True), told(outcome)


# -- Library/$evaluate ------------------------------------------------------------------------------------------------

YEAR_2026 = {"start": "2026-01-01T00:00:00Z", "end": "2026-12-31T23:59:59Z"}
OF_2026 = {"resourceType": "Parameters", "parameter": [{"name": "Measurement Period", "valuePeriod": YEAR_2026}]}


def test_the_definitions_of_a_library_are_parameters_by_name(client: Client) -> None:
    given = {"url": f"https://ecqm.example/Library/{STAY}|1.0.000", "parameters": OF_2026, "data": bundle(THREE)}
    status, found = client.call("evaluate-library", **given)
    assert status == 200
    stays = [each["resource"]["id"] for each in found["parameter"] if each["name"] == "Initial Population"]
    assert stays == [each["id"] for each in THREE if each["resourceType"] == "Encounter"]
    assert {"Patient", "Measure Population"} <= {each["name"] for each in found["parameter"]}


def test_only_the_definitions_asked_for_are_evaluated(client: Client) -> None:
    asked = ["Measure Population", "Initial Population"]
    given = {"expression": asked, "parameters": OF_2026, "data": bundle(THREE)}
    _, found = client.call("evaluate-library", STAY, **given)
    assert list(dict.fromkeys(each["name"] for each in found["parameter"])) == asked


@pytest.mark.parametrize(
    ("given", "status", "text"),
    [
        ({}, 400, "parameter url is missing"),
        ({"url": "https://ecqm.example/Library/None"}, 404, "there is no library"),
        ({"url": f"https://ecqm.example/Library/{STAY}|9"}, 404, "in version 9"),
        ({"url": f"https://ecqm.example/Library/{STAY}", "expression": "None"}, 404, "does not define 'None'"),
        ({"library": {"resourceType": "Library"}}, 501, "parameter library is not supported"),
    ],
)
def test_what_is_wrong_with_a_library_is_told(client: Client, given: Json, status: int, text: str) -> None:
    found, outcome = client.call("evaluate-library", **given)
    assert (found, text in told(outcome)) == (status, True), told(outcome)


# -- Measure: read and search -----------------------------------------------------------------------------------------


def test_a_measure_is_read_as_it_is_published(client: Client) -> None:
    published = json.loads((SAMPLE / "input" / "resources" / "measure" / f"{STAY}.json").read_text("utf-8"))
    assert client.get("read", STAY) == (200, published)
    assert client.get("read", "none")[0] == 404


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, [KIDNEY, STAY]),
        ({"name": "sampleh"}, [STAY]),
        ({"url": f"https://ecqm.example/Measure/{STAY}"}, [STAY]),
        ({"url": f"https://ecqm.example/Measure/{STAY}|9"}, []),
        ({"version": "1.0.000", "_id": KIDNEY}, [KIDNEY]),
        ({"_count": "1"}, [KIDNEY]),
        ({"_count": "1", "_offset": "1"}, [STAY]),
    ],
)
def test_measures_are_found_by_parameters(client: Client, query: dict[str, str], names: list[str]) -> None:
    status, found = client.get("search", **query)
    assert status == 200
    assert sorted(each["resource"]["name"] for each in found.get("entry", ())) == names


def test_the_next_page_is_linked(client: Client) -> None:
    _, found = client.get("search", _count="1")
    assert found["total"] == 2
    assert [each["relation"] for each in found["link"]] == ["self", "next"]
    assert client.get("search", _count="all")[0] == 400


# -- errors -----------------------------------------------------------------------------------------------------------


def test_resources_are_valid_fhir(client: Client, all_patients: Client) -> None:
    fhir = pytest.importorskip("fhir.resources.R4B")
    given = [
        all_patients.call("evaluate-measure", STAY, reportType=kind)[1]
        for kind in ("population", "subject-list", "subject")
    ]
    given += [
        client.get("search")[1],
        client.call("cql", expression="1 +")[1],
        client.call("cql", expression="{ 1, 2 }")[1],
    ]
    for resource in given:
        fhir.get_fhir_model_class(resource["resourceType"]).model_validate(resource)


@pytest.mark.parametrize("sent", [b"", b"{", b"[" * 100_000, b"\xff\xfe", b'{"resourceType": "Patient"}', b"null"])
def test_a_body_that_is_no_parameters_is_refused(client: Client, sent: bytes) -> None:
    assert client.answer(Call("cql", body=sent)).status == 400


def test_an_unexpected_error_is_logged_without_its_message(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    patient = "Jane"

    def fail(*_: object) -> None:
        raise RuntimeError(f"{patient} Doe")

    monkeypatch.setattr(client.service, "patients", fail)
    logged: list[str] = []
    found = answer(client.service, Call("evaluate-measure", STAY), logged.append)
    assert (found.status, told(json.loads(found.body))) == (500, "internal error: RuntimeError")
    assert "RuntimeError in evaluate-measure" in logged[0]
    assert "Jane Doe" not in logged[0] + found.body.decode()


# -- other measures and data ------------------------------------------------------------------------------------------


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
    _, found = client.call("cql", expression="[Encounter]", subject=PATIENT)
    assert returned(found) == [each for each in THREE if each["resourceType"] == "Encounter"]


def counted(found: Json) -> list[Any]:
    """The groups of a report, or of each in a Bundle, by subject."""
    reports = [each["resource"] for each in found["entry"]] if found["resourceType"] == "Bundle" else [found]
    return sorted((str(report.get("subject")), str(report["group"])) for report in reports)
