"""Data in zip archives: read like the files of a folder, within limits."""

from __future__ import annotations

import gzip
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from ecqm.cluster.units import units_of
from ecqm.data import EVERYTHING, Cohort
from ecqm.data.files import archived
from ecqm.data.files.content import read_blocks, read_bytes
from ecqm.data.files.inputs import data_files, find_inputs
from ecqm.data.loading.load import load
from ecqm.data.reading.files import read_files
from ecqm.data.source import PatientData
from ecqm.data.store.store import open_store
from ecqm.terminology import CodeIndex
from tests.data.resources import Json, bundle, encounter, observation, patient


def zipped(path: Path, **files: bytes) -> Path:
    """An archive; `__` in a name is a slash, and `_` a dot."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), content)
    return path


def lines(*resources: Json) -> bytes:
    return b"".join(json.dumps(resource).encode() + b"\n" for resource in resources)


def export(path: Path) -> Path:
    """Three patients, one in a bundle, with data in every kind of file."""
    return zipped(
        path,
        Patient_ndjson=lines(patient("p1"), patient("p2")),
        more__Encounter_ndjson_gz=gzip.compress(lines(encounter("e1"), encounter("e2", "p2"))),
        more__Observation_ndjson_zst=pa.compress(lines(observation("o1")), "zstd", asbytes=True),
        p3_json=json.dumps(bundle(patient("p3"), encounter("e3", "p3"))).encode(),
    )


def told(cohort: Cohort) -> tuple[list[str], int, int]:
    return sorted(cohort.ids), len(cohort.table("Encounter")), len(cohort.table("Observation"))


THREE = (["p1", "p2", "p3"], 3, 1)


def test_every_kind_of_file_in_an_archive_is_read(tmp_path: Path) -> None:
    path = export(tmp_path / "export.zip")
    cohort = read_files([path])
    assert told(cohort) == THREE and not cohort.problems
    assert told(read_files([tmp_path])) == THREE


def test_archives_are_sorted_and_loaded_in_several_processes(tmp_path: Path) -> None:
    path = export(tmp_path / "export.ZIP")
    units = units_of(PatientData([path]), tmp_path / "spools", unit_size=100)
    cohorts = [unit.cohort(EVERYTHING, CodeIndex()) for unit in units]
    assert sorted(identifier for cohort in cohorts for identifier in cohort.ids) == THREE[0]
    manifest = load([path], tmp_path / "store", jobs=2)
    assert manifest.report["patients"] == 3 and not manifest.report["problems"]
    (stored,) = open_store(tmp_path / "store").cohorts(EVERYTHING)
    assert told(stored) == THREE


def test_lines_from_any_place(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", lines_ndjson=b"one\ntwo\nthree\n") / "lines.ndjson"
    assert [block.lines for block in read_blocks(path, start=4)] == [[b"two", b"three"]]


def test_the_manifest_of_an_export_may_be_in_the_archive(tmp_path: Path) -> None:
    listed = {"transactionTime": "2026-01-01T00:00:00Z", "output": [{"type": "Patient", "url": "Patient.ndjson"}]}
    path = zipped(tmp_path / "a.zip", manifest_json=json.dumps(listed).encode(), Patient_ndjson=lines(patient("p1")))
    inputs = find_inputs([path])
    assert inputs.files == (path / "Patient.ndjson",) and len(inputs.exports) == 1


def nested(path: Path, times: int) -> Path:
    """An export in an archive that is in so many others."""
    content = export(path).read_bytes()
    for _ in range(times):
        content = zipped(path, exports__clinic_zip=content).read_bytes()
    return path


def test_archives_in_archives_are_read(tmp_path: Path) -> None:
    inner = export(tmp_path / "inner.zip").read_bytes()
    inner_of_other = zipped(tmp_path / "inner.zip", Patient_ndjson=lines(patient("p4"))).read_bytes()
    (tmp_path / "inner.zip").unlink()
    outer = zipped(tmp_path / "outer.zip", a__one_zip=inner, two_zip=inner_of_other, p5_json=lines(patient("p5")))
    files = [file.relative_to(outer).as_posix() for file in data_files(outer)]
    assert files[0] == "a/one.zip/Patient.ndjson" and files[-1] == "two.zip/Patient.ndjson" and len(files) == 6
    cohort = read_files([outer])
    assert told(cohort) == (["p1", "p2", "p3", "p4", "p5"], 3, 1) and not cohort.problems
    load([outer], tmp_path / "store", jobs=2)
    (stored,) = open_store(tmp_path / "store").cohorts(EVERYTHING)
    assert told(stored) == told(cohort)


def test_how_deep_archives_may_be_in_archives(tmp_path: Path) -> None:
    assert told(read_files([nested(tmp_path / "deep.zip", archived.DEPTH)])) == THREE
    (problem,) = read_files([nested(tmp_path / "deeper.zip", archived.DEPTH + 1)]).problems
    assert problem.file.count(".zip/") == archived.DEPTH + 1 and "too many archives in another" in problem.message


def test_limits_of_archives_in_archives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archived, "LIMITS", replace(archived.LIMITS, ratio_from=1 << 16))
    # Packed twice, it is 200 times smaller only in the outermost archive.
    bomb = zipped(tmp_path / "bomb.zip", Patient_ndjson=b"1234567890" * (1 << 20)).read_bytes()
    outer = zipped(tmp_path / "bomb.zip", inner_zip=bomb, Patient_ndjson=lines(patient("p1")))
    cohort = read_files([outer])
    assert cohort.ids == ("p1",)
    assert [problem.message for problem in cohort.problems] == [
        "cannot be read: unpacks to more than 200 times its packed size"
    ]
    monkeypatch.setattr(archived, "LIMITS", replace(archived.LIMITS, entry_size=100))
    (problem,) = read_files([nested(tmp_path / "large.zip", 1)]).problems
    assert "an archive of more than 100 bytes in another" in problem.message


def test_what_cannot_be_read_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    (tmp_path / "damaged.zip").write_bytes(b"PK\x03\x04 and no more")
    zipped(tmp_path / "outer.zip", inner_zip=b"", Patient_ndjson=lines(patient("p1")))
    broken = zipped(tmp_path / "broken.zip", Patient_ndjson=lines(patient("p2")))
    content = broken.read_bytes()
    broken.write_bytes(content[:45] + b"xxxx" + content[49:])
    cohort = read_files([tmp_path])
    assert cohort.ids == ("p1",)
    messages = {problem.file.removeprefix(f"{tmp_path}/"): problem.message for problem in cohort.problems}
    assert messages.pop("broken.zip/Patient.ndjson").startswith("cannot be read")
    assert messages == {
        "damaged.zip": "cannot be read: not a readable zip archive: File is not a zip file",
        "outer.zip/inner.zip": "cannot be read: not a readable zip archive: File is not a zip file",
    }


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archived, "LIMITS", replace(archived.LIMITS, ratio_from=1 << 16))
    bomb = zipped(tmp_path / "bomb.zip", Patient_ndjson=b" " * (1 << 24))
    (problem,) = read_files([bomb]).problems
    assert problem.message == "cannot be read: unpacks to more than 200 times its packed size"


def test_a_document_that_is_too_large_is_refused_but_not_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archived, "LIMITS", replace(archived.LIMITS, entry_size=100))
    content = lines(patient("p1", gender="female", active=True, maritalStatus={"text": "a long text"}))
    path = zipped(tmp_path / "a.zip", p1_json=content, Patient_ndjson=content)
    cohort = read_files([path])
    assert cohort.ids == ("p1",)
    assert [str(problem) for problem in cohort.problems] == [
        f"{path}/p1.json: cannot be read: unpacks to more than 100 bytes"
    ]


def test_names_that_lead_elsewhere_are_taken_as_below_the_archive_and_hidden_files_are_skipped(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("../out.json", "/etc/absolute.json", "__MACOSX/._a.json", ".hidden.json", "a\\b.json"):
            archive.writestr(name, "{}")
    assert data_files(path) == [path / "a/b.json", path / "etc/absolute.json", path / "out.json"]


def test_an_archive_that_changes_is_opened_again(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", a_json=b"1")
    assert read_bytes(path / "a.json") == b"1"
    zipped(path, a_json=b"22")
    assert read_bytes(path / "a.json") == b"22"


def test_a_folder_may_be_named_like_an_archive(tmp_path: Path) -> None:
    folder = tmp_path / "export.zip"
    folder.mkdir()
    (folder / "Patient.ndjson").write_bytes(lines(patient("p1")))
    assert read_files([folder]).ids == ("p1",)
