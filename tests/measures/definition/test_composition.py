"""Components of composites, found and checked."""

from __future__ import annotations

import pytest

from ecqm.measures.definition import MeasureError
from ecqm.measures.definition.composition import resolved_composites
from tests.measures.resources import CQFM, composite_measure, concept, group, measure, population


def test_components_are_found_by_what_they_are_named() -> None:
    parts = (population("initial-population"), population("denominator"), population("numerator"))
    first = measure(group("proportion", *parts), url="http://example.org/Measure/0")
    several = measure(
        group("proportion", *parts, group_id="a"),
        group("proportion", *parts, group_id="b"),
        url="http://example.org/Measure/1",
    )
    known = {each.url: each for each in (first, several)}
    asked = composite_measure(group_id="b")
    bound, needed = resolved_composites(asked, lambda name: known[name.partition("|")[0]])
    assert [(c.measure, c.group_id) for c in bound.composites[0].components] == [
        ("http://example.org/Measure/0|1.0.0", "g1"),
        ("http://example.org/Measure/1|1.0.0", "b"),
    ]
    assert needed == [first, several]
    with pytest.raises(MeasureError, match="several groups"):
        resolved_composites(composite_measure(), lambda name: known[name])
    with pytest.raises(MeasureError, match="no group c"):
        resolved_composites(composite_measure(group_id="c"), lambda name: known[name])


def test_what_cannot_be_combined_says_why() -> None:
    cohort = measure(group("cohort", population("initial-population")))
    with pytest.raises(MeasureError, match="does not combine measures of cohort"):
        resolved_composites(composite_measure(), lambda name: cohort)
    with pytest.raises(MeasureError, match="itself a composite"):
        resolved_composites(composite_measure(), lambda name: composite_measure())
    with pytest.raises(MeasureError, match="no component"):
        resolved_composites(measure(compositeScoring=concept("linear")), lambda name: cohort)


def test_a_composite_of_groups_of_its_own_measure() -> None:
    parts = (population("initial-population"), population("denominator"), population("numerator"))
    artifacts = [
        {"type": "composed-of", "resource": "http://example.org/Measure/Example", "extension": [named]}
        for named in ({"url": CQFM + "cqfm-groupId", "valueString": name} for name in ("a", "b"))
    ]
    whole = {
        "id": "whole",
        "extension": [
            {"url": CQFM + "cqfm-compositeScoring", "valueCodeableConcept": concept("linear")},
            *({"url": CQFM + "cqfm-component", "valueRelatedArtifact": artifact} for artifact in artifacts),
        ],
    }
    read = measure(group("proportion", *parts, group_id="a"), group("proportion", *parts, group_id="b"), whole)
    assert [g.id for g in read.groups] == ["a", "b"] and [c.id for c in read.composites] == ["whole"]
    bound, needed = resolved_composites(read, {}.__getitem__)
    assert needed == [] and {c.measure for c in bound.composites[0].components} == {read.canonical}
