"""The sample measures that come with the project: what a fresh clone runs first."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from ecqm.cli.main import main
from tests.scripts import run

BUNDLES = Path(__file__).parent.parent / "measure_bundles"
SAMPLE, COMPOSITE = BUNDLES / "sample", BUNDLES / "composite"
LIBRARIES = sorted(BUNDLES.glob("*/input/resources/library/*.json"))


def test_every_case_agrees() -> None:
    result = CliRunner().invoke(main, ["test", str(SAMPLE), "--format", "json"])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["totals"]["cases"] == report["totals"]["agree"] == 18
    strata = [s for m in report["measures"] for r in m["results"] for g in r["groups"] for s in g["stratifiers"]]
    assert strata


def test_composites_are_scored_by_patient() -> None:
    result = CliRunner().invoke(main, ["test", str(COMPOSITE), "--format", "json"])
    assert result.exit_code == 0, result.output
    totals = json.loads(result.stdout)["totals"]
    assert totals["cases"] == totals["agree"] == totals["scores"]["agree"] == 21


@pytest.mark.parametrize("path", LIBRARIES, ids=lambda path: f"{path.parents[3].name}-{path.stem}")
def test_library_holds_the_cql_it_was_made_from(path: Path) -> None:
    attachments = json.loads(path.read_text("utf-8"))["content"]
    stored = {part["contentType"]: base64.b64decode(part["data"]).decode() for part in attachments}
    source = path.parents[2] / "cql" / f"{path.stem}.cql"
    assert stored["text/cql"] == source.read_text("utf-8"), "run measure_bundles/build_libraries.py"


@pytest.mark.parametrize("bundle", [SAMPLE, COMPOSITE], ids=lambda path: path.name)
def test_libraries_are_what_the_compiler_makes_of_the_cql(bundle: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(bundle, tmp_path / bundle.name)
    run("measure_bundles/build_libraries.py", copy)
    for path in (bundle / "input/resources/library").iterdir():
        made = (copy / path.relative_to(bundle)).read_bytes()
        assert made == path.read_bytes(), f"{path.name}: run measure_bundles/build_libraries.py"
