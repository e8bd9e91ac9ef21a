"""Measure packages as authoring tools export them: HQMF, CQL and ELM in an archive."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from ecqm.bundles.content.documents import ContentError
from ecqm.bundles.packages.content import PackageContent
from ecqm.bundles.packages.exports import exports, read_export
from ecqm.bundles.packages.package import MeasurePackage
from ecqm.cli.main import main
from ecqm.measures.definition import Aggregate, Identifiers, PopulationCode, Scoring
from tests.bundles.packages.stays import LIBRARY, TWO_STAYS, VALUE_SETS

CRITERIA = """
<component typeCode="COMP"><{tag} classCode="OBS" moodCode="EVN"><id extension="{tag}" root="{root}"/>
  <precondition typeCode="PRCN"><allTrue><precondition typeCode="PRCN">
    <criteriaReference classCode="OBS" moodCode="EVN">
      <id extension="Stays.&quot;{define}&quot;" root="X"/></criteriaReference>
  </precondition></allTrue></precondition></{tag}></component>"""
POPULATIONS = "".join(
    CRITERIA.format(tag=tag, root=root, define=define)
    for tag, root, define in (
        ("initialPopulationCriteria", "A-1", "Initial Population"),
        ("measurePopulationCriteria", "A-2", "Initial Population"),
        ("measurePopulationExclusionCriteria", "A-3", "Diagnosed"),
        ("stratifierCriteria", "A-4", "Diagnosed"),
    )
)
HQMF = f"""<?xml version="1.0" encoding="UTF-8"?>
<QualityMeasureDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <id root="11111111-2222-3333-4444-555555555555"/><title value="Stays in days"/>
  <setId root="99999999-2222-3333-4444-555555555555"/><versionNumber value="3.0.000"/>
  <subjectOf><measureAttribute><code nullFlavor="OTH">
    <originalText value="eCQM Identifier (Measure Authoring Tool)"/></code>
    <value xsi:type="ED" mediaType="text/plain" value="901"/></measureAttribute></subjectOf>
  <subjectOf><measureAttribute><code code="MSRSCORE" codeSystem="2.16.840.1.113883.5.4"/>
    <value xsi:type="CD" code="CONTVAR"/></measureAttribute></subjectOf>
  <controlVariable><measurePeriod><code code="MSRTP"/><value xsi:type="PIVL_TS">
    <phase lowClosed="true" highClosed="true">
      <low value="202601010000"/><width xsi:type="PQ" unit="a" value="1"/></phase>
  </value></measurePeriod></controlVariable>
  <component><populationCriteriaSection><id extension="PopulationCriteria1" root="S"/>{POPULATIONS}
  </populationCriteriaSection></component>
  <component><measureObservationSection><definition><measureObservationDefinition classCode="OBS" moodCode="DEF">
    <value xsi:type="INT" nullFlavor="DER"><expression value="Stays.&quot;Days&quot;"/></value>
    <methodCode><item code="MEDIAN" codeSystem="2.16.840.1.113883.5.84"/></methodCode>
    <component typeCode="COMP"><criteriaReference classCode="OBS" moodCode="EVN"><id extension="m" root=" A-2"/>
    </criteriaReference></component></measureObservationDefinition></definition></measureObservationSection></component>
