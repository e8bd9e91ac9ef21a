"""Models that content brings along, as published drafts define them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ecqm.models import ModelFileError, UnknownModelError, assumption, load_model, model_versions, standing_for
from ecqm.models.additions import add_model, added_models
from ecqm.models.modelinfo import model_text
from ecqm.types import NamedType

HEAD = """<modelInfo xmlns="urn:hl7-org:elm-modelinfo:r1" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
  name="{name}" version="{version}" url="http://example.org/dental" targetUrl="{target}">"""
TYPE = '<typeInfo xsi:type="ClassInfo" namespace="Dental" {}>{}</typeInfo>'
DENTAL = "\n".join(
    [
        HEAD.format(name="Dental", version="1.0.0-draft", target="http://hl7.org/fhir"),
        TYPE.format('name="Patient" identifier="p" retrievable="true" baseType="USCore.PatientProfile"', ""),
        TYPE.format(
            'name="Visit" identifier="v" target="Encounter" retrievable="true" baseType="FHIR.Encounter"',
            '<element name="diagnosis"><elementTypeSpecifier xsi:type="ListTypeSpecifier" '
            'elementType="Dental.Visit.Diagnosis"/></element>',
        ),
        TYPE.format('name="Visit.Diagnosis" baseType="USCore.Encounter.Diagnosis"', ""),
        TYPE.format('name="LongVisit" target="Encounter" retrievable="true" baseType="Dental.Visit"', ""),
        '<contextInfo name="Patient" keyElement="id"><contextType namespace="Dental" name="Patient"/></contextInfo>',
        "</modelInfo>",
    ]
)


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = dict(added_models())
    yield
    added_models().clear()
    added_models().update(before)


def add(definition: str = DENTAL) -> bool:
    return add_model(model_text(definition.encode()))


def test_a_model_is_available_once_it_was_added() -> None:
    with pytest.raises(UnknownModelError):
        load_model("Dental", "1.0.0-draft")
    assert add()
    assert load_model("Dental", "1.0.0-draft").name == "Dental"
    assert standing_for("Dental", "1.0.0-draft") == standing_for("Dental", "1.1") == "1.0.0-draft"
    assert assumption("Dental", "1.0.0-draft") is None
    assert assumption("Dental", "1.1") == "model Dental: version 1.1 is not available, using 1.0.0-draft instead"


def test_what_a_draft_leaves_out_is_understood() -> None:
    add()
    model = load_model("Dental", "1.0.0-draft")
    assert model.requires == {"System": "1.0.0", "FHIR": "4.0.1", "USCore": "6.1.0-derived"}
    assert model.patient_type == NamedType("Dental", "Patient") and model.patient_birth_date == "birthDate"
    assert [each.primary_code_path for each in (model.type("Visit"), model.type("LongVisit")) if each] == ["type"] * 2
    # US Core has no such type, so it is that of FHIR.
    assert model.is_subtype(NamedType("Dental", "Visit.Diagnosis"), NamedType("FHIR", "Encounter.Diagnosis"))
    assert model.element("Visit.Diagnosis", "condition") is not None


def test_a_model_that_comes_with_ecqm_takes_precedence() -> None:
    add(DENTAL.replace("Dental", "QICore").replace("1.0.0-draft", "6.0.0"))
    assert load_model("QICore", "6.0.0").type("Visit") is None
    add(DENTAL.replace("Dental", "QICore").replace("1.0.0-draft", "8.0.0"))
    assert load_model("QICore", "8.0.0").type("Visit") is not None
    assert "8.0.0" not in model_versions("QICore")


@pytest.mark.parametrize(("name", "target"), [("FHIR", "http://hl7.org/fhir"), ("OMOP", "http://ohdsi.org")])
def test_models_of_other_data_are_not_added(name: str, target: str) -> None:
    assert not add(HEAD.format(name=name, version="5.0.0", target=target) + "</modelInfo>")


def test_a_type_is_not_derived_from_itself() -> None:
    cycle = DENTAL.replace("FHIR.Encounter", "Dental.LongVisit")
    with pytest.raises(ModelFileError, match=r"the type Dental\.\w+ is derived from itself"):
        add(cycle)


def test_names_have_no_tabs_and_line_breaks() -> None:
    with pytest.raises(ModelFileError, match="a tab or a line break"):
        add(DENTAL.replace('name="LongVisit"', 'name="Long&#10;Visit"'))


def test_other_documents_are_not_definitions() -> None:
    with pytest.raises(ModelFileError, match="the root is not modelInfo, but library"):
        add("<library/>")
