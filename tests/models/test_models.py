"""Models: their types, elements, conversions, retrieves and patients."""

from __future__ import annotations

import pytest

from ecqm.models import (
    UnknownModelError,
    load_model,
    model_names,
    model_versions,
    models_of_namespace,
    named_type,
    qualified_name,
)
from ecqm.types import ANY, ChoiceType, IntervalType, ListType, NamedType

FHIR = "FHIR"
ALL = [(name, version) for name in model_names() for version in model_versions(name)]


def fhir(name: str) -> NamedType:
    return NamedType(FHIR, name)


def test_the_models_and_versions_that_come_along() -> None:
    assert model_names() == (FHIR, "QDM", "QICore", "System", "USCore", "USQualityCore")
    assert model_versions("QDM") == ("5.3", "5.4", "5.5", "5.6")
    assert model_versions("QICore") == ("4.1.1", "5.0.0", "6.0.0", "6.0.0-derived", "7.0.0")
    assert model_versions("USCore") == ("3.1.1", "6.1.0", "6.1.0-derived")
    assert load_model("QDM") is load_model("QDM", "5.6")


def test_a_model_that_is_not_here_is_named_with_those_that_are() -> None:
    with pytest.raises(UnknownModelError, match="QICore, System"):
        load_model("Quick")
    with pytest.raises(UnknownModelError, match=r"model QDM has no version '5.7'; available: 5.3, 5.4, 5.5, 5.6"):
        load_model("QDM", "5.7")


@pytest.mark.parametrize(("name", "version"), ALL)
def test_every_type_and_element_can_be_read_and_leads_to_known_types(name: str, version: str) -> None:
    model = load_model(name, version)
    for type_ in model.types():
        assert type_.kind in ("class", "profile", "simple")
        for step in (type_.base, *(element.type for element in type_.elements.values())):
            assert not [part for part in _named_parts(step) if model.type(part) is None], type_


def _named_parts(type_: object) -> set[NamedType]:
    match type_:
        case NamedType():
            return {type_}
        case ListType(element=inner) | IntervalType(point=inner):
            return _named_parts(inner)
        case ChoiceType(choices=choices):
            return set().union(*map(_named_parts, choices))
    return set()


def test_elements_are_found_with_those_inherited() -> None:
    model = load_model(FHIR)
    period = model.element("Encounter", "period")
    assert period is not None and period.type == fhir("Period") and not period.is_list
    identifier = model.element("FHIR.Encounter", "identifier")
    assert identifier is not None and identifier.is_list and identifier.single_type == fhir("Identifier")
    inherited = model.element(fhir("Encounter"), "id")
    assert inherited is not None and inherited.type == fhir("id")
    assert model.element("Encounter", "absent") is None
    assert next(iter(model.elements("Encounter"))) == "id"
    value = model.element("Observation", "value")
    assert value is not None and {fhir("Quantity"), fhir("CodeableConcept")} <= set(value.choices)
    part = model.element("Encounter", "location")
    assert part is not None and part.type == ListType(fhir("Encounter.Location"))


def test_lineage_ends_at_any() -> None:
    model = load_model(FHIR)
    assert [step.name for step in model.lineage("Age")] == ["Age", "Quantity", "Element", "Any"]
    assert model.is_subtype(fhir("Age"), fhir("Quantity")) and model.is_subtype(fhir("Age"), ANY)
    assert not model.is_subtype(fhir("Quantity"), fhir("Age"))
    assert load_model("System").type("Any").base is None  # type: ignore[union-attr]


def test_conversions_are_declared_between_exact_types() -> None:
    model = load_model(FHIR)
    found = model.conversion(fhir("Coding"), NamedType("System", "Code"))
    assert found is not None and found.function == "FHIRHelpers.ToCode"
    assert [str(c.to_type) for c in model.conversions_from(fhir("Period"))] == ["Interval<System.DateTime>"]
    assert model.conversion(fhir("Coding"), NamedType("System", "Date")) is None


def test_retrieves_by_name_by_label_and_by_profile() -> None:
    qdm = load_model("QDM", "5.6")
    performed = qdm.retrievable("Encounter, Performed")
    assert performed is not None and performed.name == "PositiveEncounterPerformed" and performed.kind == "profile"
    assert performed.primary_code_path == "code"
    assert qdm.element(performed.type, "relevantPeriod") is not None
    assert qdm.retrievable("Identifier") is None

    qicore = load_model("QICore", "6.0.0")
    url = "http://hl7.org/fhir/us/qicore/StructureDefinition/qicore-condition-encounter-diagnosis"
    condition = qicore.profile(url)
    assert condition is not None and condition.name == "ConditionEncounterDiagnosis"
    assert condition.target == "Condition" and condition.retrievable
    encounter = qicore.labelled("QICore Encounter")
    assert encounter is not None and encounter.contexts["Patient"] == ("patient",)
    code = qicore.element(condition.type, "code")
    assert code is not None and code.target == "FHIRHelpers.ToConcept(%value)"


def test_models_say_who_patients_are() -> None:
    model = load_model("QICore", "6.0.0")
    assert (model.patient_type, model.patient_birth_date) == (NamedType("QICore", "Patient"), "birthDate")
    assert model.contexts["Patient"].key_element == "id"
    assert load_model(FHIR).patient_birth_date == "birthDate.value"
    assert load_model("USCore").patient_type == NamedType("USCore", "PatientProfile")


def test_names_of_types_in_elm() -> None:
    assert models_of_namespace("http://hl7.org/fhir") == (FHIR, "QICore", "USCore", "USQualityCore")
    assert named_type("{http://hl7.org/fhir}Encounter.Location") == fhir("Encounter.Location")
    assert named_type("{urn:hl7-org:elm-types:r1}Date") == NamedType("System", "Date")
    assert named_type("{urn:healthit-gov:qdm:v5_6}Id") == NamedType("QDM", "Id")
    with pytest.raises(UnknownModelError):
        named_type("{http://example.org}Thing")
    assert qualified_name(NamedType("System", "Date")) == "{urn:hl7-org:elm-types:r1}Date"
    assert qualified_name(NamedType("QICore", "ConditionEncounterDiagnosis")) == "{http://hl7.org/fhir}Condition"
    assert qualified_name(NamedType("QDM", "Id"), "5.5") == "{urn:healthit-gov:qdm:v5_5}Id"
