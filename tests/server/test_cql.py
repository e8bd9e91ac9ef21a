"""$cql and Library/$evaluate: values of expressions and definitions, with data, parameters and libraries."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ecqm.server.calls import Call
from ecqm.server.service import Served
from tests.cli.samples import ecqm
from tests.server.samples import CASES, ENCOUNTERS, PATIENT, SAMPLE, STAY, THREE, Client, Json, bundle, parameters, told

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
    assert returned(found) == ENCOUNTERS
    _, found = client.call("cql", expression="Patient.id", data=bundle(THREE))
    assert returned(found) == [PATIENT]


def test_an_expression_is_about_the_subject(all_patients: Client) -> None:
    _, found = all_patients.call("cql", expression="[Encounter] E return E.id", subject=f"Patient/{PATIENT}")
    assert returned(found) == [each["id"] for each in ENCOUNTERS]


def test_resources_of_a_store_are_whole(tmp_path: Path) -> None:
    store = tmp_path / "store"
    assert ecqm("load", CASES / STAY, "--output", store, "--content", SAMPLE).exit_code == 0
    _, found = Client(Served(SAMPLE, data=(store,))).call("cql", expression="[Encounter]", subject=PATIENT)
    assert returned(found) == ENCOUNTERS


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
    assert stays == [each["id"] for each in ENCOUNTERS]
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
