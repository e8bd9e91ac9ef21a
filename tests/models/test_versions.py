"""Versions of models that are not available, and those that are defined by their differences."""

from __future__ import annotations

import pytest

from ecqm.models import assumption, load_model, model_versions, standing_for
from ecqm.models.layout import ModelFile, completed
from ecqm.models.profiles import derived_from, profile_facts
from ecqm.types import NamedType

QICORE = "http://hl7.org/fhir/us/qicore/StructureDefinition/qicore-"


@pytest.mark.parametrize(
    ("name", "version", "taken"),
    [
        ("QICore", "6.0.0", "6.0.0"),
        ("QICore", "4.1.000", "4.1.1"),
        ("QICore", "4.0.0", "4.1.1"),
        ("QICore", "7.0.2", "7.0.0"),
        ("QICore", "8.0.0-ballot", "7.0.0"),
        ("QICore", "3.3.0", None),
        ("USCore", "3.1.0", "3.1.1"),
        ("USCore", "5.0.1", "6.1.0"),
        ("USCore", "7.0.0", "6.1.0"),
        ("USCore", "2.0.0", None),
        ("USCore", "6.1.0-derived", "6.1.0-derived"),
        ("USCore", "9.0.0-derived", "6.1.0-derived"),
        ("USQualityCore", "0.1.0-cibuild", "0.5.0"),
        ("USQualityCore", "1.0.0-ballot", "0.5.0"),
        ("FHIR", "4.0.0", "4.0.1"),
        ("FHIR", "4.3.0", "4.0.1"),
        ("FHIR", "3.0.1", None),
        ("FHIR", "5.0.0", None),
        ("QDM", "5.2", "5.3"),
        ("QDM", "4.3", None),
        ("Quick", "3.0.0", None),
        ("QICore", "latest", None),
        ("QICore", "9" * 5_000, None),
        ("QICore", None, "6.0.0"),
        ("QDM", None, "5.6"),
    ],
)
def test_the_version_that_stands_for_one(name: str, version: str | None, taken: str | None) -> None:
    assert standing_for(name, version) == taken


def test_what_is_assumed_is_said() -> None:
    assert assumption("QICore", "6.0.0") is None
    assert assumption("QICore", "6.0.000") is None
    assert assumption("QDM", "6.0") is None
    assert assumption("USCore", "7.0.0") == "model USCore: version 7.0.0 is not available, using 6.1.0 instead"
    assert assumption("USCore", "6.1.0-derived") is None
    assert assumption("USCore", "7.0.0-derived") == (
        "model USCore: version 7.0.0-derived is not available, using 6.1.0-derived instead"
    )
    assert assumption("QICore", "7.0.0") == (
        "model QICore: version 7.0.0 is known only by the profiles that it adds to 6.0.0"
    )


def test_a_file_of_differences_is_completed_from_another_version() -> None:
    rest = "model\tM\t1\turl\nkey\told\n\nclass\tA\t\tlabel=An A\tretrievable\n\tx\tSystem.String\n\nclass\tB\tM.A\n"
    differences = "model\tM\t2\turl\nrest\t1\n\nlike\tC\tM.A\tlabel=A C\n\nclass\tB\tM.C\n"
    assert str(completed(ModelFile.read(differences), ModelFile.read(rest))) == (
        "model\tM\t2\turl\nrest\t1\nkey\told\n\nclass\tA\t\tlabel=An A\tretrievable\n\tx\tSystem.String\n\n"
        "class\tB\tM.C\n\nclass\tC\t\ttarget=A\tlabel=A C\tretrievable\n\tx\tSystem.String\n"
    )


def test_qicore_7_has_profiles_for_what_was_done_and_what_must_not_be() -> None:
    model = load_model("QICore", "7.0.0")
    assert "7.0.0" in model_versions("QICore") and model.version == "7.0.0" and model.rest == "6.0.0"
    done = model.retrievable("ProcedureDone")
    assert done is not None and done.identifier == QICORE + "proceduredone" and done.target == "Procedure"
    assert model.is_subtype(done.type, model.type("Procedure").type)  # type: ignore[union-attr]
    assert model.element("ProcedureDone", "performed") == model.element("Procedure", "performed")
    prohibited = model.retrievable("DeviceProhibited")
    assert prohibited is not None and prohibited.target == "DeviceRequest" and prohibited.primary_code_path == "code"
    assert model.element("DeviceProhibited", "doNotPerformReason") is not None
    assert profile_facts(QICORE + "deviceprohibited").negated is True
    assert profile_facts(QICORE + "proceduredone").negated is False
    assert QICORE + "proceduredone" in derived_from(QICORE + "procedure")
    assert QICORE + "procedurenotdone" not in derived_from(QICORE + "procedure")


def test_profiles_derived_from_fhir_have_the_elements_of_fhir() -> None:
    model = load_model("USCore", "6.1.0-derived")
    encounter = model.type("EncounterProfile")
    assert encounter is not None and encounter.base == NamedType("FHIR", "Encounter")
    assert encounter.identifier == "http://hl7.org/fhir/us/core/StructureDefinition/us-core-encounter"
    period = model.element("EncounterProfile", "period")
    assert period is not None and period.type == NamedType("FHIR", "Period")
    assert model.is_subtype(encounter.type, NamedType("FHIR", "DomainResource"))
    assert model.type("Address") is None


def test_us_quality_core_is_derived_from_us_core_and_fhir() -> None:
    model = load_model("USQualityCore")
    assert {step.type.model for step in model.lineage("Encounter")} == {"USQualityCore", "USCore", "FHIR", "System"}
    assert {step.type.model for step in model.lineage("Task")} == {"USQualityCore", "FHIR", "System"}
    resources = [each.name for each in model.types() if each.retrievable]
    assert all(NamedType("FHIR", "Resource") in {step.type for step in model.lineage(name)} for name in resources)


def test_parts_of_resources_are_those_of_fhir_in_derived_models() -> None:
    for name in ("USQualityCore.Encounter.Diagnosis", "Encounter.Diagnosis"):
        part = load_model("USQualityCore", "0.5.0").type(name)
        assert part is not None and part.type == NamedType("FHIR", "Encounter.Diagnosis")
    assert load_model("USQualityCore", "0.5.0").type("Encounter.Nothing") is None
