"""Whether a test passes: strictly, including the type of every part. Tests known to be wrong are listed.

Null is not false, open is not closed, precision and units count. An expected value may only differ in type from the
result if it converts to that implicitly: a whole number for a Long or a Decimal, a Date for a DateTime without a time.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

from ecqm.cli.conformance.suite import SuiteError, SuiteTest
from ecqm.expressions.evaluation import ExpressionRefused
from ecqm.plan.lowering import PlanError
from ecqm.values import Concept, CqlError, Date, DateTime, Interval, Long, Quantity, Ratio, Tuple, Uncertainty
from ecqm.values.text import to_cql

Evaluate = Callable[[str], Any]


class Status(StrEnum):
    """What became of a test; `listed`: it fails as it is listed to."""

    PASS = "pass"
    FAIL = "fail"
    SKIP = "skip"
    LISTED = "listed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A test, its status, what was expected and what came out, and the reason for a status other than pass."""

    test: SuiteTest
    status: Status
    expected: str
    actual: str
    reason: str = ""

    def to_json(self) -> dict[str, str]:
        """The verdict as in the JSON report of a suite."""
        return {
            "file": self.test.file,
            "group": self.test.group,
            "name": self.test.name,
            "status": self.status.value,
            "expression": self.test.expression,
            "expected": self.expected,
            "actual": self.actual,
            "reason": self.reason,
        }


Known = Mapping[tuple[str, str], str]


def read_known(path: Path) -> Known:
    """The list of tests known to be wrong: TOML tables `[[test]]` with `file`, `name`, `reason` and `evidence`, by file
    and name. Raises SuiteError."""
    known: dict[tuple[str, str], str] = {}
    for table in tomllib.loads(path.read_text("utf-8")).get("test", []):
        missing = {"file", "name", "reason", "evidence"} - set(table)
        if missing:
            raise SuiteError(f"{path}: {table.get('name')} lacks {', '.join(sorted(missing))}")
        key = table["file"], table["name"]
        if key in known:
            raise SuiteError(f"{path}: {table['name']} of {table['file']} is listed twice")
        known[key] = f"{table['reason']} {table['evidence']}"
    return known


def judge(test: SuiteTest, evaluate: Evaluate, known: Known) -> Verdict:
    """Run a test. One that is listed and passes fails: it has to be taken off the list."""
    verdict = _judge_refusal(test, evaluate) if test.invalid else _judge_value(test, evaluate)
    listed = known.get((test.file, test.name))
    if listed is None:
        return verdict
    if verdict.status is Status.PASS:
        return Verdict(
            test, Status.FAIL, verdict.expected, verdict.actual, "passes, but is listed as known to be wrong"
        )
    return Verdict(test, Status.LISTED, verdict.expected, verdict.actual, listed)


def _judge_refusal(test: SuiteTest, evaluate: Evaluate) -> Verdict:
    expected = f"refused ({test.invalid})"
    try:
        actual = to_cql(evaluate(test.expression))
    except ExpressionRefused as refusal:
        return Verdict(test, Status.PASS, expected, f"refused in translation: {refusal}")
    except CqlError as error:
        in_time = test.invalid == "true"
        status = Status.PASS if in_time else Status.FAIL
        return Verdict(test, status, expected, f"run-time error: {error}", "" if in_time else "refused too late")
    except PlanError as error:
        return Verdict(test, Status.FAIL, expected, "", str(error))
    return Verdict(test, Status.FAIL, expected, actual, "not refused")


def _judge_value(test: SuiteTest, evaluate: Evaluate) -> Verdict:
    shown = ", ".join(test.outputs)
    try:
        actual = evaluate(test.expression)
    except (ExpressionRefused, CqlError, PlanError) as error:
        return Verdict(test, Status.FAIL, shown, "", str(error))
    try:
        outputs = [evaluate(output) for output in test.outputs]
    except (ExpressionRefused, CqlError, PlanError) as error:
        return Verdict(test, Status.FAIL, shown, to_cql(actual), f"the expected output cannot be evaluated: {error}")
    expected = outputs[0] if len(outputs) == 1 else tuple(outputs) if outputs else None
    agreeing = agrees(actual, expected)
    return Verdict(
        test, Status.PASS if agreeing else Status.FAIL, shown, to_cql(actual), "" if agreeing else "the values differ"
    )


def agrees(actual: Any, expected: Any) -> bool:
    """Whether a value is the expected one in every part, type included."""
    if type(expected) is int and type(actual) in (Decimal, Long):
        return bool(actual == expected)
    if type(expected) is Date and type(actual) is DateTime:
        return actual.fields == expected.fields
    match actual, expected:
        case (Uncertainty(low, high), Interval(low=expected_low, high=expected_high)):
            return expected.low_closed and expected.high_closed and _all((low, expected_low), (high, expected_high))
        case (Interval(), Interval()):
            same_ends = (actual.low_closed, actual.high_closed) == (expected.low_closed, expected.high_closed)
            return same_ends and _all((actual.low, expected.low), (actual.high, expected.high))
        case (tuple() | list(), tuple() | list()):
            return len(actual) == len(expected) and _all(*zip(actual, expected, strict=True))
        case (Tuple(), Tuple()):
            return actual.keys() == expected.keys() and _all(*((actual[name], expected[name]) for name in actual))
        case (Quantity(), Quantity()):
            return actual.unit == expected.unit and actual.value == expected.value
        case (Ratio(), Ratio()):
            return _all((actual.numerator, expected.numerator), (actual.denominator, expected.denominator))
        case (Concept(), Concept()):
            return agrees(actual.codes, expected.codes) and actual.display == expected.display
    return type(actual) is type(expected) and bool(actual == expected)


def _all(*pairs: tuple[Any, Any]) -> bool:
    return all(agrees(actual, expected) for actual, expected in pairs)
