"""Measure resources: groups, criteria, observations, composites, and what cannot be used."""

from __future__ import annotations

import pytest

from ecqm.measures.definition import Aggregate, CompositeScoring, Identifiers, MeasureError, PopulationCode, Scoring
from ecqm.measures.definition.parsing import parse_measure
from tests.content import CONTENT, needs_content
from tests.measures.resources import CQFM, concept, criteria, group, measure, observation, population


def test_group_extensions_and_criteria() -> None:
    stratifier = {
        "id": "s1",
        "criteria": criteria("Stratification 1"),
        "extension": [{"url": CQFM + "cqfm-appliesTo", "valueCodeableConcept": concept("initial-population")}],
    }
    supplement = {"id": "sde", "criteria": criteria("SDE Sex"), "usage": [concept("supplemental-data")]}
    read = measure(
        group("cohort", population("initial-population", "IP"), basis="Encounter", stratifier=[stratifier]),
        supplementalData=[supplement],
        effectivePeriod={"start": "2026-01-01", "end": "2026-12-31"},
    )
    (only,) = read.groups
    assert only.scoring is Scoring.COHORT and only.basis == "Encounter" and not only.patient_based
    assert only.stratifiers[0].applies_to == {"initial-population"}
    assert read.expressions == ("IP", "Stratification 1", "SDE Sex")
    assert read.reporting_year == 2026 and read.canonical == "http://example.org/Measure/Example|1.0.0"


def test_scoring_and_basis_of_the_measure_count_where_the_group_has_none() -> None:
    read = measure(
        {"population": [population("initial-population"), {"code": concept("numerator")}]},
        scoring=concept("cohort"),
        improvementNotation=concept("decrease"),
    )
    (only,) = read.groups
    assert only.id == "Group_1" and only.patient_based and only.improvement_notation == "decrease"
    assert [p.code for p in only.populations] == [PopulationCode.INITIAL_POPULATION]  # the other has no criterion


def test_observations_know_what_they_observe() -> None:
    parts = (population("initial-population"), population("denominator"), population("numerator"))
    (only,) = measure(
        group("ratio", *parts, observation("o1", "denominator", "Sum"), observation("o2", "gone", "Average"))
    ).groups
    first, second = only.observations
    assert (first.criteria_reference, first.aggregate) == ("denominator", Aggregate.SUM)
    assert (second.criteria_reference, second.aggregate) == ("numerator", Aggregate.AVERAGE)


def test_a_dangling_reference_is_reported() -> None:
    parts = (population("initial-population"), population("denominator"), population("numerator"))
    read = measure(group("ratio", *parts, observation("o1", "gone", "Sum")))
    assert read.problems and "'gone'" in read.problems[0]


def test_a_composite_has_weighted_components() -> None:
    weight = {"url": CQFM + "cqfm-weight", "valueDecimal": 0.5}
    artifact = {"type": "composed-of", "resource": "http://example.org/Measure/A|1", "extension": [weight]}
    read = measure(compositeScoring=concept("weighted"), relatedArtifact=[artifact, {"type": "citation"}])
    assert [each.scoring for each in read.composites] == [CompositeScoring.WEIGHTED] and not read.groups
    assert [(c.measure, c.weight) for c in read.composites[0].components] == [("http://example.org/Measure/A|1", 0.5)]
    with pytest.raises(MeasureError, match="does not say how"):
        measure(scoring=concept("composite"), relatedArtifact=[artifact])
    with pytest.raises(MeasureError, match="unknown composite scoring 'best'"):
        measure(compositeScoring=concept("best"))


