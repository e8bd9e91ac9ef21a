"""Content of repositories, bundles and archives: what it has, what it takes from further folders, what is missing."""

from __future__ import annotations

import json
import time
import zipfile
from pathlib import Path

import pytest

from ecqm.bundles.content import Content
from ecqm.bundles.content.documents import ContentError, open_documents
from ecqm.bundles.content.elm import elm_source
from ecqm.bundles.content.libraries import LibraryNotFound
from ecqm.data.files.archives import ArchiveLimits
from ecqm.measures.definition.naming import MeasureNotFound, cms_id
from tests.bundles.contents import (
    VALUE_SET,
    bundle,
    elm,
    library,
    measure,
    missing_value_sets,
    resources,
    value_set,
    write_bundle,
    write_repository,
)
from tests.content import CONTENT, needs_content


def check(content: Content) -> None:
    read = content.measure("CMS7")
    assert read.name == "CMS7FHIRExample"
    closure = content.closure(read)
    assert [str(source) for source in closure.libraries] == ["CMS7FHIRExample|1.0.0", "Common|2.0.0"]
    assert not closure.missing and not content.problems
    assert closure.value_sets() == {VALUE_SET: ["CMS7FHIRExample"]}
    assert missing_value_sets(content, [read]) == []
    assert all(elm_source(source) is not None for source in content.libraries)
    assert content.libraries.find("CMS7FHIRExample").cql() == "library CMS7FHIRExample version '1.0.0'"


def test_repository(tmp_path: Path) -> None:
    root = write_repository(tmp_path, *resources())
    (tmp_path / "input" / "tests" / "measure").mkdir(parents=True)
    (tmp_path / "input" / "tests" / "measure" / "broken.json").write_text("{")
    content = Content.open(root)
    check(content)
    assert content.tests == tmp_path / "input" / "tests" / "measure"


def test_what_a_repository_bundles_of_earlier_versions_is_not_its_content(tmp_path: Path) -> None:
    root = write_repository(tmp_path / "repository", *resources())
    write_bundle(root / "bundles" / "measure" / "CMS7.json", measure(version="0.9.000"), library("Common", "1.9.0"))
    check(Content.open(root))
    archive = tmp_path / "repository.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in (path for path in root.rglob("*") if path.is_file()):
            packed.write(path, "repository-main" / path.relative_to(root))
    content = Content.open(archive)
    check(content)
    assert len(content.measures) == 1


def test_bundle_and_zip_and_folder_of_them(tmp_path: Path) -> None:
    path = write_bundle(tmp_path / "folder" / "bundle.json", *resources())
    check(Content.open(path))
    check(Content.open(path.parent))
    archive = tmp_path / "export.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.write(path, "CMS7/bundle.json")
        packed.writestr("__MACOSX/CMS7/._bundle.json", "not json")
        packed.writestr("CMS7/human-readable.html", "<p>")
        packed.writestr("CMS7/tests/case/Patient.json", "not json")
    check(Content.open(archive))


def test_bundle_in_a_bundle(tmp_path: Path) -> None:
    check(Content.open(write_bundle(tmp_path / "b.json", bundle(*resources()))))


def test_what_content_lacks_is_taken_from_further_folders(tmp_path: Path) -> None:
    only_cql = library("CMS7FHIRExample", cql="library CMS7FHIRExample version '1.0.0'")
    root = write_repository(tmp_path / "content", measure(), only_cql)
    (tmp_path / "libraries").mkdir()
    (tmp_path / "libraries" / "CMS7FHIRExample.json").write_text(
        elm("CMS7FHIRExample", includes={"Common": "2.0.0"}, value_sets=(VALUE_SET,))
    )
    (tmp_path / "libraries" / "Common.cql").write_text("// Common\nlibrary \"Common\" version '2.0.0'\n")
    write_bundle(tmp_path / "valuesets" / "all.json", value_set())
    alone = Content.open(root)
    assert [str(source) for source in alone.libraries if elm_source(source) is None] == ["CMS7FHIRExample|1.0.0"]
    content = Content.open(root, [tmp_path / "libraries"], [tmp_path / "valuesets"])
    closure = content.closure(content.measure("CMS7"))
    assert [(source.name, elm_source(source) is not None) for source in closure.libraries] == [
        ("CMS7FHIRExample", True),
        ("Common", False),
    ]
    assert missing_value_sets(content, [content.measure("CMS7")]) == []


