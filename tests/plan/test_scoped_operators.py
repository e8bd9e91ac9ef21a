"""The operators of ELM that look at elements one by one under a scope: Filter, ForEach, Repeat, Aggregate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.plan.evaluating import SYSTEM, evaluated

Json = dict[str, Any]
HEAD = {
    "identifier": {"id": "L", "version": "1"},
    "usings": {"def": [{"localIdentifier": "System", "uri": SYSTEM[1:-1]}]},
}
CURRENT: Json = {"type": "Current"}


def number(value: int) -> Json:
    return {"type": "Literal", "valueType": f"{SYSTEM}Integer", "value": str(value)}


def call(operator: str, *operands: Json) -> Json:
    return {"type": operator, "operand": list(operands)}


NUMBERS: Json = {"type": "List", "element": [number(value) for value in (5, 6, 7)]}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ({"type": "Filter", "source": NUMBERS, "condition": call("Greater", CURRENT, number(5))}, (6, 7)),
        ({"type": "ForEach", "source": NUMBERS, "element": call("Add", CURRENT, {"type": "Iteration"})}, (5, 7, 9)),
        (
            {
                "type": "ForEach",
                "source": NUMBERS,
                "scope": "N",
                "element": call("Add", {"type": "Current", "scope": "N"}, {"type": "Iteration", "scope": "N"}),
            },
            (5, 7, 9),
        ),
        ({"type": "Repeat", "source": NUMBERS, "element": call("Modulo", CURRENT, number(4))}, (1, 2, 3)),
        (
            {
                "type": "Aggregate",
                "source": NUMBERS,
                "iteration": call("Add", {"type": "Total"}, CURRENT),
                "initialValue": number(1),
            },
            19,
        ),
    ],
)
def test_operators_with_a_scope_see_the_current_element(tmp_path: Path, expression: Json, expected: Any) -> None:
    library = {
        "library": {**HEAD, "statements": {"def": [{"name": "X", "context": "Patient", "expression": expression}]}}
    }
    assert evaluated(tmp_path, [json.dumps(library).encode()]) == expected