def test_extensions_by_their_names_in_either_guide() -> None:
    us, international = (f"http://hl7.org/fhir/{base}/StructureDefinition/" for base in ("us/cqfmeasures", "uv/cqm"))
    for base, prefix in ((us, "cqfm-"), (international, "cqm-")):
        basis = {"url": f"{base}{prefix}populationBasis", "valueCode": "Encounter"}
        scoring = {"url": f"{base}{prefix}scoring", "valueCodeableConcept": concept("cohort")}
        read = measure({"population": [population("initial-population")], "extension": [basis, scoring]})
        assert read.groups[0].basis == "Encounter"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"{", "not a readable"),
        (b'{"resourceType": "Library", "name": "L"}', "Library resource"),
        (b'{"resourceType": "Measure"}', "neither name nor id"),
        (b'{"resourceType": "Measure", "name": "M"}', "no group"),
        (b'{"resourceType": "Measure", "name": "M", "group": [{}]}', "unknown scoring"),
    ],
)
def test_unusable_resources_say_why(text: bytes, says: str) -> None:
    with pytest.raises(MeasureError, match=says):
        parse_measure(text)


INITIAL = group("cohort", population("initial-population"))


def test_identifiers_by_their_types() -> None:
    types = "http://terminology.hl7.org/CodeSystem/artifact-identifier-type"
    identifiers = [
        {
            "type": concept("short-name", types),
            "system": "https://madie.cms.gov/measure/shortName",
            "value": "CMS1FHIR",
        },
        {"type": concept("version-specific", types), "system": "urn:ietf:rfc:3986", "value": "urn:uuid:a-1"},
        {"type": concept("version-independent", types), "system": "urn:ietf:rfc:3986", "value": "urn:uuid:b-2"},
        {"type": concept("publisher", types), "system": "https://publisher.example/id", "value": "P7"},
        {"type": concept("publisher", types), "system": "https://madie.cms.gov/measure/cmsId", "value": "1FHIR"},
    ]
    assert measure(INITIAL, identifier=identifiers).identifiers == Identifiers("a-1", "b-2", "1FHIR")
    assert measure(INITIAL).identifiers == Identifiers()


def test_measures_about_patients_only() -> None:
    of_resources = "http://hl7.org/fhir/resource-types"
    assert measure(INITIAL, subjectCodeableConcept=concept("Patient", of_resources)).groups
    with pytest.raises(MeasureError, match="about Location; only measures about patients"):
        measure(INITIAL, subjectCodeableConcept=concept("Location", of_resources))


def test_ids_tell_groups_and_populations() -> None:
    with pytest.raises(MeasureError, match="two groups have one id"):
        measure(INITIAL, INITIAL)
    with pytest.raises(MeasureError, match="two populations have one id"):
        measure(group("cohort", population("initial-population"), population("denominator", id="initial-population")))


def test_unknown_population_code() -> None:
    with pytest.raises(MeasureError, match="unknown population code 'denom'"):
        measure(group("cohort", population("initial-population"), population("denom")))


@needs_content
def test_every_published_measure_parses() -> None:
    files = sorted(CONTENT.glob("ecqm-content-*/input/resources/measure/*.json"))
    measures = [parse_measure(path.read_bytes()) for path in files]
    assert len(measures) >= 53
    assert {g.scoring for m in measures for g in m.groups} == set(Scoring) - {Scoring.COMPOSITE}
    assert {m.name for m in measures if m.problems} == {"CMS871HHHyperFHIR"}


def test_scoring_in_capitals_and_references_by_code_or_criterion() -> None:
    by_code = observation("observe", "measure-population", "sum")
    populations = (population("initial-population"), population("measure-population", "Stays", id="mp"))
    for reference in ("mp", "measure-population", "Stays"):
        by_code["extension"][0]["valueString"] = reference
        parsed = measure(group("Continuous-Variable", *populations, by_code))
        assert parsed.groups[0].scoring is Scoring.CONTINUOUS_VARIABLE and not parsed.problems
        assert parsed.groups[0].observations[0].criteria_reference == "mp"


@pytest.mark.parametrize(
    "written",
    [{"text": "Initial Population"}, {"coding": [{"display": "Initial  population"}]}, {"text": "initial-population"}],
)
def test_a_concept_without_a_code_is_named_by_its_text(written: dict[str, object]) -> None:
    read = measure(
        {"population": [population("initial-population") | {"code": written}]},
        scoring={"text": "Cohort"},
    )
    (only,) = read.groups
    assert only.scoring is Scoring.COHORT
    assert [p.code for p in only.populations] == [PopulationCode.INITIAL_POPULATION]