</QualityMeasureDocument>"""


def archive(path: Path, **changed: str | None) -> Path:
    members: dict[str, str | None] = {
        "CMS901/CMS901.xml": HQMF,
        "CMS901/resources/Stays-1.0.0.json": json.dumps(LIBRARY),
        "CMS901/cql/Stays-1.0.0.cql": "library Stays version '1.0.0'\nusing QDM version '5.6'",
        "CMS901/CMS901.html": "<html/>",
    }
    with zipfile.ZipFile(path, "w") as packed:
        for name, text in {**members, **{f"CMS901/{key}": text for key, text in changed.items()}}.items():
            if text is not None:
                packed.writestr(name, text)
    return path


def read_archive(path: Path) -> MeasurePackage:
    return read_export(next(exports(path)))


def test_an_archive_is_a_measure(tmp_path: Path) -> None:
    path = archive(tmp_path / "export.zip")
    package = read_archive(path)
    (group,) = package.measure.groups
    assert (package.measure.name, package.measure.version, package.measure.title) == (
        "CMS901",
        "3.0.000",
        "Stays in days",
    )
    assert package.measure.period == ("2026-01-01T00:00", "2026-12-31")
    assert (group.id, group.scoring) == ("PopulationCriteria1", Scoring.CONTINUOUS_VARIABLE)
    assert [population.id for population in group.criteria] == ["IPP", "MSRPOPL", "MSRPOPLEX"]
    (observation,) = group.observations
    assert (observation.code, observation.criteria_reference) == (PopulationCode.MEASURE_OBSERVATION, "MSRPOPL")
    assert observation.aggregate is Aggregate.MEDIAN
    assert [stratifier.components[0].expression for stratifier in group.stratifiers] == ["Diagnosed"]
    assert list(package.cql) == ["Stays"]


def test_parts_have_the_identifiers_of_the_document(tmp_path: Path) -> None:
    """QRDA Category III refers to populations by them."""
    measure = read_archive(archive(tmp_path / "export.zip")).measure
    specific, of_all = "11111111-2222-3333-4444-555555555555", "99999999-2222-3333-4444-555555555555"
    assert measure.identifiers == Identifiers(specific, of_all, "CMS901v3")
    (group,) = measure.groups
    assert [each.identifier for each in (*group.criteria, *group.stratifiers)] == ["A-1", "A-2", "A-3", "A-4"]


def test_supplemental_data(tmp_path: Path) -> None:
    supplement = """<component xmlns:cql-ext="urn:hhs-cql:hqmf-n1-extensions:v1"><cql-ext:supplementalDataElement>
      <id extension="Supplemental Data Elements" root="B"/><code code="SDE"/><precondition typeCode="PRCN">
      <criteriaReference classCode="OBS" moodCode="EVN"><id extension="Stays.&quot;SDE Sex&quot;" root="C"/>
      </criteriaReference></precondition></cql-ext:supplementalDataElement></component></populationCriteriaSection>"""
    document = HQMF.replace("</populationCriteriaSection>", supplement)
    (found,) = read_archive(archive(tmp_path / "export.zip", **{"CMS901.xml": document})).measure.supplemental_data
    assert found.expression == "SDE Sex"


def test_what_is_counted_is_told_by_the_logic(tmp_path: Path) -> None:
    package = read_archive(archive(tmp_path / "export.zip"))
    assert package.plan().measure.groups[0].basis == "EncounterPerformed"


def test_an_archive_runs(tmp_path: Path) -> None:
    path = archive(tmp_path / "export.zip", **{"value_sets.json": json.dumps(VALUE_SETS)})
    (tmp_path / "p.json").write_bytes(TWO_STAYS)
    arguments = ["run", path, "--measure", "CMS901", "--data", tmp_path / "p.json", "--output", tmp_path / "out"]
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert result.exit_code == 0, result.output
    headings, cells = (line.split() for line in result.output.splitlines()[:2])
    assert headings[2:5] == ["IPP", "MSRPOPL", "MSRPOPLEX"] and cells[2:5] == ["2", "2", "1"]


def test_value_sets_may_come_from_beside(tmp_path: Path) -> None:
    path = archive(tmp_path / "export.zip")
    (tmp_path / "p.json").write_bytes(TWO_STAYS)
    (tmp_path / "valuesets").mkdir()
    members = [{"system": "http://snomed.info/sct", "code": "183452005"}]
    resource = {"resourceType": "ValueSet", "url": f"http://cts.nlm.nih.gov/fhir/ValueSet/{VALUE_SETS[0]['oid']}"}
    resource["expansion"] = {"total": 1, "contains": members}  # type: ignore[assignment]
    (tmp_path / "valuesets" / "stays.json").write_text(json.dumps(resource))
    arguments = ["run", path, "--measure", "all", "--data", tmp_path / "p.json", "--output", tmp_path / "out"]
    without = CliRunner().invoke(main, list(map(str, arguments)))
    assert without.exit_code == 2 and "1 value set is missing" in without.output + without.stderr
    result = CliRunner().invoke(main, list(map(str, [*arguments, "--valuesets", tmp_path / "valuesets"])))
    assert result.exit_code == 0 and result.output.splitlines()[1].split()[2] == "2", result.output


def test_archives_that_are_wrong(tmp_path: Path) -> None:
    assert not list(exports(archive(tmp_path / "a.zip", **{"CMS901.xml": None})))
    for name, changed, told in (
        ("b", {"CMS901.xml": HQMF.replace("MSRSCORE", "MSRTYPE")}, "scored"),
        ("c", {"CMS901.xml": HQMF.replace("Stays.&quot;", "Other.&quot;")}, "no ELM of library Other"),
        ("d", {"second.xml": HQMF}, "a second HQMF document"),
        ("e", {"CMS901.xml": HQMF.replace("<Quality", "<!DOCTYPE a [<!ENTITY b 'c'>]><Quality", 1)}, "document type"),
        ("f", {"resources/Stays-1.0.0.json": '{"library": 1}'}, "the library cannot be identified"),
    ):  # fmt: skip
        with pytest.raises(ContentError, match=told):
            read_archive(archive(tmp_path / f"{name}.zip", **changed))


@pytest.fixture
def publication(tmp_path: Path) -> Path:
    """An archive of archives, as the measures of a year are published."""
    one = archive(tmp_path / "CMS901-v3.zip")
    other = archive(tmp_path / "CMS902-v1.zip", **{"CMS901.xml": HQMF.replace('value="901"', 'value="902"')})
    with zipfile.ZipFile(tmp_path / "year.zip", "w") as packed:
        packed.writestr("year/Read me.txt", "for people")
        for each in (one, other):
            packed.write(each, f"year/{each.name}")
    return tmp_path / "year.zip"


def test_an_archive_of_archives_is_several_measures(publication: Path) -> None:
    content = PackageContent.open(publication)
    assert [package.names[:2] for package in content.packages] == [("CMS901", "CMS901-v3"), ("CMS902", "CMS902-v1")]
    assert content.find("CMS902").origin == str(publication / "year/CMS902-v1.zip")
    assert content.packages[0].files == (publication,)


def test_an_archive_that_was_unpacked(tmp_path: Path, publication: Path) -> None:
    """With the folders of all measures in one, and with each in its own folder."""
    folder = tmp_path / "unpacked"
    for name in ("CMS901-v3", "CMS902-v1"):
        with zipfile.ZipFile(tmp_path / f"{name}.zip") as packed:
            packed.extractall(folder / name)
    for place in (folder / "CMS902-v1" / "CMS901", folder / "CMS902-v1"):
        assert [str(package) for package in PackageContent.open(place).packages] == ["CMS902|3.0.000"]
    for name in ("CMS901-v3", "CMS902-v1"):
        (folder / name / "CMS901").rename(folder / name.partition("-")[0])
    (one, other) = PackageContent.open(folder).packages
    assert (one.names[0], other.names[0], other.origin) == ("CMS901", "CMS902", str(folder / "CMS902"))
    assert len(one.files) == 3, "not the page for people"

    with zipfile.ZipFile(tmp_path / "both.zip", "w") as packed:
        for file in folder.glob("CMS*/**/*.*"):
            packed.write(file, file.relative_to(folder))
    names = [(package.names[0], len(package.cql)) for package in PackageContent.open(tmp_path / "both.zip").packages]
    assert names == [("CMS901", 1), ("CMS902", 1)]


def test_value_sets_of_a_registry(tmp_path: Path) -> None:
    code = '<Concept code="183452005" codeSystem="2.16.840.1.113883.6.96"/>'
    answer = f'<a xmlns="urn:ihe:iti:svs:2008"><ValueSet id="{VALUE_SETS[0]["oid"]}">{code}</ValueSet></a>'
    (tmp_path / "answer.xml").write_text(answer)
    (package,) = PackageContent.open(archive(tmp_path / "export.zip"), [tmp_path / "answer.xml"]).packages
    found = package.value_sets.find(str(VALUE_SETS[0]["oid"]))
    assert found is not None and found.codes == {("http://snomed.info/sct", "183452005")}
