"""Loading: increments, and what may go wrong on the way."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ecqm.cluster.units import units_of
from ecqm.data import EVERYTHING, DataError, read_files
from ecqm.data.loading.load import load
from ecqm.data.source import PatientData
from ecqm.data.store.shard import CorruptShard
from ecqm.data.store.store import open_store
from ecqm.data.writing import sole_writer
from ecqm.terminology import CodeIndex
from tests.data.resources import Json, bundle, encounter, observation, patient, write
from tests.data.stores import content_of, export, load_killed, load_small

NO_PATIENTS: list[Any] = [None, {}, {"reference": "p1"}, {"reference": "patient/p1"}, {"identifier": {"value": "p1"}}]


class TestLoading:
    def test_everything_arrives(self, tmp_path: Path) -> None:
        manifest = load_small(export(tmp_path / "in"), tmp_path / "store")
        assert len(manifest.shards) > 2
        assert manifest.report["resources"] == {"Encounter": 80, "Location": 40, "Patient": 40}
        assert manifest.report["problems"] == 0
        store = open_store(tmp_path / "store")
        assert store.n_patients == 40
        cohorts = list(store.cohorts(EVERYTHING))
        assert sorted(name for cohort in cohorts for name in cohort.ids) == sorted(f"p{i}" for i in range(40))
        assert sum(len(cohort.table("Encounter")) for cohort in cohorts) == 80
        assert not (tmp_path / "store" / ".loading").exists()

    def test_processes_make_no_difference(self, tmp_path: Path) -> None:
        source = export(tmp_path / "in")
        load_small(source, tmp_path / "one")
        load_small(source, tmp_path / "two", jobs=2)
        assert content_of(tmp_path / "one") == content_of(tmp_path / "two")

    def test_bundles(self, tmp_path: Path) -> None:
        urns = ["urn:uuid:1", "urn:uuid:2"]
        visit = {"resourceType": "Encounter", "subject": {"reference": "urn:uuid:1"}}
        write(tmp_path / "in" / "1.json", bundle({"resourceType": "Patient"}, visit, urls=urns))
        write(tmp_path / "in" / "2.json", bundle(patient("a"), patient("b"), encounter("e", "b")))
        load_small(tmp_path / "in", tmp_path / "store")
        found = content_of(tmp_path / "store")
        assert {name: len(raws) for name, raws in found.items()} == {"urn:uuid:1": 2, "a": 1, "b": 2}

    def test_what_cannot_be_read_is_reported(self, tmp_path: Path) -> None:
        source = export(tmp_path / "in", 4)
        bad = write(source / "Observation.ndjson", observation("o1", "p1"), b"{", observation("o2", "nobody"), b"[1]")
        gone = write(source / "Procedure.ndjson.gz", b"no gzip")
        report = load_small(source, tmp_path / "store").report
        found = sorted((problem["file"], problem["entry"]) for problem in report["listed"])
        assert found == [(str(bad), 2), (str(bad), 3), (str(bad), 4), (str(gone), None)]
        assert report["resources"]["Observation"] == 1

    @pytest.mark.parametrize("broken", [b"", b"{"], ids=["whole blocks", "line by line"])
    def test_resources_that_name_no_patient_are_reported(self, tmp_path: Path, broken: bytes) -> None:
        source = tmp_path / "in"
        write(source / "Patient.ndjson", patient("p1"))
        nameless = [encounter("e1", "p1") | {"subject": subject} for subject in NO_PATIENTS]
        of_group = encounter("e9", "p1") | {"subject": {"reference": "Group/1"}}
        path = write(source / "Encounter.ndjson", encounter("e0", "p1"), *nameless, of_group, broken)
        report = load_small(source, tmp_path / "store").report
        found = [each for each in report["listed"] if "names no patient" in each["message"]]
        assert [(each["entry"], each["resource"]) for each in found] == [
            (line, "Encounter/e1") for line in range(2, 2 + len(NO_PATIENTS))
        ]
        cohort = read_files([source / "Patient.ndjson", path])
        assert [each.message for each in cohort.problems].count(found[0]["message"]) == len(NO_PATIENTS)
        assert len(cohort.table("Encounter")) == 1

    def test_dangling_references_are_counted(self, tmp_path: Path) -> None:
        source = export(tmp_path / "in", 4)
        nowhere = {"reference": "Encounter/none"}
        write(source / "Observation.ndjson", *(observation(f"o{i}", "p1", encounter=nowhere) for i in range(3)))
        report = load_small(source, tmp_path / "store").report
        assert report["dangling_references"] == {"Observation.encounter": 3}

    def test_a_store_made_anew_has_its_own_shared_resources(self, tmp_path: Path) -> None:
        for name in ("one", "two"):
            source, store = tmp_path / "in", tmp_path / "store"
            shutil.rmtree(store, ignore_errors=True)
            write(export(source, 4) / "Location.ndjson", {"resourceType": "Location", "id": "l1", "name": name})
            load_small(source, store)
            assert all(any(f'"{name}"' in raw for raw in raws) for raws in content_of(store).values())

    def test_a_store_is_not_overwritten(self, tmp_path: Path) -> None:
        source = export(tmp_path / "in", 4)
        load_small(source, tmp_path / "store")
        with pytest.raises(DataError, match="already"):
            load_small(source, tmp_path / "store")
        with pytest.raises(DataError, match="not a cohort store"):
            load_small(source, tmp_path / "other", append=True)
        with pytest.raises(DataError, match="not a cohort store"):
            open_store(tmp_path / "nowhere")

    def test_no_data(self, tmp_path: Path) -> None:
        (tmp_path / "in").mkdir()
        with pytest.raises(DataError, match="no files"):
            load_small(tmp_path / "in", tmp_path / "store")


class TestIncrements:
    def test_new_changed_and_deleted(self, tmp_path: Path) -> None:
        store = tmp_path / "store"
        load_small(export(tmp_path / "in"), store)
        before = open_store(store)
        changed = encounter("e0-p1", "p1", status="cancelled")
        write(tmp_path / "night" / "Encounter.ndjson", changed, encounter("new", "p2"), encounter("late", "p99"))
        write(tmp_path / "night" / "Patient.ndjson", patient("p99"))
        gone = [{"request": {"method": "DELETE", "url": "Encounter/e0-p3"}}]
        write(tmp_path / "night" / "gone.json", {"resourceType": "Bundle", "type": "transaction", "entry": gone})
        manifest = load([tmp_path / "night"], store, append=True)
        after = content_of(store)
        assert manifest.report["resources"] == {"Encounter": 81, "Location": 40, "Patient": 41}
        assert sum('"cancelled"' in raw for raw in after["p1"]) == 1
        assert len(after["p1"]) == len(after["p0"]) == 4
        assert len(after["p2"]) == 5
        assert len(after["p3"]) == 3
        assert len(after["p99"]) == 2
        # A reader that had opened the store keeps it as it was.
        assert sum(cohort.n for cohort in before.cohorts(EVERYTHING)) == 40

    def test_problems_of_files_are_kept_until_they_are_solved(self, tmp_path: Path) -> None:
        store = tmp_path / "store"
        source = export(tmp_path / "in", 4)
        bad = write(source / "Observation.ndjson", observation("o1", "p1"), b"{", {**observation("o2"), "subject": {}})
        load_small(source, store)

        def told() -> list[str]:
            opened = open_store(store)
            data = PatientData([store])
            (first, *others) = units_of(data, tmp_path / "spools")
            assert len(others) == len(opened.shards) - 1
            problems = first.cohort(EVERYTHING, CodeIndex()).problems
            assert [*opened.problems] == problems
            assert not any(unit.cohort(EVERYTHING, CodeIndex()).problems for unit in others)
            return [f"{problem.file}:{problem.entry}" for problem in problems]

        assert sorted(told()) == [f"{bad}:2", f"{bad}:3"]
        manifest = load([write(tmp_path / "next" / "Patient.ndjson", patient("late"))], store, append=True)
        assert manifest.report["problems"] == 0
        assert len(told()) == 2
        load([write(tmp_path / "last" / "Observation.ndjson", observation("o2", "p2"))], store, append=True)
        assert told() == [f"{bad}:2"]

    def test_patients_replaced(self, tmp_path: Path) -> None:
        store = tmp_path / "store"
        load_small(export(tmp_path / "in"), store)
        write(tmp_path / "new" / "all.json", bundle(patient("p1"), encounter("only", "p1")))
        load([tmp_path / "new"], store, replace_patients=True)
        after = content_of(store)
        assert [json.loads(raw)["id"] for raw in after["p1"]] == ["only", "p1"]
        assert len(after["p2"]) == 4

    def test_a_patient_who_comes_after_their_resources(self, tmp_path: Path) -> None:
        store = tmp_path / "store"
        source = export(tmp_path / "in", 3)
        write(source / "Observation.ndjson", observation("o1", "late"))
        assert load_small(source, store).report["problems"] == 1
        write(tmp_path / "next" / "Patient.ndjson", patient("late"))
        load([tmp_path / "next"], store, append=True)
        assert len(content_of(store)["late"]) == 2

    def test_shared_resources_reach_who_comes_later(self, tmp_path: Path) -> None:
        store = tmp_path / "store"
        load_small(export(tmp_path / "in", 3), store)
        there = [{"location": {"reference": "Location/l2"}}]
        write(tmp_path / "next" / "Encounter.ndjson", encounter("e9", "p1", location=there))
        renamed = {"resourceType": "Location", "id": "l1", "name": "renamed"}
        write(tmp_path / "next" / "Location.ndjson", renamed)
        load([tmp_path / "next"], store, append=True)
        after = content_of(store)
        assert [sum('"renamed"' in raw for raw in after[name]) for name in ("p0", "p1", "p2")] == [1, 1, 1]
        assert sum('"Location"' in raw for raw in after["p1"]) == 2


FULL = """
import resource, signal, sys
from pathlib import Path
from ecqm.data.loading.load import load
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500))
try:
    load([Path(sys.argv[1])], Path(sys.argv[2]), shard_size=4_000)
