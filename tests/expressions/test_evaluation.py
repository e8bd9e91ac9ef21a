"""Every line of the case files under `cases/`: an expression, ` -> `, and its value as another expression.

`raises` says that evaluation raises an error; `refused: …` that the expression does not compile, and why.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ecqm.cli.conformance.judging import agrees
from ecqm.expressions.evaluation import ExpressionRefused, evaluate_expression
from ecqm.operators.message import telling
from ecqm.values import CqlError, EvaluationContext
from ecqm.values.text import to_cql

FOLDER = Path(__file__).parent / "cases"
REQUEST = EvaluationContext.of_this_moment()


def _cases() -> Iterator[object]:
    for path in sorted(FOLDER.glob("*.txt")):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if line and not line.startswith("#"):
                expression, _, expected = line.partition(" -> ")
                yield pytest.param(expression, expected, id=f"{path.stem}:{number}")


@pytest.mark.parametrize(("expression", "expected"), list(_cases()))
def test_expression(expression: str, expected: str) -> None:
    if expected == "raises":
        with pytest.raises(CqlError):
            evaluate_expression(expression, REQUEST)
    elif expected.startswith("refused: "):
        with pytest.raises(ExpressionRefused) as refused:
            evaluate_expression(expression, REQUEST)
        said = " ".join(error.render() for error in refused.value.errors)
        assert expected.removeprefix("refused: ") in said
    else:
        with telling(lambda told: None):
            value = evaluate_expression(expression, REQUEST)
        assert agrees(value, evaluate_expression(expected, REQUEST)), to_cql(value)
