"""Every line of the case files under `cases/`, one file per chapter of the CQL reference."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecqm.values import CqlError, DateTime, EvaluationContext, evaluating
from tests.operators.notation import RAISES, Case, is_identical, read_cases

FOLDER = Path(__file__).parent / "cases"
REQUEST = EvaluationContext(DateTime(2026, 3, 10, 12, 30, 15, 250, 0), 0)


def _cases() -> list[Case]:
    return [case for path in sorted(FOLDER.glob("*.txt")) for case in read_cases(path)]


@pytest.mark.parametrize("case", _cases(), ids=lambda case: case.origin)
def test_an_operator_gives_what_the_case_states(case: Case) -> None:
    with evaluating(REQUEST):
        if case.expected is RAISES:
            with pytest.raises(CqlError):
                case.evaluate()
        else:
            result = case.evaluate()
            assert is_identical(result, case.expected), f"{case.line}\n  gave {result!r}"