def test_content_comes_before_further_folders(tmp_path: Path) -> None:
    root = write_repository(tmp_path / "content", *resources())
    (tmp_path / "libraries").mkdir()
    (tmp_path / "libraries" / "Common.json").write_text(elm("Common", "2.0.0", includes={"Other": "1"}))
    content = Content.open(root, [tmp_path / "libraries"])
    assert content.libraries.find("Common", "2.0.0").declared.includes == ()


def test_a_missing_library_names_the_versions_at_hand(tmp_path: Path) -> None:
    items = [item for item in resources() if item.get("name") != "Common"]
    content = Content.open(
        write_repository(tmp_path, *items, library("Common", "3.0.0", elm_json=elm("Common", "3.0.0")))
    )
    (missing,) = content.closure(content.measure("CMS7")).missing
    assert "Common version 2.0.0" in missing and "3.0.0" in missing and "CMS7FHIRExample|1.0.0 includes" in missing
    relaxed = content.closure(content.measure("CMS7"), relax_versions=True)
    assert [str(source) for source in relaxed.libraries][1] == "Common|3.0.0"
    with pytest.raises(LibraryNotFound, match="library Nowhere version 1 not found; add the folder"):
        content.libraries.find("Nowhere", "1")
    with pytest.raises(LibraryNotFound, match=r"library Commons not found; did you mean Common\? Otherwise add"):
        content.libraries.find("Commons")


def test_logic_of_another_version_than_its_resource_is_told(tmp_path: Path) -> None:
    items = [measure(), library("CMS7FHIRExample", "1.0.0", elm_json=elm("CMS7FHIRExample", "0.9.000"))]
    closure = (content := Content.open(write_repository(tmp_path, *items))).closure(content.measure("CMS7"))
    assert closure.warnings == ("library CMS7FHIRExample|1.0.0: its logic says that it is version 0.9.000",)


def test_value_sets_that_are_missing_name_their_libraries(tmp_path: Path) -> None:
    cut = value_set(expansion={"total": 5, "contains": [{"system": "http://s", "code": "a"}]})
    content = Content.open(write_repository(tmp_path, *resources()[:3], cut))
    (missing,) = missing_value_sets(content, [content.measure("CMS7")])
    assert missing.users == ("CMS7FHIRExample",) and "1 of 5 codes" in str(missing)


def test_libraries_that_include_each_other_end(tmp_path: Path) -> None:
    one = library("CMS7FHIRExample", elm_json=elm("CMS7FHIRExample", includes={"Two": "1.0.0"}))
    two = library("Two", elm_json=elm("Two", includes={"CMS7FHIRExample": "1.0.0"}))
    content = Content.open(write_repository(tmp_path, measure(), one, two))
    assert len(content.closure(content.measure("CMS7")).libraries) == 2


def test_includes_and_value_sets_of_cql_and_of_elm_xml(tmp_path: Path) -> None:
    (tmp_path / "A.cql").write_text(
        "/* include Not version '1' */\nlibrary A version '1'\n// include Nor version '1'\n"
        "include hl7.fhir.B version '2' called B\ninclude \"C\"\n"
        "valueset \"VS // not a comment\": 'urn:oid:1.2.3' version '7'\n"
    )
    (tmp_path / "D.xml").write_text(
        '<library xmlns="urn:hl7-org:elm:r1"><identifier id="D" version="1"/><includes><def path="E" version="2"/>'
        '</includes><valueSets><def id="1.2.4"/></valueSets></library>'
    )
    (tmp_path / "fhir.xml").write_text('<Library xmlns="http://hl7.org/fhir"/>')
    content = Content.open(tmp_path)
    a, d = content.libraries.find("A"), content.libraries.find("D")
    assert a.declared.includes == (("B", "2"), ("C", None)) and a.declared.value_sets == ("urn:oid:1.2.3|7",)
    assert d.declared.includes == (("E", "2"),) and d.declared.value_sets == ("1.2.4",)
    assert not content.problems


