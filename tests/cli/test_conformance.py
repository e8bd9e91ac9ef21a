"""The HL7 test runner: what it reads, how strictly it judges, and where the suite stands."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ecqm.cli import conformance
from ecqm.cli.conformance.judging import Status, agrees, judge, read_known
from ecqm.cli.conformance.suite import SuiteError, SuiteTest, read_suite
from ecqm.expressions.evaluation import ExpressionRefused, evaluate_expression
from ecqm.values import CqlError, Date, DateTime, EvaluationContext, Interval, Long, Quantity, Tuple, Uncertainty
from tests.content import CONTENT

SUITE = CONTENT / "cql-tests" / "tests" / "cql"
REQUEST = EvaluationContext(DateTime(2026, 3, 10, 12, 0, 0, 0, 0))

XML = """<tests xmlns="http://hl7.org/fhirpath/tests" name="Mine">
  <group name="Sums">
    <test name="right"><expression>1 + 1</expression><output>2</output></test>
    <test name="wrong"><expression>1 + 1</expression><output>3</output></test>
    <!-- <test name="commented"><expression>1</expression><output>1</output></test> -->
    <test name="refused"><expression invalid="semantic">1 + true</expression></test>
    <test name="late"><expression invalid="true">singleton from {1, 2}</expression></test>
  </group>
</tests>"""


def evaluate(source: str) -> Any:
    return evaluate_expression(source, REQUEST)


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    (tmp_path / "Mine.xml").write_text(XML)
    return tmp_path


def case(expression: str, *outputs: str, invalid: str | None = None) -> SuiteTest:
    return SuiteTest("Mine.xml", "Group", "one", expression, outputs, invalid)


def test_reading_leaves_out_what_is_commented(suite: Path) -> None:
    tests = read_suite(suite)
    assert [test.name for test in tests] == ["right", "wrong", "refused", "late"]
    assert [test.invalid for test in tests] == [None, None, "semantic", "true"]


def test_what_is_no_suite_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "other.xml").write_text("<other/>")
    with pytest.raises(SuiteError):
        read_suite(tmp_path)


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (1, 1),
        (Decimal("1.50"), Decimal("1.5")),
        (Decimal(10), 10),
        (Long(3), 3),
        (DateTime(2012, 5, 6), Date(2012, 5, 6)),
        (None, None),
        (Interval(1, 2), Interval(1, 2)),
        (Uncertainty(1, 2), Interval(1, 2)),
        ((1, None), (1, None)),
        (Tuple(a=1, b="x"), Tuple(b="x", a=1)),
        (Quantity(Decimal("1.0"), "cm"), Quantity(Decimal(1), "cm")),
    ],
)
def test_values_that_agree(actual: Any, expected: Any) -> None:
    assert agrees(actual, expected)


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (None, False),
        (1, True),
        (1, Long(1)),
        (1, Decimal(1)),
        (DateTime(2012), DateTime(2012, 1)),
        (DateTime(2012, 5, 6, 0), Date(2012, 5, 6)),
        (Date(2012, 5, 6), DateTime(2012, 5, 6)),
        (Interval(1, 2), Interval(1, 2, True, False)),
        (Interval(1, 2), Uncertainty(1, 2)),
        ((), None),
        ((1,), (1, 1)),
        (Tuple(a=1), Tuple(a=1, b=None)),
        (Quantity(Decimal(100), "cm"), Quantity(Decimal(1), "m")),
    ],
)
def test_values_that_do_not(actual: Any, expected: Any) -> None:
    assert not agrees(actual, expected)


def test_refusals_in_time_and_too_late() -> None:
    assert judge(case("1 +", invalid="syntax"), evaluate, {}).status is Status.PASS
    assert judge(case("singleton from {1, 2}", invalid="true"), evaluate, {}).status is Status.PASS
    assert judge(case("singleton from {1, 2}", invalid="semantic"), evaluate, {}).status is Status.FAIL
    assert judge(case("1 + 1", invalid="true"), evaluate, {}).reason == "not refused"


def test_a_listed_test_that_passes_fails() -> None:
    known = {("Mine.xml", "one"): "the reason"}
    assert judge(case("1 + 1", "3"), evaluate, known).status is Status.LISTED
    assert judge(case("1 + 1", "2"), evaluate, known).status is Status.FAIL


def test_expressions_evaluate_or_are_refused() -> None:
    assert evaluate("{1, 2} union {3}") == (1, 2, 3)
    with pytest.raises(ExpressionRefused):
        evaluate("1 + true")
    with pytest.raises(CqlError):
        evaluate("successor of maximum Integer")


def test_the_command_reports_and_exits(suite: Path, tmp_path: Path) -> None:
    output = tmp_path / "report.json"
    result = CliRunner().invoke(conformance.command, [str(suite), "--format", "json", "--output", str(output)])
    assert result.exit_code == 1
    report = json.loads(output.read_text())
    assert report["totals"] == {"tests": 4, "pass": 3, "fail": 1, "skip": 0, "listed": 0}
    failed = [entry for entry in report["results"] if entry["status"] == "fail"]
    assert [(entry["name"], entry["expected"], entry["actual"]) for entry in failed] == [("wrong", "3", "2")]
    table = CliRunner().invoke(conformance.command, [str(suite)])
    assert "fail Mine.xml wrong" in table.output


@pytest.mark.skipif(not SUITE.is_dir(), reason="the HL7 suite is not at hand ($ECQM_CONTENT or .content)")
def test_where_the_suite_stands() -> None:
    verdicts = conformance.run(SUITE)
    totals = conformance.totals(verdicts)
    assert totals["tests"] == 1823
    assert totals["skip"] == 0
    assert totals["pass"] >= 1790
    named = {(verdict.test.file, verdict.test.name) for verdict in verdicts}
    assert set(read_known(conformance.KNOWN)) <= named
