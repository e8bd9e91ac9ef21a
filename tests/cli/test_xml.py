"""Content, cases and patients in XML come to what the same in JSON comes to."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.cli.samples import SAMPLE, STAY, Run, ecqm
from tests.data.files.fhir_xml_writer import to_xml


def sample_in_xml(folder: Path) -> Path:
    """The sample content, every resource of it in XML."""
    content = Path(shutil.copytree(SAMPLE, folder / "content"))
    shutil.rmtree(content / "input" / "cql")
    for path in sorted(content.rglob("*.json")):
        path.with_suffix(".xml").write_bytes(to_xml(path.read_bytes()))
        path.unlink()
    return content


def test_content_cases_and_patients(tmp_path: Path) -> None:
    content = sample_in_xml(tmp_path)
    tested = ecqm("test", content, "--format", "json")
    totals = json.loads(tested.stdout)["totals"]
    assert tested.exit_code == 0 and totals["cases"] == totals["agree"] == 18
    run = Run(tmp_path, content, content / "input" / "tests" / "measure" / STAY)
    same = Run(tmp_path / "json", SAMPLE, SAMPLE / "input" / "tests" / "measure" / STAY)
    assert run.result.exit_code == 0 and run.counts == same.counts and not run.problems


def test_stores_of_patients_in_xml(tmp_path: Path) -> None:
    content = sample_in_xml(tmp_path)
    made = ecqm("load", content / "input" / "tests" / "measure" / STAY, "--output", tmp_path / "store")
    assert made.exit_code == 0, made.output
    run = Run(tmp_path, content, tmp_path / "store")
    assert run.counts["initial-population"] > 0 and not run.problems
