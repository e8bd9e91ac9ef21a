"""The runner for the server: a small suite over HTTP, and the reports of a sample measure."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scripts import SAMPLE, run

pytest.importorskip("fhir.resources")

SUITE = """<tests xmlns="http://hl7.org/fhirpath/tests" name="Small">
  <group name="Small">
    <test name="Interval"><expression>Interval[1, 4)</expression><output>Interval[1, 4)</output></test>
    <test name="DateTime"><expression>DateTime(2026, 1)</expression><output>@2026-01T</output></test>
    <test name="Refused"><expression invalid="semantic">1 + 'a'</expression></test>
    <test name="Raises"><expression invalid="true">Message(1, true, 'c', 'Error', 'stop')</expression></test>
    {more}
  </group>
</tests>"""


def test_the_server_beside_the_command_line(tmp_path: Path) -> None:
    suite = tmp_path / "small.xml"
    suite.write_text(SUITE.format(more=""), "utf-8")
    told = run("conformance/server.py", SAMPLE, "--suite", suite, "--measure", "SampleHospitalStay").splitlines()
    assert told[-2].split() == ["all", "4", "4", "0", "0", "0"]
    assert told[-1].split() == ["SampleHospitalStay", "6", "patients", "6", "reports", "as", "in", "`ecqm", "run`"]


def test_a_value_that_is_not_expected_fails(tmp_path: Path) -> None:
    suite = tmp_path / "small.xml"
    suite.write_text(SUITE.format(more='<test name="No"><expression>1</expression><output>2</output></test>'), "utf-8")
    assert "fail small.xml No: the values differ" in run("conformance/server.py", SAMPLE, "--suite", suite, code=1)
