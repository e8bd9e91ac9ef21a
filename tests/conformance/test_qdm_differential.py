"""QDM patients bred for a measure, and what two engines say of them; the other one only where it is installed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import pytest

from ecqm.bundles.packages.folders import read_package
from ecqm.bundles.packages.runner import PackagePlan, plan_package
from tests.bundles.packages.stays import TWO_STAYS, deck
from tests.scripts import imported, run


@pytest.fixture(scope="module")
def differential() -> ModuleType:
    return imported("conformance/peers/qdm_differential.py")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return deck(tmp_path_factory.mktemp("qdm") / "stays", TWO_STAYS)


@pytest.fixture(scope="module")
def plan(root: Path) -> PackagePlan:
    return plan_package(read_package(root / "measures" / "CMS1" / "CMS1.json"))


def bred(differential: ModuleType, plan: PackagePlan, root: Path) -> Any:
    return differential.Herding(plan, Random(2)).patients(differential.deck_records(root), wanted=20, generations=4)


def test_bred_patients_reach_the_logic(differential: ModuleType, plan: PackagePlan, root: Path) -> None:
    records = bred(differential, plan, root)
    assert records == bred(differential, plan, root)
    answers = differential.ours(plan, records)
    assert {0.0, 1.0} <= {answer["group Set1/IPP"] for answer in answers}
    assert any(answer["group Set1/observations"] for answer in answers)
    assert any(answer["statement in Set1: Stays.Diagnosed"] == "TRUE" for answer in answers)
    assert len({json.dumps(answer["Stays.Initial Population"]) for answer in answers}) > 3


def test_errors_are_alike_whatever_they_say(differential: ModuleType) -> None:
    ours: Any = [{"L.A": {"error": "no"}, "L.B": {"error": "no"}, "L.C": 1}]
    others: Any = [{"L.A": {"error": "never"}, "L.B": 1, "L.C": 1}]
    differential.even_out(ours, others)
    assert others[0]["L.A"] == ours[0]["L.A"] and others[0]["L.B"] != ours[0]["L.B"]


def test_the_model_of_a_version_as_the_other_engine_gets_it(differential: ModuleType) -> None:
    model = differential.model_of("5.3")
    assert model["types"]["EncounterPerformed"]["diagnoses"] == "List<System.Code>"
    assert model["parts"]["FacilityLocation"]["locationPeriod"] == "Interval<System.DateTime>"


def test_the_other_engine(root: Path, tmp_path: Path) -> None:
    if shutil.which("node") is None or not imported("conformance/peers/install.py").CQM.is_dir():
        pytest.skip("cqm-execution is not installed")
    output = tmp_path / "differential.json"
    arguments = (root.parent, "--patients", 12, "--generations", 2, "--json", output)
    assert "| stays CMS1 | 12 |" in run("conformance/peers/qdm_differential.py", *arguments)
    (told,) = json.loads(output.read_text())
    assert told["patients"] == 12 and told["values"] > 0
