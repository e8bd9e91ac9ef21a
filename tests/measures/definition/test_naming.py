"""What people call measures by."""

from __future__ import annotations

import pytest

from ecqm.measures.definition.naming import named, not_found

MEASURES = ("CMS122FHIRDiabetes", "CMS1218FHIRRespiratory", "CMS134v6", "OncologyPain")


@pytest.mark.parametrize(
    ("name", "measures"),
    [
        ("CMS122FHIRDiabetes", ["CMS122FHIRDiabetes"]),
        ("cms122fhirdiabetes", ["CMS122FHIRDiabetes"]),
        ("CMS122", ["CMS122FHIRDiabetes"]),
        ("CMS0122", ["CMS122FHIRDiabetes"]),
        ("CMS122FHIR", ["CMS122FHIRDiabetes"]),
        ("CMS134", ["CMS134v6"]),
        ("Onco", ["OncologyPain"]),
        ("CMS12", []),
        ("CMS122v14", []),
        ("CMS134v7", []),
    ],
)
def test_a_measure_is_found_by_name_or_number(name: str, measures: list[str]) -> None:
    assert named(name, MEASURES, lambda measure: [measure]) == measures


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("CMS122v14", "did you mean CMS122FHIRDiabetes?"),
        ("CMS134v7", "did you mean CMS134v6?"),
        ("OncologyPane", "did you mean OncologyPain?"),
        ("CMS9999", "the content has OncologyPain, CMS122, CMS134, CMS1218"),
    ],
)
def test_an_unknown_name_gives_a_hint(name: str, hint: str) -> None:
    assert str(not_found(name, MEASURES)) == f"there is no measure {name!r}; {hint}"


def test_a_content_without_measures_says_so() -> None:
    assert str(not_found("CMS1", [])).endswith("; the content has no measures")
