"""What profiles fix: negation, categories and codes."""

from __future__ import annotations

import tomllib
from importlib.resources import files

from ecqm.models import load_model, model_versions
from ecqm.models.profiles import bases_of, canonical, decides, derived_from, is_known, negation_of, profile_facts

QICORE = "http://hl7.org/fhir/us/qicore/StructureDefinition/"
US_QUALITY_CORE = "http://fhir.org/guides/onc/us-quality-core/StructureDefinition/"
US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/"


def test_profiles_fix_negation_category_and_code() -> None:
    facts = profile_facts(QICORE + "qicore-medicationnotrequested")
    assert facts.negated and facts.elements == {"status", "doNotPerform", "modifierExtension", "value"}
    assert profile_facts(US_CORE + "us-core-bmi").code == {"39156-5"}
    assert profile_facts("http://example.org/other").elements == frozenset()
    assert negation_of("Encounter") is None


def test_derivation() -> None:
    assert US_CORE + "us-core-bmi" in derived_from(US_CORE + "us-core-vital-signs")
    assert bases_of(QICORE + "qicore-observation-lab") == {
        US_CORE + "us-core-observation-lab",
        US_CORE + "us-core-observation-clinical-result",
    }


def test_bases_and_what_us_core_declares_do_not_decide_about_profiles_of_qicore() -> None:
    lab, result = US_CORE + "us-core-observation-lab", US_CORE + "us-core-observation-clinical-result"
    simple, done = QICORE + "qicore-simple-observation", QICORE + "qicore-immunizationdone"
    assert not decides(lab, simple) and not decides(lab, QICORE + "qicore-observation-clinical-result")
    assert not decides(result, lab) and decides(lab, result) and decides(simple, lab)
    assert decides(QICORE + "qicore-observation-lab", simple)
    assert not decides(QICORE + "qicore-immunization", done) and not decides(US_CORE + "us-core-immunization", done)
    assert decides(QICORE + "qicore-immunizationnotdone", done)
    assert not decides("http://hl7.org/fhir/StructureDefinition/bp", US_CORE + "us-core-blood-pressure")
    assert not decides(lab, US_QUALITY_CORE + "us-quality-core-simple-observation")


def test_profiles_are_known_by_url_without_version() -> None:
    assert is_known(QICORE + "qicore-observation") and is_known(QICORE + "qicore-simple-observation")
    assert not is_known(QICORE + "qicore-enounter-diagnosis") and not is_known(
        "http://hl7.org/fhir/StructureDefinition/bp"
    )
    assert canonical(" http://x|1 ") == "http://x"


def test_facts_are_of_profiles_that_models_have_or_that_those_are_derived_from() -> None:
    document = tomllib.loads(files("ecqm.models").joinpath("data", "profiles.toml").read_text("utf-8"))
    identifiers = {
        str(type_.identifier).rpartition("/")[2]
        for name in ("QICore", "USCore")
        for version in model_versions(name)
        for type_ in load_model(name, version).types()
    }
    bases = {told.get("base") for guide in ("qicore", "us-core") for told in document[guide].values()}
    named = {name for guide in ("qicore", "us-core", "fhir") for name in document[guide]}
    assert named - bases - identifiers == {"vitalsigns"}


def test_profiles_of_us_quality_core_fix_what_those_of_qicore_do() -> None:
    facts = profile_facts(US_QUALITY_CORE + "us-quality-core-procedurenotdone")
    assert facts.negated is True
    assert facts.elements == profile_facts(QICORE + "qicore-procedurenotdone").elements
    assert bases_of(US_QUALITY_CORE + "us-quality-core-encounter") == {US_CORE + "us-core-encounter"}
    assert is_known(US_QUALITY_CORE + "us-quality-core-substance")


def test_a_guide_that_moved_is_the_same_guide() -> None:
    draft = "http://fhir.org/guides/astp/us-quality-core/StructureDefinition/us-quality-core-encounter|0.1.0"
    assert canonical(draft) == US_QUALITY_CORE + "us-quality-core-encounter"
    later = "http://hl7.org/fhir/us/quality-core/StructureDefinition/us-quality-core-encounter"
    assert canonical(later) == US_QUALITY_CORE + "us-quality-core-encounter"
