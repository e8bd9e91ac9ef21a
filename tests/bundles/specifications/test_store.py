"""The store of annual specifications: what is added stays as it was, and years are never mixed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ecqm.bundles.content import Content
from ecqm.bundles.specifications.releases import known_releases
from ecqm.bundles.specifications.specification import Specification, SpecificationDrift, SpecificationError
from ecqm.bundles.specifications.store import SpecificationStore
from ecqm.cli.main import main
from tests.bundles.contents import VALUE_SET, measure, missing_value_sets, resources, value_set, write_bundle

NAME = "CMS7FHIRExample"


def content_of(path: Path, *items: dict[str, Any]) -> Content:
    return Content.open(write_bundle(path, *(items or resources())))


@pytest.fixture
def store(tmp_path: Path) -> SpecificationStore:
    return SpecificationStore(tmp_path / "store")


def test_what_is_added_reads_back_alone(tmp_path: Path, store: SpecificationStore) -> None:
    offered = content_of(tmp_path / "b.json")
    added = store.add(offered, offered.measure(NAME))
    assert (added.year, added.measure, added.version) == (2026, NAME, "1.0.0")
    assert store.add(offered, offered.measure(NAME)) == added  # once more changes nothing
    (tmp_path / "b.json").unlink()
    content = store.open(store.find("CMS7"))
    read = content.measure(NAME)
    assert [str(source) for source in content.closure(read).libraries] == [f"{NAME}|1.0.0", "Common|2.0.0"]
    assert missing_value_sets(content, [read]) == []
    assert content.value_sets.expand(VALUE_SET) == {("http://s", "a"), ("http://s", "b")}
    assert store.verify(added).problems == ()
    assert store.add(content, read).content_hash == added.content_hash


def test_what_is_exported_is_content(tmp_path: Path, store: SpecificationStore) -> None:
    offered = content_of(tmp_path / "b.json")
    added = store.add(offered, offered.measure(NAME))
    result = CliRunner().invoke(main, ["bundle", "export", str(tmp_path / "out"), "--store", str(store.root)])
    assert result.exit_code == 0 and f"{NAME} 1.0.0 (2026)" in result.stdout
    exported = Content.open(tmp_path / "out")
    assert not exported.problems
    assert store.compare(added, exported).problems == ()
    again = CliRunner().invoke(main, ["bundle", "export", str(tmp_path / "out"), "--store", str(store.root)])
    assert again.exit_code == 2 and "is not empty" in again.stderr


def test_two_years_stand_side_by_side_and_are_never_mixed(tmp_path: Path, store: SpecificationStore) -> None:
    this_year = content_of(tmp_path / "a.json")
    later = [measure(effectivePeriod={"start": "2027-01-01"}), *resources()[1:3], value_set("abc")]
    next_year = content_of(tmp_path / "b.json", *later)
    for content in (this_year, next_year):
        store.add(content, content.measure(NAME))
    assert [s.year for s in store] == [2026, 2027]
    with pytest.raises(SpecificationError, match=r"any of: .*\(2026\), .*\(2027\)"):
        store.find(NAME)
    sizes = [len(store.open(store.find(NAME, year)).value_sets.expand(VALUE_SET)) for year in (2026, 2027)]
    assert sizes == [2, 3]
    with pytest.raises(SpecificationError, match=r"installed: .*2026"):
        store.find(NAME, 2028)


def test_drift_says_which_is_which(tmp_path: Path, store: SpecificationStore) -> None:
    first = content_of(tmp_path / "a.json")
    added = store.add(first, first.measure(NAME))
    changed = content_of(tmp_path / "b.json", *resources()[:3], value_set("abc"))
    with pytest.raises(SpecificationDrift) as drift:
        store.add(changed, changed.measure(NAME))
    message = str(drift.value)
    assert added.content_hash[:12] in message and "a.json" in message and "b.json offers" in message
    assert f"ValueSet {VALUE_SET}|1: installed" in message and "Library" not in message
    assert store.compare(added, first).problems == () and store.compare(added, changed).problems
    with pytest.raises(SpecificationDrift, match="named is 0000"):
        store.find(NAME, content_hash="0000")
    replaced = store.add(changed, changed.measure(NAME), replace=True)
    assert store.find(NAME, content_hash=replaced.content_hash) == replaced


def test_a_part_that_changed_or_is_gone_is_an_error(tmp_path: Path, store: SpecificationStore) -> None:
    offered = content_of(tmp_path / "a.json")
    added = store.add(offered, offered.measure(NAME))
    part = next(part for part in added.parts if part.name == "Common")
    path = store.root / "parts" / part.sha256[:2] / part.sha256
    path.write_bytes(path.read_bytes() + b" ")
    (problem,) = store.verify(added).problems
    assert problem.startswith("Library Common|2.0.0") and "now" in problem
    with pytest.raises(SpecificationDrift, match="Common"):
        store.open(added).libraries.find("Common").elm_json()
    path.unlink()
    assert "gone" in store.verify(added).problems[0]


def test_what_is_not_whole_is_added_only_when_told(tmp_path: Path, store: SpecificationStore) -> None:
    partial = content_of(tmp_path / "a.json", *resources()[:3])
    with pytest.raises(SpecificationError, match=f"not whole; what is missing:\n  .*{VALUE_SET}"):
        store.add(partial, partial.measure(NAME))
    added = store.add(partial, partial.measure(NAME), allow_missing=True)
    assert len(added.missing) == 1
    unknown_year = content_of(tmp_path / "b.json", measure(effectivePeriod=None), *resources()[1:])
    with pytest.raises(SpecificationError, match="name the reporting year"):
        store.add(unknown_year, unknown_year.measure(NAME))
    assert store.add(unknown_year, unknown_year.measure(NAME), year=2030).year == 2030


def test_command_line(tmp_path: Path) -> None:
    store = str(tmp_path / "store")

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["bundle", *arguments, "--store", store])

    first = str(write_bundle(tmp_path / "a.json", *resources()))
    changed = str(write_bundle(tmp_path / "b.json", *resources()[:3], value_set("abc")))
    assert run("add", first, "--measure", "CMS7").exit_code == 0
    assert NAME in run("list").output
    listed = json.loads(run("list", "--year", "2026", "--format", "json").output)
    assert [item["measure"] for item in listed] == [NAME]
    assert json.loads(run("list", "--year", "2025", "--format", "json").output) == []
    shown = json.loads(run("show", "CMS7", "--format", "json").output)
    assert shown["hash"] == listed[0]["hash"] and len(shown["parts"]) == 5
    assert "Library Common|2.0.0" in run("show", "CMS7").output
    assert run("verify").exit_code == 0
    assert run("verify", "CMS7", "--content", first).exit_code == 0
    drift = run("verify", "CMS7", "--content", changed)
    assert drift.exit_code == 1 and "installed as" in drift.output
    again = run("add", changed)
    assert again.exit_code == 1 and "only" not in again.output and "offers" in again.output
    assert run("show", "CMS8").exit_code == 2
    assert run("add", first, "--measure", "CMS8").exit_code == 2
    assert run("verify", "CMS8").exit_code == 2


def test_known_releases_beside_what_is_installed(tmp_path: Path, store: SpecificationStore) -> None:
    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["bundle", "releases", *arguments, "--store", str(store.root)])

    years = json.loads(run("--format", "json").output)
    assert [each["year"] for each in years] == [2022, 2023, 2024, 2025, 2026]
    assert not any(part["installed"] for each in years for part in each["measures"])
    content = content_of(tmp_path / "content.json")
    store.add(content, content.measure("CMS7"), 2025)
    lines = run().output.splitlines()
    assert "2025  AU2024  measures not listed, 1 installed" in lines[3] and "53 measures, 0 installed" in lines[4]
    assert f"CMS7      -                             {NAME}  (installed 1.0.0)" in run("--year", "2025").output
    assert "  CMS2      0.4.001" in run("--year", "2026").output and NAME not in run("--year", "2026").output
    (line, told) = run("--measure", "cms122").output.splitlines()
    assert line.startswith("2026") and told.endswith("(not installed)")
    unknown = run("--year", "2019")
    assert unknown.exit_code == 2 and "known are those of 2022, 2023" in unknown.stderr


def test_a_release_is_installed_in_its_version_whatever_its_year() -> None:
    (release,) = (each for each in known_releases() if each.year == 2026)
    measure = next(each for each in release.measures if each.cms_id == "CMS1244")

    def specification(year: int, version: str) -> Specification:
        return Specification(year, measure.name, version, "", "", (), (measure.name,), (), "", "")

    own, other, earlier = specification(2027, measure.version), specification(2026, "0.1"), specification(2025, "0.1")
    assert release.installed(measure, [own, other, earlier]) == [own, other]
