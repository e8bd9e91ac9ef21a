"""Resources in XML read as the same in JSON."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecqm.data import DataError, read_files
from ecqm.data.fhir.schema import fhir_schema
from ecqm.data.files.fhir_xml import is_fhir_xml, json_of_xml
from tests.content import CONTENT, needs_content
from tests.data.files.fhir_xml_writer import FHIR, to_xml

BUNDLES = Path(__file__).parents[3] / "measure_bundles"
SAMPLES = sorted(path for path in BUNDLES.rglob("*.json") if "library" not in path.parts)


def decoded(data: bytes) -> Any:
    return json.loads(data, parse_float=Decimal)


def again(data: bytes) -> Any:
    """Resource → XML → JSON."""
    return decoded(json_of_xml(to_xml(data)))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_samples_there_and_back(path: Path) -> None:
    data = path.read_bytes()
    assert again(data) == decoded(data)


@needs_content
@pytest.mark.parametrize("below", ["input/resources/measure", "input/vocabulary", "input/tests/measure/CMS986*"])
def test_published_resources_there_and_back(below: str) -> None:
    found = sorted((CONTENT / "ecqm-content-qicore-2025").glob(f"{below}/**/*.json"))[:60]
    assert found
    for path in found:
        data = path.read_bytes()
        assert again(data) == decoded(data), path


# What XML can hold: no control characters, no surrogates, no non-characters.
_CHARACTERS = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff")
_TEXT = st.text(_CHARACTERS, min_size=1, max_size=8).filter(str.strip)
_DECIMALS = st.decimals(-1000, 1000, places=2).map(lambda value: Decimal(str(value)))
_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "Boolean": st.booleans(),
    "Integer": st.integers(-(2**31), 2**31 - 1),
    "Decimal": _DECIMALS,
}


def _objects(type_name: str, depth: int) -> st.SearchStrategy[dict[str, Any]]:
    """Some elements of a type, with ids and extensions of primitives here and there."""
    optional: dict[str, st.SearchStrategy[Any]] = {}
    for element in fhir_schema().elements(type_name):
        for name, child in element.json_names:
            primitive = fhir_schema().primitive(child)
            if name in ("div", "contained", "resource") or (primitive is None and depth == 0):
                continue
            one = st.deferred(lambda child=child: _objects(child, depth - 1)) if primitive is None else None
            value = _VALUES.get(primitive or "", _TEXT) if one is None else one
            optional[name] = st.lists(value, min_size=1, max_size=2) if element.repeated else value
            if primitive is not None and not element.repeated and not child.startswith("System.") and name != "url":
                extension = st.fixed_dictionaries({"url": _TEXT, "valueString": _TEXT})
                optional[f"_{name}"] = st.fixed_dictionaries(
                    {}, optional={"id": _TEXT, "extension": st.lists(extension, min_size=1, max_size=2)}
                ).filter(bool)
    return st.fixed_dictionaries({}, optional=optional)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["Patient", "Observation", "Measure", "ValueSet", "Encounter"]).flatmap(
    lambda name: _objects(name, 1).map(lambda content: {"resourceType": name, **content})
))  # fmt: skip
def test_any_elements_there_and_back(resource: dict[str, Any]) -> None:
    assert decoded(json_of_xml(to_xml(resource))) == resource


def xml(body: str, root: str = "Patient") -> bytes:
    return f'<{root} xmlns="{FHIR}">{body}</{root}>'.encode()


def test_primitives_with_extensions_and_repeated_ones() -> None:
    data = xml(
        '<id value="p"/><name><given value="A"/><given><extension url="u"><valueCode value="x"/></extension></given>'
        '<given id="third" value="C"/></name><birthDate><extension url="gone"><valueBoolean value="true"/></extension>'
        "</birthDate>"
    )
    assert decoded(json_of_xml(data)) == {
        "resourceType": "Patient",
        "id": "p",
        "name": [
            {
                "given": ["A", None, "C"],
                "_given": [None, {"extension": [{"url": "u", "valueCode": "x"}]}, {"id": "third"}],
            }
        ],
        "_birthDate": {"extension": [{"url": "gone", "valueBoolean": True}]},
    }


def test_contained_resources_and_narrative() -> None:
    data = xml(
        '<text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml"><b>A</b> &amp; B</div></text>'
        '<contained><Organization><id value="o"/></Organization></contained><!-- no data -->'
        '<contained><Location><id value="l"/></Location></contained>'
    )
    found = decoded(json_of_xml(data))
    assert found["contained"] == [{"resourceType": "Organization", "id": "o"}, {"resourceType": "Location", "id": "l"}]
    assert found["text"]["div"].endswith("<b>A</b> &amp; B</div>")


@pytest.mark.parametrize(
    ("written", "value"), [("1.50", "1.50"), ("+2", "2"), (".5", "0.5"), ("007", "7"), ("x", '"x"')]
)
def test_numbers_keep_their_digits(written: str, value: str) -> None:
    data = xml(f'<valueQuantity><value value="{written}"/></valueQuantity>', "Observation")
    assert f'"value":{value}' in json_of_xml(data).decode()


def test_what_fhir_does_not_have_is_kept() -> None:
    data = xml('<colour value="red"/><colour value="blue"/><shape><sides value="3"/></shape>')
    assert decoded(json_of_xml(data)) == {
        "resourceType": "Patient",
        "colour": ["red", "blue"],
        "shape": {"sides": "3"},
    }


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"<Patient", "not well-formed XML"),
        (xml("", "Nonsense"), "no FHIR resource"),
        (b'<!DOCTYPE P [<!ENTITY e SYSTEM "file:///etc/hostname">]>' + xml('<id value="&e;"/>'), "XML"),
        (xml("<extension>" * 300 + "</extension>" * 300), "nested too deeply"),
    ],
)
def test_what_is_not_read(data: bytes, says: str) -> None:
    with pytest.raises(DataError, match=says):
        json_of_xml(data)


def test_other_documents_are_no_fhir() -> None:
    assert is_fhir_xml(b'\xef\xbb\xbf<?xml version="1.0"?>\n' + xml(""))
    assert is_fhir_xml(b"<f:Patient xmlns:f='http://hl7.org/fhir'/>")
    assert not is_fhir_xml(b"{}") and not is_fhir_xml(b'<library xmlns="urn:hl7-org:elm:r1"/>')
    assert not is_fhir_xml(b'<library xmlns="urn:hl7-org:elm:r1" xmlns:fhir="http://hl7.org/fhir"/>')


def test_patients_in_xml_are_those_in_json(tmp_path: Path) -> None:
    case = BUNDLES / "sample/input/tests/measure/SampleHospitalStay"
    for number, path in enumerate(sorted(case.rglob("*.json"))):
        (tmp_path / f"{number}.xml").write_bytes(to_xml(path.read_bytes()))
    (tmp_path / "0.json").write_bytes(min(case.rglob("*.json")).read_bytes())
    (tmp_path / "broken.xml").write_bytes(xml("", "Nonsense"))
    (json_cohort, xml_cohort) = (read_files([folder]) for folder in (case, tmp_path))
    assert sorted(xml_cohort.ids) == sorted(json_cohort.ids)
    assert {name: len(table) for name, table in xml_cohort.tables.items()} == {
        name: len(table) for name, table in json_cohort.tables.items()
    }
    (problem,) = xml_cohort.problems
    assert "no FHIR resource" in problem.message