except OSError as error:
    sys.exit(77)
"""


class TestFaults:
    @pytest.mark.parametrize("step", [1, 2, 3, 4, 6])
    def test_killed_and_started_again(self, tmp_path: Path, step: int) -> None:
        source = export(tmp_path / "in")
        store = tmp_path / "store"
        load_killed(source, store, step)
        with pytest.raises(DataError):
            open_store(store)
        load_small(source, store)
        load_small(source, tmp_path / "whole")
        assert content_of(store) == content_of(tmp_path / "whole")

    def test_processes_of_a_killed_load_end_before_the_next(self, tmp_path: Path) -> None:
        source = export(tmp_path / "in", 120)
        store = tmp_path / "store"
        load_killed(source, store, 8, jobs=2)
        with sole_writer(store):
            left = sorted((store / "shards").rglob("*"))
            time.sleep(0.5)
            assert sorted((store / "shards").rglob("*")) == left
        load_small(source, store)
        load_small(source, tmp_path / "whole")
        assert content_of(store) == content_of(tmp_path / "whole")

    def test_killed_and_started_with_other_data(self, tmp_path: Path) -> None:
        load_killed(export(tmp_path / "in"), tmp_path / "store", 6)
        other = export(tmp_path / "other", 3)
        load_small(other, tmp_path / "store")
        load_small(other, tmp_path / "whole")
        assert content_of(tmp_path / "store") == content_of(tmp_path / "whole")

    def test_disk_full(self, tmp_path: Path) -> None:
        source = export(tmp_path / "in")
        store = tmp_path / "store"
        script = [sys.executable, "-c", FULL, str(source), str(store)]
        full = subprocess.run(script, capture_output=True, text=True, check=False)
        assert full.returncode == 77, full.stderr
        load_small(source, store)
        assert len(content_of(store)) == 40

    def test_two_writers(self, tmp_path: Path) -> None:
        source = export(tmp_path / "in", 3)
        store = tmp_path / "store"
        refused = []

        class Second:
            def sorted(self, size: int, total: int) -> None:
                with pytest.raises(DataError, match="being written"):
                    load_small(source, store)
                refused.append(True)

            def built(self, shards: int) -> None: ...

        load_small(source, store, watcher=Second())
        assert refused

    def test_a_corrupt_shard_is_left_out_and_named(self, tmp_path: Path) -> None:
        store = tmp_path / "store"
        manifest = load_small(export(tmp_path / "in"), store)
        lost = manifest.shards[1]
        (store / "shards" / lost.folder / "Patient.arrow").write_bytes(b"nothing")
        corrupt: list[CorruptShard] = []
        found = sum(cohort.n for cohort in open_store(store).cohorts(EVERYTHING, corrupt=corrupt))
        assert found == 40 - lost.patients
        assert lost.folder in str(corrupt[0])
        with pytest.raises(CorruptShard):
            list(open_store(store).cohorts(EVERYTHING))

    @pytest.mark.parametrize("name", ["manifest.json", "shared-1.spool"])
    def test_stores_with_changed_files_are_refused(self, tmp_path: Path, name: str) -> None:
        source, store = export(tmp_path / "in", 4), tmp_path / "store"
        load_small(source, store)
        content = (store / name).read_bytes()
        (store / name).write_bytes(content.replace(b"Location", b"Lokation"))
        with pytest.raises(DataError, match=rf"{name}: not what was written \(its checksum differs\)"):
            load([source], store, append=True)

    @pytest.mark.parametrize(
        "change", [{"generation": "2"}, {"shards": {}}, {"shards": [{"folder": 1}]}, {"checksum": []}], ids=str
    )
    def test_manifests_of_another_shape_are_refused(self, tmp_path: Path, change: Json) -> None:
        store = tmp_path / "store"
        load_small(export(tmp_path / "in", 4), store)
        path = store / "manifest.json"
        path.write_text(json.dumps(json.loads(path.read_bytes()) | change))
        with pytest.raises(DataError, match=r"manifest\.json: damaged: .* at `\$\."):
            open_store(store)
