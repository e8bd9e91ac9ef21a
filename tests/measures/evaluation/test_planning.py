"""What the plan of a measure demands of the data (`ecqm.measures.evaluation.planning`)."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecqm.data import Demand, read_files
from ecqm.measures.evaluation.planning import demand_of
from ecqm.plan.nodes import reachable
from ecqm.terminology import CodeIndex
from tests.data.resources import Json, bundle, encounter, patient, write
from tests.engine.logic import Logic

LOCATIONS: list[Json] = [
    {"location": {"reference": "Location/1"}, "status": "planned"},
    {"location": {"reference": "Location/1"}, "status": "completed"},
    {"location": {"reference": "Location/1"}, "status": "completed"},
    {"location": {"reference": "Location/1"}, "status": "completed", "extension": [{"url": "x", "valueCode": "a"}]},
]


def demand(logic: Logic) -> Demand:
    return demand_of(reachable([logic.plan("X")]))


def test_elements_that_nobody_compares_are_read_only_if_they_are_named() -> None:
    found = demand(Logic("define X: [Encounter] E where exists E.location return all E.period"))
    assert found.types == {"Patient", "Encounter"}
    assert found.names == {"location", "period"}
    assert not found.whole


def test_what_is_compared_is_read_with_all_that_is_in_it() -> None:
    found = demand(Logic("define X: distinct flatten ([Encounter] E return all E.location)"))
    assert {"Encounter.Location", "Reference", "Identifier", "Extension"} <= found.whole
    assert not found.whole & {"Encounter", "string"}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("Count(distinct (First([Encounter]).location))", 3),
        ("Count(First([Encounter]).location union First([Encounter]).location)", 3),
        ("Count(First([Encounter]).location intersect First([Encounter]).location)", 3),
        ("Count(First([Encounter]).location except { First(First([Encounter]).location) })", 2),
        ("First([Encounter]).location[0] = First([Encounter]).location[1]", False),
        ("First([Encounter]).location[1] = First([Encounter]).location[2]", True),
        ("First([Encounter]).location[1] ~ First([Encounter]).location[3]", False),
        ("Count((First([Encounter]).location) L return L)", 3),
        ("Count((First([Encounter]).location) L return { at: L })", 3),
    ],
)
def test_instances_are_equal_if_all_their_elements_are(tmp_path: Path, expression: str, expected: object) -> None:
    """CQL reference, Equal: by the value of every element, also of those that the logic does not name."""
    logic = Logic(f"define X: {expression}")
    file = write(tmp_path / "p.json", bundle(patient(), encounter("e", location=LOCATIONS)))
    cohort = read_files([file], demand(logic), codes=CodeIndex())
    assert logic.values("X", cohort) == [expected]
