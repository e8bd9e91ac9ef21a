"""Measure: read, search, and the data that a measure requires."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.samples import ecqm
from tests.server.samples import KIDNEY, SAMPLE, STAY, Client


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


# -- $data-requirements -----------------------------------------------------------------------------------------------


def test_the_data_that_a_measure_requires_are_a_library(client: Client, tmp_path: Path) -> None:
    fhir = pytest.importorskip("fhir.resources.R4B")
    status, library = client.get("data-requirements", STAY, periodStart="2026", periodEnd="2026")
    assert status == 200
    fhir.get_fhir_model_class("Library").model_validate(library)
    written = tmp_path / "requirements.json"
    assert ecqm("requirements", SAMPLE, "--measure", STAY, "--format", "json", "--output", written).exit_code == 0
    assert library == json.loads(written.read_text("utf-8"))


def test_requirements_are_those_of_a_measure(client: Client) -> None:
    assert client.get("data-requirements", measure=f"https://ecqm.example/Measure/{STAY}")[0] == 200
    assert client.get("data-requirements", "none")[0] == 404
    assert client.get("data-requirements")[0] == 400
