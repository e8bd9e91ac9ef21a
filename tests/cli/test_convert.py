"""`ecqm convert`: patients from one form into the other, and what is told of what is lost."""

from __future__ import annotations

import zipfile
from pathlib import Path

from click.testing import CliRunner, Result

from ecqm.cli.main import main
from ecqm.data.qdm.equality import differences
from ecqm.data.qdm.patients import read_whole
from tests.data.qdm.patients import code, element, full_patient, patient


def convert(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["convert", *map(str, arguments)])


def test_there_and_back(tmp_path: Path) -> None:
    source, there, back = tmp_path / "jo.json", tmp_path / "jo.xml", tmp_path / "back.json"
    source.write_bytes(full_patient())
    assert convert(source, "--to", "qrda1", "--output", there, "--period", "2026-01-01/2026-12-31").exit_code == 0
    assert b'value="20261231"' in there.read_bytes()
    assert convert(there, "--to", "json", "--output", back).exit_code == 0
    first, second = (read_whole(path.read_bytes(), path.name)[1][0] for path in (source, back))
    assert differences(first, second) == []


def test_documents_name_their_measures(tmp_path: Path) -> None:
    (tmp_path / "jo.json").write_bytes(full_patient())
    uuid = "31f02a2d-aed4-4f19-ac57-6fec60db6232"
    result = convert(tmp_path / "jo.json", "--to", "qrda1", "--measure", uuid, "--output", tmp_path / "jo.xml")
    assert result.exit_code == 0, result.output
    assert f'root="2.16.840.1.113883.4.738" extension="{uuid}"'.encode() in (tmp_path / "jo.xml").read_bytes()
    assert convert(tmp_path / "jo.json", "--to", "qrda1", "--measure", "CMS122").exit_code == 2


def test_to_standard_output(tmp_path: Path) -> None:
    (tmp_path / "jo.json").write_bytes(full_patient())
    result = convert(tmp_path / "jo.json", "--to", "qrda1")
    assert result.exit_code == 0 and "<ClinicalDocument" in result.output


def test_folders_keep_their_shape(tmp_path: Path) -> None:
    for name in ("a/jo.json", "b/jo.json"):
        (tmp_path / "in" / name).parent.mkdir(parents=True)
        (tmp_path / "in" / name).write_bytes(full_patient())
    assert convert(tmp_path / "in", "--to", "qrda1", "--output", tmp_path / "out").exit_code == 0
    assert sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.xml")) == [
        "a/jo.xml", "b/jo.xml",
    ]  # fmt: skip
    assert convert(tmp_path / "in", "--to", "qrda1").exit_code == 2


def test_what_is_lost_is_told(tmp_path: Path) -> None:
    (tmp_path / "jo.json").write_bytes(patient(element("Diagnosis", "d", [code("1")], mood="sad")))
    result = convert(tmp_path / "jo.json", "--to", "qrda1")
    assert result.exit_code == 1
    assert "Diagnosis.mood is not an attribute in QDM 5.6" in result.output + result.stderr


def test_characters_that_xml_has_not_are_lost_and_told(tmp_path: Path) -> None:
    odd = element("Diagnosis", "d\x00", [code("1\x01")])
    (tmp_path / "jo.json").write_bytes(patient(odd, identifier="p\x02"))
    result = convert(tmp_path / "jo.json", "--to", "qrda1", "--output", tmp_path / "jo.xml")
    assert result.exit_code == 1
    for place in ("patient.id", "Diagnosis.id", "Diagnosis.dataElementCodes"):
        assert f"{place}: All strings must be XML compatible" in result.stderr
    assert (tmp_path / "jo.xml").is_file()


def test_names_in_an_archive_do_not_lead_out_of_the_output(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        for name in ("../../out.json", "/root.json", "a/../../b.json"):
            archive.writestr(name, full_patient())
    assert convert(tmp_path / "in.zip", "--to", "qrda1", "--output", tmp_path / "x" / "y").exit_code == 0
    written = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.xml")]
    assert sorted(written) == ["x/y/a/b.xml", "x/y/out.xml", "x/y/root.xml"]


def test_nothing_to_convert(tmp_path: Path) -> None:
    (tmp_path / "jo.json").write_text("{}")
    result = convert(tmp_path / "jo.json", "--to", "qrda1")
    assert result.exit_code == 2 and "no QDM patients" in result.output + result.stderr


def test_documents_of_one_name_are_all_written(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "jo.json").write_bytes(full_patient())
    assert convert(folder / "jo.json", "--to", "qrda1", "--output", folder / "jo.xml").exit_code == 0
    assert convert(folder, "--to", "json", "--output", tmp_path / "out").exit_code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["jo-2.json", "jo.json"]


def test_numbers_of_any_exponent(tmp_path: Path) -> None:
    stay = element("EncounterPerformed", "e", [code("1")], lengthOfStay={"value": 10, "unit": "d"})
    (tmp_path / "jo.json").write_bytes(patient(stay).replace(b'"value": 10', b'"value": 1E+999999999'))
    result = convert(tmp_path / "jo.json", "--to", "json")
    assert result.exit_code == 0 and "999999999" in result.stdout
