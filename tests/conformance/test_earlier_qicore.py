"""Measures rewritten for the QI-Core of the year before find the same patients."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from tests.content import CONTENT, needs_content

RUNNER = Path(__file__).parents[2] / "conformance" / "earlier_qicore.py"


@pytest.fixture
def earlier() -> ModuleType:
    specification = importlib.util.spec_from_file_location("earlier_qicore", RUNNER)
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_types_by_their_earlier_names(earlier: ModuleType) -> None:
    later = """using QICore version '6.0.0'
define fluent function f(c Choice<ConditionEncounterDiagnosis, "ConditionProblemsHealthConcerns">, d Date): c
define A: [USCoreBMIProfile] union ["SimpleObservation": "ObservationCancelled VS"]"""
    assert (
        earlier.earlier_cql(later)
        == """using QICore version '4.1.1'
define fluent function f(c "Condition", d Date): c
define A: ["observation-bmi"] union ["Observation": "ObservationCancelled VS"]"""
    )


@needs_content
def test_the_same_populations(earlier: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    more = [f"--libraries={CONTENT / 'libraries-2025'}", f"--valuesets={CONTENT / 'valuesets-2025'}"]
    measures = ["--measure=CMS165", "--measure=CMS69"]
    assert earlier.main([str(CONTENT / "ecqm-content-qicore-2025"), *more, *measures]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told == ["cases 130, agree in 6.0.0 130, in 4.1.1 130; the same populations 130"]
