"""Members of populations by way of files: part by part, list by list."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ecqm.reporting.results.members import write_members, write_subject_lists


def report(*lists: str) -> dict[str, Any]:
    contained = [{"resourceType": "List", "id": name} for name in lists]
    populations = [{"id": name, "count": 1} for name in lists]
    return {"resourceType": "MeasureReport", "contained": contained, "group": [{"id": "g", "population": populations}]}


def test_members_of_all_parts_in_their_order(tmp_path: Path) -> None:
    reports = {"a|1": report("first", "second"), "b|1": report("only"), "none|1": report()}
    of_parts: list[dict[str, Any]] = [
        {"a|1": {"g": [["Patient/1", 'Patient/"ü"'], []]}, "b|1": {"g": [["Patient/1"]]}},
        {"a|1": {"left out": [["Patient/2"]], "g": [[], []]}, "b|1": {"g": [["Patient/3"]]}},
        {"a|1": {"g": [["Patient/4"], []]}, "not run|1": {"g": [["Patient/3"]]}},
    ]
    parts = []
    for number, members in enumerate(of_parts):
        parts.append(tmp_path / f"{number:05}.members")
        write_members(members, parts[-1])
    target = tmp_path / "subject-list.json"
    write_subject_lists(reports, parts, tmp_path / "work", target)
    bundle = json.loads(target.read_text("utf-8"))
    assert bundle["resourceType"] == "Bundle" and not (tmp_path / "work").exists()
    lists = [entry["resource"].pop("contained") for entry in bundle["entry"]]
    found = [[[item["item"]["reference"] for item in each.pop("entry", ())] for each in listed] for listed in lists]
    assert found == [[["Patient/1", 'Patient/"ü"', "Patient/4"], []], [["Patient/1", "Patient/3"]], []]
    for entry, listed, original in zip(bundle["entry"], lists, reports.values(), strict=True):
        assert entry["resource"] | {"contained": listed} == original
    assert all(entry["fullUrl"].startswith("urn:uuid:") for entry in bundle["entry"])


def test_no_reports_give_an_empty_bundle(tmp_path: Path) -> None:
    write_subject_lists({}, [], tmp_path / "work", tmp_path / "none.json")
    assert json.loads((tmp_path / "none.json").read_text("utf-8")) == {"resourceType": "Bundle", "type": "collection"}
