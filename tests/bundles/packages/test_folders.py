"""Measure packages in folders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ecqm.bundles.content.documents import ContentError
from ecqm.bundles.packages.folders import packages, read_package
from ecqm.measures.definition import PopulationCode, Scoring
from tests.bundles.packages.stays import SOME, deck, measure


def test_a_package_is_a_measure(tmp_path: Path) -> None:
    path = next(packages(deck(tmp_path) / "measures"))
    package = read_package(path)
    (group,) = package.measure.groups
    assert (package.measure.name, group.id, group.scoring, group.patient_based) == (
        "CMS1", "Set1", Scoring.CONTINUOUS_VARIABLE, False,
    )  # fmt: skip
    assert [population.id for population in group.criteria] == ["IPP", "MSRPOPL", "MSRPOPLEX"]
    assert group.observations[0].code is PopulationCode.MEASURE_OBSERVATION
    assert group.observations[0].criteria_reference == "IPP"
    assert package.measure.period == ("2026-01-01T00:00", "2026-12-31T23:59")
    assert package.value_sets.find(f"urn:oid:{SOME}", "draft").version == "2"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"measure_scoring": "LOTTERY"}, "unknown scoring 'LOTTERY'"),
        ({"main_cql_library": "Nowhere"}, "the main library 'Nowhere' is not among its libraries"),
        ({"population_sets": [{"population_set_id": "Set1", "populations": {"IPP": 1}}]}, "not a measure package"),
    ],
)
def test_measures_that_are_wrong(tmp_path: Path, changed: dict[str, Any], told: str) -> None:
    path = tmp_path / "CMS1.json"
    path.write_text(json.dumps(measure() | changed))
    with pytest.raises(ContentError, match=told):
        read_package(path)