def test_documents_that_cannot_be_used_are_listed_and_the_rest_is_read(tmp_path: Path) -> None:
    root = write_repository(tmp_path, *resources())
    folder = tmp_path / "input" / "resources"
    (folder / "cut.json").write_text('{"resourceType": "Library", "name"')
    (folder / "odd.json").write_text('{"resourceType": "Device", "version": [1]}')
    (folder / "list.json").write_text("[]")
    (folder / "bare.json").write_text('{"resourceType": "Measure", "name": "Bare"}')
    (folder / "cut.xml").write_text('<library xmlns="urn:hl7-org:elm:r1">')
    content = Content.open(root)
    assert content.measure("CMS7")
    named = [problem.split(":")[0].rsplit("/", 1)[-1] for problem in content.problems]
    assert sorted(named) == ["bare.json", "cut.json", "cut.xml", "list.json"]


def test_nothing_to_read(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="neither JSON nor CQL"):
        Content.open(tmp_path)
    with pytest.raises(ContentError, match="there is no file or folder"):
        Content.open(tmp_path / "absent")
    (tmp_path / "x.zip").write_bytes(b"not a zip")
    with pytest.raises(ContentError, match="not a readable zip"):
        Content.open(tmp_path / "x.zip")


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        (ArchiveLimits(entries=1), "has 3 entries"),
        (ArchiveLimits(total_size=1000), "more than 1000 bytes"),
    ],
)
def test_archives_beyond_the_limits_are_refused(tmp_path: Path, limits: ArchiveLimits, says: str) -> None:
    with pytest.raises(ContentError, match=says):
        open_documents(bomb(tmp_path), limits)


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        (ArchiveLimits(entry_size=1000, total_size=1000), "a.json: unpacks to more than 1000 bytes"),
        (ArchiveLimits(ratio=10, ratio_from=1000), "a.json: unpacks to more than 10 times"),
    ],
)
def test_a_file_beyond_the_limits_costs_itself(tmp_path: Path, limits: ArchiveLimits, says: str) -> None:
    large, small = open_documents(bomb(tmp_path), limits)
    with pytest.raises(ContentError, match=says):
        large.read()
    assert small.read() == b"{}"


