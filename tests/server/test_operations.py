"""Answers of all operations: valid FHIR, and errors that are told as OperationOutcomes."""

from __future__ import annotations

import json

import pytest

from ecqm.server.calls import Call
from ecqm.server.operations import answer
from tests.server.samples import STAY, Client, told


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
