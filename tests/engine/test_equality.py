"""Equality and equivalence of resources, alone and within lists and tuples (CQL reference, Equal and Equivalent)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.data.resources import encounter, observation, patient
from tests.engine.logic import Logic, cohort_of

VISITS = "[Encounter]"


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        (f"{VISITS} V return all exists({VISITS} W where W = V)", (True, True)),
        (f"{VISITS} V return all exists({VISITS} W where W ~ V)", (True, True)),
        (f"from {VISITS} V, {VISITS} W return all V ~ W", (True, False, False, True)),
        (f"{VISITS} V return all V ~ (null as Encounter)", (False, False)),
        ("(null as Encounter) ~ (null as Encounter)", True),
        (f"{VISITS} = {VISITS}", True),
        (f"{VISITS} ~ {VISITS}", True),
        (f"{{ First({VISITS}) }} = {{ Last({VISITS}) }}", False),
        (f"{{ First({VISITS}) }} ~ {{ Last({VISITS}) }}", False),
        (f"{VISITS} V return all Tuple {{ visit: V }} = Tuple {{ visit: V }}", (True, True)),
        (f"{VISITS} V return all Tuple {{ visit: V }} ~ Tuple {{ visit: First({VISITS}) }}", (True, False)),
        (f"{VISITS} V return all IndexOf({VISITS}, V)", (0, 1)),
        (f"(First({VISITS}) as Any) ~ (First([Observation]) as Any)", False),
    ],
)
def test_a_resource_is_equal_and_equivalent_to_itself_alone(tmp_path: Path, expression: str, value: object) -> None:
    cohort = cohort_of(tmp_path, [patient("p"), encounter("a"), encounter("b"), observation("o")])
    assert Logic(f"define Value: {expression}").values("Value", cohort) == [value]