def bomb(folder: Path) -> Path:
    """An archive of one large file, a small one, and a picture that nothing reads."""
    with zipfile.ZipFile(folder / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("a.json", "0" * 100_000)
        packed.writestr("b.json", "{}")
        packed.writestr("c.png", "0" * 100_000)
    return folder / "bomb.zip"


def test_an_archive_that_lies_about_its_sizes_is_still_bounded(tmp_path: Path) -> None:
    path = tmp_path / "liar.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("a.json", "0" * 100_000)
    data = path.read_bytes().replace((100_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    path.write_bytes(data)
    (document,) = open_documents(path, ArchiveLimits(entry_size=1000))
    with pytest.raises(ContentError):
        document.read()


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("CMS122FHIRDiabetes", "CMS122"),
        ("CMS0334FHIRPC", "CMS334"),
        ("CMSFHIR844Hybrid", "CMS844"),
        ("cms2", "CMS2"),
        ("Oncology", None),
    ],
)
def test_cms_ids(name: str, number: str | None) -> None:
    assert cms_id(name) == number


def test_measures_by_name(tmp_path: Path) -> None:
    identifier = [{"system": "https://madie.cms.gov/measure/shortName", "value": "CMS157FHIR"}]
    items = [
        measure("CMS7FHIRExample"),
        measure("CMS71FHIRStroke"),
        measure("PainFHIR", identifier=identifier),
        measure("CMS7FHIRExample", version="2.0.0", id="second"),
    ]
    content = Content.open(write_bundle(tmp_path / "b.json", *items))
    find = content.measures.find
    assert find("cms71").name == find("http://example.org/Measure/CMS71FHIRStroke").name == "CMS71FHIRStroke"
    assert find("CMS157PainFHIR").name == find("CMS157").name == find("Pain").name == "PainFHIR"
    assert find("CMS7FHIRExample|2.0.0").version == "2.0.0"
    assert find("CMS7FHIRExample|1.0.0").version == "1.0.0" and find("CMS7").version == "2.0.0"
    with pytest.raises(MeasureNotFound, match="did you mean CMS71FHIRStroke"):
        find("CMS72FHIRStroke")
    with pytest.raises(MeasureNotFound, match="there is no measure 'CMS9'"):
        find("CMS9")
    with pytest.raises(MeasureNotFound, match=r"no version 3.0.0 of CMS7FHIRExample; there is 2.0.0, 1.0.0"):
        find("CMS7|3.0.0")
    assert len(content.select()) == 4 and len(content.select(["CMS71", "CMS71FHIRStroke"])) == 1


def test_two_measures_by_one_name(tmp_path: Path) -> None:
    elsewhere = {"version": "2.0.0", "url": "http://elsewhere.org/Measure/Example"}
    content = Content.open(write_bundle(tmp_path / "b.json", measure("Example"), measure("Example", **elsewhere)))
    both = r"Example\|1.0.0 \(http://example.org/Measure/Example\), Example\|2.0.0 \(http://elsewhere.org"
    with pytest.raises(MeasureNotFound, match=both):
        content.measure("Example")
    assert content.measure("http://elsewhere.org/Measure/Example").version == "2.0.0"


def test_the_latest_version_is_taken_and_told(tmp_path: Path) -> None:
    versions = [
        measure("Example", version=version, id=f"v{version}") for version in ("1.9.0", "1.10.0", "1.10.0-draft")
    ]
    content = Content.open(write_bundle(tmp_path / "b.json", *versions))
    assert [each.version for each in content.select(["Example", "Example"])] == ["1.10.0"]
    (notice,) = content.notices
    assert notice.startswith("measure Example is here in several versions: Example|1.10.0 is taken")
    assert notice.endswith("Example|1.10.0-draft, Example|1.9.0")
    assert content.measure("Example|1.9.0").version == "1.9.0" and len(content.notices) == 1
    assert len(content.select()) == 3


@needs_content
def test_published_content_has_every_value_set_of_every_measure() -> None:
    started = time.perf_counter()
    content = Content.open(
        CONTENT / "ecqm-content-qicore-2025", [CONTENT / "libraries-2025"], [CONTENT / "valuesets-2025"]
    )
    measures = content.select()
    assert len(measures) == 53 and not content.problems
    assert not [missing for m in measures for missing in content.closure(m).missing]
    assert all(elm_source(source) is not None for source in content.libraries)
    assert missing_value_sets(content, measures) == []
    assert time.perf_counter() - started < 20
    assert content.measures.find("CMS334").name == "CMS0334FHIRPCCesareanBirth"
    assert content.measures.find("CMS157OncologyPainIntensityQuantifiedFHIR").cms_id == "CMS157"


@needs_content
def test_published_content_alone_names_what_it_lacks() -> None:
    content = Content.open(CONTENT / "ecqm-content-qicore-2025")
    missing = missing_value_sets(content, content.select())
    assert len(missing) > 100 and all(item.users for item in missing)
    assert any(item.found is not None for item in missing)  # cut, and with nothing to complete it from


def test_a_manifest_says_which_versions_count(tmp_path: Path) -> None:
    pinned = [
        {"type": "depends-on", "resource": f"{VALUE_SET}|20210101"},
        {"type": "composed-of", "resource": "http://example.org/Measure/CMS7|1"},
        {"type": "depends-on", "resource": "http://example.org/Library/X"},
    ]
    manifest = {"resourceType": "Library", "id": "M-2025", "name": "Manifest", "relatedArtifact": pinned}
    versions = {year: {"resourceType": "ValueSet", "url": VALUE_SET, "version": f"{year}0101"} for year in (2021, 2024)}
    for year, resource in versions.items():
        expansion = {"total": 1, "contains": [{"system": "http://s", "code": str(year)}]}
        (tmp_path / f"{year}.json").write_text(json.dumps(resource | {"expansion": expansion}))
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    for name in ("M-2025", "Manifest", str(tmp_path / "manifest.json")):
        content = Content.open(tmp_path)
        assert content.value_sets.expand(VALUE_SET) == {("http://s", "2024")}
        content.pin(name)
        assert content.value_sets.expand(VALUE_SET) == {("http://s", "2021")}
    with pytest.raises(ContentError, match="there is no manifest other; there are: M-2025, Manifest"):
        content.pin("other")
    with pytest.raises(ContentError, match="a ValueSet resource"):
        content.pin(str(tmp_path / "2021.json"))
