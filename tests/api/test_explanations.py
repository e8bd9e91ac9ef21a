"""`ecqm.explain`: what `ecqm explain` shows, from Python."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import ecqm
from tests.bundles.packages.stays import TWO_STAYS, deck
from tests.cli.samples import CASES, KIDNEY, SAMPLE, STAY
from tests.cli.samples import ecqm as command


def test_a_patient_is_explained_as_on_the_command_line() -> None:
    explained = ecqm.explain(ecqm.select(SAMPLE, KIDNEY), ecqm.load(CASES / KIDNEY), "kidney-young")
    arguments = ("--measure", KIDNEY, "--data", CASES / KIDNEY, "--patient", "kidney-young")
    assert str(explained) + "\n" == command("explain", SAMPLE, *arguments).stdout
    assert explained.json == [json.loads(command("explain", SAMPLE, *arguments, "--format", "json").stdout)]
    assert explained.html == command("explain", SAMPLE, *arguments, "--format", "html").stdout
    assert repr(explained) == f"<Explained: {KIDNEY} for kidney-young>"
    assert explained.warnings == []


def test_a_notebook_shows_the_page_in_a_frame() -> None:
    explained = ecqm.explain(ecqm.select(SAMPLE, KIDNEY), ecqm.load(CASES / KIDNEY / "too-young"))
    assert explained._repr_html_().startswith('<iframe srcdoc="&lt;!DOCTYPE html&gt;')


def test_a_period_and_several_measures() -> None:
    explained = ecqm.explain(ecqm.select(SAMPLE), ecqm.load(CASES / KIDNEY), "kidney-tested", 2020)
    counts = {each["measure"]: each["groups"][0]["populations"][0]["count"] for each in explained.json}
    assert counts == {KIDNEY: 0, STAY: 0}


def test_qdm_packages(tmp_path: Path) -> None:
    packages = deck(tmp_path / "deck", TWO_STAYS)
    explained = ecqm.explain(ecqm.select(packages, "CMS1"), ecqm.load(packages / "patients"))
    assert [each["episode"] for each in explained.json[0]["counted"]] == [
        "EncounterPerformed/a",
        "EncounterPerformed/b",
    ]


def test_no_such_patient() -> None:
    with pytest.raises(ecqm.DataError, match="did you mean kidney-young"):
        ecqm.explain(ecqm.select(SAMPLE, KIDNEY), ecqm.load(CASES / KIDNEY), "kidney-yung")
    with pytest.raises(TypeError, match=r"what ecqm\.load gives"):
        ecqm.explain(ecqm.select(SAMPLE, KIDNEY), str(CASES))  # type: ignore[arg-type]
