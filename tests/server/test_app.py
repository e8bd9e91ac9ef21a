"""HTTP: formats, sizes and errors of requests, before any worker reads them."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from ecqm.server.app import app
from ecqm.server.calls import Answer, Call
from ecqm.server.outcomes import RequestError
from tests.server.samples import told

FHIR = "application/fhir+json"


class Echo:
    """In place of the workers: answers with what it was called with."""

    is_up = True

    def end(self) -> None: ...

    async def answer(self, call: Call) -> Answer:
        if call.id == "busy":
            raise RequestError(503, "throttled", "the server is busy")
        length = None if call.body is None else len(call.body)
        return Answer.of({"operation": call.operation, "id": call.id, "query": call.query, "length": length})


class Client:
    """Sends requests to the application, without a network."""

    def __init__(self) -> None:
        self._transport = httpx.ASGITransport(app=app(Echo(), 1000, ("localhost",)))

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        async def sent() -> httpx.Response:
            async with httpx.AsyncClient(transport=self._transport, base_url="http://localhost:8080") as client:
                return await client.request(method, path, **options)

        return asyncio.run(sent())

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)


@pytest.fixture
def client() -> Client:
    return Client()


def post(client: Client, path: str, content: bytes = b"{}", kind: str = FHIR, **headers: str) -> httpx.Response:
    return client.request("POST", path, content=content, headers={"Content-Type": kind, **headers})


@pytest.mark.parametrize(
    ("path", "operation", "identifier"),
    [
        ("/Measure/$evaluate-measure", "evaluate-measure", None),
        ("/Measure/a/$evaluate-measure", "evaluate-measure", "a"),
        ("/Measure/$evaluate", "evaluate", None),
        ("/Measure/a/$evaluate", "evaluate", "a"),
        ("/Measure/$data-requirements", "data-requirements", None),
        ("/Measure/a/$data-requirements", "data-requirements", "a"),
        ("/$cql", "cql", None),
        ("/Library/$evaluate", "evaluate-library", None),
        ("/Library/a/$evaluate", "evaluate-library", "a"),
    ],
)
def test_operations_are_got_or_posted(client: Client, path: str, operation: str, identifier: str | None) -> None:
    got = client.get(path, params=[("x", "1"), ("x", "2")])
    assert got.json() == {"operation": operation, "id": identifier, "query": [["x", "1"], ["x", "2"]], "length": None}
    assert got.headers["content-type"] == FHIR
    assert post(client, path, b"{ }").json() == {"operation": operation, "id": identifier, "query": [], "length": 3}


def test_measures_are_read_and_searched(client: Client) -> None:
    assert client.get("/Measure/a").json()["operation"] == "read"
    assert client.get("/Measure?name=a").json()["operation"] == "search"


def test_metadata_and_health_need_no_worker(client: Client) -> None:
    found = client.get("/metadata")
    assert found.json()["implementation"]["url"] == "http://localhost:8080"
    assert found.headers["content-type"] == "application/fhir+json; fhirVersion=4.0"
    assert client.get("/health").json() == {"status": "up"}


def test_the_capability_statement_is_valid_fhir(client: Client) -> None:
    fhir = pytest.importorskip("fhir.resources.R4B")
    fhir.get_fhir_model_class("CapabilityStatement").model_validate(client.get("/metadata").json())


@pytest.mark.parametrize("kind", ["application/json", "application/fhir+json; charset=UTF-8", "Application/FHIR+JSON"])
def test_json_has_several_names(client: Client, kind: str) -> None:
    assert post(client, "/$cql", kind=kind, Accept=kind).status_code == 200


@pytest.mark.parametrize(
    "kind",
    ["application/fhir+xml", "text/plain", "application/x-www-form-urlencoded", "", "application/json; charset=latin1"],
)
def test_other_bodies_are_unsupported(client: Client, kind: str) -> None:
    found = post(client, "/$cql", kind=kind)
    assert found.status_code == 415
    assert "application/fhir+json" in told(found.json())


def test_other_formats_are_not_acceptable(client: Client) -> None:
    for path in ("/metadata", "/Measure"):
        assert client.get(path, headers={"Accept": "application/fhir+xml"}).status_code == 406
        assert client.get(path, params={"_format": "xml"}).status_code == 406
        assert client.get(path, headers={"Accept": "text/html, application/fhir+json;q=0.9"}).status_code == 200
        assert client.get(path, params={"_format": "json"}, headers={"Accept": "text/html"}).status_code == 200


def test_a_body_has_a_largest_size(client: Client) -> None:
    assert post(client, "/$cql", b"x" * 1000).status_code == 200
    found = post(client, "/$cql", b"x" * 1001)
    assert found.status_code == 413
    assert "more than 1,000 bytes" in told(found.json())


def test_a_query_has_a_largest_size(client: Client) -> None:
    assert client.get("/$cql", params={"expression": "x" * 20_000}).status_code == 414


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/Patient", 404),
        ("GET", "/Measure/a/$care-gaps", 404),
        ("PUT", "/Measure/a", 405),
        ("POST", "/Measure", 405),
        ("DELETE", "/$cql", 405),
    ],
)
def test_what_is_not_there_is_an_outcome(client: Client, method: str, path: str, status: int) -> None:
    found = client.request(method, path)
    assert found.status_code == status
    assert "metadata" in told(found.json())


def test_a_busy_server_says_when_to_try_again(client: Client) -> None:
    found = client.get("/Measure/busy")
    assert (found.status_code, found.headers["retry-after"]) == (503, "5")


def test_other_hosts_are_refused(client: Client) -> None:
    assert client.get("/metadata", headers={"Host": "elsewhere.example"}).status_code == 400
